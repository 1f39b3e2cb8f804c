"""What every test may use: where the shared reference material lies, and small images."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"


def pytest_report_header() -> list[str]:
    missing = []
    if not SHARED.is_dir():
        missing.append(f"WARNING: {SHARED} is absent: every test against recorded references is skipped.")
    if shutil.which("ffmpeg") is None:
        missing.append("WARNING: the program ffmpeg is absent: other people's video codecs are not run.")
    return missing


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder with recorded reference outputs and images; skips the test where it is absent."""
    if not SHARED.is_dir():
        pytest.skip(f"{SHARED} is absent")
    return SHARED


@pytest.fixture(scope="session")
def interop(shared: Path) -> Path:
    """Folder of recorded outputs of the reference implementations, with `seeded.py` importable."""
    folder = shared / "interop"
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    return folder


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002 - third-party code draws from the global generator
