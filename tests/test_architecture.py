"""What docs/architecture.md promises of the package's structure."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from latentpress import _lazy

ROOT = Path(__file__).parents[1]


def contracts() -> list[dict[str, object]]:
    tomllib = pytest.importorskip("tomllib")  # since Python 3.11
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return list(settings["tool"]["importlinter"]["contracts"])


def test_no_import_points_upward_and_none_goes_in_a_circle(monkeypatch: pytest.MonkeyPatch) -> None:
    cli = pytest.importorskip("importlinter.cli")
    monkeypatch.chdir(ROOT)
    assert cli.lint_imports(no_cache=True) == 0


def test_the_layers_that_are_held_are_those_of_the_page() -> None:
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    table = page[page.index("| package | holds |") : page.index("| `csrc/`")]
    rows = [re.findall(r"`(?:latentpress)?\.(\w+)`", row.split("|")[1]) for row in table.splitlines()[2:]]
    layers = next(each["layers"] for each in contracts() if each["type"] == "layers")
    assert isinstance(layers, list)
    held = [name for layer in layers for name in re.findall(r"\w+", layer) if not name.startswith("_")]
    named = [name for row in rows for name in row]
    assert [name for name in held if name in named] == named
    assert set(held) - set(named) == {"errors"}


def test_functions_of_higher_layers_that_lower_ones_reach_are_there() -> None:
    assert all(callable(_lazy.higher(name)) for name in _lazy._HIGHER)
