"""Generalised divisive normalisation, the nonlinearity of the early learned codecs."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from latentpress.ops import NonNegativeParametrizer

__all__ = ["GDN", "GDN1"]

TILE_POSITIONS = 2048  # that are normalised at a time: a tile stays in the cache
TRAINING_TILE_POSITIONS = 1024  # the same where several tiles are needed at once


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
            beta, gamma = self.beta_reparam(self.beta), self.gamma_reparam(self.gamma)
            if torch.is_grad_enabled() and (x.requires_grad or beta.requires_grad or gamma.requires_grad):
                return _DifferentiableTiles.apply(x, beta, gamma, self.inverse)
            return _from_rows(_normalised(_as_rows(x), beta, gamma, self.inverse, TILE_POSITIONS), x)
        power = self._pooled(x.square())
        return x * (power.sqrt() if self.inverse else power.rsqrt())

    def _tileable(self, x: Tensor) -> bool:
        """Whether to work through the positions in tiles, because large maps are bound by memory."""
        return (
            x.device.type == "cpu"
            and x.ndim == 4
            and x.dtype == self.beta.dtype
            and x.is_contiguous(memory_format=torch.channels_last)
            and not torch.compiler.is_compiling()
        )

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


def _as_rows(x: Tensor) -> Tensor:
    """A view of `x` (N, C, H, W), whose channels lie innermost, as (positions, C)."""
    return x.permute(0, 2, 3, 1).reshape(-1, x.shape[1])


def _from_rows(rows: Tensor, like: Tensor) -> Tensor:
    """The inverse of `_as_rows`, of the shape of `like`."""
    batch, channels, height, width = like.shape
    return rows.view(batch, height, width, channels).permute(0, 3, 1, 2)


def _normalised(
    rows: Tensor, beta: Tensor, gamma: Tensor, inverse: bool, tile: int, roots: Tensor | None = None
) -> Tensor:
    """GDN of `rows` (positions, C); what they are multiplied by is kept in `roots` if that is given."""
    mixing = gamma.t().contiguous()
    out = torch.empty_like(rows)
    square = torch.empty_like(rows[:tile])
    scratch = torch.empty_like(square) if roots is None else roots
    for start in range(0, len(rows), tile):
        x = rows[start : start + tile]
        root = scratch[: len(x)] if roots is None else scratch[start : start + tile]
        torch.addmm(beta, torch.mul(x, x, out=square[: len(x)]), mixing, out=root)
        torch.mul(root.sqrt_() if inverse else root.rsqrt_(), x, out=out[start : start + tile])
    return out


class _DifferentiableTiles(torch.autograd.Function):
    """GDN and its gradient, tile by tile, so that what is between input and output stays in the cache.

    With `p = beta + gamma x^2`, root `r = p^(∓1/2)` and `y = x r`, the gradient reaches `p` as
    `∓1/2 g x r^3` (of the inverse layer: `1/2 g x / r`), and `x` as `g r + 2 x gamma^T (that)`.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, beta: Tensor, gamma: Tensor, inverse: bool) -> Tensor:
        rows = _as_rows(x)
        roots = torch.empty_like(rows)
        out = _normalised(rows, beta, gamma, inverse, TRAINING_TILE_POSITIONS, roots)
        ctx.save_for_backward(x, roots, gamma)
        ctx.inverse = inverse
        return _from_rows(out, x)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        x, roots, gamma = ctx.saved_tensors
        rows, grads = _as_rows(x), _as_rows(grad.contiguous(memory_format=torch.channels_last))
        grad_x, grad_gamma = torch.empty_like(rows), torch.zeros_like(gamma)
        grad_beta = torch.zeros_like(gamma[0])
        sign, tile = (1 if ctx.inverse else -1), TRAINING_TILE_POSITIONS
        scratch = torch.empty(2, min(tile, len(rows)), rows.shape[1], dtype=rows.dtype)
        for start in range(0, len(rows), tile):
            x, g, root, g_x = (part[start : start + tile] for part in (rows, grads, roots, grad_x))
            g_power, other = scratch[:, : len(x)]  # twice the gradient of p, without its sign
            torch.mul(g, root, out=g_x)
            if ctx.inverse:
                torch.mul(g, x, out=g_power).div_(root)
            else:
                torch.mul(g_x, x, out=g_power).mul_(torch.mul(root, root, out=other))
            grad_gamma.addmm_(g_power.t(), torch.mul(x, x, out=other))
            grad_beta.add_(g_power.sum(0))
            g_x.addcmul_(x, torch.mm(g_power, gamma, out=other), value=sign)
        return _from_rows(grad_x, grad), grad_beta.mul_(sign / 2), grad_gamma.mul_(sign / 2), None
