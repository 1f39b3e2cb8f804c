"""Coding a latent in passes, each of which sharpens Gaussians that the side information gave.

Groups of channels come one after another (He et al., "ELIC", CVPR 2022), and each group in two passes, one
for each colour of a checkerboard (He et al., "Checkerboard context model", CVPR 2021). The first group, of
the lowest frequencies, may come in passes over ever finer lattices instead.
"""

import math
from collections.abc import Callable, Iterable, Sequence
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
from latentpress.latent_codecs.lattices import CHECKERBOARD, Positions, Sublattice, lattices
from latentpress.ops import quantize_ste
from latentpress.ops.rounding import rounding_by, soft_rounding

__all__ = ["ParameterRefinement", "RefinedGaussianLatentCodec"]

MAX_LOG_SCALE = 6.0  # e^6 = 403, beyond the largest scale that has a coder table
MAX_SURPRISE = 8.0


class Pass(NamedTuple):
    """Which elements of a latent are coded together: a group of channels at the positions of a sublattice."""

    number: int
    channels: slice
    sublattice: Sublattice


class ParameterRefinement(nn.Module):
    """Networks that correct the Gaussians of a latent from the part of it that is known, pass by pass.

    What they see of the known part is its surprise: how many standard deviations it lies from the mean that
    was predicted without context. They answer in the same unit. Surprises are alike at all rates and in all
    channels, so that small networks serve a variable-rate model.

    The first pass knows nothing, and corrects nothing; all corrections start at zero.

    Args:
        groups: channels of each group, in coding order.
        hidden: channels inside the networks.
        levels: how often the distance of the positions of the first group is halved; 0 for a checkerboard.

    Raises:
        ConfigurationError: there is no group, or an empty one.
    """

    def __init__(self, groups: Sequence[int], hidden: int = 96, levels: int = 0) -> None:
        super().__init__()
        if not groups or min(groups) < 1:
            raise ConfigurationError(f"Expected groups of at least one channel, found {list(groups)}.")
        self.groups, self.levels = tuple(groups), levels
        self.contexts, self.corrections = nn.ModuleList(), nn.ModuleList()
        for _, channels, _ in self.passes()[1:]:
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

    def passes(self) -> list[Pass]:
        """All passes, in coding order."""
        ends = list(accumulate(self.groups))
        slices = [slice(end - size, end) for size, end in zip(self.groups, ends, strict=True)]
        first = lattices(self.levels) if self.levels else CHECKERBOARD
        orders = [first, *(CHECKERBOARD for _ in slices[1:])]
        places = [(part, one) for part, order in zip(slices, orders, strict=True) for one in order]
        return [Pass(number, *place) for number, place in enumerate(places)]

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

    def of(self, step: "Step") -> "Gaussians":
        """Those of a pass, (N, K, 1, P)."""
        return Gaussians(*(step.of(part) for part in self))

    def surprise(self, values: Tensor) -> Tensor:
        """How far `values` are from the means, in scales."""
        return ((values - self.means) / self.scales).clamp(-MAX_SURPRISE, MAX_SURPRISE)


