"""Training on a CPU never meets torch's strided 1x1 convolutions, which write beyond their buffers."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from trained_steps import NAMES

PROGRAM = Path(__file__).with_name("trained_steps.py")


@pytest.mark.parametrize("number", ["float32", "bfloat16"])
def test_every_model_of_the_zoo_trains_two_steps_without_damage(number: str) -> None:
    done = subprocess.run(
        [sys.executable, PROGRAM, number],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == list(NAMES)
