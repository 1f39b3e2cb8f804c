"""Inference with the compiled kernels: what blocks run on when no gradient is wanted, on a CPU, in float32.

Features stay channels-last throughout, LayerNorm needs no permutation, and layer scales are folded into the
next matrix. The kernels' results depend neither on the number of threads, nor on the batch, nor on the kind
of CPU, which the coder-critical path needs. Packed copies of the weights are kept beside the modules, and
made anew when those change; they take as much memory again as the weights.
"""

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from latentpress import _core
from latentpress.models.compiled import eager, enabled, not_compiled, packed, usable_for
from latentpress.models.hierarchical.arithmetic import in_fixed_point, kernels
from latentpress.models.hierarchical.workspace import empty

__all__ = [
    "PackedBlock",
    "PackedConvolution",
    "contiguous",
    "eager",
    "enabled",
    "not_compiled",
    "packed",
    "usable_for",
]

_LANES = 16


class PackedBlock:
    """The weights of a ConvNeXt block of any width and odd kernel, laid out for the kernels.

    Those take sixteen channels at a time; other widths are filled up with channels of zeros.
    """

    def __init__(self, conv: nn.Conv2d, expand: nn.Linear, contract: nn.Linear, gamma: Tensor) -> None:
        channels = conv.out_channels
        layer_scale = gamma.detach().reshape(-1)
        self.padding = -channels % _LANES
        self.taps = self._filled(conv.weight.detach().reshape(channels, -1).t().contiguous())
        self.bias = self._filled(_bias_of(conv.weight, conv.bias))
        self.expand = _Matrix(lambda: (self._filled(expand.weight), expand.bias))
        self.contract = _Matrix(
            lambda: (
                self._filled((contract.weight * layer_scale[:, None]).t()).t(),
                self._filled(contract.bias * layer_scale),
            )
        )

    def run(self, x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
        """The block's output for `x` (N, C, H, W), given what LayerNorm ends with: (N or 1, C) each."""
        rows = self._filled(_channels_last(x))
        out = empty(*rows.shape)
        _core.convnext_block(
            self.taps, self.bias, self._filled(shift).contiguous(), self._filled(scale).contiguous(),
            self.expand.packed(), self.contract.packed(), self.padding,
            rows, out, torch.get_num_threads(), kernels(),
        )  # fmt: skip
        return out[..., : x.shape[1]].permute(0, 3, 1, 2)

    def _filled(self, x: Tensor) -> Tensor:
        """`x` (..., channels) with as many channels as the kernels want."""
        return F.pad(x, (0, self.padding)) if self.padding else x


class PackedConvolution:
    """A convolution for the kernels.

    Args:
        weight: (outputs, inputs, side, side).
        bias: (outputs,), or None.
        patch_in: side of the patches of the input that take the place of pixels, their rows, columns and
            channels being the inputs.
        patch_out: side of the patches of the output that outputs are, in the same order.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None, patch_in: int = 1, patch_out: int = 1) -> None:
        outputs, _, self.side, _ = weight.shape
        self.patch_in, self.patch_out = patch_in, patch_out
        self.channels = outputs // patch_out**2
        self._matrix = _Matrix(lambda: (weight.permute(0, 2, 3, 1).reshape(outputs, -1), bias))

    def run(
        self,
        x: Tensor,
        more: Tensor | None = None,
        residual: Tensor | None = None,
        gelu_before: bool = False,
        gelu_after: bool = False,
    ) -> Tensor:
        """Convolve `x` (N, C, H, W), or `x` and `more` side by side, and add `residual`."""
        rows = _channels_last(x)
        n, h, w, _ = rows.shape
        out = empty(
            n, h // self.patch_in * self.patch_out, w // self.patch_in * self.patch_out, self.channels
        )
        _core.convnext_convolve(
            self._matrix.packed(), self.side, self.patch_in, self.patch_out, gelu_before, gelu_after, rows,
            None if more is None else _channels_last(more),
            None if residual is None else _channels_last(residual),
            out, torch.get_num_threads(), kernels(),
        )  # fmt: skip
        return out.permute(0, 3, 1, 2)


class _Matrix:
    """A weight (outputs, inputs) and a bias, packed for the arithmetics and kernels that asked for them."""

    def __init__(self, make: Callable[[], tuple[Tensor, Tensor | None]]) -> None:
        self._make = make
        self._packed: dict[tuple[bool, str], _core.PackedMatrix] = {}

    def packed(self) -> "_core.PackedMatrix":
        """For the arithmetic and the kernels of the context."""
        # in single precision, the same for all kernels
        key = (True, kernels()) if in_fixed_point() else (False, "")
        if key not in self._packed:
            weight, bias = self._make()
            self._packed[key] = _core.PackedMatrix(
                weight.detach().contiguous(), _bias_of(weight, bias).contiguous(), *key
            )
        return self._packed[key]


def _bias_of(weight: Tensor, bias: Tensor | None) -> Tensor:
    """The bias (outputs,) of a layer, of zeros where it has none."""
    return weight.new_zeros(len(weight)) if bias is None else bias.detach()


def _channels_last(x: Tensor) -> Tensor:
    """(N, H, W, C), contiguous; a view where the memory format allows."""
    return contiguous(x.detach().permute(0, 2, 3, 1))


def contiguous(x: Tensor) -> Tensor:
    """A float32 tensor on the CPU with its last dimension innermost, copied where need be on one thread.

    PyTorch would copy on all, which keep their cores busy for milliseconds in case there is more to do, while
    the kernels wait for them.
    """
    return x if x.is_contiguous() else torch.from_numpy(np.ascontiguousarray(x.numpy()))
