"""Autoregressive coding in compiled code: networks, quantisation and entropy coder, position by position.

The Python face of the engine in `csrc/autoregressive.hpp`; the latent codecs that use it have their own
modules.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor, nn

from latentpress import _core
from latentpress.ans.arrays import thread_count
from latentpress.entropy_models import GaussianConditional
from latentpress.errors import BitstreamError, ConfigurationError
from latentpress.layers import MaskedConv2d

__all__ = ["AutoregressiveCoder", "StreamOrder"]

StreamOrder = Literal["wavefront", "raster"]
"""The order in which a stream visits the positions of a latent; at each position all channels follow.

`"raster"` goes row by row, left to right: the order of CompressAI's streams. `"wavefront"` goes along the
lines `column + (r + 1) * row = 0, 1, 2, ...`, on each from top to bottom, where r is the radius of the
context convolution (2 for a 5x5 kernel). The positions of one line do not depend on one another and are
computed together, which is faster.
"""


@dataclass(frozen=True)
class AutoregressiveCoder:
    """Codes latents whose every element is predicted from those before it: `y_hat = round(y - mean) + mean`.

    From Minnen et al., "Joint autoregressive and hierarchical priors for learned image compression"
    (NeurIPS 2018).

    All arithmetic runs on the CPU in float32, whatever device or type the tensors have. Strings and values
    depend neither on the number of threads, nor on the batch, nor on the instructions that the CPU has; both
    orders give the same values and strings of nearly the same length.

    Attributes:
        context_prediction: type-A masked convolution from the quantised latent, M channels, to 2M channels.
        entropy_parameters: `nn.Sequential` of 1x1 convolutions with LeakyReLU or ReLU between them, from the
            hyper-decoder's 2M channels followed by the context's 2M, to M scales followed by M means.
        gaussian_conditional: an entropy model with its tables made.
        kernel: name of the numeric kernel, one of `AutoregressiveCoder.kernels()`; None for the fastest.

    Example:
        >>> gaussian_conditional = GaussianConditional([0.5, 1.0, 2.0])
        >>> gaussian_conditional.update()
        True
        >>> coder = AutoregressiveCoder(
        ...     MaskedConv2d(4, 8, 5, padding=2),
        ...     nn.Sequential(nn.Conv2d(16, 12, 1), nn.LeakyReLU(), nn.Conv2d(12, 8, 1)),
        ...     gaussian_conditional,
        ... )
        >>> y, params = torch.randn(1, 4, 6, 6), torch.randn(1, 8, 6, 6)
        >>> strings, y_hat = coder.compress(y, params)
        >>> torch.equal(coder.decompress(strings, params), y_hat)
        True
    """

    context_prediction: nn.Module
    entropy_parameters: nn.Module
    gaussian_conditional: GaussianConditional
    kernel: str | None = None

    @staticmethod
    def kernels() -> list[str]:
        """Names of the numeric kernels that this CPU runs, fastest first."""
        return _core.autoregressive_kernels()

    def compress(
        self, y: Tensor, params: Tensor, order: StreamOrder = "wavefront"
    ) -> tuple[list[bytes], Tensor]:
        """Code latents.

        Args:
            y: latents (N, M, H, W).
            params: the hyper-decoder's output (N, 2M, H, W).
            order: the order of the streams, which the decoder must be told.

        Returns:
            One string for each latent; and the latents that a decoder will get, of the shape, type and device
            of `y`.

        Raises:
            ConfigurationError: the networks are not of the kinds above, shapes do not fit, there are no
                tables yet, or an element is not a number or too far from its mean to be coded.
        """
        tables = self.gaussian_conditional.coding_tables().core
        latents, parameters = _on_cpu(y, "latents"), _on_cpu(params, "hyper-parameters")
        quantised = torch.empty_like(latents)
        strings = self._engine().encode(
            latents, parameters, tables, _is_wavefront(order), thread_count(), quantised
        )
        return strings, quantised.to(y.device, y.dtype)

    def decompress(
        self, strings: Sequence[bytes], params: Tensor, order: StreamOrder = "wavefront"
    ) -> Tensor:
        """Return the latents (N, M, H, W) that `compress` coded, of the type and on the device of `params`.

        Args:
            strings: N strings.
            params, order: those given to `compress`.

        Raises:
            BitstreamError: a string is truncated, has bytes left over, or is otherwise found to be damaged;
                or there are not N of them.
            ConfigurationError: as `compress`.
        """
        tables = self.gaussian_conditional.coding_tables().core
        parameters = _on_cpu(params, "hyper-parameters")
        if len(strings) != len(parameters):
            raise BitstreamError(f"Expected {len(parameters)} strings, one an image, found {len(strings)}.")
        images, channels, height, width = parameters.shape
        quantised = torch.empty(images, channels // 2, height, width, dtype=torch.float32, device="cpu")
        self._engine().decode(
            list(strings), parameters, tables, _is_wavefront(order), thread_count(), quantised
        )
        return quantised.to(params.device, params.dtype)

    def _engine(self) -> _core.AutoregressiveEngine:
        """The compiled engine with the present weights.

        Packing them takes a millisecond or two, about as long as finding out whether they have changed.
        """
        context, layers = _context(self.context_prediction), _layers(self.entropy_parameters)
        return _core.AutoregressiveEngine(
            _packable(context.weight),
            _packable(context.bias),
            [(_packable(layer.weight.flatten(1)), _packable(layer.bias), layer[2]) for layer in layers],
            _packable(self.gaussian_conditional.scale_table),
            float(self.gaussian_conditional.lower_bound_scale.bound),
            self.kernel or "",
        )


class _Layer(NamedTuple):
    """A convolution, weight (out, in, size, size), and the slope below zero of the activation after it."""

    weight: Tensor
    bias: Tensor | None
    negative_slope: float = 1.0  # no activation


def _context(module: nn.Module) -> _Layer:
    """The context convolution, after checking that it is one. The engine reads only its causal taps."""
    if not isinstance(module, MaskedConv2d) or not _keeps_size(module) or module.kernel_size[0] < 3:
        raise ConfigurationError(
            "Autoregressive coding needs as context_prediction a MaskedConv2d with an odd square kernel from "
            f"3x3 up, zero-padded to keep the size, without stride, dilation or groups; found {module}."
        )
    centre = module.kernel_size[0] // 2
    if module.mask[0, 0, centre, centre] != 0:
        raise ConfigurationError("Autoregressive coding needs a context_prediction with a mask of type 'A'.")
    return _layer(module)


def _layers(entropy_parameters: nn.Module) -> Iterator[_Layer]:
    """The stack of 1x1 convolutions, each with the activation that follows it."""
    layer: _Layer | None = None
    for module in _flattened(entropy_parameters):
        if isinstance(module, nn.Conv2d) and _keeps_size(module) and module.kernel_size == (1, 1):
            if layer is not None:
                yield layer
            layer = _layer(module)
        elif isinstance(module, nn.LeakyReLU | nn.ReLU) and layer is not None and layer.negative_slope == 1:
            layer = layer._replace(negative_slope=float(getattr(module, "negative_slope", 0.0)))
        else:
            raise ConfigurationError(
                "Autoregressive coding needs entropy_parameters made of 1x1 convolutions, each followed by "
                f"at most one LeakyReLU or ReLU; found {module}."
            )
    if layer is None:
        raise ConfigurationError("Autoregressive coding needs entropy_parameters with a convolution in them.")
    yield layer


def _layer(convolution: nn.Conv2d) -> _Layer:
    bias = convolution.bias
    return _Layer(convolution.weight.detach(), None if bias is None else bias.detach())


def _flattened(module: nn.Module) -> Iterator[nn.Module]:
    if isinstance(module, nn.Sequential):
        for child in module:
            yield from _flattened(child)
    elif not isinstance(module, nn.Identity):
        yield module


def _keeps_size(convolution: nn.Conv2d) -> bool:
    """Whether the kernel is odd and square, and every input position has an output."""
    size = convolution.kernel_size[0]
    return (
        size % 2 == 1
        and convolution.kernel_size == (size, size)
        and convolution.padding in ((size // 2, size // 2), "same")
        and convolution.padding_mode == "zeros"
        and (*convolution.stride, *convolution.dilation, convolution.groups) == (1, 1, 1, 1, 1)
    )


def _packable(tensor: Tensor | None) -> Tensor | None:
    return None if tensor is None else tensor.to("cpu", torch.float32).contiguous()


def _on_cpu(tensor: Tensor, what: str) -> Tensor:
    if tensor.ndim != 4:
        raise ConfigurationError(f"Expected {what} of shape (N, C, H, W), found {tuple(tensor.shape)}.")
    return tensor.detach().to("cpu", torch.float32).contiguous()


def _is_wavefront(order: StreamOrder) -> bool:
    if order not in get_args(StreamOrder):
        raise ConfigurationError(f"The stream order must be one of {get_args(StreamOrder)}, not {order!r}.")
    return order == "wavefront"
