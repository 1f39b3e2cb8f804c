"""Generalised divisive normalisation, the nonlinearity of the early learned codecs."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from latentpress.ops import NonNegativeParametrizer

__all__ = ["GDN", "GDN1"]

TILE_POSITIONS = 2048


class GDN(nn.Module):
    r"""Generalised divisive normalisation (Ballé et al., "Density modeling of images", ICLR 2016).

    .. math:: y_i = x_i \big/ \sqrt{\beta_i + \sum_j \gamma_{ij} x_j^2}

    The inverse layer (IGDN) of the synthesis transform multiplies by the root instead of dividing.
    `beta` and `gamma` are kept non-negative by the reparametrisation of `NonNegativeParametrizer`.

    Args:
        in_channels: number of channels C of the input.
        inverse: multiply instead of divide.
        beta_min: smallest value that `beta` may take; keeps the division away from zero.
        gamma_init: initial value of the diagonal of `gamma`.

    Example:
        >>> GDN(8)(torch.randn(1, 8, 4, 4)).shape
        torch.Size([1, 8, 4, 4])
    """

    def __init__(
        self,
        in_channels: int,
        inverse: bool = False,
        beta_min: float = 1e-6,
        gamma_init: float = 0.1,
    ) -> None:
        super().__init__()
        self.inverse = bool(inverse)
        self.beta_reparam = NonNegativeParametrizer(minimum=float(beta_min))
        self.gamma_reparam = NonNegativeParametrizer()
        self.beta = nn.Parameter(self.beta_reparam.init(torch.ones(in_channels)))
        self.gamma = nn.Parameter(self.gamma_reparam.init(float(gamma_init) * torch.eye(in_channels)))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise `x` (N, C, H, W) across its channels."""
        if self._tileable(x):
            return self._in_tiles(x)
        power = self._pooled(x.square())
        return x * (power.sqrt() if self.inverse else power.rsqrt())

    def _tileable(self, x: Tensor) -> bool:
        learning = torch.is_grad_enabled() and (x.requires_grad or self.beta.requires_grad)
        return (
            not learning
            and not torch.compiler.is_compiling()
            and x.device.type == "cpu"
            and x.ndim == 4
            and x.is_contiguous(memory_format=torch.channels_last)
        )

    def _in_tiles(self, x: Tensor) -> Tensor:
        """Normalise some positions at a time: large maps are bound by memory, a tile stays in the cache."""
        batch, channels, height, width = x.shape
        mixing = self.gamma_reparam(self.gamma).t().contiguous()
        offset = self.beta_reparam(self.beta)
        rows = x.permute(0, 2, 3, 1).reshape(-1, channels)
        out = torch.empty_like(rows)
        for tile, result in zip(rows.split(TILE_POSITIONS), out.split(TILE_POSITIONS), strict=True):
            power = torch.addmm(offset, tile.square(), mixing)
            torch.mul(power.sqrt_() if self.inverse else power.rsqrt_(), tile, out=result)
        return out.view(batch, height, width, channels).permute(0, 3, 1, 2)

    def _pooled(self, magnitude: Tensor) -> Tensor:
        """The divisor's argument: beta + gamma applied to `magnitude` at every position."""
        gamma = self.gamma_reparam(self.gamma)
        return F.conv2d(magnitude, gamma[:, :, None, None], self.beta_reparam(self.beta))

    def extra_repr(self) -> str:
        return f"{self.beta.numel()}, inverse={self.inverse}"


class GDN1(GDN):
    r"""The simplified GDN of Johnston et al., "Computationally efficient neural image compression" (2019).

    .. math:: y_i = x_i \big/ \left(\beta_i + \sum_j \gamma_{ij} |x_j|\right)

    No square and no root: cheaper, and about as good. Arguments are those of `GDN`.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Normalise `x` (N, C, H, W) across its channels."""
        pooled = self._pooled(x.abs())
        return x * pooled if self.inverse else x / pooled
