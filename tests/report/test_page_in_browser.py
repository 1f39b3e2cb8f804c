"""The page as a reader has it: opened in headless Chromium, used by mouse and keys, compared with Python."""

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from latentpress.report import (
    METHODS,
    Comparison,
    Curve,
    Version,
    bd_psnr,
    bd_rate,
    find_published,
    load_published,
    parse_result,
    render,
)
from latentpress.report.page import write

RED, BLUE, GREEN = (200, 30, 30), (30, 30, 200), (20, 160, 60)
BAD_CURVES: dict[str, list[tuple[float, float]]] = {
    "one point": [(0.5, 33.0)],
    "elsewhere": [(6.0, 60.0), (7.0, 61.0), (8.0, 62.0), (9.0, 63.0)],
    "zigzag": [(0.2, 28.0), (0.5, 34.0), (0.8, 33.0), (1.2, 38.0)],
    "three points": [(0.2, 28.0), (0.5, 32.0), (0.8, 35.0)],
}

Page = Any
Open = Callable[..., Page]


def results_with_bad_curves(record: dict[str, Any]) -> list[Any]:
    bad = [
        {"name": name, "results": {"bpp": [p[0] for p in points], "psnr-rgb": [p[1] for p in points]}}
        for name, points in BAD_CURVES.items()
    ]
    return [parse_result(each, "x") for each in (record, *bad)]


def comparison(source: str = "first") -> Comparison:
    size = (300, 200)
    versions = (("Original", RED, None), ("mine", BLUE, 0.301), ("other", GREEN, 0.299))
    return Comparison(
        source,
        tuple(Version(name, Image.new("RGB", size, colour), bpp=bpp) for name, colour, bpp in versions),
    )


@pytest.fixture
def open_page(browser: Any, tmp_path: Path, record: dict[str, Any]) -> Iterator[Open]:
    """Opens a report in a window; afterwards, checks that no script failed and nothing was asked for."""
    requests: list[str] = []
    failures: list[str] = []
    contexts = []

    def call(width: int = 1200, scheme: str = "light") -> Page:
        path = tmp_path / "report.html"
        write(render(results_with_bad_curves(record), [comparison(), comparison("second")]), path)
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(5000)
        page.on("request", lambda request: requests.append(request.url))
        page.on("pageerror", lambda error: failures.append(str(error)))
        page.on("console", lambda message: failures.append(message.text) if message.type == "error" else None)
        page.goto(path.as_uri())
        return page

    yield call
    for context in contexts:
        context.close()
    assert failures == []
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []


def row(page: Page, name: str) -> Any:
    rows = page.locator("#deltas-table tbody tr")
    return rows.filter(has=page.locator("th", has_text=name)).first


def shown_value(page: Page, name: str, kind: str) -> tuple[str, float | None]:
    cell = row(page, name).locator(f"[data-kind={kind}]")
    whole = cell.get_attribute("data-value")
    return cell.inner_text(), None if whole is None else float(whole)


def pixel(page: Page, x: float, y: float = 0.3) -> tuple[int, ...]:
    """What colour the viewer shows at a place, from 0 to 1 across and down."""
    image = Image.open(io.BytesIO(page.locator("#viewer-stage").screenshot())).convert("RGB")
    found = image.getpixel((int(x * (image.width - 1)), int(y * (image.height - 1))))
    assert isinstance(found, tuple)
    return found


def published(metric: str) -> list[Curve]:
    return [c for c in load_published() if c.dataset == "kodak" and c.metric == metric]


@pytest.mark.parametrize("metric", ["psnr-rgb", "ms-ssim-rgb"])
def test_the_pages_arithmetic_equals_pythons_for_every_curve_and_method(open_page: Open, metric: str) -> None:
    page = open_page()
    curves = published(metric)
    for anchor in find_published(["VTM", "JPEG"], metric=metric):
        found = page.evaluate(
            """([anchor, tests, methods]) => methods.map((method) => tests.map((test) =>
                [BD.rate(anchor, test, method), BD.quality(anchor, test, method)]))""",
            [
                {"name": anchor.name, "points": anchor.decibels},
                [{"name": test.name, "points": test.decibels} for test in curves],
                list(METHODS),
            ],
        )
        for method, deltas in zip(METHODS, found, strict=True):
            for test, (rate, quality) in zip(curves, deltas, strict=True):
                for mine, theirs in ((rate, bd_rate), (quality, bd_psnr)):
                    wanted = theirs(anchor, test, method)
                    assert mine["value"] == pytest.approx(wanted.value, abs=1e-6)
                    assert mine["warning"] == wanted.warning


