"""Coding a latent in two passes, the colours of a checkerboard, the second predicted from the first."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from latentpress.errors import ConfigurationError
from latentpress.latent_codecs import critical
from latentpress.latent_codecs.base import LatentCodec, checked_strings
from latentpress.layers import CheckerboardMaskedConv2d
from latentpress.ops import uniform_noise

__all__ = ["CheckerboardLatentCodec"]

FORWARD_METHODS = ("onepass", "twopass", "twopass_faster")


class CheckerboardLatentCodec(LatentCodec):
    """Codes anchors, then all other positions in parallel (He et al., CVPR 2021).

    .. code-block:: none

           first pass, anchors:               second pass, the others:

             0     params                       CP(anchors)   params
             │       │                              │           │
             └──►┬◄──┘                              └────►┬◄────┘
              ┌──┴──┐                                  ┌──┴──┐
              │ EP  │                                  │ EP  │
              └──┬──┘                                  └──┬──┘
              ┌──┴───┐                                 ┌──┴───┐
      y ──►───┤ lc_y ├──► y_hat anchors         y ──►──┤ lc_y ├──► y_hat others
              └──────┘                                 └──────┘

    Strings are in the order anchors, others; `"shape"` is (C, H, W).

    Args:
        latent_codec: `"y"`, which codes the elements of one pass given their parameters, such as a
            `GaussianConditionalLatentCodec`; it becomes the submodule of this name.
        entropy_parameters: network of 1x1 convolutions, from the context followed by the side information to
            the parameters of the inner codec.
        context_prediction: type-A checkerboard convolution from y_hat to the context.
        anchor_parity: whether anchors are where row plus column is `"even"` or `"odd"`.
        forward_method: `"onepass"` predicts the others from a latent that was quantised without knowing its
            mean, as in the paper's training; `"twopass"` quantises anchors and others each under their own
            parameters; `"twopass_faster"` likewise, but scores anchors together with the others, in one go.

    Raises:
        ConfigurationError: an argument is not one of the above.

    Example:
        >>> from latentpress.latent_codecs import GaussianConditionalLatentCodec
        >>> inner = GaussianConditionalLatentCodec(scale_table=[0.5, 1.0, 2.0])
        >>> inner.gaussian_conditional.update()
        True
        >>> codec = CheckerboardLatentCodec(
        ...     {"y": inner}, nn.Conv2d(14, 8, 1), CheckerboardMaskedConv2d(4, 8, 5, padding=2)
        ... ).eval()
        >>> y, side_params = torch.randn(1, 4, 6, 6), torch.randn(1, 6, 6, 6)
        >>> coded = codec.compress(y, side_params)
        >>> decoded = codec.decompress(coded["strings"], coded["shape"], side_params)
        >>> torch.equal(decoded["y_hat"], coded["y_hat"])
        True
    """

    def __init__(
        self,
        latent_codec: Mapping[str, LatentCodec],
        entropy_parameters: nn.Module,
        context_prediction: CheckerboardMaskedConv2d,
        anchor_parity: str = "even",
        forward_method: str = "twopass",
    ) -> None:
        super().__init__()
        if set(latent_codec) != {"y"}:
            raise ConfigurationError(f"Expected the latent codec 'y', found {sorted(latent_codec)}.")
        if anchor_parity not in ("even", "odd"):
            raise ConfigurationError(f"anchor_parity must be 'even' or 'odd', not {anchor_parity!r}.")
        if forward_method not in FORWARD_METHODS:
            raise ConfigurationError(
                f"forward_method must be one of {', '.join(FORWARD_METHODS)}, not {forward_method!r}."
            )
        self.anchor_parity = anchor_parity
        self.forward_method = forward_method
        self.y = latent_codec["y"]
        self.entropy_parameters = entropy_parameters
        self.context_prediction = context_prediction

    def __getitem__(self, name: str) -> LatentCodec:
        """The inner codec `"y"`."""
        return cast(LatentCodec, self.get_submodule(name))

    def forward(self, y: Tensor, side_params: Tensor, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Quantise `y` (N, C, H, W); `side_params` (N, K, H, W) is the side information."""
        anchors = self._anchors(y)
        if self.forward_method == "onepass":
            return self._score(y, self._rounded(y), side_params, anchors)
        first = self.y(y, self.entropy_parameters(self._without_context(side_params)))
        second = self._score(y, first["y_hat"], side_params, anchors)
        if self.forward_method == "twopass_faster":
            return second
        return _merged(anchors, first, second)

    def compress(self, y: Tensor, side_params: Tensor, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Code `y` (N, C, H, W), given side information (N, K, H, W)."""
        anchors = self._anchors(y)
        y_hat = torch.zeros_like(y)
        strings = []
        for positions, params in self._passes(y_hat, side_params, anchors):
            coded = self.y.compress(_packed(y, positions), params)
            _unpack(coded["y_hat"], y_hat, positions)
            strings += coded["strings"]
        return {"strings": strings, "shape": y.shape[1:], "y_hat": y_hat}

    def decompress(
        self,
        strings: Sequence[Sequence[bytes]],
        shape: Sequence[int],
        side_params: Tensor,
        *args: Any,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Decode what `compress` made, given the same side information."""
        checked_strings(strings, 2)
        y_hat = side_params.new_zeros(side_params.shape[0], *shape)
        anchors = self._anchors(y_hat)
        passes = self._passes(y_hat, side_params, anchors)
        for latent, (positions, params) in zip(strings, passes, strict=True):
            decoded = self.y.decompress([latent], (1, params.shape[-1]), params)
            _unpack(decoded["y_hat"], y_hat, positions)
        return {"y_hat": y_hat}

    def _score(self, y: Tensor, known: Tensor, side_params: Tensor, anchors: Tensor) -> dict[str, Any]:
        """The inner codec's forward pass over all positions, the others predicted from `known`."""
        context = self.context_prediction(known).masked_fill(anchors, 0)
        return self.y(y, self.entropy_parameters(torch.cat((context, side_params), dim=1)))

    def _without_context(self, side_params: Tensor) -> Tensor:
        count, _, height, width = side_params.shape
        context = side_params.new_zeros(count, self.context_prediction.out_channels, height, width)
        return torch.cat((context, side_params), dim=1)

    def _passes(self, y_hat: Tensor, side_params: Tensor, anchors: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Positions of each pass, and their parameters; before the second, the caller fills in `y_hat`."""
        parameters = self._without_context(side_params)
        yield anchors, critical.evaluate(self.entropy_parameters, _packed(parameters, anchors))
        context = critical.evaluate(self.context_prediction, y_hat)
        parameters = torch.cat((context, side_params), dim=1)
        yield ~anchors, critical.evaluate(self.entropy_parameters, _packed(parameters, ~anchors))

    def _rounded(self, y: Tensor) -> Tensor:
        return uniform_noise(y) if self.training else y.round()

    def _anchors(self, y: Tensor) -> Tensor:
        """Which positions (H, W) are anchors."""
        row = torch.arange(y.shape[-2], device=y.device)[:, None]
        column = torch.arange(y.shape[-1], device=y.device)
        return (row + column) % 2 == (0 if self.anchor_parity == "even" else 1)


def _packed(x: Tensor, positions: Tensor) -> Tensor:
    """The elements of `x` (N, C, H, W) at `positions` (H, W), in raster order, as (N, C, 1, P)."""
    return x[:, :, positions].unsqueeze(2)


def _unpack(packed: Tensor, x: Tensor, positions: Tensor) -> None:
    """Put back into `x` what `_packed` took out."""
    x[:, :, positions] = packed.squeeze(2).to(x.dtype)


def _merged(anchors: Tensor, first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """Anchors from the first pass, the others from the second."""
    likelihoods = {
        name: torch.where(anchors, first["likelihoods"][name], second["likelihoods"][name])
        for name in second["likelihoods"]
    }
    return {"likelihoods": likelihoods, "y_hat": torch.where(anchors, first["y_hat"], second["y_hat"])}
