"""Small models as checkpoints, and a folder of images of awkward sizes."""

from pathlib import Path

import pytest
from PIL import Image

from small_models import fixed_rate, gained, other_gained, photo

__all__ = ["fixed_rate", "gained", "other_gained", "photo"]


@pytest.fixture
def folder(tmp_path: Path, photo: Image.Image) -> Path:
    """`a.png` (90x70), `b/c.png` (170x165), and `d.png`, which is no image."""
    folder = tmp_path / "images"
    (folder / "b").mkdir(parents=True)
    photo.save(folder / "a.png")
    photo.resize((170, 165)).save(folder / "b" / "c.png")
    (folder / "d.png").write_bytes(b"broken")
    (folder / "notes.txt").write_text("no image")
    return folder
