"""The clipped ReLU of integer networks."""

import math
from typing import Any

import torch
from torch import Tensor

__all__ = ["QReLU"]


class QReLU(torch.autograd.Function):
    r"""ReLU clipped to `bit_depth` bits, with a gradient that does not die at the clips.

    From Ballé et al., "Integer networks for data compression with latent-variable models" (ICLR 2019),
    section 3. The output is `x` clipped to [0, 2^bit_depth - 1]; nothing is rounded. The gradient passes
    unchanged inside the range, and outside is scaled by the tail of a generalised Gaussian,
    :math:`\exp(-\alpha^\beta |2x / (2^b - 1) - 1|^\beta)` with :math:`\alpha = \Gamma(1 + 1/\beta)`.

    Call it as `QReLU.apply(x, bit_depth, beta)`:

    Args:
        x: tensor of any shape.
        bit_depth: number of bits of the output range.
        beta: steepness of the tail; large values approach a hard clip.

    Example:
        >>> QReLU.apply(torch.tensor([-3.0, 7.5, 300.0]), 8, 100)
        tensor([  0.0000,   7.5000, 255.0000])
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, bit_depth: int, beta: float) -> Tensor:
        ctx.max_value = 2.0**bit_depth - 1
        ctx.beta = beta
        ctx.save_for_backward(x)
        return x.clamp(0.0, ctx.max_value)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None, None]:
        (x,) = ctx.saved_tensors
        (grad_output,) = grad_outputs
        alpha = math.gamma(1.0 + 1.0 / ctx.beta)
        tail = torch.exp(-((alpha * (2.0 * x / ctx.max_value - 1.0).abs()) ** ctx.beta))
        inside = (x >= 0) & (x <= ctx.max_value)
        return torch.where(inside, grad_output, grad_output * tail), None, None
