"""Rate-distortion curves as pictures and numbers: published curves, Bjøntegaard deltas, figures, a web page.

It takes curves and records as data, and measures nothing itself.
"""

from typing import TYPE_CHECKING

from latentpress._lazy import lazy_attributes

if TYPE_CHECKING:
    from latentpress.report.bd import METHODS, Delta, bd_psnr, bd_rate
    from latentpress.report.comparisons import Comparison, Version
    from latentpress.report.curves import Curve
    from latentpress.report.figure import Layout, plot
    from latentpress.report.page import render
    from latentpress.report.published import find_published, load_published
    from latentpress.report.results import Result, parse_result, read_results

__all__ = [
    "METHODS",
    "Comparison",
    "Curve",
    "Delta",
    "Layout",
    "Result",
    "Version",
    "bd_psnr",
    "bd_rate",
    "find_published",
    "load_published",
    "parse_result",
    "plot",
    "read_results",
    "render",
]

_HOMES = {
    "bd": ["METHODS", "Delta", "bd_psnr", "bd_rate"],
    "comparisons": ["Comparison", "Version"],
    "curves": ["Curve"],
    "figure": ["Layout", "plot"],
    "page": ["render"],
    "published": ["find_published", "load_published"],
    "results": ["Result", "parse_result", "read_results"],
}
__getattr__, __dir__ = lazy_attributes(
    __name__, {name: f"{__name__}.{home}" for home, names in _HOMES.items() for name in names}
)
