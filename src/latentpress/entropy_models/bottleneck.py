"""The trainable density of Ballé et al. (2018), one per channel, for latents without side information."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from latentpress.entropy_models.base import EntropyModel, check_slots
from latentpress.entropy_models.precision import at_least_float32, no_autocast
from latentpress.errors import ConfigurationError

# Bisection starts from ±SEARCH_RADIUS, beyond any quantile of use, and ends below the resolution of float32
# there.
SEARCH_RADIUS = 1e5
SEARCH_STEPS = 64


class EntropyBottleneck(EntropyModel):
    """A learned density per channel, the same at every position.

    The cumulative distribution of a channel is a small network that is monotonic by construction: affine maps
    with positive matrices (softplus) and gates `x + tanh(a) tanh(x)`, closed by a sigmoid (Ballé, Minnen,
    Singh, Hwang, Johnston, "Variational image compression with a scale hyperprior", 2018, appendix 6.1).

    Args:
        channels: number of channels C of the latent.
        tail_mass: probability that the quantiles leave outside; symbols there cost more, through the escape
            slot.
        init_scale: width of the density at the start of training, in units of the latent.
        filters: widths of the hidden layers of the density network.
        likelihood_bound, entropy_coder, entropy_coder_precision: see `EntropyModel`.

    Example:
        >>> import torch
        >>> from latentpress.entropy_models import EntropyBottleneck
        >>> bottleneck = EntropyBottleneck(8).eval()
        >>> latent = torch.randn(2, 8, 4, 4)
        >>> latent_hat, likelihoods = bottleneck(latent)
        >>> bits = -likelihoods.log2().sum()
        >>> latent_hat.shape, likelihoods.shape
        (torch.Size([2, 8, 4, 4]), torch.Size([2, 8, 4, 4]))
    """

    target: Tensor

    def __init__(
        self,
        channels: int,
        *args: Any,
        tail_mass: float = 1e-9,
        init_scale: float = 10.0,
        filters: Sequence[int] = (3, 3, 3, 3),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.channels = int(channels)
        self.tail_mass = float(tail_mass)
        self.init_scale = float(init_scale)
        self.filters = tuple(int(width) for width in filters)
        if self.channels < 1 or not 0 < self.tail_mass < 1:
            raise ConfigurationError(
                f"An EntropyBottleneck needs at least one channel and a tail mass between 0 and 1, "
                f"not {channels} and {tail_mass}."
            )

        self.matrices, self.biases, self.factors = self._initial_network()
        tails = torch.tensor([-self.init_scale, 0.0, self.init_scale])
        self.quantiles = nn.Parameter(tails.repeat(self.channels, 1, 1))
        logit = math.log(2 / self.tail_mass - 1)
        self.register_buffer("target", torch.tensor([-logit, 0.0, logit]))

    def _initial_network(self) -> tuple[nn.ParameterList, nn.ParameterList, nn.ParameterList]:
        widths = (1, *self.filters, 1)
        scale = self.init_scale ** (1 / (len(self.filters) + 1))
        matrices, biases, factors = nn.ParameterList(), nn.ParameterList(), nn.ParameterList()
        for fan_in, fan_out in pairwise(widths):
            start = math.log(math.expm1(1 / scale / fan_out))
            matrices.append(nn.Parameter(torch.full((self.channels, fan_out, fan_in), start)))
            biases.append(nn.Parameter(torch.empty(self.channels, fan_out, 1).uniform_(-0.5, 0.5)))
        for width in self.filters:
            factors.append(nn.Parameter(torch.zeros(self.channels, width, 1)))
        return matrices, biases, factors

    def forward(self, x: Tensor, training: bool | None = None) -> tuple[Tensor, Tensor]:
        """Quantise a latent and return it with its likelihoods.

        Args:
            x: latent of shape (N, C, ...).
            training: whether to add noise instead of rounding about the medians; by default whether the
                module is in training mode.

        Returns:
            The quantised latent, of the shape and dtype of x, and likelihoods in (0, 1] of the same shape, at
            least float32.
        """
        if training is None:
            training = self.training
        medians = self._medians_like(x)
        outputs = self.quantize(x, "noise" if training else "dequantize", medians)
        with no_autocast(x):
            by_channel = at_least_float32(outputs).transpose(0, 1)
            likelihood, _, _ = self._likelihood(by_channel.reshape(self.channels, 1, -1))
            likelihood = self._bounded(likelihood)
        return outputs, likelihood.reshape(by_channel.shape).transpose(0, 1).contiguous()

    def loss(self) -> Tensor:
        """Return the auxiliary loss: its minimum puts `quantiles` at the median and tails of the density.

        Minimise it over `quantiles` alone, with an optimiser of its own: the density's parameters get no
        gradient from it.
        """
        with no_autocast(self.quantiles):
            logits = self._logits_cumulative(self.quantiles, stop_gradient=True)
            return (logits - self.target).abs().sum()

    def update(self, force: bool = False, update_quantiles: bool = False) -> bool:
        """Make the integer tables of all channels from the densities and `quantiles`, which takes
        milliseconds.

        Tables already there are kept unless `force` is true: files made with them could not be read with
        others.

        Args:
            force: make tables anew even if there are some.
            update_quantiles: first put `quantiles` at the exact median and tails of the densities, by
                bisection, which replaces training them with `loss()`.

        Returns:
            Whether tables were made.
        """
        if self._offset.numel() > 0 and not force:
            return False
        if update_quantiles:
            self._bisect_quantiles()
        with torch.no_grad(), no_autocast(self.quantiles):
            self._make_tables()
        return True

    def _make_tables(self) -> None:
        lower_tail, medians, upper_tail = self.quantiles.detach().float().unbind(2)  # each (C, 1)
        minima = torch.ceil(medians - lower_tail).clamp(min=0)
        maxima = torch.ceil(upper_tail - medians).clamp(min=0)
        longest = (minima + maxima).max().nan_to_num(nan=torch.inf).clamp(max=2**31).item() + 1
        check_slots(int(longest), "train the quantiles with loss(), or call update(update_quantiles=True)")
        lengths = (minima + maxima + 1).int().squeeze(1)
        first = medians - minima
        samples = torch.arange(int(longest), device=first.device) + first[:, :, None]
        pmf, lower, upper = self._likelihood(samples, stop_gradient=True)
        escape = torch.sigmoid(lower[:, 0, 0]) + torch.sigmoid(-upper[:, 0, -1])
        self._set_tables(pmf[:, 0], escape, lengths, -minima.squeeze(1))

    @torch.no_grad()
    def _bisect_quantiles(self) -> None:
        """Put each quantile where the logit of the density reaches its target."""
        with no_autocast(self.quantiles):
            low = torch.full_like(self.quantiles, -SEARCH_RADIUS, dtype=torch.float64)
            high = -low
            for _ in range(SEARCH_STEPS):
                middle = (low + high) / 2
                below = self._logits_cumulative(middle, stop_gradient=True) < self.target
                low, high = torch.where(below, middle, low), torch.where(below, high, middle)
            self.quantiles.copy_((low + high) / 2)

    def compress(self, x: Tensor) -> list[bytes]:  # type: ignore[override]
        """Code a latent, one string for each element of the batch; symbols are counted from the medians.

        Args:
            x: latent of shape (N, C, ...), on any device.

        Raises:
            ConfigurationError: if there are no tables yet, C is not that of the model, or a value is not
                finite.
        """
        self._medians_like(x)
        values = (
            x.detach().to("cpu", torch.float32).reshape(x.shape[0], self.channels, math.prod(x.shape[2:]))
        )
        return self.coding_tables().encode_channels(values.contiguous(), self._medians_on_cpu())

    def decompress(self, strings: Sequence[bytes], size: Sequence[int]) -> Tensor:  # type: ignore[override]
        """Return the quantised latent (N, C, *size) that `compress` made N strings from.

        Args:
            strings: N strings.
            size: the dimensions after the channels, such as (height, width).

        Raises:
            BitstreamError: if a string is truncated, has bytes left over, or is otherwise found to be
                damaged.
            ConfigurationError: if there are no tables yet, or a side is negative.
        """
        if any(side < 0 for side in size):
            raise ConfigurationError(f"Expected a size such as (height, width), found {tuple(size)}.")
        values = self.coding_tables().decode_channels(strings, math.prod(size), self._medians_on_cpu())
        return values.reshape(len(strings), self.channels, *size).to(self.quantiles)

    def _medians_on_cpu(self) -> Tensor:
        return self._get_medians().to("cpu", torch.float32).reshape(-1)

    def _logits_cumulative(self, inputs: Tensor, stop_gradient: bool) -> Tensor:
        """Return the logit of the cumulative distribution at `inputs`, (C, 1, K) to (C, 1, K).

        With `stop_gradient`, the density's parameters are constants.
        """
        logits = at_least_float32(inputs)
        for layer, (matrix, bias) in enumerate(zip(self.matrices, self.biases, strict=True)):
            if stop_gradient:
                matrix, bias = matrix.detach(), bias.detach()
            logits = torch.matmul(F.softplus(matrix.to(logits.dtype)), logits) + bias
            if layer < len(self.factors):
                factor = self.factors[layer]
                if stop_gradient:
                    factor = factor.detach()
                logits = logits + torch.tanh(factor) * torch.tanh(logits)
        return logits

    def _likelihood(self, inputs: Tensor, stop_gradient: bool = False) -> tuple[Tensor, Tensor, Tensor]:
        """Return the mass of the unit bins around `inputs` (C, 1, K), and the logits at either end."""
        lower = self._logits_cumulative(inputs - 0.5, stop_gradient)
        upper = self._logits_cumulative(inputs + 0.5, stop_gradient)
        return torch.sigmoid(upper) - torch.sigmoid(lower), lower, upper

    def _get_medians(self) -> Tensor:
        """Return the median of each channel, (C, 1, 1), without gradient: what symbols are counted from."""
        return self.quantiles[:, :, 1:2].detach()

    def _medians_like(self, x: Tensor) -> Tensor:
        if x.ndim < 2 or x.shape[1] != self.channels:
            raise ConfigurationError(
                f"Expected a latent of shape (N, {self.channels}, ...), found {tuple(x.shape)}."
            )
        return self._get_medians().reshape(1, self.channels, *[1] * (x.ndim - 2))
