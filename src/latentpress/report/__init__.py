"""Rate-distortion curves as pictures and numbers: published curves, Bjøntegaard deltas, figures, a web page.

It takes curves and records as data, and measures nothing itself.
"""

from typing import TYPE_CHECKING

from latentpress._lazy import lazy_attributes

if TYPE_CHECKING:
    from latentpress.report.bd import METHODS, Delta, bd_psnr, bd_rate
    from latentpress.report.curves import Curve
    from latentpress.report.published import find_published, load_published

__all__ = [
    "METHODS",
    "Curve",
    "Delta",
    "bd_psnr",
    "bd_rate",
    "find_published",
    "load_published",
]

_HOMES = {
    "bd": ["METHODS", "Delta", "bd_psnr", "bd_rate"],
    "curves": ["Curve"],
    "published": ["find_published", "load_published"],
}
__getattr__, __dir__ = lazy_attributes(
    __name__, {name: f"{__name__}.{home}" for home, names in _HOMES.items() for name in names}
)
