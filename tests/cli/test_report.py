"""`latentpress report`."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from latentpress.cli import main

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Calls `latentpress report` with these arguments and a page to write; crashes fail the test."""

    def call(*arguments: object) -> Result:
        given = ["report", *map(str, arguments), "-o", str(tmp_path / "page.html")]
        result = CliRunner().invoke(main, given)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return call


@pytest.fixture
def results(tmp_path: Path) -> Path:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({"name": "mine", "results": {"bpp": [0.2, 0.4], "psnr-rgb": [29, 32]}}))
    return path


@pytest.fixture
def folder(tmp_path: Path, photo: Image.Image) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    photo.save(folder / "a.png")
    (folder / "broken.png").write_bytes(b"broken")
    return folder


def test_results_alone_make_a_page(run: Run, results: Path, tmp_path: Path) -> None:
    result = run(results, "-t", "Mine & theirs", "--dataset", "clic2020-mobile")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert result.exit_code == 0
    assert "<h1>Mine &amp; theirs</h1>" in page
    assert "CLIC 2020 mobile" in page
    assert '"name":"mine"' in page


def test_images_are_coded_at_a_rate_and_those_that_cannot_be_read_are_named(
    run: Run, folder: Path, tmp_path: Path
) -> None:
    result = run("--images", folder, "--at-bpp", 1, "--codecs", "jpeg,webp")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert result.exit_code == 0
    assert "skipped" in result.stderr
    assert "broken.png" in result.stderr
    assert page.count("data:image/webp;base64,") == 3


def test_a_page_without_anything_to_show_is_wrong_usage(run: Run) -> None:
    result = run()
    assert result.exit_code == 2
    assert "--images" in result.stderr


def test_mistakes_are_answered_in_a_sentence(run: Run, results: Path, folder: Path) -> None:
    unknown = run(results, "--images", folder, "--codecs", "jpgg")
    unreadable = run("--images", folder / "broken.png", "--codecs", "jpeg")
    for result, reason in ((unknown, "'jpgg'"), (unreadable, "at least one image")):
        assert result.exit_code == 1
        assert result.stderr.splitlines()[-1].startswith("latentpress: error: Expected")
        assert reason in result.stderr
