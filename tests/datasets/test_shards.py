"""Shards: made from a folder, and read."""

import io
import json
import random
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

from latentpress.datasets import ShardedImages, make_shards
from latentpress.datasets.shards import expanded, shuffled
from latentpress.errors import ConfigurationError, DataError

COUNT = 23


def png(value: int) -> bytes:
    """About five kilobytes of noise; the first sample is the value."""
    pixels = np.random.default_rng(value).integers(256, size=(40, 40, 3), dtype=np.uint8)
    pixels[0, 0] = value
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    for value in range(COUNT):
        path = tmp_path / "source" / f"{value % 3}" / f"{value:02d}.PNG"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(value))
    return tmp_path / "source"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "shards"


def value(image: Image.Image) -> torch.Tensor:
    return torch.tensor(np.asarray(image)[0, 0, 0].item())


def values(shards, **options) -> list[int]:
    return [int(x) for x in ShardedImages(shards, value, **options)]


def test_shards_hold_every_file_byte_for_byte_and_are_listed(source: Path, target: Path) -> None:
    index = make_shards(source, target, shard_size=20480)
    assert len(index.shards) > 3
    assert (index.images, index.skipped) == (COUNT, 0)
    found = {}
    for shard in index.shards:
        assert shard.bytes == (target / shard.name).stat().st_size <= 20480
        with tarfile.open(target / shard.name) as tar:
            found |= {member.name: tar.extractfile(member).read() for member in tar}
    assert sorted(found) == [f"{number:09d}.png" for number in range(COUNT)]
    assert sorted(found.values()) == sorted(png(v) for v in range(COUNT))
    assert json.loads((target / "index.json").read_text())["images"] == COUNT


def test_the_same_images_make_the_same_shards(source: Path, tmp_path: Path) -> None:
    one, two = (make_shards(source, tmp_path / name, shard_size=20480) for name in ("one", "two"))
    other = make_shards(source, tmp_path / "other", shard_size=20480, seed=1)
    assert one == two
    assert one.shards[0].sha256 != other.shards[0].sha256


def test_files_that_cannot_be_read_are_left_out_and_counted(source: Path, target: Path) -> None:
    (source / "0" / "00.PNG").write_bytes(b"broken")
    (source / "1" / "01.PNG").write_bytes(png(1)[:1000])
    seen = []
    index = make_shards(source, target, on_file=lambda done, total: seen.append((done, total)))
    assert (index.images, index.skipped) == (COUNT - 2, 2)
    assert seen == [(i + 1, COUNT) for i in range(COUNT)]
    assert sorted(values(target)) == list(range(2, COUNT))


def test_unshuffled_shards_are_in_the_order_of_paths(source: Path, target: Path) -> None:
    make_shards(source, target, shard_size=20480, seed=None)
    expected = sorted(range(COUNT), key=lambda v: (v % 3, v))
    assert values(target, shuffle=0) == expected


@pytest.mark.parametrize("shard_size", [10240, 10**6])  # more shards than readers, and fewer
@pytest.mark.parametrize("workers", [0, 1, 2])
def test_workers_share_a_pass_without_loss_or_repetition(source, target, shard_size, workers) -> None:
    make_shards(source, target, shard_size=shard_size)
    dataset = ShardedImages(target, value, shuffle=5)
    found = torch.cat(list(DataLoader(dataset, batch_size=2, num_workers=workers))).tolist()
    assert sorted(found) == list(range(COUNT))
    assert len(dataset) == COUNT


