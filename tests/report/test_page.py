"""The page is one file that asks for nothing, and what comes from files stays text."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from latentpress.errors import ConfigurationError
from latentpress.report import Comparison, Result, Version, load_published, parse_result, render
from latentpress.report.comparisons import embed
from latentpress.report.page import write

HOSTILE = "</script><img src=x onerror=alert(1)><!-- $title & \u2028"


def data_of(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    data: dict[str, Any] = json.loads(found[1])
    return data


def noise(size: tuple[int, int] = (96, 64)) -> Image.Image:
    return Image.effect_noise(size, 80).convert("RGB")


def pair(source: str, size: tuple[int, int] = (96, 64)) -> Comparison:
    return Comparison(
        source, (Version("Original", noise(size)), Version("mine", noise(size), "q", 0.3, 30.0))
    )


@pytest.fixture
def result(record: dict[str, Any]) -> Result:
    return parse_result(record, "mine.json")


def test_nothing_is_loaded_from_anywhere(result: Result) -> None:
    page = render([result], [pair("a")])
    without_links = re.sub(r'<a href="https://[^"]+">', "", page)
    # The one address left is the name of SVG's elements, which is not fetched.
    assert set(re.findall(r"https?://[^\s\"'<]+", without_links)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"<link|@import|\burl\((?!#)|<script src|fetch\(|XMLHttpRequest|import\(", page)
    assert "default-src 'none'" in page


def test_text_from_files_cannot_become_markup() -> None:
    record = {"name": HOSTILE, "description": HOSTILE, "results": {"bpp": [1], "psnr": [30]}}
    comparison = Comparison(HOSTILE, (Version("Original", noise()), Version(HOSTILE, noise(), HOSTILE)))
    page = render([parse_result(record, "x")], [comparison], title=HOSTILE)
    assert "<img src=x" not in page
    assert "<title>&lt;/script&gt;" in page
    assert data_of(page)["curves"][0]["name"] == HOSTILE
    assert page.count("</script>") == page.count("<script")


def test_every_published_curve_of_the_set_is_on_the_page(result: Result) -> None:
    names = {curve["name"] for curve in data_of(render([result]))["curves"]}
    assert names == {"mine"} | {curve.name for curve in load_published() if curve.dataset == "kodak"}
    others = {curve["name"] for curve in data_of(render([result], dataset="clic2022-test"))["curves"]}
    assert others == {"mine", "VTM 18.0", "QARV base", "QRes-VAE 34M"}
    with pytest.raises(ConfigurationError, match="clic2022-test"):
        render([result], dataset="faces")


def test_points_keep_their_labels_when_they_are_sorted(result: Result) -> None:
    points = data_of(render([result]))["curves"][0]["points"]
    assert [point[2] for point in points["psnr-rgb"]] == ["quality 10", "quality 40", "quality 70"]
    assert [point[3] for point in points["ms-ssim-rgb"]] == [0.92, 0.97, 0.985, 0.992]


def test_images_that_fit_are_embedded_without_loss() -> None:
    embedded = embed([pair("a"), pair("b")], max_bytes=1_000_000)
    assert embedded.lossless
    assert [record["source"] for record in embedded.records] == ["a", "b"]


def test_images_that_do_not_fit_are_embedded_with_loss_and_then_left_out() -> None:
    pairs = [pair("a", (256, 256)), pair("b", (256, 256)), pair("c", (256, 256))]
    lossless = sum(
        len(version["uri"]) for record in embed(pairs, 10**8).records for version in record["versions"]
    )
    lossy = embed(pairs, lossless - 1)
    assert not lossy.lossless
    assert lossy.left_out == ()
    needed = sum(len(version["uri"]) for record in lossy.records for version in record["versions"])
    assert embed(pairs, needed - 1).left_out == ("c",)
    page = render([], pairs, max_bytes=needed - 1)
    assert "WebP at quality 95" in page
    assert "no room for c." in page


def test_the_same_results_give_the_same_page(result: Result, tmp_path: Path) -> None:
    pages = [tmp_path / "new" / "a.html", tmp_path / "b.html"]
    comparison = pair("a")
    for path in pages:
        write(render([result], [comparison]), path)
    assert pages[0].read_bytes() == pages[1].read_bytes()


def test_a_page_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="Expected to write"):
        write("", tmp_path)
