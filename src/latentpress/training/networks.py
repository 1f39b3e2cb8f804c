"""The network that settings ask for: of the zoo, of the registry, or a class of the user's own."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from torch import nn

from latentpress import zoo
from latentpress.errors import ConfigurationError, LatentPressError, WeightsError
from latentpress.evaluation.networks import import_named, is_import_path
from latentpress.registry import MODELS
from latentpress.training.settings import ModelSettings

_ONE_LAMBDA = ("qres34m", "qres17m")  # hierarchies that are made for one trade-off


def make_model(settings: ModelSettings) -> nn.Module:
    """The network, in training mode, with fresh weights or those that the settings name.

    Raises:
        ConfigurationError: there is no such model, or it cannot be made with these arguments.
        WeightsError: the weights cannot be had, or do not fit.
    """
    model = _construct(settings)
    if not isinstance(model, nn.Module):
        raise ConfigurationError(
            f"Expected {settings.model} to make a torch module, found {type(model).__name__}."
        )
    if settings.checkpoint is not None:
        _load(model, settings.checkpoint)
    return model.train()


def _construct(settings: ModelSettings) -> Any:
    name, arguments = settings.model, settings.arguments
    if is_import_path(name):
        return _called(import_named(name), name, arguments)
    hierarchy = name.replace("-", "_")
    if hierarchy in zoo.hierarchies:
        lmb = {"lmb": settings.lmbda} if hierarchy in _ONE_LAMBDA and settings.lmbda is not None else {}
        return zoo.get_model(hierarchy, pretrained=settings.pretrained, **lmb, **arguments)
    if name in MODELS and name not in zoo.recipes:
        return _called(MODELS[name], name, arguments)
    recipe = zoo.find_recipe(name)
    make = zoo.models[recipe.name]
    quality = settings.quality
    if quality is None and recipe.qualities:
        if settings.lmbda is None:
            raise ConfigurationError(
                f"Expected a quality ({', '.join(map(str, recipe.qualities))}) or lmbda for {recipe.name}, "
                "found neither."
            )
        quality = recipe.qualities[0]
    return make(quality, settings.metric, settings.pretrained, **arguments)


def _called(make: Any, name: str, arguments: Mapping[str, Any]) -> Any:
    try:
        return make(**arguments)
    except LatentPressError:
        raise
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"{name} cannot be made with {dict(arguments)}: {error}") from error


def _load(model: nn.Module, checkpoint: str) -> None:
    contents, _ = zoo.read_checkpoint(checkpoint)
    state = contents.get("average") or contents  # of a run with averaged weights, these are the good ones
    try:
        model.load_state_dict(zoo.load_state_dict(state))
    except (RuntimeError, LookupError, TypeError, AttributeError) as error:
        reason = " ".join(str(error).split())[:300]
        raise WeightsError(f"{checkpoint} does not fit {type(model).__name__}: {reason}") from error


def constructor_arguments(settings: ModelSettings, model: nn.Module) -> dict[str, Any] | None:
    """What an exported file says that the model's constructor was given; None where the model knows best."""
    return None if _keeps_arguments(model) else settings.arguments


def _keeps_arguments(model: nn.Module) -> bool:
    """Whether each argument of the class's own constructor is an attribute of the model."""
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    own = inspect.signature(type(model)).parameters.values()
    return all(hasattr(model, parameter.name) for parameter in own if parameter.kind not in variadic)
