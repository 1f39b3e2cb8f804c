"""A Python process that computes as on a processor without wide vectors."""

import os
import subprocess
import sys
from pathlib import Path

_ENVIRONMENT = {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41"}


def run_on_other_processor(*arguments: str | Path) -> str:
    """What the interpreter prints when it is given these arguments there; it has to succeed."""
    done = subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, **_ENVIRONMENT, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
