"""What the commands in here have in common: numbers as arguments, and errors as one sentence."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from latentpress._signals import interruption, raised
from latentpress._streams import flush_output, guard_streams
from latentpress.errors import ConfigurationError, LatentPressError


def run_command(command: str, run: Callable[[], None]) -> int:
    """Run a command, with an error as one sentence; the exit status."""
    guard_streams()
    try:
        with raised():
            run()
            flush_output()
    except LatentPressError as error:
        print(f"{command}: error: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        return 1
    except KeyboardInterrupt as error:
        status, text = interruption(error)
        print(f"{command}: {text}", file=sys.stderr)
        return status
    return 0


def numbers(texts: Sequence[str]) -> list[float]:
    """Numbers with commas or spaces between them.

    Raises:
        ConfigurationError: there is something else.
    """
    try:
        return [float(number) for text in texts for number in text.split(",") if number]
    except ValueError as error:
        raise ConfigurationError(f"Expected numbers such as 1,2,3, found {' '.join(texts)!r}.") from error