def test_the_table_shows_pythons_numbers_for_the_anchor_and_method_chosen(
    open_page: Open, record: dict[str, Any]
) -> None:
    page = open_page()
    mine = parse_result(record, "x").curve("psnr-rgb")
    elic = find_published(["ELIC paper"])[0]
    assert page.get_by_label("Anchor", exact=True).locator("option:checked").inner_text() == "VTM"
    for name, method in (("VTM", "pchip"), ("BPG", "akima"), ("AV1", "cubic")):
        page.get_by_label("Anchor", exact=True).select_option(label=name)
        page.locator(f"#deltas-controls input[value={method}]").check(force=True)
        anchor = find_published([name])[0]
        text, value = shown_value(page, "ELIC paper", "rate")
        wanted = bd_rate(anchor, elic, method).value
        assert value == pytest.approx(wanted, abs=1e-6)
        assert text.replace("\u2212", "-") == f"{wanted:+.2f}"
        assert shown_value(page, "ELIC paper", "quality")[1] == pytest.approx(
            bd_psnr(anchor, elic, method).value, abs=1e-6
        )
        assert shown_value(page, name, "rate") == ("0.00", 0.0)
        expected = bd_rate(anchor, mine, method).value
        assert shown_value(page, "mine", "rate")[1] == (
            None if expected is None else pytest.approx(expected, abs=1e-6)
        )


def test_a_measured_curve_can_be_the_anchor_and_ms_ssim_the_quality(
    open_page: Open, record: dict[str, Any]
) -> None:
    page = open_page()
    page.get_by_text("MS-SSIM", exact=True).first.click()
    page.get_by_label("Anchor", exact=True).select_option(label="mine")
    mine = parse_result(record, "x").curve("ms-ssim-rgb")
    vtm = find_published(["VTM"], metric="ms-ssim-rgb")[0]
    assert page.locator("#deltas-table thead").inner_text().count("BD-MS-SSIM") == 1
    assert shown_value(page, "VTM", "rate")[1] == pytest.approx(bd_rate(mine, vtm).value, abs=1e-6)


@pytest.mark.parametrize("name", [name for name in BAD_CURVES if name != "three points"])
def test_curves_that_mean_nothing_get_a_warning_and_no_number(open_page: Open, name: str) -> None:
    page = open_page()
    vtm = find_published(["VTM"])[0]
    wanted = bd_rate(vtm, Curve(name, "psnr-rgb", BAD_CURVES[name]))
    assert wanted.value is None
    assert shown_value(page, name, "rate") == ("undefined", None)
    assert shown_value(page, name, "quality") == ("undefined", None)
    assert wanted.warning in row(page, name).locator(".warning").all_inner_texts()


def test_three_points_have_no_cubic_but_the_others(open_page: Open) -> None:
    page = open_page()
    assert shown_value(page, "three points", "rate")[1] is not None
    page.locator("#deltas-controls input[value=cubic]").check(force=True)
    assert shown_value(page, "three points", "rate")[1] is None
    assert "cubic needs 4" in row(page, "three points").inner_text()