@pytest.mark.parametrize("shard_size", [20480, 10**6])
def test_processes_get_equally_many_images(source: Path, target: Path, shard_size: int) -> None:
    make_shards(source, target, shard_size=shard_size)
    parts = [values(target, rank=rank, world_size=3) for rank in range(3)]
    assert [len(part) for part in parts] == [COUNT // 3] * 3
    assert len(set().union(*parts)) > COUNT // 2
    if shard_size > 20480:  # one shard: images are dealt out one by one
        assert len(set().union(*parts)) == 3 * (COUNT // 3)


def test_without_an_index_processes_get_what_their_shards_hold(source: Path, target: Path) -> None:
    make_shards(source, target, shard_size=10240)
    (target / "index.json").unlink()
    parts = [values(target, rank=rank, world_size=2) for rank in range(2)]
    assert sorted(parts[0] + parts[1]) == list(range(COUNT))
    with pytest.raises(TypeError):
        len(ShardedImages(target))


def test_the_order_follows_from_the_seed_and_the_pass(source: Path, target: Path) -> None:
    make_shards(source, target, shard_size=20480)
    dataset = ShardedImages(target, value, seed=1)
    first, second = ([int(x) for x in dataset] for _ in range(2))
    assert first != second
    assert values(target, seed=1) == first
    assert values(target, seed=2) != first
    dataset.set_epoch(1)
    assert [int(x) for x in dataset] == second


def test_passes_go_on_in_workers_that_persist(source: Path, target: Path) -> None:
    make_shards(source, target, shard_size=20480)
    loader = DataLoader(ShardedImages(target, value), batch_size=None, num_workers=1, persistent_workers=True)
    first, second = ([int(x) for x in loader] for _ in range(2))
    assert sorted(first) == sorted(second) == list(range(COUNT))
    assert first != second


def test_damaged_shards_are_read_up_to_the_damage_and_named(source: Path, target: Path) -> None:
    index = make_shards(source, target, shard_size=20480, seed=None)
    cut, noise = target / index.shards[0].name, target / index.shards[1].name
    cut.write_bytes(cut.read_bytes()[:9000])
    noise.write_bytes(random.Random(0).randbytes(3000))
    dataset = ShardedImages(target, value, shuffle=0)
    found = [int(x) for x in dataset]
    lost = index.shards[0].images + index.shards[1].images
    assert COUNT - lost < len(found) < COUNT
    assert dataset.damaged() == [str(cut), str(noise)]


def test_members_that_are_not_readable_images_are_passed_over(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        for name, data in (("1.png", png(1)), ("1.json", b"{}"), ("2.png", b"broken"), ("3.PNG", png(3))):
            header = tarfile.TarInfo(name)
            header.size = len(data)
            tar.addfile(header, io.BytesIO(data))
        link = tarfile.TarInfo("4.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        tar.addfile(link)
    dataset = ShardedImages([tmp_path / "a.tar"], value, shuffle=0)
    assert [int(x) for x in dataset] == [1, 3]
    assert (dataset.skipped, dataset.damaged()) == (1, [])


def test_shards_without_a_readable_image_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(b"nothing of the kind")
    for world_size in (1, 2):
        with pytest.raises(DataError, match="latentpress data verify"):
            list(ShardedImages(tmp_path, world_size=world_size))


def test_endless_rounds_of_unreadable_images_end_in_an_error(source: Path, target: Path) -> None:
    for path in source.glob("*/*.PNG"):
        path.write_bytes(b"broken")
    make_shards(source, target, check=False)
    with pytest.raises(DataError, match="latentpress data verify"):
        list(ShardedImages(target, world_size=2))


def test_a_window_shuffles_without_loss_and_not_farther_than_it_reaches() -> None:
    found = list(shuffled(iter(range(200)), 20, random.Random(0)))
    assert sorted(found) == list(range(200))
    assert found != sorted(found)
    assert all(item < place + 21 for place, item in enumerate(found))


def test_patterns_stand_for_lists_of_files(source: Path, target: Path) -> None:
    make_shards(source, target, shard_size=20480)
    pattern = f"{target}/shard-{{000000..000001}}.tar"
    assert ShardedImages(pattern).paths == [target / f"shard-00000{i}.tar" for i in range(2)]
    assert expanded("{1..2}/{09..10}") == ["1/09", "1/10", "2/09", "2/10"]


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda s, t: make_shards(t / "nothing", t), DataError),
        (lambda s, t: make_shards(s / "empty", t), DataError),
        (lambda s, t: make_shards(s, t, shard_size=0), ConfigurationError),
        (lambda s, t: make_shards(s, s / "0" / "00.PNG" / "shards"), DataError),
        (lambda s, t: [make_shards(s, t), make_shards(s, t)], ConfigurationError),
        (lambda s, t: ShardedImages(s), DataError),
        (lambda s, t: ShardedImages("no-{1..2}.tar"), DataError),
        (lambda s, t: ShardedImages([]), DataError),
        (lambda s, t: [make_shards(s, t), ShardedImages(t, rank=2, world_size=2)], ConfigurationError),
        (lambda s, t: [make_shards(s, t), ShardedImages(t, shuffle=-1)], ConfigurationError),
        (lambda s, t: [make_shards(s, t), (t / "index.json").write_text("{}"), ShardedImages(t)], DataError),
    ],
)
def test_what_is_wrong_is_an_error_that_says_what_was_expected(source, target, call, error) -> None:
    (source / "empty").mkdir()
    with pytest.raises(error, match="Expected"):
        call(source, target)
