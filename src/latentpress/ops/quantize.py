"""Rounding and its two training-time stand-ins: straight-through rounding and additive uniform noise."""

import torch
from torch import Tensor

from latentpress.ops.rounding import soft_rounding


def quantize_ste(x: Tensor) -> Tensor:
    """Round to the nearest integer (ties to even), with the gradient of the identity.

    Inside `rounding_by`, round as that says.

    The straight-through estimator of Theis et al., "Lossy image compression with compressive autoencoders"
    (2017).

    Example:
        >>> import torch
        >>> from latentpress.ops import quantize_ste
        >>> x = torch.tensor([0.2, 1.5], requires_grad=True)
        >>> quantize_ste(x).sum().backward()
        >>> x.grad
        tensor([1., 1.])
    """
    soft = soft_rounding()
    return x + (torch.round(x) - x).detach() if soft is None else soft(x)


def uniform_noise(x: Tensor) -> Tensor:
    """Add noise drawn from [-1/2, 1/2), the differentiable stand-in for rounding (Ballé et al., 2017)."""
    return x + torch.empty_like(x).uniform_(-0.5, 0.5)
