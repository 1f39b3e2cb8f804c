"""The catalogue of published sets, fetching them from a server on localhost, and verifying what is there."""

import hashlib
import io
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from file_server import server
from latentpress.datasets import CLIC, COCO, ImageFolder, Kodak, Tecnick, make_shards
from latentpress.datasets.catalogue import Collection, RemoteFile, collection, collections
from latentpress.datasets.fetching import fetch_collection
from latentpress.datasets.verification import verify
from latentpress.errors import ConfigurationError, DataError, ImageError

__all__ = ["server"]


def png(value: int) -> bytes:
    pixels = np.random.default_rng(value).integers(256, size=(30, 30, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def zipped(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def remote(server, name: str, data: bytes, **fields) -> RemoteFile:
    """A file that the server has, and its record."""
    server.files[name], server.tags[name] = data, f'"{len(data)}"'
    return RemoteFile(name, f"{server.url}/{name}", len(data), hashlib.sha256(data).hexdigest(), **fields)


def listing(*files: RemoteFile, images: int, name: str = "set") -> Collection:
    return Collection(name, "A set", images, "free", files)


@pytest.fixture(autouse=True)
def localhost(server, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server.ranges = True


def fetch(record: Collection, folder: Path, **options) -> Path:
    return fetch_collection(record, folder, progress=False, pause=0.0, **options)


@pytest.fixture
def archive(server) -> RemoteFile:
    members = {f"valid/{i}.png": png(i) for i in range(3)}
    others = {"valid/": b"", "__MACOSX/valid/._0.png": b"x", "readme.txt": b"x", "valid/other_9.gif": b"x"}
    return remote(server, "valid.zip", zipped(members | others), folder="professional")


def test_single_files_are_fetched_checked_and_listed(server, tmp_path: Path) -> None:
    files = [remote(server, f"{i}.png", png(i)) for i in range(3)]
    folder = fetch(listing(*files, images=3), tmp_path)
    assert folder == tmp_path / "set"
    assert sorted(path.name for path in folder.iterdir()) == ["0.png", "1.png", "2.png", "SHA256SUMS"]
    assert verify(folder).verified == 3


def test_images_are_taken_out_of_archives_and_nothing_else_is_left(archive, tmp_path: Path) -> None:
    folder = fetch(listing(archive, images=3), tmp_path)
    found = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    assert found == ["SHA256SUMS", *(f"professional/{i}.png" for i in range(3))]
    assert (folder / "professional" / "2.png").read_bytes() == png(2)
    assert verify(folder).verified == 3


def test_what_is_there_is_not_fetched_again(server, archive, tmp_path: Path) -> None:
    record = listing(archive, remote(server, "x.png", png(9)), images=4)
    fetch(record, tmp_path)
    fetch(record, tmp_path)
    assert server.requests == ["valid.zip", "x.png"]
    (tmp_path / "set" / "x.png").write_bytes(b"damaged")
    fetch(record, tmp_path)
    assert verify(tmp_path / "set").good


def test_single_files_that_had_arrived_are_kept_when_another_fails(server, tmp_path: Path) -> None:
    files = [remote(server, f"{i}.png", png(i)) for i in range(3)]
    del server.files["2.png"]
    with pytest.raises(DataError, match="404"):
        fetch(listing(*files, images=3), tmp_path)
    server.files["2.png"] = png(2)
    server.requests.clear()
    fetch(listing(*files, images=3), tmp_path)
    assert server.requests == ["2.png"]


def test_an_archive_that_was_cut_off_goes_on_in_a_later_call(server, archive, tmp_path: Path) -> None:
    server.cut["valid.zip"], server.cut_times = 1000, 3
    with pytest.raises(DataError, match="connection was cut"):
        fetch(listing(archive, images=3), tmp_path)
    fetch(listing(archive, images=3), tmp_path)
    assert server.starts == [0, 1000, 2000, 3000]
    assert verify(tmp_path / "set").verified == 3


def test_a_wrong_checksum_is_an_error_that_leaves_nothing(server, archive, tmp_path: Path) -> None:
    wrong = replace(archive, sha256="0" * 64)
    with pytest.raises(DataError, match=r"SHA-256 0{64}"):
        fetch(listing(wrong, images=3), tmp_path)
    assert list((tmp_path / "set").iterdir()) == []


def test_an_archive_without_a_checksum_is_checked_for_what_it_holds(server, tmp_path: Path) -> None:
    members = {f"a/RGB_{i}.png": png(i) for i in range(2)} | {"a/GRAY_1.png": png(5)}
    record = remote(server, "t.zip", zipped(members), pattern="RGB_*.png")
    unknown = replace(record, sha256=None, bytes=None)
    assert verify(fetch(listing(unknown, images=2, name="good"), tmp_path)).verified == 2
    with pytest.raises(DataError, match=r"Expected 3 images .* found 2"):
        fetch(listing(unknown, images=3, name="few"), tmp_path)
    server.files["t.zip"] = b"<html>not an archive</html>"
    with pytest.raises(DataError, match="whole zip archive"):
        fetch(listing(unknown, images=2, name="page"), tmp_path)
    assert list((tmp_path / "page").iterdir()) == []


def test_archives_cannot_write_outside_of_the_folder(server, tmp_path: Path) -> None:
    hostile = {"../../a.png": png(0), "/tmp/b.png": png(1), "..\\..\\c.png": png(2)}
    folder = fetch(listing(remote(server, "h.zip", zipped(hostile)), images=3), tmp_path / "deep" / "down")
    assert sorted(path.name for path in folder.glob("*.png")) == ["a.png", "b.png", "c.png"]
    assert not list(tmp_path.glob("*.png"))


def test_a_mirror_stands_in_for_published_addresses(server, archive, tmp_path: Path) -> None:
    elsewhere = replace(archive, url="http://127.0.0.1:9/unreachable.zip")
    fetch(listing(elsewhere, images=3), tmp_path, mirror=f"{server.url}/")
    assert server.requests == ["valid.zip"]


def test_damaged_missing_and_unknown_files_are_told_apart(server, tmp_path: Path) -> None:
    files = [remote(server, f"{i}.png", png(i)) for i in range(4)]
    folder = fetch(listing(*files, images=4), tmp_path)
    (folder / "0.png").write_bytes(png(7))
    (folder / "1.png").unlink()
    (folder / "extra.png").write_bytes(png(8))
    (folder / "broken.png").write_bytes(png(8)[:300])
    found = verify(folder)
    assert (found.verified, found.readable, found.good) == (2, 1, False)
    assert found.damaged == [folder / "0.png", folder / "broken.png"]
    assert found.missing == [folder / "1.png"]


def test_shards_are_verified_by_their_index(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(1))
    make_shards(tmp_path, tmp_path / "shards")
    assert verify(tmp_path / "shards").verified == 1
    shard = tmp_path / "shards" / "shard-000000.tar"
    shard.write_bytes(shard.read_bytes()[:-1])
    assert verify(tmp_path / "shards").damaged == [shard]


def test_images_of_kodak_are_known_by_their_names(tmp_path: Path) -> None:
    (tmp_path / "kodim05.png").write_bytes(png(5))
    found = verify(tmp_path)
    assert found.damaged == [tmp_path / "kodim05.png"]
    assert len(found.missing) == 23


def test_the_shared_images_of_kodak_are_the_published_ones(shared: Path) -> None:
    found = verify(shared / "data" / "kodak")
    assert (found.verified, found.good) == (24, True)
    assert len(Kodak(shared / "data" / "kodak")) == len(Kodak(shared / "data")) == 24


@pytest.mark.parametrize("sums", ["nonsense\n", "0" * 64 + "\n", "\xff"])
def test_a_damaged_list_of_checksums_is_an_error(tmp_path: Path, sums: str) -> None:
    (tmp_path / "SHA256SUMS").write_bytes(sums.encode("latin-1"))
    with pytest.raises(DataError, match="SHA256SUMS"):
        verify(tmp_path)


def test_nothing_to_verify_is_an_error(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nothing"):
        with pytest.raises(DataError, match="Expected"):
            verify(folder)


def test_the_catalogue_knows_its_sets_by_name() -> None:
    names = [record.name for record in collections()]
    assert names == ["kodak", "tecnick", "clic-valid", "clic-test", "clic-train"]
    assert all(collection(name).name == name for name in names)
    assert [record.has_checksums for record in collections()] == [True, False, True, True, True]
    assert all(file.url.startswith("https://") for record in collections() for file in record.files)
    with pytest.raises(ConfigurationError, match="kodak, tecnick"):
        collection("imagenet")


def make_images(folder: Path, count: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        (folder / f"{i:03d}.png").write_bytes(png(0))


def test_published_sets_are_found_below_the_folder_of_data_or_in_their_own(tmp_path: Path) -> None:
    make_images(tmp_path / "tecnick", 100)
    assert len(Tecnick(tmp_path)) == len(Tecnick(tmp_path / "tecnick")) == 100
    make_images(tmp_path / "clic-valid" / "professional", 41)
    make_images(tmp_path / "clic-valid" / "mobile", 61)
    assert len(CLIC(tmp_path, split="valid")) == 102
    assert len(CLIC(tmp_path / "clic-valid", split="valid", subset="mobile")) == 61


def test_published_sets_that_are_not_complete_are_an_error_that_names_the_command(tmp_path: Path) -> None:
    make_images(tmp_path / "kodak", 3)
    with pytest.raises(DataError, match=r"found 3: .*latentpress data download kodak"):
        Kodak(tmp_path)
    with pytest.raises(DataError, match="latentpress data download clic-test"):
        CLIC(tmp_path / "nothing", split="test")
    with pytest.raises(ConfigurationError, match="Expected"):
        CLIC(tmp_path, split="val")


@pytest.mark.parametrize("below", [".", "images"])
def test_coco_is_a_folder_a_split_and_year(tmp_path: Path, below: str) -> None:
    make_images(tmp_path / below / "train2017", 2)
    make_images(tmp_path / below / "val2014", 1)
    assert len(COCO(tmp_path)) == 2
    assert isinstance(COCO(tmp_path, split="val", year=2014), ImageFolder)
    with pytest.raises(ImageError, match="test2017"):
        COCO(tmp_path, split="test")
