"""Coding a latent under the factorised density of an entropy bottleneck."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from latentpress.entropy_models import EntropyBottleneck
from latentpress.latent_codecs.base import LatentCodec, checked_strings

__all__ = ["EntropyBottleneckLatentCodec"]


class EntropyBottleneckLatentCodec(LatentCodec):
    """Codes a latent with a learned density per channel (Ballé et al., ICLR 2018).

    .. code-block:: none

                 ┌───┐ y_hat
           y ──►─┤ Q ├───►───····───►─── y_hat
                 └───┘      EB

    Args:
        entropy_bottleneck: the density; made from the other arguments if None.
        **kwargs: arguments of `EntropyBottleneck`.

    Example:
        >>> import torch
        >>> codec = EntropyBottleneckLatentCodec(channels=8).eval()
        >>> codec.entropy_bottleneck.update()
        True
        >>> y = torch.randn(2, 8, 4, 4)
        >>> coded = codec.compress(y)
        >>> decoded = codec.decompress(coded["strings"], coded["shape"])
        >>> torch.equal(decoded["y_hat"], coded["y_hat"])
        True
    """

    def __init__(self, entropy_bottleneck: EntropyBottleneck | None = None, **kwargs: Any) -> None:
        super().__init__()
        if entropy_bottleneck is None:
            entropy_bottleneck = EntropyBottleneck(**kwargs)
        self.entropy_bottleneck = entropy_bottleneck

    def forward(self, y: Tensor, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Quantise `y` (N, C, H, W); likelihoods are under `"y"`."""
        y_hat, likelihoods = self.entropy_bottleneck(y)
        return {"likelihoods": {"y": likelihoods}, "y_hat": y_hat}

    def compress(self, y: Tensor, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Code `y` (N, C, H, W); `"shape"` is (H, W)."""
        bottleneck = self.entropy_bottleneck
        medians = bottleneck._medians_like(y)
        symbols = bottleneck.quantize(y, "symbols", medians)
        return {
            "strings": [bottleneck.compress(y)],
            "shape": y.shape[-2:],
            "y_hat": bottleneck.dequantize(symbols, medians, dtype=y.dtype),
        }

    def decompress(
        self, strings: Sequence[Sequence[bytes]], shape: Sequence[int], *args: Any, **kwargs: Any
    ) -> dict[str, Any]:
        """Decode what `compress` made; `shape` is (H, W)."""
        (y_strings,) = checked_strings(strings, 1)
        return {"y_hat": self.entropy_bottleneck.decompress(y_strings, shape)}
