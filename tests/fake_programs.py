"""Programs that stand in for the encoders and decoders that codecs run: they keep what they read, deflated,
and write down how they were called."""

import stat
import sys
from pathlib import Path

_PROGRAM = """#!{python}
import json, sys, zlib
from pathlib import Path
arguments = sys.argv[1:]
with open({log!r}, "a") as log:
    log.write(json.dumps([Path(sys.argv[0]).name, *arguments]) + "\\n")
source = arguments[arguments.index({read!r}) + 1] if {read!r} else arguments[-1]
data = Path(source).read_bytes()
work = zlib.{work}
Path(arguments[arguments.index({write!r}) + 1]).write_bytes(work(data))
"""


def write_program(path: Path, log: Path, *, work: str, read: str, write: str) -> None:
    """A program that reads the file after the argument `read`, or the last argument, and writes the one after
    `write`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_PROGRAM.format(python=sys.executable, log=str(log), work=work, read=read, write=write))
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def write_failing_program(path: Path) -> None:
    """A program that says why it fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\necho starting\necho 'picture too odd' >&2\nexit 3\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
