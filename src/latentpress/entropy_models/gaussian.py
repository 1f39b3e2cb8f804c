"""Gaussians whose scales (and means) come from side information, integrated over unit bins."""

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import NormalDist
from typing import Any

import torch
from torch import Tensor

from latentpress import _core
from latentpress.entropy_models.base import EntropyModel, check_slots
from latentpress.entropy_models.portable import normal_cumulative
from latentpress.entropy_models.precision import at_least_float32, no_autocast
from latentpress.errors import ConfigurationError
from latentpress.ops import LowerBound


class GaussianConditional(EntropyModel):
    """Independent Gaussians with given scales and means, convolved with a unit box.

    For training the scale of each element is used as it is. For coding, each element takes the integer table
    of the nearest larger scale in `scale_table` (Ballé et al., "Variational image compression with a scale
    hyperprior", 2018; means after Minnen et al., "Joint autoregressive and hierarchical priors", 2018).

    Args:
        scale_table: increasing scales that integer tables are made for, or None to set it later
            (`update_scale_table`). More entries cost fewer bits and more memory.
        scale_bound: smallest scale; smaller ones are raised to it. None for the first entry of `scale_table`.
        tail_mass: probability left outside each integer table; symbols there are coded through the escape
            slot.
        likelihood_bound, entropy_coder, entropy_coder_precision: see `EntropyModel`.

    Example:
        >>> import torch
        >>> from latentpress.entropy_models import GaussianConditional
        >>> gaussian = GaussianConditional(None).eval()
        >>> y, scales = torch.randn(1, 8, 4, 4), torch.ones(1, 8, 4, 4)
        >>> y_hat, likelihoods = gaussian(y, scales)
        >>> torch.equal(y_hat, y.round())
        True
    """

    scale_table: Tensor
    scale_bound: Tensor | None

    def __init__(
        self,
        scale_table: Sequence[float] | Tensor | None,
        *args: Any,
        scale_bound: float | None = 0.11,
        tail_mass: float = 1e-9,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.tail_mass = float(tail_mass)
        table = (
            torch.empty(0, dtype=torch.float32) if scale_table is None else checked_scale_table(scale_table)
        )
        if scale_bound is None and table.numel() == 0:
            raise ConfigurationError(
                "Without a scale_table, scale_bound must be a positive number, not None."
            )
        bound = float(table[0]) if scale_bound is None else float(scale_bound)
        if bound <= 0:
            raise ConfigurationError(f"scale_bound must be a positive number, not {scale_bound}.")
        self.lower_bound_scale = LowerBound(bound)
        self.register_buffer("scale_table", table)
        self.register_buffer("scale_bound", torch.tensor([bound]))

    def forward(
        self, inputs: Tensor, scales: Tensor, means: Tensor | None = None, training: bool | None = None
    ) -> tuple[Tensor, Tensor]:
        """Quantise a latent and return it with its likelihoods.

        Args:
            inputs: latent of any shape.
            scales: standard deviations, broadcastable to `inputs`, raised to at least `scale_bound`.
            means: means, broadcastable to `inputs`; 0 if None.
            training: whether to add noise instead of rounding about the means; by default whether the module
                is in training mode.

        Returns:
            The quantised latent, of the shape and dtype of `inputs`, and likelihoods in (0, 1] of the same
            shape, at least float32.
        """
        if training is None:
            training = self.training
        outputs = self.quantize(inputs, "noise" if training else "dequantize", means)
        with no_autocast(inputs):
            return outputs, self._bounded(self._likelihood(outputs, scales, means))

    def update_scale_table(self, scale_table: Sequence[float] | Tensor, force: bool = False) -> bool:
        """Set the scale table and make the integer tables.

        Args:
            scale_table: increasing positive scales.
            force: make them anew even if there are some.

        Returns:
            Whether tables were made.
        """
        if self._offset.numel() > 0 and not force:
            return False
        self.scale_table = checked_scale_table(scale_table, self.scale_table.device)
        return self.update(force=True)

    def update(self, force: bool = False) -> bool:
        """Make the integer tables from the scale table, the same on every machine, which takes milliseconds.

        Tables already there are kept unless `force` is true: files made with them could not be read with
        others.

        Returns:
            Whether tables were made.

        Raises:
            ConfigurationError: if there is no scale table yet.
        """
        if self._offset.numel() > 0 and not force:
            return False
        if self.scale_table.numel() == 0:
            raise ConfigurationError("There is no scale table yet: call update_scale_table() with one.")
        scales = self.scale_table.detach().float().cpu()
        reach = torch.ceil(scales * -self._standardized_quantile(self.tail_mass / 2))
        check_slots(2 * int(reach.max()) + 1, "use smaller scales or a larger tail_mass")
        centers = reach.int()
        # Both halves are taken from the lower tail, at -|k|, where erfc keeps its digits.
        slots = torch.arange(2 * int(centers.max()) + 1, dtype=torch.int32, device="cpu")
        # of narrower tables only their own slots count, so the others need no values of their own
        distances = (slots - centers[:, None]).abs().minimum(centers[:, None]).float()
        upper = self._tabulated_cumulative((0.5 - distances) / scales[:, None])
        lower = self._tabulated_cumulative((-0.5 - distances) / scales[:, None])
        self._set_tables(upper - lower, 2 * lower[:, 0], 2 * centers + 1, -centers)
        return True

    def build_indexes(self, scales: Tensor) -> Tensor:
        """Return the table of each scale: the number of table entries, the last left out, strictly below it.

        Args:
            scales: standard deviations, of any shape, raised to at least `scale_bound`.

        Returns:
            int32, of the shape and on the device of `scales`, from 0 to len(scale_table) - 1.

        Raises:
            ConfigurationError: if there is no scale table yet.
        """
        if self.scale_table.numel() == 0:
            raise ConfigurationError("There is no scale table yet: call update_scale_table() with one.")
        scales = scales.detach().float()
        if scales.device.type != "cpu":
            bounded = torch.clamp(scales, min=self.lower_bound_scale.bound)
            return torch.bucketize(bounded, self.scale_table[:-1], out_int32=True)
        indexes = torch.empty(scales.shape, dtype=torch.int32, device="cpu")
        bound = float(self.lower_bound_scale.bound)
        flat = scales.contiguous().reshape(-1)
        _core.fill_scale_indexes(flat, self.scale_table, bound, indexes.reshape(-1))
        return indexes

    def _resizable_buffers(self) -> tuple[str, ...]:
        return (*super()._resizable_buffers(), "scale_table")

    def _likelihood(self, inputs: Tensor, scales: Tensor, means: Tensor | None = None) -> Tensor:
        """Return the mass of the unit bins around `inputs`.

        Both ends are evaluated in the lower tail, at -|inputs - means|, where the complementary error
        function keeps its digits.
        """
        values = at_least_float32(inputs)
        if means is not None:
            values = values - means
        values = values.abs()
        scales = self.lower_bound_scale(at_least_float32(scales))
        upper = self._standardized_cumulative((0.5 - values) / scales)
        lower = self._standardized_cumulative((-0.5 - values) / scales)
        return upper - lower

    def _tabulated_cumulative(self, inputs: Tensor) -> Tensor:
        """Return `_standardized_cumulative`; of a Gaussian, to the same bits on every machine."""
        if type(self)._standardized_cumulative is GaussianConditional._standardized_cumulative:
            return normal_cumulative(inputs)
        return self._standardized_cumulative(inputs)

    @staticmethod
    def _standardized_cumulative(inputs: Tensor) -> Tensor:
        """Return the cumulative distribution of the standard normal, accurate in its lower tail."""
        return 0.5 * torch.erfc(-(2**-0.5) * inputs)

    @staticmethod
    def _standardized_quantile(quantile: float) -> float:
        """Return the point below which the standard normal has the mass `quantile`."""
        return NormalDist().inv_cdf(quantile)


def checked_scale_table(scale_table: Sequence[float] | Tensor, device: torch.device | None = None) -> Tensor:
    """Return the scales as a float32 tensor, after checking that they are positive and increasing."""
    values = [float(scale) for scale in scale_table]
    increasing = all(low < high for low, high in pairwise(values))
    if not values or values[0] <= 0 or not increasing or not math.isfinite(values[-1]):
        raise ConfigurationError(
            f"A scale table must hold positive, finite, strictly increasing numbers, not {values}."
        )
    return torch.tensor(values, dtype=torch.float32, device=device)
