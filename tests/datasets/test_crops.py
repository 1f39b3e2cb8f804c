"""Random crops of photographs held in memory."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from latentpress.datasets import InMemoryCrops
from latentpress.errors import ImageError


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    (tmp_path / "deeper").mkdir()
    pixels = np.random.default_rng(0).integers(0, 255, (100, 140, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    Image.fromarray(pixels[:70, :80, 0]).save(tmp_path / "deeper" / "grey.png")
    Image.fromarray(pixels[:20]).save(tmp_path / "small.png")
    (tmp_path / "broken.jpg").write_bytes(b"not a photograph")
    return tmp_path


def test_a_crop_has_the_asked_shape_and_depends_on_torchs_generator_alone(photos: Path) -> None:
    crops = InMemoryCrops(photos, 64)
    drawn = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        drawn.append(crops[0])
    assert drawn[0].shape == (3, 64, 64)
    assert drawn[0].dtype == torch.uint8
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])


def test_unreadable_and_small_images_are_left_out_and_counted(photos: Path) -> None:
    crops = InMemoryCrops(photos, 64)
    assert (len(crops), crops.skipped) == (2, 2)


def test_large_photographs_are_drawn_more_often(photos: Path) -> None:
    weights = InMemoryCrops(photos, 64).weights
    assert float(weights.sum()) == pytest.approx(1)
    assert float(weights[0] / weights[1]) == pytest.approx((100 * 140 / (70 * 80)) ** 0.5)


def test_a_crop_at_scale_one_is_cut_from_the_image_pixel_for_pixel(tmp_path: Path) -> None:
    columns = np.tile(np.arange(100, dtype=np.uint8), (80, 1))
    Image.fromarray(columns).convert("RGB").save(tmp_path / "ramp.png")
    crop = InMemoryCrops(tmp_path, 32, scales=(1.0, 1.0))[0][0].int()
    assert set((crop[:, 1:] - crop[:, :-1]).flatten().tolist()) in ({1}, {-1})


def test_a_folder_without_a_large_enough_image_is_an_error(photos: Path) -> None:
    with pytest.raises(ImageError, match="512 pixels"):
        InMemoryCrops(photos, 512)


def test_the_training_split_is_taken_where_there_are_splits(photos: Path) -> None:
    for split, side in (("train", 70), ("test", 90)):
        (photos / split).mkdir()
        Image.new("RGB", (side, side)).save(photos / split / "black.png")
    assert [image.size for image in InMemoryCrops(photos, 64).images] == [(70, 70)]
