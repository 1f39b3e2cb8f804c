"""Vimeo-90k and folders of sequences."""

from pathlib import Path

import pytest
import torch
from PIL import Image

from latentpress.datasets import VideoFolder, Vimeo90kDataset
from latentpress.errors import ConfigurationError, DataError
from latentpress.transforms import Compose, RandomCrop, ToTensor


def save_sequence(root: Path, name: str, first: int, frames: int) -> None:
    """Frames of which every sample is `first`, `first + 1`, ..., with brighter left edges."""
    folder = root / "sequences" / name
    folder.mkdir(parents=True)
    for i in range(frames):
        image = Image.new("RGB", (12, 8), (first + i,) * 3)
        image.paste((200, 200, 200), (0, 0, 1, 8))
        image.save(folder / f"im{i + 1}.png")


def levels(frames) -> list[int]:
    return [round(float(frame[0, 0, -1]) * 255) for frame in frames]


@pytest.fixture
def vimeo(tmp_path: Path) -> Path:
    for i in range(3):
        save_sequence(tmp_path, f"00001/000{i}", 10 * i, 7)
    for kind in ("tri", "sep"):
        (tmp_path / f"{kind}_trainlist.txt").write_text("00001/0000\n00001/0001\n\n")
        (tmp_path / f"{kind}_testlist.txt").write_text("00001/0002\r\n")
    return tmp_path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_sequence(tmp_path, "00010/0932", 10, 7)
    save_sequence(tmp_path, "00010/0933", 30, 12)
    (tmp_path / "train.list").write_text("00010/0932\n00010/0933\n")
    return tmp_path


@pytest.mark.parametrize(("tuplet", "count"), [(3, 6), (7, 14)])
def test_every_frame_of_the_listed_tuplets_is_an_image(vimeo: Path, tuplet: int, count: int) -> None:
    dataset = Vimeo90kDataset(vimeo, tuplet=tuplet)
    expected = [10 * i + frame for i in range(2) for frame in range(tuplet)]
    assert [dataset[i].getpixel((11, 0))[0] for i in range(len(dataset))] == expected
    assert len(dataset) == count
    assert Vimeo90kDataset(vimeo, transform=ToTensor())[0].shape == (3, 8, 12)


@pytest.mark.parametrize("split", ["valid", "test"])
@pytest.mark.parametrize("tuplet", [3, 7])
def test_every_tuplet_is_a_run_of_frames_for_video(vimeo: Path, split: str, tuplet: int) -> None:
    dataset = Vimeo90kDataset(vimeo, split=split, tuplet=tuplet, video=True)
    assert len(dataset) == 1
    assert levels(dataset[0]) == list(range(20, 20 + tuplet))


def test_a_frame_that_is_missing_costs_its_tuplet_and_is_counted(vimeo: Path) -> None:
    (vimeo / "sequences" / "00001" / "0000" / "im2.png").unlink()
    images, tuplets = Vimeo90kDataset(vimeo), Vimeo90kDataset(vimeo, video=True)
    assert images[1].getpixel((11, 0))[0] == 2
    assert levels(tuplets[0]) == [10, 11, 12]
    assert (images.skipped, tuplets.skipped) == (1, 1)


def test_all_frames_of_a_run_are_cut_alike(vimeo: Path, folder: Path) -> None:
    cut = Compose([RandomCrop((8, 10)), ToTensor()])
    for dataset in (Vimeo90kDataset(vimeo, cut, video=True), VideoFolder(folder, transform=cut)):
        edges = {tuple((frame[0, 0] > 0.5).tolist()) for _ in range(20) for frame in [*dataset[0]]}
        assert edges == {(True, *(False,) * 9), (False,) * 10}
        for _ in range(20):
            assert len({bool(frame[0, 0, 0] > 0.5) for frame in dataset[0]}) == 1


def test_a_folder_of_sequences_gives_their_first_frames(folder: Path) -> None:
    dataset = VideoFolder(folder)
    assert [levels(dataset[i]) for i in range(len(dataset))] == [[10, 11, 12], [30, 31, 32]]
    assert levels(VideoFolder(folder, frames=5)[1]) == [30, 31, 32, 33, 34]


def test_random_intervals_are_one_two_or_three_where_the_sequence_is_long_enough(folder: Path) -> None:
    dataset = VideoFolder(folder, rnd_interval=True)
    found = {tuple(levels(dataset[0])) for _ in range(50)}
    assert found == {(10, 11, 12), (10, 12, 14), (10, 13, 16)}
    four = VideoFolder(folder, rnd_interval=True, frames=4)
    assert {tuple(levels(four[0])) for _ in range(30)} == {(10, 11, 12, 13), (10, 12, 14, 16)}


def test_time_turns_around_in_half_of_the_cases(folder: Path) -> None:
    dataset = VideoFolder(folder, rnd_temp_order=True)
    found = [levels(dataset[0]) for _ in range(100)]
    assert 25 < found.count([12, 11, 10]) < 75
    assert found.count([12, 11, 10]) + found.count([10, 11, 12]) == 100


def test_frames_come_in_the_order_of_their_numbers(folder: Path) -> None:
    dataset = VideoFolder(folder, frames=12)
    assert levels(dataset[1]) == list(range(30, 42))  # im2 before im10


def test_a_sequence_that_is_too_short_or_broken_is_replaced_and_counted(folder: Path) -> None:
    (folder / "sequences" / "00010" / "0933" / "im2.png").write_bytes(b"broken")
    dataset = VideoFolder(folder)
    assert levels(dataset[1]) == [10, 11, 12]
    short = VideoFolder(folder, frames=8)
    short_frames = folder / "sequences" / "00010" / "0933" / "im2.png"
    Image.new("RGB", (12, 8), (31,) * 3).save(short_frames)
    assert levels(short[0])[:2] == [30, 31]
    assert (dataset.skipped, short.skipped) == (1, 1)


def test_the_seed_of_torch_decides(folder: Path) -> None:
    dataset = VideoFolder(folder, rnd_interval=True, rnd_temp_order=True)
    runs = []
    for _ in range(2):
        torch.manual_seed(3)
        runs.append([levels(dataset[1]) for _ in range(10)])
    assert runs[0] == runs[1]


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda root: Vimeo90kDataset(root, tuplet=5), ConfigurationError),
        (lambda root: Vimeo90kDataset(root, split="dev"), ConfigurationError),
        (lambda root: VideoFolder(root, split="dev"), DataError),
        (lambda root: VideoFolder(root, frames=0), ConfigurationError),
        (lambda root: VideoFolder(root, transform=lambda stack: stack)[0], ConfigurationError),
        (lambda root: VideoFolder(root, split="empty"), DataError),
        (lambda root: VideoFolder(root, split="bare/train"), DataError),
    ],
)
def test_what_is_wrong_is_an_error_that_says_what_was_expected(folder: Path, make, error) -> None:
    (folder / "empty.list").write_text("\n")
    with pytest.raises(error, match="Expected"):
        make(folder)


def test_a_set_without_its_frames_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "train.list").write_text("a\n")
    with pytest.raises(DataError, match="sequences"):
        VideoFolder(tmp_path)
