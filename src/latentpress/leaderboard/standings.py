"""How a contender did: its curves, its distance from VTM, and its times at a usual rate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from latentpress.evaluation.complexity import Complexity
from latentpress.report.bd import Delta, bd_rate
from latentpress.report.curves import Curve
from latentpress.report.published import find_published
from latentpress.report.results import Result, parse_result

ANCHOR = "VTM"
USUAL_BPP = 0.5
"""Times are those of the point whose rate is nearest to this."""


@dataclass(frozen=True)
class Standing:
    """How a contender did.

    Attributes:
        result: what was measured.
        is_model: whether it is learned.
        bd_psnr, bd_ms_ssim: BD-rate against VTM's published curve in either metric.
        encoding_time, decoding_time: seconds an image at the usual rate.
        complexity: of a model.
    """

    result: Result
    is_model: bool
    bd_psnr: Delta
    bd_ms_ssim: Delta
    encoding_time: float | None
    decoding_time: float | None
    complexity: Complexity | None = None

    @property
    def name(self) -> str:
        """Of the codec or model."""
        return self.result.name


def standing_of(
    record: Mapping[str, Any],
    *,
    is_model: bool = False,
    counted: Complexity | None = None,
    dataset: str = "kodak",
) -> Standing:
    """The standing that a record of results, in the field's common form, amounts to.

    Args:
        record: as `curve_record` makes it.
        is_model: whether it is of a model.
        counted: what the model takes to run.
        dataset: the images it was measured on, of which VTM's curve is published.

    Raises:
        ConfigurationError: there is no such data set, or `bjontegaard` is not installed.
        DataError: the record is not of that form.
    """
    result = parse_result(dict(record), str(record.get("name")))
    usual = min(result.values, key=lambda values: abs((values["bpp"] or 0) - USUAL_BPP))
    return Standing(
        result,
        is_model,
        against_anchor(result.curve("psnr-rgb", dataset)),
        against_anchor(result.curve("ms-ssim-rgb", dataset)),
        usual["encoding_time"],
        usual["decoding_time"],
        counted,
    )


def against_anchor(curve: Curve) -> Delta:
    """BD-rate of a curve against the published one of VTM on the same images."""
    (anchor,) = find_published([ANCHOR], dataset=curve.dataset, metric=curve.metric)
    return bd_rate(anchor, curve)
