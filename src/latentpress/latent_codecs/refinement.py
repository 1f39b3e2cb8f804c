"""Coding a latent in passes, each of which sharpens Gaussians that the side information gave.

Groups of channels come one after another (He et al., "ELIC", CVPR 2022), and each group in two passes, one
for each colour of a checkerboard (He et al., "Checkerboard context model", CVPR 2021).
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import accumulate
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn

from latentpress.ans import RansDecoder
from latentpress.entropy_models import GaussianConditional
from latentpress.errors import ConfigurationError
from latentpress.latent_codecs import critical
from latentpress.latent_codecs.base import LatentCodec, checked_strings
from latentpress.latent_codecs.exact import exact_exp
from latentpress.ops import quantize_ste

__all__ = ["ParameterRefinement", "RefinedGaussianLatentCodec"]

COLOURS = (0, 1)  # of a checkerboard: row plus column is even, or odd
MAX_LOG_SCALE = 6.0  # e^6 = 403, beyond the largest scale that has a coder table
MAX_SURPRISE = 8.0


class ParameterRefinement(nn.Module):
    """Networks that correct the Gaussians of a latent from the part of it that is known, pass by pass.

    What they see of the known part is its surprise: how many standard deviations it lies from the mean that
    was predicted without context. They answer in the same unit. Surprises are alike at all rates and in all
    channels, so that small networks serve a variable-rate model.

    The first pass knows nothing, and corrects nothing; all corrections start at zero.

    Args:
        groups: channels of each group, in coding order.
        hidden: channels inside the networks.

    Raises:
        ConfigurationError: there is no group, or an empty one.
    """

    def __init__(self, groups: Sequence[int], hidden: int = 96) -> None:
        super().__init__()
        if not groups or min(groups) < 1:
            raise ConfigurationError(f"Expected groups of at least one channel, found {list(groups)}.")
        self.groups = tuple(groups)
        self.contexts, self.corrections = nn.ModuleList(), nn.ModuleList()
        for channels in self.channels_of_passes()[1:]:
            count = channels.stop - channels.start
            self.contexts.append(nn.Conv2d(channels.stop, hidden, 3, padding=1))
            last = nn.Conv2d(hidden, 2 * count, 1)
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)  # type: ignore[arg-type]
            self.corrections.append(
                nn.Sequential(
                    nn.ReLU(inplace=True), nn.Conv2d(hidden + count, hidden, 1), nn.ReLU(inplace=True), last
                )
            )

    def channels_of_passes(self) -> list[slice]:
        """The channels that each pass codes: every group twice."""
        ends = list(accumulate(self.groups))
        return [slice(end - size, end) for size, end in zip(self.groups, ends, strict=True) for _ in COLOURS]

    def context(self, index: int, surprise: Tensor) -> Tensor:
        """What pass `index`, from 1 on, makes of the known part.

        Args:
            index: which pass.
            surprise: of all channels up to the last of this pass, (N, C, H, W); 0 where not yet known.

        Returns:
            (N, hidden, H, W)
        """
        return cast(Tensor, self.contexts[index - 1](surprise))

    def correction(self, index: int, context: Tensor, log_scales: Tensor) -> Tensor:
        """Corrections for pass `index` over K channels and P positions.

        Args:
            index: which pass.
            context: at those positions, (N, hidden, 1, P).
            log_scales: predicted without context, (N, K, 1, P).

        Returns:
            (N, 2 K, 1, P): what to add to the logarithms of the scales, and to the means in units of scales.
        """
        activation, *layers = cast(nn.Sequential, self.corrections[index - 1])
        x = torch.cat((activation(context), log_scales), dim=1)
        for layer in layers:
            x = layer(x)
        return x


class Gaussians(NamedTuple):
    """Scales and means, and the logarithms of the scales as predicted; all of one shape."""

    log_scales: Tensor
    scales: Tensor
    means: Tensor

    def corrected(self, correction: Tensor) -> tuple[Tensor, Tensor]:
        """Logarithms of scales, and means, after a correction (N, 2 K, 1, P) by a `ParameterRefinement`."""
        growth, shift = correction.chunk(2, dim=1)
        return self.log_scales + growth, self.means + self.scales * shift

    def surprise(self, values: Tensor) -> Tensor:
        """How far `values` are from the means, in scales."""
        return ((values - self.means) / self.scales).clamp(-MAX_SURPRISE, MAX_SURPRISE)


class Pass(NamedTuple):
    """Which elements of a latent are coded together: a group of channels at the positions of one colour."""

    number: int
    channels: slice

    @property
    def colour(self) -> int:
        """Which colour."""
        return self.number % len(COLOURS)


class Checkerboard:
    """A latent (N, C, H, W) taken apart into its colours, each (N, C, 1, P) in raster order."""

    def __init__(self, extent: Sequence[int], device: torch.device) -> None:
        height, width = extent
        row, column = torch.arange(height, device=device)[:, None], torch.arange(width, device=device)
        colour = ((row + column) % len(COLOURS)).flatten()
        self.extent = height, width
        self.positions = [(colour == one).nonzero().squeeze(1) for one in COLOURS]

    def apart(self, x: Tensor) -> list[Tensor]:
        """The elements of each colour."""
        return [packed(x, positions) for positions in self.positions]

    def spread(self, values: Tensor, colour: int) -> Tensor:
        """Put (N, K, 1, P) back where they came from, among zeros, differentiably."""
        grid = values.new_zeros(*values.shape[:2], math.prod(self.extent))
        return grid.index_copy(2, self.positions[colour], values.squeeze(2)).unflatten(2, self.extent)

    def put(self, values: Tensor, x: Tensor, step: Pass) -> None:
        """Put what a pass coded into `x`, which must be contiguous."""
        x[:, step.channels].flatten(2).index_copy_(2, self.positions[step.colour], values.squeeze(2))


class Arithmetic(NamedTuple):
    """How networks and exponentials are computed."""

    evaluate: Callable[[Callable[[Tensor], Tensor], Tensor], Tensor]
    exp: Callable[[Tensor], Tensor]


TRAINING = Arithmetic(lambda network, x: network(x), torch.exp)
"""In floats, with gradients."""

CODING = Arithmetic(partial(critical.evaluate, exact=True), exact_exp)
"""The same to the bit on every machine."""


class RefinedGaussianLatentCodec(LatentCodec):
    """Codes a latent under Gaussians that a `ParameterRefinement` corrects between its passes.

    All passes of an image share one string, which decodes on any machine to the same values: coding computes
    in integers (see `exact`), and so does `forward` where no gradients are recorded. In training, latents are
    rounded straight through, and scored with noise.

    Args:
        gaussian_conditional: the entropy model.
        refinement: the networks.
        prior: what is added to `params`, broadcastable to it.

    Example:
        >>> conditional = GaussianConditional([0.11, 0.5, 1.0, 2.0]).eval()
        >>> conditional.update()
        True
        >>> codec = RefinedGaussianLatentCodec(conditional, ParameterRefinement((1, 3))).eval()
        >>> y, params = torch.randn(1, 4, 6, 6), torch.zeros(1, 8, 6, 6)
        >>> coded = codec.compress(y, params)
        >>> decoded = codec.decompress(coded["strings"], coded["shape"], params)
        >>> torch.equal(decoded["y_hat"], coded["y_hat"])
        True
    """

    def __init__(
        self,
        gaussian_conditional: GaussianConditional,
        refinement: ParameterRefinement,
        prior: Tensor | float = 0.0,
    ) -> None:
        super().__init__()
        self.prior = prior
        self.gaussian_conditional = gaussian_conditional
        self.refinement = refinement

    def forward(self, y: Tensor, params: Tensor, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Quantise `y` (N, C, H, W); `params` (N, 2 C, H, W) has logarithms of the scales, and means."""
        arithmetic = TRAINING if torch.is_grad_enabled() else CODING
        board = Checkerboard(y.shape[2:], y.device)
        colours, priors = board.apart(y), self._priors(params, arithmetic, board)
        y_hat, log_scales, means, surprise = (_Assembly(board) for _ in range(4))
        for step in self._passes(y):
            own = _of_pass(priors, step)
            known = surprise.grid(y[:, : step.channels.stop])
            parameters = self._refined(step, known, own, arithmetic, board)
            values = quantize_ste(colours[step.colour][:, step.channels] - parameters[1]) + parameters[1]
            parts = values, *parameters, own.surprise(values)
            for assembly, part in zip((y_hat, log_scales, means, surprise), parts, strict=True):
                assembly.add(step, part)
        scales = log_scales.grid(y).clamp(max=MAX_LOG_SCALE).exp()
        _, likelihoods = self.gaussian_conditional(y, scales, means=means.grid(y))
        return {"likelihoods": {"y": likelihoods}, "y_hat": y_hat.grid(y)}

    def compress(self, y: Tensor, params: Tensor, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Code `y` (N, C, H, W); `params` are those of `forward`."""
        colours = Checkerboard(y.shape[2:], y.device).apart(y)
        symbols: list[Tensor] = []
        indexes: list[Tensor] = []

        def code(step: Pass, coding: critical.CodingParameters) -> Tensor:
            own = colours[step.colour][:, step.channels]
            symbols.append(self.gaussian_conditional.quantize(own, "symbols", coding.means))
            indexes.append(coding.indexes)
            return symbols[-1]

        y_hat = self._code(y, params, code)
        tables = self.gaussian_conditional.coding_tables()
        strings = tables.encode(_rows(symbols), _rows(indexes))
        return {"strings": [strings], "shape": y.shape[-2:], "y_hat": y_hat}

    def decompress(
        self, strings: Sequence[Sequence[bytes]], shape: Any, params: Tensor, *args: Any, **kwargs: Any
    ) -> dict[str, Any]:
        """Decode what `compress` made, given the same `params`."""
        (y_strings,) = checked_strings(strings, 1)
        tables = self.gaussian_conditional.coding_tables()
        decoders = [RansDecoder() for _ in y_strings]
        for decoder, string in zip(decoders, y_strings, strict=True):
            decoder.set_stream(string)

        def code(step: Pass, coding: critical.CodingParameters) -> Tensor:
            rows = [
                torch.as_tensor(decoder.decode_stream(own, tables))
                for decoder, own in zip(decoders, _rows([coding.indexes]), strict=True)
            ]
            return torch.stack(rows).reshape(coding.indexes.shape).to(params.device)

        y_hat = self._code(params.chunk(2, dim=1)[0], params, code)
        for decoder in decoders:
            decoder.check_end()
        return {"y_hat": y_hat}

    @torch.no_grad()
    def _code(
        self, like: Tensor, params: Tensor, code: Callable[[Pass, critical.CodingParameters], Tensor]
    ) -> Tensor:
        """Go through the passes; `code` writes or reads the symbols of one, (N, K, 1, P). Returns y_hat."""
        board = Checkerboard(like.shape[2:], like.device)
        priors = self._priors(params, CODING, board)
        y_hat, surprise = (torch.zeros(like.shape, device=like.device) for _ in range(2))
        for step in self._passes(like):
            own = _of_pass(priors, step)
            known = surprise[:, : step.channels.stop]
            log_scales, means = self._refined(step, known, own, CODING, board)
            indexes = critical.indexes_of_logarithms(self.gaussian_conditional, log_scales)
            values = code(step, critical.CodingParameters(indexes, means)) + means
            board.put(values, y_hat, step)
            board.put(own.surprise(values), surprise, step)
        return y_hat

    def _refined(
        self, step: Pass, known: Tensor, own: Gaussians, arithmetic: Arithmetic, board: Checkerboard
    ) -> tuple[Tensor, Tensor]:
        """Logarithms of scales, and means, of a pass, from the surprise that is known before it."""
        if not step.number:
            return own.log_scales, own.means
        context = arithmetic.evaluate(partial(self.refinement.context, step.number), known)
        context = packed(context, board.positions[step.colour])

        def correction(x: Tensor) -> Tensor:
            return self.refinement.correction(step.number, *x.tensor_split([context.shape[1]], dim=1))

        x = torch.cat((context, own.log_scales), dim=1)
        return own.corrected(arithmetic.evaluate(correction, x).float())

    def _priors(self, params: Tensor, arithmetic: Arithmetic, board: Checkerboard) -> list[Gaussians]:
        """The Gaussians predicted without context, by colour."""
        log_scales, means = (params.float() + self.prior).chunk(2, dim=1)
        smallest = math.log(float(self.gaussian_conditional.lower_bound_scale.bound))
        scales = arithmetic.exp(log_scales.clamp(smallest, MAX_LOG_SCALE))
        parts = (board.apart(part) for part in (log_scales, scales, means))
        return [Gaussians(*of_colour) for of_colour in zip(*parts, strict=True)]

    def _passes(self, y: Tensor) -> Iterator[Pass]:
        if y.shape[1] != sum(self.refinement.groups):
            raise ConfigurationError(
                f"Expected {sum(self.refinement.groups)} channels of a latent, found {y.shape[1]}."
            )
        for index, channels in enumerate(self.refinement.channels_of_passes()):
            if index % len(COLOURS) == 0 or y[0, 0].numel() > 1:  # one position has one colour
                yield Pass(index, channels)


class _Assembly:
    """A latent put together, differentiably, from the values of its passes."""

    def __init__(self, board: Checkerboard) -> None:
        self._board = board
        self._groups: list[Tensor] = []

    def add(self, step: Pass, values: Tensor) -> None:
        """Take the values (N, K, 1, P) of the next pass."""
        grid = self._board.spread(values, step.colour)
        if step.colour == COLOURS[0]:
            self._groups.append(grid)
        else:
            self._groups[-1] = self._groups[-1] + grid

    def grid(self, like: Tensor) -> Tensor:
        """What is known so far, of the shape of `like` (N, C, H, W), with zeros in channels yet to come."""
        missing = like.shape[1] - sum(group.shape[1] for group in self._groups)
        blank = torch.zeros(len(like), missing, *like.shape[2:], device=like.device)
        return torch.cat((*self._groups, blank), dim=1)


def _of_pass(priors: Sequence[Gaussians], step: Pass) -> Gaussians:
    return Gaussians(*(part[:, step.channels] for part in priors[step.colour]))


def packed(x: Tensor, positions: Tensor) -> Tensor:
    """The elements of `x` (N, C, H, W) at `positions` (P,), as (N, C, 1, P)."""
    return x.flatten(2).index_select(2, positions).unsqueeze(2)


def _rows(parts: Iterable[Tensor]) -> Tensor:
    """What the passes gave, one after another, (N, K) on the CPU."""
    return torch.cat([part.flatten(1).cpu() for part in parts], dim=1)
