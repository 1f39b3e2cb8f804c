"""What a model takes to run, counted rather than timed: parameters, and multiplications a pixel."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from latentpress.evaluation.stopwatch import TRANSFORMS

_SIDE = 256
_ENCODER_ONLY = ("g_a", "h_a")
_DECODER_ONLY = ("g_s",)


@dataclass(frozen=True)
class Complexity:
    """What a model takes to run.

    Attributes:
        parameters: of the whole model.
        encoding_macs: multiplications, each with an addition, to encode a pixel.
        decoding_macs: the same to decode it.
    """

    parameters: int
    encoding_macs: float
    decoding_macs: float


def complexity(model: nn.Module) -> Complexity:
    """Count the parameters of a model, and the multiplications of its convolutions and matrix products.

    Encoding is taken to run everything but the synthesis `g_s`, and decoding everything but the analyses
    `g_a` and `h_a`; of a hierarchy, what `cost_by_part` says. Counted on one image of 256x256 pixels.

    Args:
        model: an image model of `latentpress.models`, or a hierarchy.

    Example:
        >>> from latentpress import zoo
        >>> counted = complexity(zoo.bmshj2018_factorized(quality=1))
        >>> counted.parameters
        2998147
        >>> round(counted.decoding_macs / 1000)
        42
    """
    from latentpress.models.hierarchical import HierarchicalVAE

    parameters = sum(parameter.numel() for parameter in model.parameters())
    if isinstance(model, HierarchicalVAE):
        return Complexity(parameters, *_of_hierarchy(model))
    total, parts = _flops(model)

    def per_pixel(left_out: Iterable[str]) -> float:
        return (total - sum(parts.get(name, 0) for name in left_out)) / 2 / _SIDE**2

    return Complexity(parameters, per_pixel(_DECODER_ONLY), per_pixel(_ENCODER_ONLY))


def _flops(model: nn.Module) -> tuple[int, dict[str, int]]:
    """Operations of the forward pass, and of its transforms; a multiplication and an addition are two."""
    counter = FlopCounterMode(display=False)
    parts: dict[str, int] = {}
    handles = []
    for name in TRANSFORMS:
        if isinstance(part := getattr(model, name, None), nn.Module):
            handles += _count_calls(part, name, counter, parts)
    trained = model.training
    try:
        with counter, torch.no_grad():
            model.eval()(torch.zeros(1, 3, _SIDE, _SIDE))
    finally:
        model.train(trained)
        for handle in handles:
            handle.remove()
    return counter.get_total_flops(), parts


def _count_calls(part: nn.Module, name: str, counter: FlopCounterMode, parts: dict[str, int]) -> list[Any]:
    """Hooks that add what the calls of a module take to `parts`."""

    def before(*_: Any) -> None:
        parts[name] = parts.get(name, 0) - counter.get_total_flops()

    def after(*_: Any) -> None:
        parts[name] += counter.get_total_flops()

    return [part.register_forward_pre_hook(before), part.register_forward_hook(after)]


def _of_hierarchy(model: Any) -> tuple[float, float]:
    from latentpress.models.hierarchical import cost_by_part

    parts = cost_by_part(model, (_SIDE, _SIDE))
    encoding = sum(part.flops for part in parts if part.name != "out_net")
    decoding = sum(part.flops for part in parts if part.run_by_decoder)
    return encoding / 2 / _SIDE**2, decoding / 2 / _SIDE**2
