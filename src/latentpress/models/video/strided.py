"""Chains of 5x5 strided convolutions, plain or transposed, with ReLU between them: transforms for video.

In inference on CPUs they run on the package's own kernels, in which biases, ReLUs and the way from layer to
layer are fused, and whose results depend neither on the number of threads nor on the batch:

- With matrix tiles (AMX), every number is a pair of bfloat16 that holds 16 significant bits, and sums are in
  float32. Results differ from PyTorch's by about 1e-5 of the largest value.
- With AVX-512, AVX2 or NEON, they compute in float32 by minimal filtering (Winograd), which takes half as
  many products. Results differ from PyTorch's by about 1e-6 of the largest value, and have the same bits on
  each of these. Small images, for which reading the weights takes longest, stay with PyTorch.

Elsewhere, and in training, PyTorch computes them.
"""

from functools import cache

import torch
from torch import Tensor, nn

from latentpress import _core
from latentpress.latent_codecs.batches import laid_out
from latentpress.models.compiled import packed, usable_for

__all__ = ["StridedChain"]

LEAST_POSITIONS = 4096  # of the finest grid that a layer computes on, for minimal filtering

Network = type[_core.StridedNetwork] | type[_core.MinimalNetwork]


class StridedChain(nn.Sequential):
    """Layers with ReLU between them; faster than `torch.nn.Sequential` if all are of the kind above.

    Args:
        *layers: convolutions, or transposed convolutions.

    Example:
        >>> from latentpress.models.utils import conv
        >>> chain = StridedChain(conv(3, 8), conv(8, 16))
        >>> chain(torch.rand(2, 3, 32, 64)).shape
        torch.Size([2, 16, 8, 16])
    """

    def __init__(self, *layers: nn.Module) -> None:
        first, *others = layers
        super().__init__(first, *(part for layer in others for part in (nn.ReLU(inplace=True), layer)))

    def forward(self, x: Tensor) -> Tensor:
        """Run the layers on `x` (N, C, H, W)."""
        if not usable_for(x):
            return super().forward(x)
        network = _network()
        if network is not None and self._fits(x) and (network is not _core.MinimalNetwork or self._pays(x)):
            return packed(self, lambda: PackedChain(self._layers(), network)).run(x)
        return super().forward(laid_out(x, torch.channels_last) if x.ndim == 4 else x)

    def _layers(self) -> list[nn.Conv2d | nn.ConvTranspose2d]:
        return [part for part in self if isinstance(part, (nn.Conv2d, nn.ConvTranspose2d))]

    def _pays(self, x: Tensor) -> bool:
        """Whether there are enough positions for minimal filtering to be worth reading twice the weights."""
        layers = self._layers()
        up = isinstance(layers[0], nn.ConvTranspose2d)
        scale = 4 ** (len(layers) - 1) if up else 0.25
        return x.shape[2] * x.shape[3] * scale >= LEAST_POSITIONS

    def _fits(self, x: Tensor) -> bool:
        """Whether the kernels compute what the parts, which may have been replaced, would."""
        parts = list(self)
        layers = parts[::2]
        up = isinstance(layers[0], nn.ConvTranspose2d)
        if not all(_is_strided(layer, up) for layer in layers) or _has_hooks(parts):
            return False
        if not all(isinstance(part, nn.ReLU) for part in parts[1::2]) or len(parts) % 2 == 0:
            return False
        step = 1 if up else 2 ** len(layers)
        channels = layers[0].in_channels
        sides = x.shape[2:]
        return x.ndim == 4 and x.shape[1] == channels and all(s > 0 and s % step == 0 for s in sides)


class PackedChain:
    """The weights of a chain, laid out for the kernels of one kind.

    Args:
        layers: convolutions, or transposed convolutions, between which there are ReLUs.
        network: makes what holds them, for pairs of bfloat16 or for minimal filtering.
    """

    def __init__(self, layers: list[nn.Conv2d | nn.ConvTranspose2d], network: Network) -> None:
        self._network = network()
        self._up = isinstance(layers[0], nn.ConvTranspose2d)
        self._outputs = layers[-1].out_channels
        self._scale = 2 ** len(layers)
        for layer in layers:
            bias = layer.weight.new_zeros(layer.out_channels) if layer.bias is None else layer.bias.detach()
            weight = layer.weight.detach().contiguous()
            self._network.add(self._up, weight, bias.contiguous(), layer is layers[-1])

    def run(self, x: Tensor, kernels: str = "") -> Tensor:
        """The chain's output for `x` (N, C, H, W), image by image."""
        height, width = (side * self._scale if self._up else side // self._scale for side in x.shape[2:])
        out = x.new_empty(len(x), self._outputs, height, width)
        for image, result in zip(x.detach().contiguous(), out, strict=True):
            self._network.run(image, result, torch.get_num_threads(), kernels)
        return out


@cache
def _network() -> Network | None:
    """What chains run on here; None where the kernels are slower than PyTorch."""
    if _core.strided_kernels() == "amx":
        return _core.StridedNetwork
    return None if _core.minimal_kernels() == "portable" else _core.MinimalNetwork


def _is_strided(layer: nn.Module, up: bool) -> bool:
    if not isinstance(layer, nn.ConvTranspose2d if up else nn.Conv2d):
        return False
    return (
        (layer.kernel_size, layer.stride, layer.padding) == ((5, 5), (2, 2), (2, 2))
        and (layer.dilation, layer.groups, layer.padding_mode) == ((1, 1), 1, "zeros")
        and (not up or layer.output_padding == (1, 1))
        and layer.weight.dtype == torch.float32
        and layer.weight.device.type == "cpu"
    )


def _has_hooks(parts: list[nn.Module]) -> bool:
    """Whether somebody watches what goes from part to part."""
    return any(part._forward_hooks or part._forward_pre_hooks for part in parts)
