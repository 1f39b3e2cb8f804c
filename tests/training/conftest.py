"""Small models, images and settings, so that whole runs take a second."""

from pathlib import Path
from typing import Any

import pytest
import torch
from small_runs import SMALL

from latentpress.training import TrainingSettings, resolve


@pytest.fixture
def small(tmp_path: Path) -> Any:
    """Settings of a small run in a folder of its own; keyword arguments replace values."""

    def make(**values: Any) -> TrainingSettings:
        return resolve({**SMALL, "run": str(tmp_path / "run"), **values})

    return make


@pytest.fixture(autouse=True)
def _one_thread() -> Any:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