class Step(NamedTuple):
    """A pass over a latent of a certain size."""

    which: Pass
    at: Positions

    def of(self, x: Tensor) -> Tensor:
        """Its elements of `x` (N, C, H, W), as (N, K, 1, P)."""
        return self.at.of(x[:, self.which.channels])

    def put(self, values: Tensor, x: Tensor) -> None:
        """Put (N, K, 1, P) where they belong in `x`, which must be contiguous."""
        self.at.put(values, x, self.which.channels)


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
        priors = self._priors(params, arithmetic)
        y_hat, log_scales, means, surprise = (_Assembly() for _ in range(4))
        for step in self._steps(y):
            own = priors.of(step)
            known = surprise.grid(y[:, : step.which.channels.stop])
            parameters = self._refined(step, known, own, arithmetic)
            values = quantize_ste(step.of(y) - parameters[1]) + parameters[1]
            parts = values, *parameters, own.surprise(values)
            for assembly, part in zip((y_hat, log_scales, means, surprise), parts, strict=True):
                assembly.add(step, part)
        scales = log_scales.grid(y).clamp(max=MAX_LOG_SCALE).exp()
        quantised = y_hat.grid(y)
        if soft_rounding() is None:
            _, likelihoods = self.gaussian_conditional(y, scales, means=means.grid(y))
        else:  # rounding again at random would give others
            with rounding_by(lambda x: x):
                _, likelihoods = self.gaussian_conditional(quantised, scales, means=means.grid(y))
        return {"likelihoods": {"y": likelihoods}, "y_hat": quantised}

    def compress(self, y: Tensor, params: Tensor, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Code `y` (N, C, H, W); `params` are those of `forward`."""
        symbols: list[Tensor] = []
        indexes: list[Tensor] = []

        def code(step: Step, coding: critical.CodingParameters) -> Tensor:
            symbols.append(self.gaussian_conditional.quantize(step.of(y), "symbols", coding.means))
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

        def code(step: Step, coding: critical.CodingParameters) -> Tensor:
            rows = [
                torch.from_numpy(decoder.decode_stream(own, tables))
                for decoder, own in zip(decoders, _rows([coding.indexes]), strict=True)
            ]
            return torch.stack(rows).reshape(coding.indexes.shape).to(params.device)

        y_hat = self._code(params.chunk(2, dim=1)[0], params, code)
        for decoder in decoders:
            decoder.check_end()
        return {"y_hat": y_hat}

    @torch.no_grad()
    def _code(
        self, like: Tensor, params: Tensor, code: Callable[[Step, critical.CodingParameters], Tensor]
    ) -> Tensor:
        """Go through the passes; `code` writes or reads the symbols of one, (N, K, 1, P). Returns y_hat."""
        priors = self._priors(params, CODING)
        y_hat, surprise = (torch.zeros(like.shape, dtype=torch.float32, device=like.device) for _ in range(2))
        for step in self._steps(like):
            own = priors.of(step)
            known = surprise[:, : step.which.channels.stop]
            log_scales, means = self._refined(step, known, own, CODING)
            indexes = critical.indexes_of_logarithms(self.gaussian_conditional, log_scales)
            values = code(step, critical.CodingParameters(indexes, means)) + means
            step.put(values, y_hat)
            step.put(own.surprise(values), surprise)
        return y_hat

    def _refined(
        self, step: Step, known: Tensor, own: Gaussians, arithmetic: Arithmetic
    ) -> tuple[Tensor, Tensor]:
        """Logarithms of scales, and means, of a pass, from the surprise that is known before it."""
        number, _, sublattice = step.which
        if not number:
            return own.log_scales, own.means
        context = arithmetic.evaluate(partial(self.refinement.context, number), sublattice.coarse(known))
        context = step.at.of_coarse(context)

        def correction(x: Tensor) -> Tensor:
            return self.refinement.correction(number, *x.tensor_split([context.shape[1]], dim=1))

        x = torch.cat((context, own.log_scales), dim=1)
        return own.corrected(arithmetic.evaluate(correction, x).float())

    def _priors(self, params: Tensor, arithmetic: Arithmetic) -> Gaussians:
        """The Gaussians predicted without context."""
        log_scales, means = (params.float() + self.prior).chunk(2, dim=1)
        smallest = math.log(float(self.gaussian_conditional.lower_bound_scale.bound))
        scales = arithmetic.exp(log_scales.clamp(smallest, MAX_LOG_SCALE))
        return Gaussians(log_scales, scales, means)

    def _steps(self, y: Tensor) -> list[Step]:
        """The passes of which a latent of this size has any position."""
        if y.shape[1] != sum(self.refinement.groups):
            raise ConfigurationError(
                f"Expected {sum(self.refinement.groups)} channels of a latent, found {y.shape[1]}."
            )
        passes = self.refinement.passes()
        places = {one: one.chosen(y.shape[2:], y.device) for one in {each.sublattice for each in passes}}
        return [Step(each, at) for each in passes if len((at := places[each.sublattice]).fine)]


class _Assembly:
    """A latent put together, differentiably, from the values of its passes."""

    def __init__(self) -> None:
        self._groups: dict[int, Tensor] = {}

    def add(self, step: Step, values: Tensor) -> None:
        """Take the values (N, K, 1, P) of the next pass."""
        start, grid = step.which.channels.start, step.at.spread(values)
        self._groups[start] = self._groups[start] + grid if start in self._groups else grid

    def grid(self, like: Tensor) -> Tensor:
        """What is known so far, of the shape of `like` (N, C, H, W), with zeros in channels yet to come."""
        groups = list(self._groups.values())
        missing = like.shape[1] - sum(group.shape[1] for group in groups)
        blank = torch.zeros(len(like), missing, *like.shape[2:], dtype=torch.float32, device=like.device)
        return torch.cat((*groups, blank), dim=1)


def _rows(parts: Iterable[Tensor]) -> Tensor:
    """What the passes gave, one after another, (N, K) on the CPU."""
    return torch.cat([part.flatten(1).cpu() for part in parts], dim=1)
