"""What every compression model can do: build coder tables, load and save them, report the auxiliary loss."""

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from latentpress.entropy_models import EntropyBottleneck, EntropyModel, GaussianConditional

from .utils import convert_state_dict, update_registered_buffers

__all__ = ["CompressionModel", "get_scale_table"]

SCALES_MIN = 0.11
SCALES_MAX = 256
SCALES_LEVELS = 64

_CODER_BUFFERS = ("_quantized_cdf", "_offset", "_cdf_length", "scale_table")

Module = TypeVar("Module", bound=nn.Module)


def get_scale_table(
    min: float = SCALES_MIN,  # noqa: A002 - the documented name
    max: float = SCALES_MAX,  # noqa: A002 - the documented name
    levels: int = SCALES_LEVELS,
) -> Tensor:
    """`levels` standard deviations, spaced evenly in their logarithm from `min` to `max`; float32 (levels,).

    Example:
        >>> get_scale_table(1, 4, 3)
        tensor([1.0000, 2.0000, 4.0000])
    """
    bounds = torch.tensor([float(min), float(max)]).log()
    return torch.exp(torch.linspace(float(bounds[0]), float(bounds[1]), levels))


class CompressionModel(nn.Module):
    """Base of every compression model: a network with entropy models somewhere inside.

    A subclass defines `forward(x)`, and `compress(x)` and `decompress(strings, shape)` if it codes; what is here
    finds the entropy models among its submodules, however deep.

    Args:
        entropy_bottleneck_channels: if given, create `self.entropy_bottleneck` with that many channels.

    Attributes:
        downsampling_factor: the sides of an input image must be multiples of this many pixels.

    Example:
        >>> class Network(CompressionModel):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.analysis = nn.Conv2d(3, 8, 5, stride=2, padding=2)
        ...         self.entropy_bottleneck = EntropyBottleneck(8)
        ...     def forward(self, x):
        ...         return self.entropy_bottleneck(self.analysis(x))
        >>> net = Network()
        >>> net.aux_loss().shape
        torch.Size([])
        >>> net.update()
        True
    """

    downsampling_factor: int

    def __init__(self, entropy_bottleneck_channels: int | None = None) -> None:
        super().__init__()
        if entropy_bottleneck_channels is not None:
            self.entropy_bottleneck = EntropyBottleneck(entropy_bottleneck_channels)

    def aux_loss(self) -> Tensor:
        """Sum of the auxiliary losses that train the quantiles of the entropy bottlenecks; a scalar.

        Minimise it with an optimiser of its own over the parameters whose names end in `.quantiles`.
        """
        losses = [module.loss() for module in self._submodules(EntropyBottleneck)]
        return torch.stack(losses).sum() if losses else torch.zeros(())

    def update(
        self,
        scale_table: Tensor | None = None,
        force: bool = False,
        update_quantiles: bool = False,
    ) -> bool:
        """Build the integer tables of the coder; needed once after training, before the first `compress`.

        Args:
            scale_table: standard deviations of the Gaussian tables, increasing; `get_scale_table()` by default.
            force: rebuild tables that exist.
            update_quantiles: first bring the quantiles of the bottlenecks to their targets by bisection, a quick
                and exact stand-in for training them on `aux_loss`.

        Returns:
            Whether any table changed.
        """
        table = get_scale_table() if scale_table is None else scale_table
        updated = [
            module.update(force=force, update_quantiles=update_quantiles)
            for module in self._submodules(EntropyBottleneck)
        ]
        updated += [
            module.update_scale_table(table, force=force) for module in self._submodules(GaussianConditional)
        ]
        return any(updated)

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> Any:
        """Load parameters and coder tables, whatever the size of the tables; older spellings of keys are understood.

        Arguments and result are those of `torch.nn.Module.load_state_dict`.
        """
        state_dict = convert_state_dict(state_dict, known=self.state_dict().keys())
        for name, module in self.named_modules():
            if isinstance(module, EntropyModel):
                update_registered_buffers(module, name, self._own_coder_buffers(module), state_dict, "resize")
        return super().load_state_dict(state_dict, strict=strict, assign=assign)

    @staticmethod
    def _own_coder_buffers(module: nn.Module) -> list[str]:
        buffers = dict(module.named_buffers(recurse=False))
        return [name for name in _CODER_BUFFERS if name in buffers]

    def _submodules(self, kind: type[Module]) -> Iterator[Module]:
        return (module for module in self.modules() if isinstance(module, kind))
