"""Images found, read and rounded."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from latentpress.errors import ImageError
from latentpress.evaluation import find_images, read_image, write_records
from latentpress.evaluation.images import to_eight_bits


def test_a_folder_stands_for_its_images_however_deep(folder: Path) -> None:
    images = find_images([folder])
    assert [image.source for image in images] == ["a", "b/c", "d"]
    assert images[1].path == folder / "b" / "c.png"


def test_files_are_taken_as_given(folder: Path) -> None:
    assert [image.source for image in find_images([folder / "notes.txt", folder / "a.png"])] == ["notes", "a"]


@pytest.mark.parametrize("name", ["nowhere", "empty"])
def test_no_images_is_an_error_that_names_the_place(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ImageError, match=name):
        find_images([tmp_path / name])


def test_pixels_are_read_as_they_are(tmp_path: Path) -> None:
    pixels = np.arange(5 * 7 * 3, dtype=np.uint8).reshape(5, 7, 3)
    Image.fromarray(pixels).save(tmp_path / "x.png")
    x = read_image(tmp_path / "x.png")
    assert x.dtype == torch.float32
    assert torch.equal(x.mul(255).round().byte()[0].permute(1, 2, 0), torch.from_numpy(pixels))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK"])
def test_other_layouts_are_read_as_rgb(tmp_path: Path, photo: Image.Image, mode: str) -> None:
    photo.convert(mode).save(tmp_path / "x.tif")
    assert read_image(tmp_path / "x.tif").shape == (1, 3, 70, 90)


def test_deep_and_broken_images_are_refused_by_name(tmp_path: Path, folder: Path) -> None:
    Image.fromarray(np.full((8, 8), 40000, np.uint16)).save(tmp_path / "deep.png")
    with pytest.raises(ImageError, match=r"deep\.png.*I;16"):
        read_image(tmp_path / "deep.png")
    with pytest.raises(ImageError, match=r"d\.png"):
        read_image(folder / "d.png")
    whole = (folder / "a.png").read_bytes()
    (folder / "cut.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ImageError, match=r"cut\.png"):
        read_image(folder / "cut.png")


def test_what_no_image_file_can_hold_is_rounded_into_range() -> None:
    x = torch.tensor([float("nan"), -3.0, 0.3 / 255, 0.7 / 255, 1.5])
    assert to_eight_bits(x).mul(255).round().tolist() == [0, 0, 0, 1, 255]


def test_files_of_one_name_are_told_apart(tmp_path: Path) -> None:
    for name in ("in/a.png", "in/a.jpg", "in/b.png", "other/b.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = find_images([tmp_path / "in", tmp_path / "other", tmp_path / "in"])
    assert [image.source for image in found][:2] == ["a.jpg", "a.png"]
    assert len({image.source for image in found}) == len(found) == 4
    assert not any(image.source.startswith("/") for image in found)


def test_records_of_one_name_are_all_written(tmp_path: Path) -> None:
    write_records(tmp_path, [("x", {"n": 1}), ("X", {"n": 2}), ("x", {"n": 3})])
    assert sorted(json.loads(path.read_text())["n"] for path in tmp_path.iterdir()) == [1, 2, 3]
