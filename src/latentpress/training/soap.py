"""SOAP for kernels: Adam in the eigenbasis of Shampoo's preconditioners, mode by mode.

Vyas et al., "SOAP: improving and stabilizing Shampoo using Adam" (arXiv 2409.11321). A kernel (out, in, h, w)
is rotated along its output and its input channels, and not within its window.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

DERIVED = ("basis", "square")  # what a state need not hold, since "outer" tells enough of it
_UNKNOWN = 2**-8  # share of the largest eigenvalue below which bfloat16 keeps none
LARGEST = 640  # longer sides are not rotated


class Soap(torch.optim.Optimizer):
    """Adam along the eigenvectors of the running outer products of gradients of output and input channels.

    Args:
        params: parameters of two dimensions or more.
        lr: learning rate, as one would give it to Adam.
        betas: decay of the running mean of gradients, and of their squares and outer products.
        every: steps between two updates of the eigenvectors.

    Example:
        >>> layer = torch.nn.Conv2d(4, 8, 3)
        >>> optimizer = Soap([layer.weight], lr=1e-3)
        >>> layer(torch.ones(1, 4, 8, 8)).sum().backward()
        >>> optimizer.step()
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.95, 0.95),
        every: int = 10,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "every": every})

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
                    self._update(parameter, **{k: group[k] for k in ("lr", "betas", "every")})
        return loss

    def _update(self, parameter: Tensor, lr: float, betas: tuple[float, float], every: int) -> None:
        assert parameter.grad is not None
        gradient, state = parameter.grad.contiguous(), self.state[parameter]
        modes = [mode for mode in (0, 1) if 1 < parameter.shape[mode] <= LARGEST]
        if not state:
            state["step"], state["mean"] = 0, torch.zeros_like(gradient)
            state["square"] = torch.zeros_like(gradient)
            state["outer"] = [_outer(gradient, mode) for mode in modes]
            state["basis"] = [_eigen(outer)[1] for outer in state["outer"]]
            return  # the first gradient only settles the basis
        if "basis" not in state:
            state["square"] = torch.ones_like(gradient)
            state["basis"] = []
            for outer, mode in zip(state["outer"], modes, strict=True):
                values, basis = _eigen(outer)
                state["basis"].append(basis)
                state["square"] *= (values / values.sum()).view(-1, *[1] * (gradient.ndim - mode - 1))
            sizes = [size for mode, size in enumerate(gradient.shape) if mode not in modes]
            state["square"] *= state["outer"][0].trace() / math.prod(sizes)
        state["step"] += 1
        step, (b1, b2) = state["step"], betas
        rotated = _rotated(gradient, modes, state["basis"])
        mean = state["mean"].lerp_(gradient, 1 - b1)
        square = state["square"].mul_(b2).addcmul_(rotated, rotated, value=1 - b2)
        direction = _rotated(mean, modes, state["basis"]) / (square.sqrt() + 1e-8)
        direction *= (1 - b2**step) ** 0.5 / (1 - b1**step)
        parameter.add_(_rotated(direction, modes, [basis.T for basis in state["basis"]]), alpha=-lr)
        for outer, mode in zip(state["outer"], modes, strict=True):
            outer.lerp_(_outer(gradient, mode), 1 - b2)
        if step % every == 1:
            for index, (outer, mode) in enumerate(zip(state["outer"], modes, strict=True)):
                basis = state["basis"][index]
                order = (basis.T @ outer @ basis).diagonal().argsort(descending=True)
                state["basis"][index] = torch.linalg.qr(outer @ basis[:, order])[0]
                state["square"] = state["square"].index_select(mode, order)


def _eigen(outer: Tensor) -> tuple[Tensor, Tensor]:
    """Eigenvalues, those too small to be known raised, and eigenvectors; the largest first.

    In double precision, since LAPACK gave NaN for some matrices of small float32 values on two threads.
    """
    values, vectors = torch.linalg.eigh(outer.double())
    values, vectors = values.flip(0).to(outer.dtype), vectors.flip(1).to(outer.dtype)
    return values.clamp(min=float(values[0]) * _UNKNOWN), vectors


def _outer(gradient: Tensor, mode: int) -> Tensor:
    flat = gradient.movedim(mode, 0).flatten(1)
    return flat @ flat.T


def _rotated(x: Tensor, modes: list[int], bases: list[Tensor]) -> Tensor:
    for mode, basis in zip(modes, bases, strict=True):
        x = torch.tensordot(basis, x, dims=([0], [mode])).movedim(0, mode)
    return x
