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

    def forward(self, index: int, surprise: Tensor, log_scales: Tensor, positions: Tensor) -> Tensor:
        """Corrections for pass `index`, from 1 on, over K channels and P positions.

        Args:
            index: which pass.
            surprise: of all channels up to the last of this pass, (N, C, H, W); 0 where not yet known.
            log_scales: predicted without context, (N, K, 1, P).
            positions: those of this pass, (P,), counted in raster order.

        Returns:
            (N, 2 K, 1, P): what to add to the logarithms of the scales, and to the means in units of scales.
        """
        context = packed(self.context(index, surprise), positions)
        return self.correction(index, context, log_scales)

    def context(self, index: int, surprise: Tensor) -> Tensor:
        """What pass `index` makes of the known part, (N, hidden, H, W)."""
        return cast(Tensor, self.contexts[index - 1](surprise))

    def correction(self, index: int, context: Tensor, log_scales: Tensor) -> Tensor:
        """What `forward` returns, from the context at the positions of the pass, (N, hidden, 1, P)."""
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
        """Scales and means after a correction (N, 2 K, 1, P), as `ParameterRefinement` gives it."""
        growth, shift = correction.chunk(2, dim=1)
        return limited_exp(self.log_scales + growth), self.means + self.scales * shift

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


class RefinedGaussianLatentCodec(LatentCodec):
    """Codes a latent under Gaussians that a `ParameterRefinement` corrects between its passes.

    All passes of an image share one string. In training, latents are rounded straight through, and scored
    with noise.

    Args:
        gaussian_conditional: the entropy model.
        refinement: the networks.

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

    def __init__(self, gaussian_conditional: GaussianConditional, refinement: ParameterRefinement) -> None:
        super().__init__()
        self.gaussian_conditional = gaussian_conditional
        self.refinement = refinement

    def forward(self, y: Tensor, params: Tensor, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Quantise `y` (N, C, H, W); `params` (N, 2 C, H, W) has logarithms of the scales, and means."""
        board = Checkerboard(y.shape[2:], y.device)
        colours, priors = board.apart(y), self._priors(params.float(), self._scales(params.float()), board)
        y_hat, scales, means, surprise = (_Assembly(board) for _ in range(4))
        for step in self._passes(y):
            own = _of_pass(priors, step)
            parameters = own.scales, own.means
            if step.number:
                known, positions = surprise.grid(step.channels.stop), board.positions[step.colour]
                correction = self.refinement(step.number, known, own.log_scales, positions)
                parameters = own.corrected(correction.float())
            values = quantize_ste(colours[step.colour][:, step.channels] - parameters[1]) + parameters[1]
            parts = values, *parameters, own.surprise(values)
            for assembly, part in zip((y_hat, scales, means, surprise), parts, strict=True):
                assembly.add(step, part)
        _, likelihoods = self.gaussian_conditional(y, scales.grid(), means=means.grid())
        return {"likelihoods": {"y": likelihoods}, "y_hat": y_hat.grid()}

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
        priors = self._priors(params, critical.evaluate(self._scales, params), board)
        y_hat, surprise = (torch.zeros(like.shape, device=like.device) for _ in range(2))
        for step in self._passes(like):
            own = _of_pass(priors, step)
            scales, means = self._refined(step, surprise, own, board) if step.number else own[1:]
            coding = critical.coding_parameters(self.gaussian_conditional, scales, means)
            values = code(step, coding) + means
            board.put(values, y_hat, step)
            board.put(own.surprise(values), surprise, step)
        return y_hat

    def _refined(
        self, step: Pass, surprise: Tensor, own: Gaussians, board: Checkerboard
    ) -> tuple[Tensor, Tensor]:
        """Scales and means of a pass, computed so that encoder and decoder agree to the bit."""
        context = critical.evaluate(
            partial(self.refinement.context, step.number), surprise[:, : step.channels.stop]
        )
        context = packed(context, board.positions[step.colour])

        def correct(x: Tensor) -> Tensor:
            context, *own = x.split((context_channels, *[channels] * 3), dim=1)
            correction = self.refinement.correction(step.number, context, own[0])
            return torch.cat(Gaussians(*own).corrected(correction), dim=1)

        context_channels, channels = context.shape[1], own.means.shape[1]
        scales, means = critical.evaluate(correct, torch.cat((context, *own), dim=1)).chunk(2, dim=1)
        return scales, means

    def _scales(self, params: Tensor) -> Tensor:
        """The scales predicted without context, (N, C, H, W)."""
        bound = float(self.gaussian_conditional.lower_bound_scale.bound)
        return limited_exp(params.chunk(2, dim=1)[0]).clamp(min=bound)

    @staticmethod
    def _priors(params: Tensor, scales: Tensor, board: Checkerboard) -> list[Gaussians]:
        """The Gaussians predicted without context, by colour."""
        log_scales, means = params.chunk(2, dim=1)
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

    def grid(self, channels: int = 0) -> Tensor:
        """What is known so far, (N, C, H, W), with zeros where it has less than `channels`."""
        known = torch.cat(self._groups, dim=1)
        return nn.functional.pad(known, (0, 0, 0, 0, 0, max(0, channels - known.shape[1])))


def _of_pass(priors: Sequence[Gaussians], step: Pass) -> Gaussians:
    return Gaussians(*(part[:, step.channels] for part in priors[step.colour]))


def packed(x: Tensor, positions: Tensor) -> Tensor:
    """The elements of `x` (N, C, H, W) at `positions` (P,), as (N, C, 1, P)."""
    return x.flatten(2).index_select(2, positions).unsqueeze(2)


def limited_exp(log_scales: Tensor) -> Tensor:
    """Scales, none far beyond the largest that has a coder table."""
    return log_scales.clamp(max=MAX_LOG_SCALE).exp()


def _rows(parts: Iterable[Tensor]) -> Tensor:
    """What the passes gave, one after another, (N, K) on the CPU."""
    return torch.cat([part.flatten(1).cpu() for part in parts], dim=1)
