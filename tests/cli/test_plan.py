"""Which file becomes which."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from latentpress.cli.plan import Job, plan
from latentpress.errors import ConfigurationError


def is_image(path: Path) -> bool:
    return path.suffix in (".png", ".jpg")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.png", "deep/er/b.jpg", "notes.txt"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).touch()
    return tmp_path / "in"


def test_a_file_becomes_the_file_that_is_named(folder: Path, tmp_path: Path) -> None:
    assert plan([folder / "a.png"], tmp_path / "x", ".ltp", is_image) == [
        Job(folder / "a.png", tmp_path / "x")
    ]


def test_a_file_goes_beside_itself_by_default(folder: Path) -> None:
    assert plan([folder / "a.png"], None, ".ltp", is_image) == [Job(folder / "a.png", folder / "a.ltp")]


def test_a_file_goes_into_a_folder_that_exists_or_is_written_as_one(folder: Path, tmp_path: Path) -> None:
    assert plan([folder / "a.png"], tmp_path, ".ltp", is_image)[0].target == tmp_path / "a.ltp"


def test_a_file_named_on_its_own_needs_no_known_suffix(folder: Path) -> None:
    assert plan([folder / "notes.txt"], None, ".ltp", is_image)[0].target == folder / "notes.ltp"


def test_a_folder_keeps_its_tree(folder: Path, tmp_path: Path) -> None:
    assert plan([folder], tmp_path / "out", ".ltp", is_image) == [
        Job(folder / "a.png", tmp_path / "out/a.ltp"),
        Job(folder / "deep/er/b.jpg", tmp_path / "out/deep/er/b.ltp"),
    ]


def test_files_of_one_name_keep_their_suffixes(folder: Path) -> None:
    (folder / "a.jpg").touch()
    targets = [job.target.name for job in plan([folder], None, ".ltp", is_image)]
    assert targets == ["a.jpg.ltp", "a.png.ltp", "b.ltp"]


def test_a_name_that_two_suffixes_make_is_nobody_elses(folder: Path, tmp_path: Path) -> None:
    for name in ("a.jpg", "a.png.png", "A.png.png.png"):
        (folder / name).touch()
    jobs = plan([folder], tmp_path / "out", ".ltp", is_image)
    assert len({str(job.target).casefold() for job in jobs}) == len(jobs) == 5
    assert {job.source.name for job in jobs} == {"a.png", "a.jpg", "a.png.png", "A.png.png.png", "b.jpg"}


def test_a_file_that_is_given_twice_is_done_once(folder: Path) -> None:
    assert len(plan([folder, folder / "a.png", folder / "deep"], None, ".ltp", is_image)) == 2


def test_files_of_two_folders_that_would_become_one_are_refused(folder: Path, tmp_path: Path) -> None:
    (folder / "deep" / "a.png").touch()
    os.symlink(tmp_path / "out", tmp_path / "link")
    (tmp_path / "out").mkdir()
    with pytest.raises(ConfigurationError, match="would both become"):
        plan([folder / "a.png", folder / "deep" / "a.png"], tmp_path / "out", ".ltp", is_image)
    os.symlink(folder / "deep", folder / "z")  # another way to the same file
    both = [folder / "deep" / "a.png", folder / "z" / "a.png"]
    assert len(plan(both, tmp_path / "link", ".ltp", is_image)) == 1


@pytest.mark.parametrize("link", [os.link, os.symlink, None])
def test_an_original_is_never_what_is_written(
    folder: Path, link: Callable[[Path, Path], None] | None
) -> None:
    target = folder / "a.png"
    if link is not None:
        target = folder / "other.ltp"
        link(folder / "a.png", target)
    with pytest.raises(ConfigurationError, match="Expected another file to write than the original"):
        plan([folder / "a.png"], target, ".ltp", is_image)
    (folder / "x.jpg").touch()
    with pytest.raises(ConfigurationError, match="than the original"):
        plan([folder / "a.png", folder / "x.jpg"], None, lambda path: ".png", is_image)


def test_what_cannot_be_planned_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for inputs, output in [
        ([tmp_path / "missing"], None),
        ([tmp_path / "missing"], tmp_path / "x.ltp"),
        ([tmp_path / "empty"], None),
        ([folder], folder / "a.png"),
    ]:
        with pytest.raises(ConfigurationError, match="Expected"):
            plan(inputs, output, ".ltp", is_image)
