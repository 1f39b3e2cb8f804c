"""Muon for convolutions: momentum whose update is orthogonalised, matrix by matrix.

Jordan et al., "Muon: an optimizer for hidden layers in neural networks" (2024), with the scale of Liu et al.,
"Muon is scalable for LLM training" (arXiv 2502.16982), at which learning rates are those one would give to
Adam. torch's own Muon takes matrices only; here a kernel (out, in, h, w) is the matrix (out, in * h * w).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)  # quintic coefficients that push singular values to about 1 fastest


class Muon(torch.optim.Optimizer):
    """Steps along the orthogonal factor of the Nesterov momentum of each parameter.

    Args:
        params: parameters of two dimensions or more.
        lr: learning rate; the root mean square of an update is 0.2 times this.
        momentum: decay of the running mean of gradients.

    Example:
        >>> layer = nn.Conv2d(4, 8, 3)
        >>> optimizer = Muon([layer.weight], lr=1e-3)
        >>> layer(torch.ones(1, 4, 8, 8)).sum().backward()
        >>> optimizer.step()
    """

    def __init__(self, params: Iterable[Tensor], lr: float = 1e-3, momentum: float = 0.95) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._update(parameter, group["lr"], group["momentum"])
        return loss

    def _update(self, parameter: Tensor, lr: float, momentum: float) -> None:
        state = self.state[parameter]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(parameter)
        assert parameter.grad is not None
        mean = state["momentum"].lerp_(parameter.grad, 1 - momentum)
        nesterov = parameter.grad.lerp(mean, momentum).flatten(1)
        update = orthogonalised(nesterov)
        parameter.add_(update.view(parameter.shape), alpha=-0.2 * lr * max(nesterov.shape) ** 0.5)


def orthogonalised(matrix: Tensor, steps: int = 5) -> Tensor:
    """About the nearest semi-orthogonal matrix to `matrix`, (rows, columns), by Newton-Schulz iterations.

    Every iterate is a polynomial in `matrix @ matrix.T` times `matrix`. These polynomials commute, so the
    iterations run on the small square side alone, and the long side is multiplied twice in all.
    """
    a, b, c = NEWTON_SCHULZ
    wide = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
    wide = wide / (wide.norm() + 1e-7)
    gram = wide @ wide.T  # not in bfloat16: rounding would make small eigenvalues negative, and those explode
    identity = torch.eye(len(gram), device=gram.device)
    factor = identity
    for _ in range(steps):
        step = a * identity + b * gram + c * gram @ gram
        factor = step @ factor
        gram = step @ step @ gram
    x = factor @ wide
    return x.T if matrix.shape[0] > matrix.shape[1] else x


def split_parameters(model: nn.Module, smallest: int = 16) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """Kernels with at least `smallest` channels in and out, which suit Muon, and all other parameters."""
    kernels: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for parameter in model.parameters():
        suits = parameter.ndim == 4 and min(parameter.shape[:2]) >= smallest
        (kernels if suits else others).append(parameter)
    return kernels, others
