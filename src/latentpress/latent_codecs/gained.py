"""Hyperprior coding at a rate that gains choose: the latent is scaled before rounding, and back after.

From Cui et al., "Asymmetric gained deep image compression with continuous rate adaptation" (CVPR 2021). A
gain is a tensor that broadcasts to the latent, such as (1, C, 1, 1).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from latentpress.latent_codecs.base import LatentCodec, checked_strings
from latentpress.latent_codecs.hyper import HyperLatentCodec
from latentpress.latent_codecs.hyperprior import HyperpriorLatentCodec, check_fit

__all__ = ["GainHyperLatentCodec", "GainHyperpriorLatentCodec"]


class GainHyperLatentCodec(HyperLatentCodec):
    """`HyperLatentCodec` with gains about the quantiser of z.

    .. code-block:: none

                          z_gain                       z_gain_inv
                 ┌─────┐ z  │  ┌───┐ z_hat         z_hat  │  ┌─────┐
           y ──►─┤ h_a ├──►─×─►┤ Q ├───►───····───►───────×─►┤ h_s ├──►── params
                 └─────┘       └───┘        EB               └─────┘

    Arguments are those of `HyperLatentCodec`.
    """

    def forward(self, y: Tensor, gain: Tensor, gain_inv: Tensor, **kwargs: Any) -> dict[str, Any]:
        """Parameters for `y` (N, C, H, W); likelihoods are under `"z"`."""
        return self._forward(y, gain, gain_inv)

    def compress(self, y: Tensor, gain: Tensor, gain_inv: Tensor, **kwargs: Any) -> dict[str, Any]:
        """Code the side information of `y` (N, C, H, W); `"shape"` is the height and width of z."""
        return self._compress(y, gain, gain_inv)

    def decompress(
        self, strings: Sequence[Sequence[bytes]], shape: Sequence[int], gain_inv: Tensor, **kwargs: Any
    ) -> dict[str, Any]:
        """Decode what `compress` made with the same gains."""
        return self._decompress(strings, shape, gain_inv)


class GainHyperpriorLatentCodec(HyperpriorLatentCodec):
    """`HyperpriorLatentCodec` at a rate that gains choose.

    .. code-block:: none

                      z_gain, z_gain_inv
                              │
                         ┌────┴─────┐
            ┌──────────►─┤ lc_hyper ├──►─┐
            │            └──────────┘    │ params
            │   y_gain                   ▼          y_gain_inv
            │     │                   ┌──┴───┐          │
           y ──►──×───────────────►───┤ lc_y ├──►───────×──► y_hat
                                      └──────┘

    Args:
        latent_codec: `"hyper"`, a `GainHyperLatentCodec`, and `"y"`, as for `HyperpriorLatentCodec`.

    Example:
        >>> import torch
        >>> from torch import nn
        >>> from latentpress.entropy_models import EntropyBottleneck
        >>> from latentpress.latent_codecs import GaussianConditionalLatentCodec
        >>> hyper = GainHyperLatentCodec(EntropyBottleneck(4), nn.Conv2d(8, 4, 1), nn.Conv2d(4, 16, 1))
        >>> codec = GainHyperpriorLatentCodec({"y": GaussianConditionalLatentCodec(), "hyper": hyper}).eval()
        >>> one, fine = torch.ones(1), torch.full((1, 8, 1, 1), 100.0)
        >>> y = torch.rand(1, 8, 4, 4)
        >>> bool((codec(y, fine, one, 1 / fine, one)["y_hat"] - y).abs().max() < 0.006)
        True
    """

    def forward(
        self,
        y: Tensor,
        y_gain: Tensor,
        z_gain: Tensor,
        y_gain_inv: Tensor,
        z_gain_inv: Tensor,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Quantise `y` (N, C, H, W); likelihoods are under `"y"` and `"z"`."""
        hyper = self["hyper"](y, z_gain, z_gain_inv)
        check_fit(y, hyper["params"])
        coded = self["y"](y * y_gain, hyper["params"])
        likelihoods = {**coded["likelihoods"], **hyper["likelihoods"]}
        return {"likelihoods": likelihoods, "y_hat": coded["y_hat"] * y_gain_inv}

    def compress(
        self,
        y: Tensor,
        y_gain: Tensor,
        z_gain: Tensor,
        y_gain_inv: Tensor,
        z_gain_inv: Tensor,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Code `y` (N, C, H, W); `"shape"` has those of the inner codecs, by name."""
        hyper = self["hyper"].compress(y, z_gain, z_gain_inv)
        check_fit(y, hyper["params"])
        coded = self["y"].compress(y * y_gain, hyper["params"])
        return {
            "strings": [*coded["strings"], *hyper["strings"]],
            "shape": {"y": coded["shape"], "hyper": hyper["shape"]},
            "y_hat": coded["y_hat"] * y_gain_inv,
        }

    def decompress(
        self,
        strings: Sequence[Sequence[bytes]],
        shape: Mapping[str, Any],
        y_gain_inv: Tensor,
        z_gain_inv: Tensor,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Decode what `compress` made with the same gains."""
        *y_strings, z_strings = checked_strings(strings, at_least=2)
        hyper = self["hyper"].decompress([z_strings], shape["hyper"], z_gain_inv)
        decoded = self["y"].decompress(y_strings, shape["y"], hyper["params"])
        return {"y_hat": decoded["y_hat"] * y_gain_inv}

    def at(self, y_gain: Tensor, z_gain: Tensor, y_gain_inv: Tensor, z_gain_inv: Tensor) -> LatentCodec:
        """This codec with its gains settled, as a model of one rate uses it."""
        return _AtGains(
            self, {"y_gain": y_gain, "z_gain": z_gain}, {"y_gain_inv": y_gain_inv, "z_gain_inv": z_gain_inv}
        )


class _AtGains(LatentCodec):
    """A gained codec whose gains are settled."""

    def __init__(
        self, codec: GainHyperpriorLatentCodec, gains: dict[str, Tensor], inverse_gains: dict[str, Tensor]
    ) -> None:
        super().__init__()
        self.codec = codec
        self.gains = gains
        self.inverse_gains = inverse_gains

    def forward(self, y: Tensor, *args: Any, **kwargs: Any) -> dict[str, Any]:
        return self.codec(y, **self.gains, **self.inverse_gains)

    def compress(self, y: Tensor, *args: Any, **kwargs: Any) -> dict[str, Any]:
        return self.codec.compress(y, **self.gains, **self.inverse_gains)

    def decompress(
        self, strings: Sequence[Sequence[bytes]], shape: Any, *args: Any, **kwargs: Any
    ) -> dict[str, Any]:
        return self.codec.decompress(strings, shape, **self.inverse_gains)
