"""What is drawn: results first, published curves beside them, all told apart without colour."""

from pathlib import Path

import pytest

from latentpress.report import parse_result, read_results
from latentpress.report.selection import SHOWN_AT_FIRST, select
from latentpress.report.styles import DASHES, style


def test_published_curves_are_beside_the_results_without_being_asked_for(results_file: Path) -> None:
    names = [drawn.curve.name for drawn in select(read_results([results_file]))]
    assert names == ["mine", *SHOWN_AT_FIRST]


def test_published_curves_can_be_chosen_or_left_out(results_file: Path) -> None:
    results = read_results([results_file])
    assert [drawn.curve.name for drawn in select(results, published=["hm"])] == ["mine", "HM"]
    assert [drawn.curve.name for drawn in select(results, published=[])] == ["mine"]


def test_a_published_curve_that_shares_a_results_name_is_marked() -> None:
    measured = parse_result({"name": "jpeg", "results": {"bpp": [1], "psnr": [33]}}, "x")
    names = [drawn.curve.name for drawn in select([measured], published=["JPEG"])]
    assert names == ["jpeg", "JPEG (published)"]


def test_a_codec_looks_the_same_whatever_else_is_drawn() -> None:
    alone = select([], published=["BPG"])
    among = select([], published=["VTM", "BPG"], metric="ms-ssim-rgb")
    assert alone[0].style == among[1].style


@pytest.mark.parametrize("kind", DASHES)
def test_curves_of_a_kind_differ_and_kinds_differ_in_dashes(kind: str) -> None:
    assert len({style(index, kind) for index in range(56)}) == 56
    assert {style(index, kind).dash for index in range(56)} == {DASHES[kind]}


def test_the_first_curves_of_all_kinds_differ_without_their_dashes() -> None:
    looks = [(style(index, kind).colour, style(index, kind).marker) for kind in DASHES for index in range(7)]
    assert len(set(looks)) == len(looks)
