"""Who moves which parameter: the network's optimiser, and a second one for the bottlenecks' quantiles."""

from __future__ import annotations

import torch
from torch import nn

from latentpress.training.muon import Muon, split_parameters
from latentpress.training.settings import OptimizationSettings

MUON_ADAM_RATIO = 0.25  # learning rate of what Muon does not take, as a share of Muon's


def is_quantile(name: str) -> bool:
    """Whether a parameter is trained on the auxiliary loss alone, by its name."""
    return name.endswith(".quantiles") or name == "quantiles"


def net_parameters(model: nn.Module) -> list[nn.Parameter]:
    """Trained parameters of a model, without the quantiles."""
    return [p for name, p in model.named_parameters() if p.requires_grad and not is_quantile(name)]


def quantile_parameters(model: nn.Module) -> list[nn.Parameter]:
    """Quantiles of a model's entropy bottlenecks; none for a model without bottlenecks."""
    return [p for name, p in model.named_parameters() if p.requires_grad and is_quantile(name)]


def net_optimizers(model: nn.Module, settings: OptimizationSettings) -> list[torch.optim.Optimizer]:
    """Optimisers of everything but the quantiles, no parameter in two of them."""
    parameters = net_parameters(model)
    if settings.optimizer == "adamw":
        return [torch.optim.AdamW(parameters, lr=settings.lr, weight_decay=settings.weight_decay)]
    if settings.optimizer == "adam":
        return [torch.optim.Adam(parameters, lr=settings.lr)]
    suited = {id(kernel) for kernel in split_parameters(model)[0]}
    kernels = [p for p in parameters if id(p) in suited]
    others = [p for p in parameters if id(p) not in suited]
    adam = [torch.optim.Adam(others, lr=MUON_ADAM_RATIO * settings.lr)] if others else []
    return [*([Muon(kernels, lr=settings.lr)] if kernels else []), *adam]


def aux_optimizers(model: nn.Module, settings: OptimizationSettings) -> list[torch.optim.Optimizer]:
    """The optimiser of the quantiles, if there are any."""
    quantiles = quantile_parameters(model)
    return [torch.optim.Adam(quantiles, lr=settings.aux_lr)] if quantiles else []
