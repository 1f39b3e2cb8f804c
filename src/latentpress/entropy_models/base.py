"""What entropy models share: quantisation, the bound on likelihoods, and the coder's integer tables."""

from typing import Any

import torch
from torch import Tensor, nn

from latentpress.entropy_models.precision import at_least_float32
from latentpress.errors import ConfigurationError
from latentpress.ops import LowerBound, uniform_noise

QUANTIZE_MODES = ("noise", "dequantize", "symbols")
TABLE_BUFFERS = ("_offset", "_quantized_cdf", "_cdf_length")


class EntropyModel(nn.Module):
    """Base class of the probability models of quantised latents.

    A subclass defines `forward(inputs, ...) -> (outputs, likelihoods)`, used in training, and fills the
    integer tables in `update()`, used by `compress` and `decompress`. The tables are buffers: they are saved
    with the model, because a decoder must use exactly those that the encoder used.

    Args:
        likelihood_bound: smallest likelihood that `forward` returns; bounds the loss of one symbol. 0 for no
            bound.
        entropy_coder: name of the entropy coder, one of `latentpress.available_entropy_coders()`; None for
            the default.
        entropy_coder_precision: bits of the integer probabilities; the rANS coder works with 16.
    """

    _offset: Tensor
    _quantized_cdf: Tensor
    _cdf_length: Tensor

    def __init__(
        self,
        likelihood_bound: float = 1e-9,
        entropy_coder: str | None = None,
        entropy_coder_precision: int = 16,
    ) -> None:
        super().__init__()
        self.use_likelihood_bound = likelihood_bound > 0
        if self.use_likelihood_bound:
            self.likelihood_lower_bound = LowerBound(likelihood_bound)
        for name in TABLE_BUFFERS:
            self.register_buffer(name, torch.empty(0, dtype=torch.int32))

    @property
    def offset(self) -> Tensor:
        """Smallest symbol of each table, (tables,) int32; empty before `update()`."""
        return self._offset

    @property
    def quantized_cdf(self) -> Tensor:
        """Cumulative frequencies in units of 2^-16, (tables, longest) int32; empty before `update()`."""
        return self._quantized_cdf

    @property
    def cdf_length(self) -> Tensor:
        """Valid entries of each row of `quantized_cdf`, (tables,) int32; empty before `update()`."""
        return self._cdf_length

    def forward(self, *args: Any) -> Any:
        """Return the quantised inputs and their likelihoods; defined by subclasses."""
        raise NotImplementedError(f"{type(self).__name__} does not define forward().")

    def quantize(self, inputs: Tensor, mode: str, means: Tensor | None = None) -> Tensor:
        """Quantise `inputs`, of any shape.

        Args:
            inputs: the latent.
            mode: "noise" adds uniform noise from [-1/2, 1/2) (training); "dequantize" rounds about the mean
                and gives the rounded value of the latent; "symbols" gives the integer that is coded,
                `round(inputs - means)`, as int32.
            means: centre of the rounding, broadcastable to `inputs`; 0 if None. Has no effect on "noise".

        Raises:
            ConfigurationError: if `mode` is none of these.
        """
        if mode not in QUANTIZE_MODES:
            raise ConfigurationError(f"The quantisation mode must be one of {QUANTIZE_MODES}, not {mode!r}.")
        values = at_least_float32(inputs)
        if mode == "noise":
            return uniform_noise(values).to(inputs.dtype)
        symbols = torch.round(values if means is None else values - means)
        if mode == "symbols":
            return symbols.int()
        return self.dequantize(symbols, means, dtype=inputs.dtype)

    @staticmethod
    def dequantize(inputs: Tensor, means: Tensor | None = None, dtype: torch.dtype = torch.float) -> Tensor:
        """Return the latent values that the symbols `inputs` stand for: `inputs + means`, as `dtype`."""
        if means is None:
            return inputs.to(dtype)
        return (inputs.to(at_least_float32(means).dtype) + means).to(dtype)

    def _bounded(self, likelihood: Tensor) -> Tensor:
        return self.likelihood_lower_bound(likelihood) if self.use_likelihood_bound else likelihood
