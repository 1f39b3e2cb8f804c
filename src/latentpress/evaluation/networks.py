"""Which models are measured: what it takes to make each, as records that travel between processes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import product
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from latentpress import zoo
from latentpress.errors import ConfigurationError, WeightsError
from latentpress.evaluation.hierarchies import HierarchyAdapter, has_range, is_hierarchy, lambdas_of
from latentpress.evaluation.kept import keep_last
from latentpress.evaluation.measurement import Coded, run_model

_WARM_UP_SIDE = 256
DEFAULT_QUALITIES = (10, 30, 50, 70, 90)  # of a variable-rate model


@dataclass(frozen=True)
class Network:
    """One set of weights, and how to make the model that holds it.

    Attributes:
        model: name of an image model or hierarchy of the zoo, or `package.module:Class` for a class of one's
            own.
        quality: which of a zoo model's networks, by its number or its lambda; None for a variable-rate model,
            a checkpoint and a class.
        metric: what the zoo's weights were trained for.
        checkpoint: file of weights to use instead of the published ones.
        update: rebuild the coder tables, also where the checkpoint has some.
        device: torch device to compute on.
        half: compute in float16.
    """

    model: str
    quality: int | None = None
    metric: str = "mse"
    checkpoint: Path | None = None
    update: bool = False
    device: str = "cpu"
    half: bool = False

    def load(self) -> Any:
        """The model in evaluation mode, with coder tables.

        Raises:
            ConfigurationError: there is no such model, class, quality, metric or device.
            WeightsError: the weights cannot be found, fetched or verified.
        """
        model = self._make()
        if self.update:
            model.update(force=True)
        try:
            model = model.to(torch.device(self.device))
        except (RuntimeError, AssertionError) as error:  # AssertionError: a torch without that kind of device
            raise ConfigurationError(
                f"Expected a device that torch can use here, such as cpu, found {self.device!r}."
            ) from error
        return model.half() if self.half else model

    def _make(self) -> Any:
        if is_import_path(self.model):
            return load_own(import_named(self.model), self.checkpoint)
        if is_hierarchy(self.model):
            return HierarchyAdapter(self.model, self.quality, self.checkpoint).eval()
        if self.checkpoint is not None:
            return zoo.create(self.model, checkpoint=self.checkpoint)
        return zoo.create(self.model, quality=self.quality, metric=self.metric, pretrained=True)


@dataclass(frozen=True)
class NetworkSubject:
    """What makes one point of a curve: a network, and for a variable-rate model the quality asked of it."""

    network: Network
    quality: float | None = None

    @property
    def label(self) -> str:
        """What tells this point from others of the same model."""
        parts = [] if self.network.checkpoint is None else [str(self.network.checkpoint)]
        quality = self.network.quality if self.quality is None else self.quality
        parts += [] if quality is None else [f"quality {quality:g}"]
        return ", ".join(parts) or self.network.model

    def code(self, image: Tensor, *, entropy_estimation: bool = False) -> Coded:
        """Code an image with the network and decode it, or estimate what that would cost; see `measure`."""
        model = _loaded(self.network) if entropy_estimation else _warmed_up(self)
        return run_model(model, image, quality=self.quality, entropy_estimation=entropy_estimation)


@keep_last
def _loaded(network: Network) -> Any:
    return network.load()


@keep_last
def _warmed_up(subject: NetworkSubject) -> Any:
    """The model after it coded something, so that what happens once only is not in the first image's time."""
    model = _loaded(subject.network)
    run_model(model, torch.full((1, 3, _WARM_UP_SIDE, _WARM_UP_SIDE), 0.5), quality=subject.quality)
    return model


