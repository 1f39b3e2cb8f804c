"""A latent and its side information, coded together."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from torch import Tensor

from latentpress.errors import ConfigurationError
from latentpress.latent_codecs.base import LatentCodec, checked_strings

__all__ = ["HyperpriorLatentCodec", "check_fit"]


class HyperpriorLatentCodec(LatentCodec):
    """Codes a latent with the help of side information (Ballé et al., ICLR 2018; Minnen et al., 2018).

    .. code-block:: none

                 ┌──────────┐
            ┌─►──┤ lc_hyper ├──►─┐
            │    └──────────┘    │ params
            │                    ▼
            │                 ┌──┴───┐
           y ──►──────────────┤ lc_y ├──►── y_hat
                              └──────┘

    Strings are in the order latent, side information.

    Args:
        latent_codec: `"hyper"`, which gives `"params"` (see `HyperLatentCodec`), and `"y"`, whose methods
            take them; they become the submodules of these names.

    Raises:
        ConfigurationError: `latent_codec` does not have these two entries.

    Example:
        >>> import torch
        >>> from torch import nn
        >>> from latentpress.entropy_models import EntropyBottleneck
        >>> from latentpress.latent_codecs import GaussianConditionalLatentCodec, HyperLatentCodec
        >>> h_a, h_s = nn.Conv2d(8, 4, 1), nn.Conv2d(4, 16, 1)
        >>> codec = HyperpriorLatentCodec({
        ...     "y": GaussianConditionalLatentCodec(),
        ...     "hyper": HyperLatentCodec(EntropyBottleneck(4), h_a, h_s),
        ... })
        >>> out = codec(torch.randn(1, 8, 4, 4))
        >>> sorted(out["likelihoods"])
        ['y', 'z']
    """

    def __init__(self, latent_codec: Mapping[str, LatentCodec]) -> None:
        super().__init__()
        if set(latent_codec) != {"y", "hyper"}:
            raise ConfigurationError(f"Expected latent codecs 'y' and 'hyper', found {sorted(latent_codec)}.")
        for name, codec in latent_codec.items():
            self.add_module(name, codec)

    def __getitem__(self, name: str) -> LatentCodec:
        """The inner codec `"y"` or `"hyper"`."""
        return cast(LatentCodec, self.get_submodule(name))

    def forward(self, y: Tensor, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Quantise `y` (N, C, H, W); likelihoods are under `"y"` and `"z"`."""
        hyper = self["hyper"](y)
        check_fit(y, hyper["params"])
        coded = self["y"](y, hyper["params"])
        return {"likelihoods": {**coded["likelihoods"], **hyper["likelihoods"]}, "y_hat": coded["y_hat"]}

    def compress(self, y: Tensor, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Code `y` (N, C, H, W); `"shape"` has those of the inner codecs, by name."""
        hyper = self["hyper"].compress(y)
        check_fit(y, hyper["params"])
        coded = self["y"].compress(y, hyper["params"])
        return {
            "strings": [*coded["strings"], *hyper["strings"]],
            "shape": {"y": coded["shape"], "hyper": hyper["shape"]},
            "y_hat": coded["y_hat"],
        }

    def decompress(
        self, strings: Sequence[Sequence[bytes]], shape: Mapping[str, Any], *args: Any, **kwargs: Any
    ) -> dict[str, Any]:
        """Decode what `compress` made."""
        *y_strings, z_strings = checked_strings(strings, at_least=2)
        hyper = self["hyper"].decompress([z_strings], shape["hyper"])
        return self["y"].decompress(y_strings, shape["y"], hyper["params"])


def check_fit(y: Tensor, params: Tensor) -> None:
    """Raise ConfigurationError unless a latent and its side information have the same height and width."""
    if y.shape[-2:] != params.shape[-2:]:
        raise ConfigurationError(
            f"The latent is {tuple(y.shape[-2:])} and its side information {tuple(params.shape[-2:])}: "
            "height and width of the image must be multiples of the model's downsampling_factor."
        )
