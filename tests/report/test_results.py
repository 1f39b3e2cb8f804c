"""Files of results are read whoever wrote them, and refused with a sentence where they are not such files."""

import json
from pathlib import Path
from typing import Any

import pytest

from latentpress.errors import ConfigurationError, DataError
from latentpress.report import parse_result, read_results


def test_a_file_of_ours_gives_curves_times_and_images(results_file: Path) -> None:
    (result,) = read_results([results_file])
    assert (result.name, result.description) == ("mine", "real coding")
    assert result.curve("psnr-rgb").points == ((0.2, 29.0), (0.5, 33.0), (0.9, 36.0))  # without the null
    assert len(result.curve("ms-ssim-rgb").points) == 4
    assert result.points[1] == "quality 10"
    assert result.values[1]["decoding_time"] == 0.03
    assert [image.source for image in result.images] == ["b <i>2</i>", "a10", "a9"]
    assert result.images[0].values["ms-ssim-rgb"] is None


def test_a_file_of_others_needs_rates_and_one_metric_only() -> None:
    result = parse_result({"name": "x", "results": {"bpp": [1, 2], "psnr": [30, 33], "other": "?"}}, "x")
    assert result.curve("psnr-rgb").points == ((1.0, 30.0), (2.0, 33.0))
    assert result.curve("ms-ssim-rgb").points == ()


def test_a_single_point_may_be_plain_numbers() -> None:
    assert parse_result({"results": {"bpp": 0.5, "psnr-rgb": 31}}, "one.json").name == "one.json"


def test_what_is_not_finite_is_left_out() -> None:
    record = {"name": "x", "results": {"bpp": [1, 2], "psnr-rgb": [float("inf"), 33]}}
    assert parse_result(record, "x").curve("psnr-rgb").points == ((2.0, 33.0),)


def test_results_of_the_same_name_are_told_apart_by_their_files(
    tmp_path: Path, record: dict[str, Any]
) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.json").write_text(json.dumps(record), encoding="utf-8")
    assert [result.name for result in read_results([tmp_path])] == ["mine (a)", "mine (b)"]


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ([], "JSON object"),
        ({"name": "x"}, "JSON object"),
        ({"results": {"psnr-rgb": [30]}}, "list of rates"),
        ({"results": {"bpp": [], "psnr-rgb": []}}, "list of rates"),
        ({"results": {"bpp": [1, 2], "psnr-rgb": [30]}}, "2 numbers of psnr-rgb"),
        ({"results": {"bpp": [1], "lpips": [0.1]}}, "psnr-rgb, ms-ssim-rgb"),
        ({"results": {"bpp": ["1"], "psnr-rgb": [30]}}, "numbers under bpp"),
        ({"results": {"bpp": [1], "psnr-rgb": [30]}, "images": [3]}, "source and results"),
    ],
)
def test_what_is_not_of_the_common_form_is_named(record: Any, reason: str) -> None:
    with pytest.raises(DataError, match=rf"{reason}.*here\.json"):
        parse_result(record, "here.json")


def test_files_that_are_missing_or_not_json_are_named(tmp_path: Path) -> None:
    (tmp_path / "text.json").write_text("{", encoding="utf-8")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"text\.json"):
        read_results([tmp_path / "text.json"])
    with pytest.raises(ConfigurationError, match="absent"):
        read_results([tmp_path / "absent"])
    with pytest.raises(ConfigurationError, match="empty"):
        read_results([tmp_path / "empty"])
