"""Lower bounds whose gradient lets a parameter that fell below the bound come back."""

from typing import Any

import torch
from torch import Tensor, nn


class _LowerBoundFunction(torch.autograd.Function):
    """`max(x, bound)`; the gradient passes where x is above the bound or would be moved up towards it."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, bound: Tensor) -> Tensor:
        ctx.save_for_backward(x, bound)
        return torch.max(x, bound)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None]:
        (grad_output,) = grad_outputs
        x, bound = ctx.saved_tensors
        # A negative gradient raises x under gradient descent, which is where a value below the bound should
        # go.
        passes = (x >= bound) | (grad_output < 0)
        return passes * grad_output, None


class LowerBound(nn.Module):
    """Element-wise `max(x, bound)` with a gradient that does not vanish below the bound.

    `torch.max` has no gradient below the bound, so a parameter that falls under it stays there. Here the
    gradient passes whenever a descent step would move x upwards (Ballé et al., "Density modeling of images
    using a generalized normalization transformation", 2016, and its public implementations).

    Args:
        bound: the smallest value of the output; stored as the buffer `bound` of shape (1,).

    Example:
        >>> import torch
        >>> from latentpress.ops import LowerBound
        >>> LowerBound(0.5)(torch.tensor([0.0, 0.7]))
        tensor([0.5000, 0.7000])
    """

    bound: Tensor

    def __init__(self, bound: float) -> None:
        super().__init__()
        self.register_buffer("bound", torch.tensor([float(bound)]))

    def forward(self, x: Tensor) -> Tensor:
        """Return `max(x, bound)`, of the shape and dtype of x."""
        return _LowerBoundFunction.apply(x, self.bound.to(x.dtype))
