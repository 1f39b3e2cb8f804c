"""The convolutions that architectures are spelled with: 1x1, 3x3, and 3x3 with sub-pixel upsampling; and what
it takes to train them fast on CPUs, where that is with channels innermost in memory."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

__all__ = ["TransposedConv2d", "channels_innermost", "conv1x1", "conv3x3", "subpel_conv3x3"]

PICTURE_CHANNELS = 3  # up to which a transposed convolution is done as a sub-pixel one


def conv3x3(in_ch: int, out_ch: int, stride: int = 1) -> nn.Conv2d:
    """3x3 convolution with padding 1: (N, in_ch, H, W) to (N, out_ch, H / stride, W / stride)."""
    return nn.Conv2d(in_ch, out_ch, kernel_size=3, stride=stride, padding=1)


def conv1x1(in_ch: int, out_ch: int, stride: int = 1) -> nn.Conv2d:
    """1x1 convolution: (N, in_ch, H, W) to (N, out_ch, H / stride, W / stride)."""
    make = nn.Conv2d if stride == 1 else _StridedConv1x1
    return make(in_ch, out_ch, kernel_size=1, stride=stride)


def subpel_conv3x3(in_ch: int, out_ch: int, r: int = 1) -> nn.Sequential:
    """3x3 convolution that upsamples `r` times by pixel shuffle (Shi et al., CVPR 2016).

    (N, in_ch, H, W) to (N, out_ch, r H, r W).
    """
    return nn.Sequential(nn.Conv2d(in_ch, out_ch * r**2, kernel_size=3, padding=1), nn.PixelShuffle(r))


class _StridedConv1x1(nn.Conv2d):
    """A 1x1 convolution with a stride; where it is to be differentiated on a CPU, positions are picked first.

    That is what keeps training out of torch's own backward pass, which writes beyond its buffers, see
    `safe_innermost`: in every type of number, under autocast, and compiled.
    """

    def forward(self, x: Tensor) -> Tensor:
        if x.device.type != "cpu" or not _to_be_differentiated(x, self.weight):
            return super().forward(x)
        (down, across), layout = self.stride, torch.channels_last if x.ndim == 4 else torch.contiguous_format
        return F.conv2d(x[..., ::down, ::across].contiguous(memory_format=layout), self.weight, self.bias)


class TransposedConv2d(nn.ConvTranspose2d):
    """`torch.nn.ConvTranspose2d` whose gradient takes CPUs less time.

    With channels innermost, oneDNN's gradient of a bias takes half as long as that of a kernel; a sum takes
    next to nothing.
    """

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        plain = self.padding_mode == "zeros" and self.groups == 1 and self.dilation == (1, 1)
        if self.bias is None or output_size is not None or not plain or not _trains_on_cpu(x, self.weight):
            return super().forward(x, output_size)
        return _TransposedConvolution.apply(
            x, self.weight, self.bias, self.stride, self.padding, self.output_padding
        )


class _TransposedConvolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, *geometry: tuple[int, int]) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.geometry = geometry
        stride, padding, output_padding = geometry
        usual = weight.shape[2:] == (5, 5) and geometry == ((2, 2), (2, 2), (1, 1))
        if usual and weight.shape[1] <= PICTURE_CHANNELS:
            return _subpixel(x, weight, bias)
        return F.conv_transpose2d(x, weight, bias, stride, padding, output_padding)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        stride, padding, output_padding = ctx.geometry
        wanted = [*ctx.needs_input_grad[:2], False]
        grad_x, grad_weight, _ = torch.ops.aten.convolution_backward(
            grad, x, weight, None, stride, padding, (1, 1), True, output_padding, 1, wanted
        )
        return grad_x, grad_weight, grad.sum((0, 2, 3)), None, None, None


def _subpixel(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """A 5x5 transposed convolution of stride 2 as a 3x3 convolution of stride 1 and a pixel shuffle.

    Output 2i + a is a sum over inputs i + d, d from -1 to 1, with the taps 2 - 2d + a (of which 5 is zero).
    Half as many products again, but on CPUs a third of the time where there are few outputs.
    """
    inputs, outputs = weight.shape[:2]
    taps = F.pad(weight, (0, 1, 0, 1)).view(inputs, outputs, 3, 2, 3, 2).flip(2, 4)
    kernel = taps.permute(1, 3, 5, 0, 2, 4).reshape(4 * outputs, inputs, 3, 3)
    return F.pixel_shuffle(F.conv2d(x, kernel, bias.repeat_interleave(4), padding=1), 2)


def _to_be_differentiated(x: Tensor, weight: Tensor) -> bool:
    """Whether an operation on `x` will be asked for a gradient."""
    return torch.is_grad_enabled() and (x.requires_grad or weight.requires_grad)


def _trains_on_cpu(x: Tensor, weight: Tensor) -> bool:
    """Whether an operation on `x` is to be differentiated on a CPU, in the type of the weights."""
    plain = x.dtype == weight.dtype and not torch.is_autocast_enabled("cpu")
    fit = plain and x.device.type == "cpu" and x.ndim == 4 and not torch.compiler.is_compiling()
    return fit and _to_be_differentiated(x, weight)


def channels_innermost(network: nn.Module, x: Tensor) -> Tensor:
    """Images `x` (N, C, H, W), laid out as CPUs go through convolutions fastest.

    They stay as they are where that is not safe for the network, see `safe_innermost`.
    """
    return x.contiguous(memory_format=torch.channels_last) if safe_innermost(network) else x


def safe_innermost(network: nn.Module) -> bool:
    """Whether a network can be trained on a CPU with channels innermost.

    The backward pass of strided 1x1 convolutions in torch 2.13 writes beyond its buffers where 2 to 15
    channels come in and lie innermost, in float32 and bfloat16. Those of `conv1x1` go around it. A network
    with any other is not safe, however many its channels.
    """
    convolutions = (layer for layer in network.modules() if isinstance(layer, nn.Conv2d))
    return not any(
        layer.kernel_size == (1, 1) and layer.stride != (1, 1)
        for layer in convolutions
        if not isinstance(layer, _StridedConv1x1)
    )