def test_the_divider_is_dragged_and_shows_one_image_on_each_side(open_page: Open) -> None:
    page = open_page()
    stage, handle = page.locator("#viewer-stage"), page.get_by_role("slider")
    stage.scroll_into_view_if_needed()
    assert (pixel(page, 0.3), pixel(page, 0.7)) == (RED, BLUE)
    start, box = handle.bounding_box(), stage.bounding_box()
    page.mouse.move(start["x"] + start["width"] / 2, start["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.2 * box["width"], start["y"] + 60, steps=4)
    page.mouse.up()
    assert handle.get_attribute("aria-valuenow") == "20"
    assert (pixel(page, 0.1), pixel(page, 0.3)) == (RED, BLUE)


def test_the_divider_is_moved_by_keys(open_page: Open) -> None:
    page = open_page()
    handle = page.get_by_role("slider")
    handle.focus()
    for key, value in (("ArrowRight", "51"), ("Shift+ArrowLeft", "41"), ("End", "100"), ("Home", "0")):
        page.keyboard.press(key)
        assert handle.get_attribute("aria-valuenow") == value
    assert pixel(page, 0.2) == BLUE


def test_sides_images_and_zoom_are_chosen(open_page: Open) -> None:
    page = open_page()
    page.get_by_label("Left", exact=True).select_option(label="other")
    assert pixel(page, 0.3) == GREEN
    assert "0.299 bpp" in page.locator("#viewer-left").inner_text()
    page.get_by_label("Image", exact=True).select_option(label="second")
    assert page.locator("#viewer-left").inner_text().startswith("other")
    assert page.evaluate("document.activeElement.labels[0].textContent") == "Image"
    image = page.locator("#viewer-stage img").first
    assert image.get_attribute("alt") == "second, other"
    for _ in range(3):
        page.locator("#viewer-controls").get_by_role("button", name="Zoom in").click()
    assert "scale(3.375)" in image.get_attribute("style")
    page.get_by_role("button", name="Show the whole image").click()
    assert "scale(1)" in image.get_attribute("style")


def test_pointing_at_a_curve_gives_its_values(open_page: Open) -> None:
    page = open_page()
    marker = page.locator("#curves-chart [data-id=r0] .marker").nth(1).bounding_box()
    page.mouse.move(marker["x"] + marker["width"] / 2, marker["y"] + marker["height"] / 2)
    tip = page.locator("#curves-chart .tip")
    beside = tip.bounding_box()
    assert abs(beside["y"] + beside["height"] - marker["y"]) < 20
    assert tip.inner_text().split("\n") == ["mine", "0.5000 bpp", "PSNR 33.00 dB", "quality 40"]


def test_points_are_reached_by_keys_and_told_to_screen_readers(open_page: Open) -> None:
    page = open_page()
    page.locator("#curves-chart .chart").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    spoken = page.locator("#curves-chart [aria-live]")
    assert spoken.inner_text() == "mine: 0.5000 bpp, PSNR 33.00 dB, quality 40"


def test_the_legend_shows_and_hides_curves_in_chart_and_table(open_page: Open) -> None:
    page = open_page()
    series = page.locator("#curves-chart .series")
    before = series.count()
    page.get_by_label("HM", exact=True).check()
    assert series.count() == before + 1
    assert row(page, "HM").count() == 1
    page.get_by_role("button", name="Hide all: Published codecs").click()
    assert page.locator("#curves-chart [data-id='p:VTM']").count() == 0
    assert page.locator("#curves-chart [data-id=r0]").count() == 1


def test_the_chart_zooms_moves_and_comes_back(open_page: Open) -> None:
    page = open_page()
    chart = page.locator("#curves-chart .chart")

    def ticks() -> str:
        return str(chart.locator(".tick").all_inner_texts())

    first = ticks()
    page.locator("#curves-chart").get_by_role("button", name="Zoom in").click()
    zoomed = ticks()
    assert zoomed != first
    box = chart.bounding_box()
    page.mouse.move(box["x"] + 400, box["y"] + 200)
    page.mouse.down()
    page.mouse.move(box["x"] + 250, box["y"] + 260, steps=3)
    page.mouse.up()
    assert ticks() not in (first, zoomed)
    page.locator("#curves-chart").get_by_role("button", name="Reset the view").click()
    assert ticks() == first


def test_the_speed_chart_has_the_times_that_were_measured(open_page: Open) -> None:
    page = open_page()
    page.locator("#speed-chart").scroll_into_view_if_needed()
    marker = page.locator("#speed-chart [data-id=r0] .marker").first.bounding_box()
    page.mouse.move(marker["x"] + marker["width"] / 2, marker["y"] + marker["height"] / 2)
    lines = page.locator("#speed-chart .tip").inner_text().split("\n")
    assert lines == ["mine", "0.2000 bpp", "encoding 300 ms", "decoding 30.0 ms", "quality 10"]


def test_images_are_sorted_and_filtered_and_their_names_stay_text(open_page: Open) -> None:
    page = open_page()
    names = page.locator("#images-table tbody th")
    assert names.all_inner_texts() == ["a9", "a10", "b <i>2</i>"]  # numbers in names count as numbers
    page.locator("#images-table").get_by_role("button", name="PSNR").click()
    assert names.all_inner_texts() == ["b <i>2</i>", "a9", "a10"]
    assert page.locator("#images-table th[aria-sort=ascending]").inner_text().startswith("PSNR")
    page.get_by_label("Search").fill("a1")
    assert names.all_inner_texts() == ["a10"]


def test_the_page_is_dark_where_that_is_wished_and_can_be_switched(open_page: Open) -> None:
    page = open_page(scheme="dark")
    background = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(background)
    page.get_by_role("button", name="Switch between light and dark").click()
    assert max(json.loads(f"[{dark[4:-1]}]")) < 60
    assert min(json.loads(f"[{page.evaluate(background)[4:-1]}]")) > 200


def test_nothing_sticks_out_on_a_phone(open_page: Open) -> None:
    page = open_page(width=360)
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    assert page.locator("#curves-chart .series").count() > 1


def test_every_control_has_a_name(open_page: Open) -> None:
    page = open_page()
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("button, select, input, [role=slider], img")]
            .filter((e) => !(e.getAttribute("aria-label") || e.alt || e.labels?.[0]?.textContent.trim()))
            .filter((e) => e.tagName !== "BUTTON" || !e.textContent.trim())
            .map((e) => e.outerHTML)"""
    )
    assert nameless == []
