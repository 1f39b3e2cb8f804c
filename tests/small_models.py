"""Fixtures: small models with random weights as checkpoints that users would give, and a picture for them."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from latentpress import zoo
from latentpress.models import MeanScaleHyperprior
from latentpress.models.gained import GainedHyperprior


def small_gained(seed: int) -> GainedHyperprior:
    torch.manual_seed(seed)
    model = GainedHyperprior(widths=(8, 8), M=12, N=8, depths=(1, 1, 1), num_rates=3).eval()
    model.update()
    return model


GAINED_SIZES = {"widths": [8, 8], "M": 12, "N": 8, "depths": [1, 1, 1], "num_rates": 3}


@pytest.fixture(scope="session")
def gained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Checkpoint of a small variable-rate model, of the architecture of the default one."""
    path = tmp_path_factory.mktemp("weights") / "gained.safetensors"
    zoo.save_checkpoint(small_gained(0), path, arguments=GAINED_SIZES)
    return path


@pytest.fixture(scope="session")
def other_gained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same architecture with other weights."""
    path = tmp_path_factory.mktemp("weights") / "other.safetensors"
    zoo.save_checkpoint(small_gained(1), path, arguments=GAINED_SIZES)
    return path


@pytest.fixture(scope="session")
def fixed_rate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Checkpoint of a small mbt2018-mean."""
    torch.manual_seed(0)
    model = MeanScaleHyperprior(8, 12).eval()
    model.update()
    path = tmp_path_factory.mktemp("weights") / "mean.safetensors"
    zoo.save_checkpoint(model, path)
    return path


@pytest.fixture
def photo() -> Image.Image:
    """A smooth colourful image of 90x70 pixels."""
    rows, columns = np.mgrid[:70, :90]
    planes = [128 + 100 * np.sin(rows / 9 + k) * np.cos(columns / (7 + k)) for k in range(3)]
    return Image.fromarray(np.stack(planes, axis=2).astype(np.uint8))
