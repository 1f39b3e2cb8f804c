"""Integer tables for the latents of a hierarchy, and the step from a prior to an index into them.

That step is coder-critical: encoder and decoder must take the same one for every symbol. It compares the
network's raw output with thresholds, so that no exponential, whose last digit differs between machines,
stands in between.
"""

import math
from collections.abc import Sequence
from decimal import Context, Decimal, localcontext
from itertools import product

import numpy as np
import torch
from torch import Tensor

from latentpress import _core
from latentpress.ans import CodingTables
from latentpress.entropy_models import GaussianConditional, portable
from latentpress.errors import BitstreamError
from latentpress.models.hierarchical.compiled import contiguous

SCALE_BOUND = 0.11
LARGEST_SCALE = 20.0
# In each of the tables that models have, one exponential was not rounded to the nearest number. Files were
# coded with it, so it stays: number of the scale, and the direction.
_ROUNDED_OTHERWISE = {
    (0.1, 20.0, 64): (43, math.inf),
    (0.11, 20.0, 64): (44, -math.inf),
    (0.11, 20.0, 128): (18, math.inf),
}
# A foreign encoder's arithmetic may round a raw scale to the other side of a threshold this close to it.
_DOUBTFUL_WITHIN = 1e-4
_MOST_DOUBTFUL = 8
_DIGITS = 40


def log_spaced(smallest: float, largest: float, count: int) -> Tensor:
    """`count` scales from `smallest` to `largest` at equal ratios, float32, the same on every machine."""
    scales = portable.log_spaced(smallest, largest, count)
    number, direction = _ROUNDED_OTHERWISE.get((smallest, largest, count), (0, 0.0))
    if direction:
        scales[number] = torch.nextafter(scales[number], torch.tensor(direction, device="cpu"))
    return scales


class DiscreteGaussian(GaussianConditional):
    """Gaussians over integers about their means, whose log-scale is `softplus(raw + bound) - bound`.

    Args:
        scales: the scale table.
        log_scale_bound: the `bound` in that formula.
        unit: distance of neighbouring integers on the scale of the network.
        not_saved: buffers that checkpoints leave out.
    """

    def __init__(
        self,
        scales: Tensor,
        log_scale_bound: float = 2.3,
        unit: float = 1.0,
        not_saved: Sequence[str] = (),
    ) -> None:
        super().__init__(None, scale_bound=SCALE_BOUND)
        for name in not_saved:
            self.register_buffer(name, getattr(self, name), persistent=False)
        self._scales = scales
        self._thresholds = raw_thresholds(scales, SCALE_BOUND, log_scale_bound, unit)

    def make_tables(self, force: bool = False) -> bool:
        """Make the integer tables, unless there are some; returns whether it did."""
        with torch.inference_mode(False):
            return self.update_scale_table(self._scales, force=force)

    def encode(self, values: Tensor, means: Tensor, raw: Tensor) -> bytes:
        """String of `round(values - means)` of one image, each (1, C, H, W), in C, H, W order."""
        self.make_tables()
        indexes = _table_indexes(_row(raw), self._thresholds)
        return self.coding_tables().encode_rounded(_row(values), indexes, _row(means))[0]

    def decode(self, string: bytes, means: Tensor, raw: Tensor) -> Tensor:
        """The values (1, C, H, W), symbols plus means, that `encode` was given, rounded.

        Raises:
            BitstreamError: the string is damaged, or made with other weights.
        """
        self.make_tables()
        tables = self.coding_tables()
        row, flat_means = _row(raw), _row(means)
        try:
            values = tables.decode_rounded([string], _table_indexes(row, self._thresholds), flat_means)
        except BitstreamError:
            values = _decode_in_doubt(tables, string, row, flat_means, self._thresholds)
        return values.reshape(means.shape).to(means.device)


def raw_thresholds(scales: Tensor, scale_bound: float, log_scale_bound: float, unit: float) -> Tensor:
    """Raw values above which each scale but the last lies strictly below the Gaussian's scale, (T - 1,)
    float32.

    Rounded down, which leaves the comparison with float32 values exact, and computed in decimal, which is the
    same on every machine.
    """
    bound = float(np.float32(scale_bound))
    exact = [_raw_threshold(scale, log_scale_bound, unit, bound) for scale in scales[:-1].double().tolist()]
    rounded = np.array(exact, np.float32)
    too_high = rounded > exact
    rounded[too_high] = np.nextafter(rounded[too_high], np.float32(-np.inf))
    return torch.from_numpy(rounded)


def _raw_threshold(scale: float, log_scale_bound: float, unit: float, scale_bound: float) -> float:
    """Raw value whose `softplus(raw + bound) - bound` is the logarithm of a scale; -inf where none is."""
    with localcontext(Context(prec=_DIGITS)):
        shifted = (Decimal(scale) * Decimal(unit)).ln() + Decimal(log_scale_bound)
        if scale < scale_bound or shifted <= 0:
            return -math.inf
        return float(shifted + (1 - (-shifted).exp()).ln() - Decimal(log_scale_bound))


def _row(x: Tensor) -> Tensor:
    """(1, C, H, W) as a contiguous row (1, C * H * W) on the CPU."""
    return contiguous(x.detach().float().cpu()).reshape(1, -1)


def _table_indexes(raw: Tensor, thresholds: Tensor) -> Tensor:
    """How many thresholds lie strictly below each element of a row (1, K) on the CPU, int32."""
    indexes = torch.empty(raw.shape, dtype=torch.int32, device="cpu")
    _core.fill_threshold_indexes(raw[0], thresholds, indexes[0])
    return indexes


def _decode_in_doubt(
    tables: CodingTables, string: bytes, raw: Tensor, means: Tensor, thresholds: Tensor
) -> Tensor:
    """Decode a string some of whose scales were on the other side of a threshold where it was made.

    A string only ends where it should if every index was right, so the few indexes in doubt can be tried out.
    This is what makes strings of other implementations, whose sums round differently, readable.
    """
    indexes = _table_indexes(raw, thresholds)
    above = _table_indexes(raw + _DOUBTFUL_WITHIN, thresholds)
    below = _table_indexes(raw - _DOUBTFUL_WITHIN, thresholds)
    doubtful = torch.nonzero(above != below)[:, 1]
    distance = (raw[0, doubtful, None] - thresholds).abs().amin(dim=1)
    doubtful = doubtful[distance.argsort()][:_MOST_DOUBTFUL]
    others = torch.where(indexes == above, below, above)
    for choice in _fewest_first(len(doubtful)):
        changed = indexes.clone()
        positions = doubtful[torch.tensor(choice, dtype=torch.bool, device="cpu")]
        changed[0, positions] = others[0, positions]
        try:
            return tables.decode_rounded([string], changed, means)
        except BitstreamError:
            continue
    raise BitstreamError(
        "Expected a string made with these weights, found one that does not decode; "
        "the stream is damaged, or the model is not the one that made it."
    )


def _fewest_first(count: int) -> Sequence[tuple[bool, ...]]:
    """All non-empty selections of `count` things, small ones first and among those the first things first."""
    selections = [choice for choice in product((True, False), repeat=count) if any(choice)]
    return sorted(selections, key=sum)
