"""Side information: coding the hyper-latent, and what the latent's entropy model is told from it."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from latentpress.entropy_models import EntropyBottleneck
from latentpress.errors import ConfigurationError
from latentpress.latent_codecs import critical
from latentpress.latent_codecs.base import LatentCodec, checked_strings
from latentpress.latent_codecs.batches import image_by_image
from latentpress.latent_codecs.entropy_bottleneck import EntropyBottleneckLatentCodec
from latentpress.ops import quantize_ste

__all__ = ["HyperLatentCodec"]


class HyperLatentCodec(LatentCodec):
    """Codes the side information of a latent (Ballé et al., ICLR 2018, section 3).

    .. code-block:: none

                 ┌─────┐  z  ┌───┐ z_hat        z_hat ┌─────┐
           y ──►─┤ h_a ├──►──┤ Q ├───►───····───►─────┤ h_s ├──►── params
                 └─────┘     └───┘        EB          └─────┘

    Its results hold `"params"` (N, K, H, W), the output of `h_s`, in place of `"y_hat"`.

    Args:
        entropy_bottleneck: density of the hyper-latent z.
        h_a: hyper-analysis transform, from y to z.
        h_s: hyper-synthesis transform, from z_hat to the parameters.
        quantizer: what `h_s` sees in training: `"noise"` adds uniform noise to z, `"ste"` rounds it about the
            medians with the gradient of the identity. Likelihoods are those of the noisy z in both.
        exact: whether `h_s` runs in integers where no gradients are recorded, so that its output is the same
            on every machine; see `latentpress.latent_codecs.exact`.

    Raises:
        ConfigurationError: `quantizer` is neither.
    """

    def __init__(
        self,
        entropy_bottleneck: EntropyBottleneck,
        h_a: Callable[[Tensor], Tensor],
        h_s: Callable[[Tensor], Tensor],
        quantizer: str = "noise",
        exact: bool = False,
    ) -> None:
        super().__init__()
        if quantizer not in ("noise", "ste"):
            raise ConfigurationError(f"quantizer must be 'noise' or 'ste', not {quantizer!r}.")
        self.quantizer = quantizer
        self.exact = exact
        self.entropy_bottleneck = entropy_bottleneck
        self.h_a = h_a
        self.h_s = h_s

    def forward(self, y: Tensor, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Parameters for `y` (N, C, H, W); likelihoods are under `"z"`."""
        return self._forward(y)

    def compress(self, y: Tensor, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Code the side information of `y` (N, C, H, W); `"shape"` is the height and width of z."""
        return self._compress(y)

    def decompress(
        self, strings: Sequence[Sequence[bytes]], shape: Sequence[int], *args: Any, **kwargs: Any
    ) -> dict[str, Any]:
        """Decode what `compress` made; `shape` is the height and width of z."""
        return self._decompress(strings, shape)

    # The three methods with gains about the quantiser, for the gained codec too; None is a gain of 1.

    def _forward(
        self, y: Tensor, gain: Tensor | None = None, gain_inv: Tensor | None = None
    ) -> dict[str, Any]:
        z = _times(self.h_a(y), gain)
        z_hat, likelihoods = self.entropy_bottleneck(z)
        if self.quantizer == "ste":
            medians = self.entropy_bottleneck._medians_like(z)
            z_hat = quantize_ste(z - medians) + medians
        z_hat = _times(z_hat, gain_inv)
        exactly = self.exact and not torch.is_grad_enabled()
        params = critical.evaluate(self.h_s, z_hat, exact=True) if exactly else self.h_s(z_hat)
        return {"likelihoods": {"z": likelihoods}, "params": params}

    def _compress(
        self, y: Tensor, gain: Tensor | None = None, gain_inv: Tensor | None = None
    ) -> dict[str, Any]:
        coded = self._z().compress(_times(image_by_image(self.h_a, y), gain))
        params = critical.evaluate(self.h_s, _times(coded["y_hat"], gain_inv), exact=self.exact)
        return {"strings": coded["strings"], "shape": coded["shape"], "params": params}

    def _decompress(
        self, strings: Sequence[Sequence[bytes]], shape: Sequence[int], gain_inv: Tensor | None = None
    ) -> dict[str, Any]:
        decoded = self._z().decompress(checked_strings(strings, 1), shape)
        params = critical.evaluate(self.h_s, _times(decoded["y_hat"], gain_inv), exact=self.exact)
        return {"params": params}

    def _z(self) -> EntropyBottleneckLatentCodec:
        return EntropyBottleneckLatentCodec(self.entropy_bottleneck)


def _times(x: Tensor, gain: Tensor | None) -> Tensor:
    return x if gain is None else x * gain
