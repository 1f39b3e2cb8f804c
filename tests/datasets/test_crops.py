"""Random crops of photographs held in memory."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from latentpress.datasets.crops import InMemoryCrops
from latentpress.errors import ImageError


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    (tmp_path / "deeper").mkdir()
    pixels = np.random.default_rng(0).integers(0, 255, (100, 140, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    Image.fromarray(pixels[:, :, 0]).save(tmp_path / "deeper" / "grey.png")
    Image.fromarray(pixels[:20]).save(tmp_path / "small.png")
    (tmp_path / "broken.jpg").write_bytes(b"not a photograph")
    return tmp_path


def test_batches_have_the_asked_shape_and_depend_on_the_seed_alone(photos: Path) -> None:
    first, again, other = (InMemoryCrops(photos, 64, 3, seed=s).batch() for s in (1, 1, 2))
    assert first.shape == (3, 3, 64, 64)
    assert first.dtype == torch.uint8
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_unreadable_and_small_images_are_left_out_and_counted(photos: Path) -> None:
    crops = InMemoryCrops(photos, 64, 1)
    assert (len(crops.images), crops.skipped) == (2, 2)


def test_a_crop_at_scale_one_is_cut_from_the_image_pixel_for_pixel(tmp_path: Path) -> None:
    columns = np.tile(np.arange(100, dtype=np.uint8), (80, 1))
    Image.fromarray(columns).convert("RGB").save(tmp_path / "ramp.png")
    crop = InMemoryCrops(tmp_path, 32, 1, scales=(1.0, 1.0)).batch()[0, 0].int()
    assert set((crop[:, 1:] - crop[:, :-1]).flatten().tolist()) in ({1}, {-1})


def test_a_folder_without_a_large_enough_image_is_an_error(photos: Path) -> None:
    with pytest.raises(ImageError, match="512 pixels"):
        InMemoryCrops(photos, 512)


def test_prefetched_batches_keep_coming(photos: Path) -> None:
    stream = InMemoryCrops(photos, 64, 2).prefetched(depth=1)
    assert [next(stream).shape[0] for _ in range(3)] == [2, 2, 2]
