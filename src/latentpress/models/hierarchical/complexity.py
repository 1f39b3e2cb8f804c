"""What each part of a hierarchy costs: parameters, and floating-point operations for an image."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from latentpress.models.hierarchical.hierarchy import HierarchicalVAE
from latentpress.models.hierarchical.latents import LatentBlock


@dataclass(frozen=True)
class PartCost:
    """A part: parameters, operations (a multiplication and an addition are two), who runs it."""

    name: str
    parameters: int
    flops: int
    run_by_decoder: bool


def cost_by_part(model: HierarchicalVAE, size: tuple[int, int] = (512, 768)) -> list[PartCost]:
    """Parameters and operations of each part, for one image of (height, width) `size`.

    The parts are the bottom-up encoder; of each latent block, what infers the latent (encoders run that
    alone) and the rest; the other blocks of the top-down path; and the rate embedding. Operations are those
    of convolutions and matrix products. Call it outside `torch.no_grad` and `torch.inference_mode`.
    """
    parts = [*_parts(model), ("learned constant", [], True)]
    small, tall = (_count(model, rows) for rows in (1, 2))
    area = size[0] * size[1] / model.downsampling_factor**2
    costs = []
    for name, modules, run_by_decoder in parts:
        parameters = sum(p.numel() for module in modules for p in module.parameters())
        if not modules:
            parameters = model.constant().numel()
        per_cell = sum(tall.get(module, 0) - small.get(module, 0) for module in modules)
        fixed = sum(small.get(module, 0) for module in modules) - per_cell
        costs.append(PartCost(name, parameters, round(fixed + area * per_cell), run_by_decoder))
    return costs


def _parts(model: HierarchicalVAE) -> Iterator[tuple[str, list[nn.Module], bool]]:
    yield "encoder", [model.encoder], False
    number = 0
    others: list[nn.Module] = []
    for block in model.decoder_blocks():
        if not isinstance(block, LatentBlock):
            others.append(block)
            continue
        number += 1
        infers = [child for name, child in block.named_children() if name.startswith("post")]
        rest = [child for child in block.children() if child not in infers]
        yield f"latent {number} (stride {block.stride}), posterior", infers, False
        yield f"latent {number} (stride {block.stride})", rest, True
    yield "other top-down blocks", others, True
    for name in ("out_net", "lmb_embedding"):
        if hasattr(model, name):
            yield name, [getattr(model, name)], True


def _count(model: HierarchicalVAE, rows: int) -> dict[nn.Module, int]:
    """Operations of every module on an image of `rows` by 1 cells of the coarsest grid."""
    factor = model.downsampling_factor
    x: Tensor = torch.zeros(1, 3, rows * factor, factor, device=model.constant().device)
    counter = FlopCounterMode(display=False)
    with counter:  # gradients stay on: the counter follows modules by them
        model(x, model.default_lmb)
    root = type(model).__name__
    by_name = {name: sum(counts.values()) for name, counts in counter.get_flop_counts().items()}
    return {module: by_name.get(f"{root}.{name}", 0) for name, module in model.named_modules() if name}
