"""Every command line of the documentation has the options and arguments that commands take."""

import re
import shlex
from pathlib import Path

import click
import pytest
from torch.distributed.run import get_args_parser

from latentpress.cli import main

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md")), ROOT / "training-state" / "README.md"]
ENDS = {"|", ">", "<", "&&", ";"}


def _lines(page: Path) -> list[str]:
    text = re.sub(r"\\\n\s*", " ", page.read_text())
    shown = re.compile(r"(    )?(latentpress|torchrun) [a-z-]")
    return [line.strip() for line in text.splitlines() if shown.match(line)]


LINES = [
    pytest.param(line, id=f"{page.relative_to(ROOT)}: {line[:60]}") for page in PAGES for line in _lines(page)
]


def _words(line: str) -> list[str]:
    """A line's words up to a pipe or a redirection, as if all that it leaves to choice were given."""
    lexer = shlex.shlex(re.sub(r"\[|\]|\.\.\.", " ", line), posix=True, punctuation_chars="|<>;&")
    lexer.whitespace_split, lexer.commenters = True, "#"
    words = list(lexer)
    return words[: next((number for number, word in enumerate(words) if word in ENDS), len(words))]


def _check(words: list[str]) -> None:
    command: click.Command = main
    while isinstance(command, click.Group):
        name, *arguments = words
        found = command.get_command(click.Context(command), name)
        assert found is not None, f"no command {name}"
        command, words = found, arguments
    context = click.Context(command, info_name=name)
    values, left, _ = command.make_parser(context).parse_args(words)
    assert left == []
    for parameter in command.params:
        value = values.get(parameter.name)
        if not isinstance(parameter.type, click.Path) and value is not None and not str(value).isupper():
            parameter.type_cast_value(context, value)


@pytest.mark.parametrize("line", LINES)
def test_a_documented_command_line_is_one_that_is_taken(line: str) -> None:
    if "|" in line and "(" in line:  # a grammar of alternatives, not a command line
        pytest.skip("a grammar")
    words = _words(line)
    if words[0] == "torchrun":
        found = get_args_parser().parse_args(words[1:])
        assert (found.no_python, found.training_script) == (True, "latentpress")
        words = [found.training_script, *found.training_script_args]
    _check(words[1:])


def test_there_are_lines_to_check() -> None:
    assert len(LINES) > 60
