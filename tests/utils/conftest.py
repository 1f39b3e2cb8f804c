"""Checkpoints as training leaves them, and a folder of images."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image

from latentpress.models import MeanScaleHyperprior
from small_models import gained, photo

__all__ = ["gained", "photo"]


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    """What data-parallel training of a small mbt2018-mean saves: wrapped, prefixed, without coder tables."""
    return _save(tmp_path / "trained.pth.tar", lambda key: f"module.{key}")


@pytest.fixture
def old_spelling(tmp_path: Path) -> Path:
    """The same weights with the bottleneck's parameters spelled as in older checkpoints."""
    return _save(tmp_path / "old.pth.tar", lambda key: key.replace("matrices.", "_matrix"))


@pytest.fixture
def folder(tmp_path: Path, photo: Image.Image) -> Path:
    """`a.png` (90x70) and `b.png` (170x165)."""
    folder = tmp_path / "images"
    folder.mkdir()
    photo.save(folder / "a.png")
    photo.resize((170, 165)).save(folder / "b.png")
    return folder


def _save(path: Path, spelled: Callable[[str], str]) -> Path:
    torch.manual_seed(0)
    weights = MeanScaleHyperprior(8, 12).state_dict()
    state = {spelled(key): value for key, value in weights.items()}
    torch.save({"epoch": 7, "state_dict": state, "optimizer": {"param_groups": [{"lr": 1e-4}]}}, path)
    return path
