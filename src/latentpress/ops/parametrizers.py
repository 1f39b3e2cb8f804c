"""Reparametrisations that keep a trained parameter within its allowed range."""

import torch
from torch import Tensor, nn

from latentpress.ops.bound_ops import LowerBound


class NonNegativeParametrizer(nn.Module):
    """Keep a parameter at or above `minimum` by storing (roughly) its square root.

    The stored value p stands for `max(p, bound)^2 - pedestal`, with `pedestal = reparam_offset^2` and
    `bound = sqrt(minimum + pedestal)`. The pedestal keeps the gradient of the square alive at zero
    (Ballé, "Efficient nonlinear transforms for lossy image compression", 2018).

    Args:
        minimum: the smallest value that the parameter may take, at least 0.
        reparam_offset: square root of the pedestal; larger values make training near zero more stable, and
            less exact.

    Example:
        >>> import torch
        >>> from latentpress.ops import NonNegativeParametrizer
        >>> reparametrise = NonNegativeParametrizer(minimum=0.25)
        >>> stored = reparametrise.init(torch.tensor([1.0, 4.0]))
        >>> reparametrise(stored)
        tensor([1., 4.])
        >>> reparametrise(torch.tensor([-3.0]))
        tensor([0.2500])
    """

    pedestal: Tensor

    def __init__(self, minimum: float = 0.0, reparam_offset: float = 2**-18) -> None:
        super().__init__()
        self.minimum = float(minimum)
        self.reparam_offset = float(reparam_offset)
        pedestal = self.reparam_offset**2
        self.register_buffer("pedestal", torch.tensor([pedestal]))
        self.lower_bound = LowerBound((self.minimum + pedestal) ** 0.5)

    def init(self, x: Tensor) -> Tensor:
        """Return what to store so that `forward` gives x, for x at or above `minimum`."""
        return torch.sqrt(torch.max(x + self.pedestal, self.pedestal))

    def forward(self, x: Tensor) -> Tensor:
        """Return the parameter that the stored value x stands for."""
        return self.lower_bound(x) ** 2 - self.pedestal
