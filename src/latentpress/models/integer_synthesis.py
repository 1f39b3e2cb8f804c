"""A synthesis transform in integers: the same pixels from every processor.

Between layers, every channel has integers of at most `LARGEST` in magnitude and a step of its own, which
follows from the largest value that was seen in it. Weights are integers, too, with a step for each output.
Sums of their products are exact in 32 bits, in whatever order (`csrc/integer_network.hpp`). What is left are
single operations that IEEE 754 defines to the bit.

    Ballé et al., "Integer networks for data compression with latent-variable models", ICLR 2019.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from latentpress import _core
from latentpress.errors import ConfigurationError
from latentpress.layers import ResidualBlock, ResidualBottleneckBlock

__all__ = ["IntegerSynthesis", "SynthesisProgram"]

LARGEST = 8191
"""Largest magnitude of an integer between layers."""

HEADROOM = 2.0
"""How many times the largest value that was seen an integer can hold."""

LEVELS = 64 * 255
"""Steps of a pixel's value from black to white."""

_MOST_WEIGHTS = (2**31 - 1) // LARGEST
_FRACTION = 2**32  # magnitudes are added up in whole parts of it, so that every machine has the same sum


class Layer(NamedTuple):
    """A convolution and what follows it: `leaky(convolution(x)) + residual`.

    Attributes:
        convolution: with a 1x1 or a padded 3x3 window; or transposed, of 4x4 and stride 2; or, at the end of
            the linear path, transposed, of non-overlapping blocks.
        source: name of its input.
        target: name of its output; the layers of one target share its integers' steps.
        slope: of negative values.
        residual: whether what the target held before is added.
    """

    convolution: nn.Conv2d | nn.ConvTranspose2d
    source: str
    target: str
    slope: float = 1.0
    residual: bool = False

    def compute(self, values: dict[str, Tensor]) -> None:
        """Compute it in floats."""
        out = F.leaky_relu(self.convolution(values[self.source]), self.slope)
        values[self.target] = out + values[self.target] if self.residual else out


class SynthesisProgram:
    """The layers of a synthesis that has a network and a linear map side by side, in order.

    Args:
        network: 1x1 and 3x3 convolutions, transposed ones of 4x4 and stride 2, residual and bottleneck
            blocks, and at the end `nn.PixelShuffle`.
        linear: transposed convolution of blocks, (M, 3, side, side).

    Raises:
        ConfigurationError: the network has a layer of another kind.
    """

    def __init__(self, network: nn.Sequential, linear: nn.ConvTranspose2d) -> None:
        self.layers: list[Layer] = []
        at = "y"
        *parts, last = network
        for number, part in enumerate(parts):
            name = f"trunk{number}"
            if isinstance(part, (nn.Conv2d, nn.ConvTranspose2d)):
                self.layers.append(Layer(part, at, name))
                at = name
            elif isinstance(part, ResidualBottleneckBlock):
                inner = f"first{number}", f"second{number}"
                self.layers += [
                    Layer(part.conv1, at, inner[0], slope=0.0),
                    Layer(part.conv2, inner[0], inner[1], slope=0.0),
                    Layer(part.conv3, inner[1], at, residual=True),
                ]
            elif isinstance(part, ResidualBlock):
                slope = part.leaky_relu.negative_slope
                self.layers += [
                    Layer(part.conv1, at, f"first{number}", slope),
                    Layer(part.conv2, f"first{number}", at, slope, residual=True),
                ]
            else:
                raise ConfigurationError(
                    f"Expected a layer that integers can compute, found {type(part).__name__}."
                )
        if not isinstance(last, nn.PixelShuffle):
            raise ConfigurationError(f"Expected a pixel shuffle at the end, found {type(last).__name__}.")
        self.fine, self.coarse = at, "coarse"
        self.layers.append(Layer(linear, "y", self.coarse))

    def channels(self) -> dict[str, int]:
        """Channels of the tensors that have steps of their own, by name: those that do not become pixels."""
        found = {"y": self.layers[0].convolution.in_channels}
        for layer in self.layers:
            if layer.target not in (self.fine, self.coarse):
                found[layer.target] = layer.convolution.out_channels
        return found

    @torch.no_grad()
    def largest(self, y_hat: Tensor) -> Tensor:
        """Largest magnitude in each channel of each of those tensors, one after another.

        Args:
            y_hat: quantised latents, (N, M, H, W).
        """
        values, found = {"y": y_hat}, {"y": _peaks(y_hat)}
        for layer in self.layers[:-1]:
            layer.compute(values)
            peaks = _peaks(values[layer.target])
            found[layer.target] = torch.maximum(peaks, found.get(layer.target, peaks))
        return torch.cat([found[name] for name in self.channels()])


