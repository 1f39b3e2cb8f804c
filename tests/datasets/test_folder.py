"""Folders of images as data sets."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

from latentpress.datasets import ImageFolder
from latentpress.errors import DataError, ImageError
from latentpress.registry import DATASETS
from latentpress.transforms import ToTensor


def save(path: Path, value: int, size: tuple[int, int] = (8, 6)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (value, value, value)).save(path)


def values(dataset: ImageFolder) -> list[int]:
    return [image.getpixel((0, 0))[0] for image in (dataset[i] for i in range(len(dataset)))]


@pytest.fixture
def flat(tmp_path: Path) -> Path:
    for value in range(6):
        save(tmp_path / "flat" / f"{value}.png", value)
    return tmp_path / "flat"


def test_splits_are_subfolders(tmp_path: Path) -> None:
    save(tmp_path / "train" / "more" / "a.png", 1)
    save(tmp_path / "train" / "b.png", 2)
    save(tmp_path / "test" / "c.png", 3)
    assert values(ImageFolder(tmp_path)) == [2, 1]
    assert values(ImageFolder(tmp_path, split="test")) == [3]
    assert values(ImageFolder(tmp_path, split="")) == [3, 2, 1]
    with pytest.raises(DataError, match=r"train, test.*'valid'"):
        ImageFolder(tmp_path, split="valid")


@pytest.mark.parametrize("split", ["train", "test", ""])
def test_a_flat_folder_is_taken_whole_for_every_split(flat: Path, split: str) -> None:
    assert values(ImageFolder(flat, split=split)) == [0, 1, 2, 3, 4, 5]


def test_items_are_rgb_images_or_what_the_transform_makes_of_them(flat: Path) -> None:
    Image.fromarray(np.full((6, 8), 257 * 200, np.uint16)).save(flat / "0.png")
    Image.new("LA", (8, 6), (100, 0)).save(flat / "1.png")
    dataset = ImageFolder(flat)
    assert [dataset[i].mode for i in range(3)] == ["RGB"] * 3
    assert values(dataset)[:2] == [200, 100]
    assert torch.equal(ImageFolder(flat, transform=ToTensor())[-1], torch.full((3, 6, 8), 5 / 255))
    with pytest.raises(IndexError):
        dataset[6]


def test_unreadable_files_are_replaced_by_the_next_and_counted_once(flat: Path) -> None:
    whole = (flat / "1.png").read_bytes()
    (flat / "1.png").write_bytes(whole[:40])
    (flat / "2.png").write_bytes(b"not an image")
    (flat / "5.png").write_bytes(b"")
    dataset = ImageFolder(flat)
    assert dataset.skipped == 0
    for _ in range(2):
        assert values(dataset) == [0, 3, 3, 3, 4, 0]
    assert dataset.skipped == 3
    assert dataset.unreadable() == [str(flat / name) for name in ("1.png", "2.png", "5.png")]


def test_worker_processes_count_into_the_same_number(flat: Path) -> None:
    for name in ("0.png", "3.png"):
        (flat / name).write_bytes(b"broken")
    dataset = ImageFolder(flat, transform=ToTensor())
    batches = list(DataLoader(dataset, batch_size=3, num_workers=2))
    assert torch.equal(torch.cat(batches)[:, 0, 0, 0], torch.tensor([1, 1, 2, 4, 4, 5]) / 255)
    assert dataset.skipped == 2


def test_a_folder_of_broken_images_is_an_error_that_names_the_first(flat: Path) -> None:
    for path in flat.iterdir():
        path.write_bytes(b"broken")
    with pytest.raises(ImageError, match=r"6 items from .*3\.png"):
        ImageFolder(flat)[3]


@pytest.mark.parametrize("split", ["train", ""])
def test_a_folder_without_images_is_an_error_that_names_it(tmp_path: Path, split: str) -> None:
    (tmp_path / "notes.txt").write_text("no image")
    with pytest.raises(
        ImageError, match=rf"Expected images \(.*\.png.* in the folder {tmp_path}.*found none"
    ):
        ImageFolder(tmp_path, split=split)
    with pytest.raises(ImageError, match="no folder there"):
        ImageFolder(tmp_path / "nothing", split=split)


def test_large_jpegs_are_decoded_at_the_smallest_scale_that_suffices(tmp_path: Path) -> None:
    save(tmp_path / "a.jpg", 90, (400, 320))
    assert ImageFolder(tmp_path)[0].size == (400, 320)
    for reduce_to, size in ((40, (50, 40)), (41, (100, 80)), (160, (200, 160)), (161, (400, 320))):
        assert ImageFolder(tmp_path, reduce_to=reduce_to)[0].size == size
    assert values(ImageFolder(tmp_path, reduce_to=40)) == [90]


def test_a_data_set_can_be_pickled_and_is_registered(flat: Path) -> None:
    assert values(pickle.loads(pickle.dumps(ImageFolder(flat)))) == [0, 1, 2, 3, 4, 5]
    assert DATASETS["ImageFolder"] is ImageFolder
