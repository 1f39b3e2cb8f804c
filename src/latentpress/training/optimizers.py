"""Who moves which parameter: the network's optimiser, and a second one for the bottlenecks' quantiles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from latentpress.errors import ConfigurationError
from latentpress.training.muon import Muon, split_parameters
from latentpress.training.settings import OptimizationSettings
from latentpress.training.soap import Soap

ADAM_RATIO = 0.25  # learning rate of what Muon and SOAP do not take, as a share of theirs


def is_quantile(name: str) -> bool:
    """Whether a parameter is trained on the auxiliary loss alone, by its name."""
    return name.endswith(".quantiles") or name == "quantiles"


def net_parameters(model: nn.Module) -> list[nn.Parameter]:
    """Trained parameters of a model, without the quantiles."""
    return [p for name, p in model.named_parameters() if p.requires_grad and not is_quantile(name)]


def quantile_parameters(model: nn.Module) -> list[nn.Parameter]:
    """Quantiles of a model's entropy bottlenecks; none for a model without bottlenecks."""
    return [p for name, p in model.named_parameters() if p.requires_grad and is_quantile(name)]


def freeze(model: nn.Module, parts: str | None) -> None:
    """Have parts of a model keep their weights.

    Args:
        model: the model.
        parts: how the names of its parameters begin, separated by commas, such as `"g_a,h_a.0"`; None for
            none.

    Raises:
        ConfigurationError: no parameter's name begins so, or none would be left to train.
    """
    for part in filter(None, (part.strip() for part in (parts or "").split(","))):
        chosen = [p for name, p in model.named_parameters() if f"{name}.".startswith(f"{part}.")]
        if not chosen:
            known = ", ".join(dict.fromkeys(name.split(".")[0] for name, _ in model.named_parameters()))
            raise ConfigurationError(f"Expected a part of the network to freeze ({known}), found {part}.")
        for parameter in chosen:
            parameter.requires_grad_(False)
    if not net_parameters(model):
        raise ConfigurationError(f"Expected to leave something to train, found all frozen by {parts}.")


def net_optimizers(model: nn.Module, settings: OptimizationSettings) -> list[torch.optim.Optimizer]:
    """Optimisers of everything but the quantiles, no parameter in two of them."""
    parameters = net_parameters(model)
    if settings.optimizer == "adamw":
        fused = _fusible(parameters)
        decay = settings.weight_decay
        return [torch.optim.AdamW(parameters, lr=settings.lr, weight_decay=decay, fused=fused)]
    if settings.optimizer == "adam":
        return [_adam(parameters, settings.lr)]
    suited = {id(kernel) for kernel in split_parameters(model)[0]}
    kernels = [p for p in parameters if id(p) in suited]
    others = [p for p in parameters if id(p) not in suited]
    adam = [_adam(others, ADAM_RATIO * settings.lr)] if others else []
    make = Soap if settings.optimizer == "soap" else Muon
    return [*([make(kernels, lr=settings.lr)] if kernels else []), *adam]


def aux_optimizers(model: nn.Module, settings: OptimizationSettings) -> list[torch.optim.Optimizer]:
    """The optimiser of the quantiles, if there are any."""
    quantiles = quantile_parameters(model)
    return [_adam(quantiles, settings.aux_lr)] if quantiles else []


def _adam(parameters: list[nn.Parameter], lr: float) -> torch.optim.Adam:
    return torch.optim.Adam(parameters, lr=lr, fused=_fusible(parameters))


def _fusible(parameters: list[nn.Parameter]) -> bool:
    """Whether torch has a step in one pass for all of them."""
    return all(p.device.type in ("cpu", "cuda") and p.is_floating_point() for p in parameters)


def restore_optimizer(optimizer: torch.optim.Optimizer, saved: Mapping[str, Any]) -> None:
    """Load what `state_dict` of a like optimiser gave, computed there in whatever way and layout.

    Raises:
        ValueError: the optimiser had other parameters.
    """
    fused = [{"fused": group["fused"]} if "fused" in group else {} for group in optimizer.param_groups]
    groups = saved["param_groups"]
    if len(fused) == len(groups):
        groups = [{**group, **own} for group, own in zip(groups, fused, strict=True)]
    optimizer.load_state_dict({**saved, "param_groups": groups})
    for parameter, state in optimizer.state.items():
        for name, value in state.items():  # fused steps take for granted that it lies as the parameter does
            if isinstance(value, Tensor) and value.shape == parameter.shape:
                state[name] = torch.empty_like(parameter).copy_(value)