class IntegerSynthesis:
    """A synthesis in integers, made from floats.

    Args:
        program: the layers.
        largest: what `SynthesisProgram.largest` found over many images, at most; all positive.
    """

    def __init__(self, program: SynthesisProgram, largest: Tensor) -> None:
        channels = program.channels()
        parts = largest.detach().float().cpu().clamp(min=1e-6).split(list(channels.values()))
        steps = {name: part * (HEADROOM / LARGEST) for name, part in zip(channels, parts, strict=True)}
        self._y_step = steps["y"][:, None, None]
        self._side = program.layers[-1].convolution.kernel_size[0]
        self._network = _core.IntegerNetwork()
        slots: dict[str, int] = {}
        factors = {"y": 1}
        free: dict[tuple[int, int, str], int] = {}
        slots["y"] = self._network.add_slot(channels["y"], 1)
        for layer in program.layers:
            weight, bias = _taps(layer.convolution)
            taps, outputs, _ = weight.shape
            factors[layer.target] = factors[layer.source] * (2 if taps == 16 else 1)
            if layer.target not in slots:
                kind = layer.target.rstrip("0123456789")  # tensors inside of blocks take turns in one slot
                key = (outputs, factors[layer.target], kind if kind in ("first", "second") else layer.target)
                if key not in free:
                    free[key] = self._network.add_slot(outputs, factors[layer.target])
                slots[layer.target] = free[key]
            last = layer.target in (program.fine, program.coarse)
            unit = torch.full((outputs,), 1 / LEVELS) if last else steps[layer.target]
            if layer.target == program.fine:  # colours, rows, columns become rows, columns, colours
                order = torch.arange(outputs).view(3, -1).T.flatten()
                weight, bias = weight[:, order], bias[order]
            integers, scale = _integers(weight, steps[layer.source])
            self._network.add_layer(
                slots[layer.source],
                slots[layer.target],
                integers.numpy(),
                (scale / unit).float().numpy(),
                (bias / unit).float().numpy(),
                slope=layer.slope,
                limit=32767.0 if last else float(LARGEST),
                residual=slots[layer.target] if layer.residual else None,
            )
        self._pixels = slots[program.coarse], slots[program.fine]

    @torch.no_grad()
    def __call__(self, y_hat: Tensor, kernels: str = "") -> Tensor:
        """The image, (1, 3, side * H, side * W), on the CPU; about 0 to 1, not clamped.

        Args:
            y_hat: quantised latents, (1, M, H, W).
            kernels: name of the kernels to use; empty for the fastest. All give the same.
        """
        height, width = y_hat.shape[2:]
        counts = (y_hat[0].float() / self._y_step).nan_to_num(0.0).round().clamp(-LARGEST, LARGEST)
        x = counts.to(torch.int16).permute(1, 2, 0).contiguous()
        pixels = torch.empty(height * self._side, width * self._side, 3, dtype=torch.int16)
        self._network.run(x.numpy(), *self._pixels, pixels.numpy(), torch.get_num_threads(), kernels)
        return pixels.permute(2, 0, 1)[None].float() / LEVELS


def _peaks(x: Tensor) -> Tensor:
    return x.abs().amax((0, 2, 3))


def _taps(convolution: nn.Conv2d | nn.ConvTranspose2d) -> tuple[Tensor, Tensor]:
    """Weights (taps, outputs, inputs), as the network of integers takes them, and biases; float64."""
    weight = convolution.weight.detach().double().cpu()
    assert convolution.bias is not None
    bias = convolution.bias.detach().double().cpu()
    if isinstance(convolution, nn.Conv2d):
        side = weight.shape[2]
        if weight.shape[3] != side or side not in (1, 3) or convolution.padding != (side // 2, side // 2):
            raise ConfigurationError(f"Expected a 1x1 or a padded 3x3 convolution, found {convolution}.")
        return weight.permute(2, 3, 0, 1).flatten(0, 1), bias
    if convolution.kernel_size == convolution.stride:  # one position's block: rows, columns, colours
        block = weight.permute(2, 3, 1, 0).flatten(0, 2)
        return block[None], bias.repeat(len(block) // len(bias))
    if (*convolution.kernel_size, *convolution.stride, *convolution.padding) != (4, 4, 2, 2, 1, 1):
        raise ConfigurationError(
            f"Expected a transposed convolution of 4x4 and stride 2, found {convolution}."
        )
    phases = [(3, 1), (2, 0)]  # rows or columns of the kernel that even and odd ones of the output see
    taps = [weight[:, :, i, j].T for own in phases for other in phases for i in own for j in other]
    return torch.stack(taps), bias


def _integers(weight: Tensor, steps: Tensor) -> tuple[Tensor, Tensor]:
    """Integers (taps, outputs, inputs), and what one of them is worth at each output, float64.

    Args:
        weight: floats, (taps, outputs, inputs); as many taps as four phases have, if there are 16.
        steps: of the inputs.
    """
    taps, _, inputs = weight.shape
    worth = weight * steps.double()
    phases = worth.unflatten(0, (4, -1)) if taps == 16 else worth[None]  # each has sums of its own
    largest = worth.abs().amax((0, 2)).clamp(min=1e-30)
    parts = (phases.abs() / largest[:, None] * _FRACTION).round().long()
    magnitude = parts.sum((1, 3)).amax(0).double() / _FRACTION * largest
    rounding = taps // len(phases) * inputs
    unit = torch.maximum(magnitude / (_MOST_WEIGHTS - rounding), largest / 32767)
    return (worth / unit[:, None]).round().to(torch.int16).contiguous(), unit
