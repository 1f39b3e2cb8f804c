"""Coding a latent under Gaussians whose parameters come from elsewhere."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from latentpress.entropy_models import GaussianConditional
from latentpress.errors import ConfigurationError
from latentpress.latent_codecs import critical
from latentpress.latent_codecs.base import LatentCodec, checked_strings
from latentpress.ops import quantize_ste

__all__ = ["GaussianConditionalLatentCodec"]


class GaussianConditionalLatentCodec(LatentCodec):
    """Codes a latent with a Gaussian per element (Ballé et al., ICLR 2018; Minnen et al., NeurIPS 2018).

    .. code-block:: none

                          ctx_params
                              │
                              ▼
                          ┌───┴───┐
                          │  EP   │  entropy_parameters
                          └───┬───┘
                              │ scales, means
                              ▼
                 ┌───┐ y_hat  │
           y ──►─┤ Q ├───►───····───►─── y_hat
                 └───┘       GC

    Args:
        scale_table: scales of the integer tables, for a `GaussianConditional` made here.
        gaussian_conditional: the entropy model; made from `scale_table` and `kwargs` if None.
        entropy_parameters: network from `ctx_params` to the Gaussians' parameters; none by default.
        quantizer: what the synthesis transform sees in training: `"noise"` adds uniform noise, `"ste"` rounds
            about the mean with the gradient of the identity. Likelihoods are those of the noisy latent in
            both.
        chunks: what the channels of the parameters hold, in order: `("scales", "means")` or `("scales",)`.
        **kwargs: further arguments of `GaussianConditional`.

    Raises:
        ConfigurationError: `quantizer` or `chunks` is not one of the above.

    Example:
        >>> import torch
        >>> codec = GaussianConditionalLatentCodec().eval()
        >>> codec.gaussian_conditional.update_scale_table([0.5, 1.0, 2.0])
        True
        >>> y, params = torch.randn(1, 4, 2, 2), torch.rand(1, 8, 2, 2)
        >>> coded = codec.compress(y, params)
        >>> decoded = codec.decompress(coded["strings"], coded["shape"], params)
        >>> torch.equal(decoded["y_hat"], coded["y_hat"])
        True
    """

    def __init__(
        self,
        scale_table: Sequence[float] | Tensor | None = None,
        gaussian_conditional: GaussianConditional | None = None,
        entropy_parameters: nn.Module | None = None,
        quantizer: str = "noise",
        chunks: Sequence[str] = ("scales", "means"),
        **kwargs: Any,
    ) -> None:
        super().__init__()
        if quantizer not in ("noise", "ste"):
            raise ConfigurationError(f"quantizer must be 'noise' or 'ste', not {quantizer!r}.")
        if sorted(chunks) not in (["scales"], ["means", "scales"]):
            raise ConfigurationError(
                f"chunks must name 'scales', and 'means' if there are any, not {chunks!r}."
            )
        self.quantizer = quantizer
        self.chunks = tuple(chunks)
        if gaussian_conditional is None:
            gaussian_conditional = GaussianConditional(scale_table, **kwargs)
        self.gaussian_conditional = gaussian_conditional
        self.entropy_parameters = nn.Identity() if entropy_parameters is None else entropy_parameters

    def forward(self, y: Tensor, ctx_params: Tensor, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Quantise `y` (N, C, H, W); `ctx_params` (N, K, H, W) is what the parameters are computed from."""
        scales, means = self.split(self.entropy_parameters(ctx_params))
        y_hat, likelihoods = self.gaussian_conditional(y, scales, means=means)
        if self.quantizer == "ste":
            y_hat = quantize_ste(y) if means is None else quantize_ste(y - means) + means
        return {"likelihoods": {"y": likelihoods}, "y_hat": y_hat}

    def compress(self, y: Tensor, ctx_params: Tensor, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Code `y` (N, C, H, W); `"shape"` is (H, W)."""
        indexes, means = self.coding_parameters(ctx_params)
        symbols = self.gaussian_conditional.quantize(y, "symbols", means)
        return {
            "strings": [self.gaussian_conditional.compress(y, indexes, means=means)],
            "shape": y.shape[-2:],
            "y_hat": self.gaussian_conditional.dequantize(symbols, means, dtype=y.dtype),
        }

    def decompress(
        self,
        strings: Sequence[Sequence[bytes]],
        shape: Sequence[int],
        ctx_params: Tensor,
        *args: Any,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Decode what `compress` made, given the same `ctx_params`."""
        (y_strings,) = checked_strings(strings, 1)
        indexes, means = self.coding_parameters(ctx_params)
        y_hat = self.gaussian_conditional.decompress(y_strings, indexes, ctx_params.dtype, means)
        return {"y_hat": y_hat}

    def coding_parameters(self, ctx_params: Tensor) -> critical.CodingParameters:
        """Tables and means of each element, computed so that encoder and decoder agree to the bit."""
        scales, means = self.split(critical.evaluate(self.entropy_parameters, ctx_params))
        return critical.coding_parameters(self.gaussian_conditional, scales, means)

    def split(self, params: Tensor) -> tuple[Tensor, Tensor | None]:
        """Scales and means, each (N, C, H, W), out of the parameters (N, K C, H, W)."""
        parts = dict(zip(self.chunks, params.chunk(len(self.chunks), dim=1), strict=True))
        return parts["scales"], parts.get("means")