def plan_subjects(
    model: str = zoo.DEFAULT_MODEL,
    *,
    qualities: Sequence[float] = (),
    checkpoints: Sequence[str | Path] = (),
    **options: Any,
) -> list[NetworkSubject]:
    """The points that a model, qualities and checkpoints stand for.

    Args:
        model: name of an image model or hierarchy of the zoo, or `package.module:Class`.
        qualities: which networks, or of a variable-rate model which rates; of a hierarchy, lambdas. If empty,
            all networks, or rates from low to high. A class of one's own is given them as `quality=` when it
            codes.
        checkpoints: files of weights instead of the published ones; each is a point, or of a variable-rate
            model a set of points.
        options: the other attributes of `Network`.

    Raises:
        ConfigurationError: there is no such image model or quality, or a quality for checkpoints of one rate.

    Example:
        >>> [subject.label for subject in plan_subjects("mbt2018-mean", qualities=[1, 2])]
        ['quality 1', 'quality 2']
    """
    paths = [Path(path) for path in checkpoints]
    if is_import_path(model):
        return _at_rates(model, paths, qualities or (None,), options)
    if is_hierarchy(model):
        return _hierarchy_subjects(model, qualities or lambdas_of(model), paths, options)
    recipe = zoo.find_recipe(model)
    if recipe.domain != "image":
        raise ConfigurationError(
            f"Expected an image model, one of {', '.join(zoo.image_models)}, found {recipe.name}."
        )
    if recipe.variable_rate:
        return _at_rates(recipe.name, paths, qualities or DEFAULT_QUALITIES, options)
    if paths and qualities:
        raise ConfigurationError(f"A checkpoint of {recipe.name} holds one rate: leave the quality out.")
    if paths:
        return _at_rates(recipe.name, paths, (None,), options)
    chosen = qualities or recipe.qualities
    return [NetworkSubject(Network(recipe.name, quality=_network(q), **options)) for q in chosen]


def _hierarchy_subjects(
    model: str, lambdas: Sequence[float], paths: Sequence[Path], options: dict[str, Any]
) -> list[NetworkSubject]:
    """One network at several lambdas, or a network for each, which checkpoints stand in for."""
    name = model.replace("-", "_")
    options = {key: value for key, value in options.items() if key != "metric"}
    if has_range(name):
        return _at_rates(name, paths, lambdas, options)
    if paths:
        return _at_rates(name, paths, (None,), options)
    networks = [Network(name, quality=_network(lmb), **options) for lmb in lambdas]
    return [NetworkSubject(network) for network in networks or [Network(name, **options)]]


def curve_name(model: str, metric: str) -> str:
    """What results call a model: its name in the zoo and what its weights were trained for, or its class.

    Example:
        >>> curve_name("mbt2018_mean", "mse"), curve_name("mine.models:Wide", "mse")
        ('mbt2018-mean-mse', 'Wide')
    """
    if is_import_path(model):
        return model.rpartition(":")[2]
    if is_hierarchy(model):
        return model.replace("-", "_")
    return f"{zoo.find_recipe(model).name}-{metric}"


def is_import_path(model: str) -> bool:
    """Whether a model is given as `package.module:Class` rather than by its name in the zoo."""
    return ":" in model


def import_named(path: str) -> Callable[..., Any]:
    """The class or function at `package.module:name`, also of a module in the working directory.

    Raises:
        ConfigurationError: it cannot be imported, or cannot be called.
    """
    module, _, name = path.partition(":")
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigurationError(f"Expected a class at {path}, found: {error}.") from error
    if not callable(found):
        raise ConfigurationError(f"Expected a class at {path}, found {type(found).__name__}.")
    made: Callable[..., Any] = found
    return made


def load_own(architecture: Callable[..., Any], checkpoint: Path | None, *, update: bool = True) -> Any:
    """A model of a class that the zoo does not know.

    Args:
        architecture: the class. One with `from_state_dict` has its sizes read off the checkpoint's shapes;
            others, and functions that return a model, are called without arguments.
        checkpoint: weights to load; None if it loads its own.
        update: build the coder tables that are lacking.

    Raises:
        WeightsError: the checkpoint is missing, damaged, or does not fit.
    """
    if checkpoint is not None and isinstance(architecture, type) and hasattr(architecture, "from_state_dict"):
        return zoo.load_checkpoint(checkpoint, architecture=architecture, update=update)
    model = architecture()
    if checkpoint is not None:
        contents, _ = zoo.read_checkpoint(checkpoint)
        try:
            model.load_state_dict(zoo.load_state_dict(contents))
        except (RuntimeError, KeyError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise WeightsError(f"{checkpoint} does not fit {architecture.__name__}: {reason}") from error
    model.eval()
    if update and hasattr(model, "update"):
        model.update()
    return model


def _at_rates(
    model: str, paths: Sequence[Path], rates: Sequence[float | None], options: dict[str, Any]
) -> list[NetworkSubject]:
    files: Sequence[Path | None] = paths or [None]
    networks = [Network(model, checkpoint=path, **options) for path in files]
    return [NetworkSubject(network, rate) for network, rate in product(networks, rates)]


def _network(quality: float) -> int:
    if quality != int(quality):
        raise ConfigurationError(
            f"Expected a whole quality for a model with a network for each, found {quality}."
        )
    return int(quality)
