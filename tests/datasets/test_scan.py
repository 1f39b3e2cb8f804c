"""Finding the files of a folder, and remembering them."""

import os
import time
from pathlib import Path

import numpy as np
import pytest

from latentpress.datasets.scan import PathTable, scan
from latentpress.errors import DataError

SUFFIXES = {".png", ".jpg"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "data"
    for name in (
        "b.png",
        "a/c.JPG",
        "a/deep/d.png",
        "a/notes.txt",
        ".hidden.png",
        ".trash/e.png",
        "f.jpg/g.png",
    ):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return root


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "scan.npz"


def settle(root: Path, seconds: float = 60) -> None:
    """Make every directory look as if it had been changed some time ago."""
    then = time.time() - seconds
    for directory, _, _ in os.walk(root):
        os.utime(directory, (then, then))


def names(table: PathTable) -> list[str]:
    return [table.name(i) for i in range(len(table))]


def test_files_are_found_however_deep_in_the_order_of_their_paths(folder: Path) -> None:
    found = scan(folder, SUFFIXES)
    assert names(found) == ["a/c.JPG", "a/deep/d.png", "b.png", "f.jpg/g.png"]
    assert found[1] == folder / "a" / "deep" / "d.png"
    assert found[-1] == folder / "f.jpg" / "g.png"
    assert found[:2] == [folder / "a" / "c.JPG", folder / "a" / "deep" / "d.png"]
    with pytest.raises(IndexError):
        found[4]


def test_links_are_followed_but_not_in_circles_or_into_the_void(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "h.png").write_bytes(b"")
    (folder / "linked").symlink_to(tmp_path / "elsewhere")
    (folder / "a" / "up").symlink_to(folder)
    (folder / "gone.png").symlink_to(tmp_path / "nothing")
    assert names(scan(folder, SUFFIXES))[-1] == "linked/h.png"
    assert len(scan(folder, SUFFIXES)) == 5


def test_names_of_any_bytes_survive(tmp_path: Path, kept: Path) -> None:
    odd = os.fsdecode(b"\xff\xfe \xc3\xa9.png")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / odd).write_bytes(b"")
    settle(tmp_path / "data")
    for _ in range(2):
        assert names(scan(tmp_path / "data", SUFFIXES, cache=kept)) == [odd]


def test_a_folder_that_did_not_change_is_not_scanned_again(folder: Path, kept: Path, monkeypatch) -> None:
    settle(folder)
    first = scan(folder, SUFFIXES, cache=kept)
    monkeypatch.setattr(os, "scandir", lambda _: pytest.fail("scanned again"))
    assert names(scan(folder, SUFFIXES, cache=kept)) == names(first)


@pytest.mark.parametrize("place", [".", "a", "a/deep"])
def test_a_new_file_anywhere_is_noticed(folder: Path, kept: Path, place: str) -> None:
    settle(folder)
    before = len(scan(folder, SUFFIXES, cache=kept))
    (folder / place / "new.png").write_bytes(b"")
    assert len(scan(folder, SUFFIXES, cache=kept)) == before + 1


def test_a_removed_directory_is_noticed(folder: Path, kept: Path) -> None:
    settle(folder)
    scan(folder, SUFFIXES, cache=kept)
    (folder / "a" / "deep" / "d.png").unlink()
    (folder / "a" / "deep").rmdir()
    assert names(scan(folder, SUFFIXES, cache=kept)) == ["a/c.JPG", "b.png", "f.jpg/g.png"]


def test_a_folder_that_was_changed_just_now_is_not_remembered(folder: Path, kept: Path) -> None:
    scan(folder, SUFFIXES, cache=kept)
    assert not kept.exists()


@pytest.mark.parametrize(
    "damage", [lambda data: data[: len(data) // 2], lambda _: b"", lambda data: data[::-1]]
)
def test_a_damaged_memory_costs_a_scan(folder: Path, kept: Path, damage) -> None:
    settle(folder)
    expected = names(scan(folder, SUFFIXES, cache=kept))
    kept.write_bytes(damage(kept.read_bytes()))
    assert names(scan(folder, SUFFIXES, cache=kept)) == expected


def test_arrays_that_are_not_those_of_a_table_are_refused(tmp_path: Path) -> None:
    data, ends = PathTable(tmp_path, ["ab", "c"]).arrays
    assert names(PathTable.from_arrays(tmp_path, data, ends)) == ["ab", "c"]
    for wrong in ((data[:1], ends), (data, ends[::-1].copy()), (data, ends.astype(np.float64))):
        with pytest.raises(ValueError, match="table of paths"):
            PathTable.from_arrays(tmp_path, *wrong)


def test_large_folders_are_remembered_in_the_cache_directory_and_never_in_themselves(
    folder: Path, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setenv("LATENTPRESS_CACHE", str(tmp_path / "cache"))
    settle(folder)
    scan(folder, SUFFIXES)
    assert not (tmp_path / "cache").exists()
    monkeypatch.setattr("latentpress.datasets.scan.WORTH_CACHING", 4)
    before = sorted(folder.rglob("*"))
    scan(folder, SUFFIXES)
    assert len(list((tmp_path / "cache" / "scans").iterdir())) == 1
    assert sorted(folder.rglob("*")) == before
    scan(folder, {".jpg"}, cache=True)
    assert len(list((tmp_path / "cache" / "scans").iterdir())) == 2


def test_a_memory_that_cannot_be_written_is_done_without(folder: Path) -> None:
    settle(folder)
    assert len(scan(folder, SUFFIXES, cache=folder / "b.png" / "scan.npz")) == 4


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="readable folder"):
        scan(tmp_path / "nothing", SUFFIXES)
