"""Bjøntegaard deltas are those of the reference package, and absent where they mean nothing."""

import warnings
from collections.abc import Sequence

import bjontegaard
import pytest

from latentpress.errors import ConfigurationError
from latentpress.report import METHODS, Curve, bd_psnr, bd_rate, find_published
from latentpress.report.bd import FEWEST_POINTS

ANCHOR = Curve("anchor", "psnr-rgb", [(0.2, 28.0), (0.4, 31.0), (0.8, 34.0), (1.6, 36.5), (2.4, 38.0)])


def curve(points: Sequence[tuple[float, float]], name: str = "test", metric: str = "psnr-rgb") -> Curve:
    return Curve(name, metric, points)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("metric", ["psnr-rgb", "ms-ssim-rgb"])
def test_deltas_of_published_curves_equal_the_reference_package(method: str, metric: str) -> None:
    anchor, *tests = find_published(["VTM", "all"], metric=metric)
    x, y = zip(*anchor.decibels, strict=True)
    for test in tests:
        u, v = zip(*test.decibels, strict=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            options = {"method": method, "require_matching_points": False, "min_overlap": 0}
            rate = bjontegaard.bd_rate(x, y, u, v, **options)
            quality = bjontegaard.bd_psnr(x, y, u, v, **options)
        assert bd_rate(anchor, test, method).value == pytest.approx(rate, abs=1e-6)
        assert bd_psnr(anchor, test, method).value == pytest.approx(quality, abs=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_a_curve_of_nine_tenths_of_the_rate_is_ten_percent_better(method: str) -> None:
    test = curve([(0.9 * bpp, psnr) for bpp, psnr in ANCHOR.points])
    assert bd_rate(ANCHOR, test, method).value == pytest.approx(-10, abs=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_a_curve_half_a_decibel_higher_is_half_a_decibel_better(method: str) -> None:
    test = curve([(bpp, psnr + 0.5) for bpp, psnr in ANCHOR.points])
    assert bd_psnr(ANCHOR, test, method).value == pytest.approx(0.5, abs=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_the_order_of_points_does_not_matter(method: str) -> None:
    points = [(0.3, 30.0), (0.5, 32.0), (0.9, 34.5), (1.5, 37.0)]
    assert bd_rate(ANCHOR, curve(points[::-1]), method) == bd_rate(ANCHOR, curve(points), method)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("points", "reason"),
    [
        ([(0.5, 32.0)], "1 point"),
        ([], "0 points"),
        ([(2.0, 40.0), (3.0, 41.0), (4.0, 42.0), (5.0, 43.0)], "share no range of quality"),
        ([(0.2, 29.0), (0.4, 31.0), (0.8, 30.0), (1.6, 36.0)], "does not rise"),
        ([(0.2, 29.0), (0.2, 31.0), (0.8, 33.0), (1.6, 36.0)], "does not rise"),
        ([(0.0, 29.0), (0.4, 31.0), (0.8, 33.0), (1.6, 36.0)], "without any rate"),
    ],
)
def test_where_a_delta_means_nothing_there_is_a_sentence_instead(
    points: list[tuple[float, float]], reason: str, method: str
) -> None:
    for delta in (bd_rate(ANCHOR, curve(points), method), bd_rate(curve(points), ANCHOR, method)):
        assert delta.value is None
        assert reason in str(delta.warning)


def test_curves_that_share_no_rate_have_no_bd_psnr() -> None:
    delta = bd_psnr(ANCHOR, curve([(3.0, 30.0), (4.0, 33.0), (5.0, 36.0), (6.0, 37.0)]))
    assert delta.value is None
    assert "share no range of rate" in str(delta.warning)


@pytest.mark.parametrize("method", METHODS)
def test_each_method_says_how_many_points_it_needs(method: str) -> None:
    points = [(0.3, 30.0), (0.5, 32.0), (0.9, 34.5), (1.5, 37.0)]
    enough = FEWEST_POINTS[method]
    assert bd_rate(ANCHOR, curve(points[:enough]), method).value is not None
    assert f"needs {enough}" in str(bd_rate(ANCHOR, curve(points[: enough - 1]), method).warning)


def test_a_number_over_a_short_stretch_comes_with_a_warning() -> None:
    delta = bd_rate(ANCHOR, curve([(0.5, 36.0), (1.0, 40.0), (2.0, 44.0)]))
    assert delta.value is not None
    assert "share only 25%" in str(delta.warning)


def test_wrong_methods_and_metrics_are_errors() -> None:
    with pytest.raises(ConfigurationError, match="cubic, pchip, akima"):
        bd_rate(ANCHOR, ANCHOR, "linear")
    with pytest.raises(ConfigurationError, match="one metric"):
        bd_rate(ANCHOR, curve([(0.5, 0.9)], metric="ms-ssim-rgb"))
    with pytest.raises(ConfigurationError, match="psnr-rgb, ms-ssim-rgb"):
        curve([(0.5, 0.9)], metric="vmaf")
