"""Names for classes and functions, so that a configuration or a command can ask for them.

A decorator enters a class under a name into the dictionary of its kind:

    >>> from torch import nn
    >>> from latentpress.registry import MODELS, register_model
    >>> @register_model("my-model")
    ... class MyModel(nn.Module):
    ...     pass
    >>> MODELS["my-model"] is MyModel
    True
"""

from collections.abc import Callable
from typing import Any, TypeVar

from latentpress.errors import ConfigurationError

__all__ = [
    "CRITERIONS",
    "DATASETS",
    "MODELS",
    "MODULES",
    "OPTIMIZERS",
    "SCHEDULERS",
    "TRANSFORMS",
    "register_criterion",
    "register_dataset",
    "register_model",
    "register_module",
    "register_optimizer",
    "register_scheduler",
    "register_transform",
]

CRITERIONS: dict[str, Callable[..., Any]] = {}
DATASETS: dict[str, Callable[..., Any]] = {}
MODELS: dict[str, Callable[..., Any]] = {}
MODULES: dict[str, Callable[..., Any]] = {}
OPTIMIZERS: dict[str, Callable[..., Any]] = {}
SCHEDULERS: dict[str, Callable[..., Any]] = {}
TRANSFORMS: dict[str, Callable[..., Any]] = {}

Registered = TypeVar("Registered", bound=Callable[..., Any])
Decorator = Callable[[Registered], Registered]


def _entry(kind: str, registry: dict[str, Callable[..., Any]], name: str) -> Decorator:
    """A decorator that enters what it decorates into `registry` under `name`."""

    def enter(registered: Registered) -> Registered:
        present = registry.get(name)
        # Reloading a module defines its classes anew; that is no clash.
        if present is not None and _origin(present) != _origin(registered):
            raise ConfigurationError(
                f"The {kind} name {name!r} belongs to {'.'.join(_origin(present))}; choose another."
            )
        registry[name] = registered
        return registered

    return enter


def _origin(registered: Callable[..., Any]) -> tuple[str, str]:
    module = getattr(registered, "__module__", "")
    return module, getattr(registered, "__qualname__", repr(registered))


def register_model(name: str) -> Decorator:
    """Class decorator: make a compression model known as `name`, in `MODELS`."""
    return _entry("model", MODELS, name)


def register_module(name: str) -> Decorator:
    """Class decorator: make a network module known as `name`, in `MODULES`."""
    return _entry("module", MODULES, name)


def register_criterion(name: str) -> Decorator:
    """Class decorator: make a loss known as `name`, in `CRITERIONS`."""
    return _entry("criterion", CRITERIONS, name)


def register_optimizer(name: str) -> Decorator:
    """Decorator: make an optimiser, or a function that makes one, known as `name`, in `OPTIMIZERS`."""
    return _entry("optimizer", OPTIMIZERS, name)


def register_scheduler(name: str) -> Decorator:
    """Decorator: make a learning-rate schedule known as `name`, in `SCHEDULERS`."""
    return _entry("scheduler", SCHEDULERS, name)


def register_dataset(name: str) -> Decorator:
    """Class decorator: make a data set known as `name`, in `DATASETS`."""
    return _entry("dataset", DATASETS, name)


def register_transform(name: str) -> Decorator:
    """Decorator: make an image transform known as `name`, in `TRANSFORMS`."""
    return _entry("transform", TRANSFORMS, name)
