"""Models by name: architecture, hyper-parameters, weights and checkpoints.

Each model has a function, `latentpress.zoo.mbt2018_mean(quality, metric="mse", pretrained=False,
progress=True, **kwargs)` and so on; `create` makes any of them by name, ready to compress. Importing this
package imports no architecture.

Attributes:
    recipes: model name -> `Recipe`, everything that is known about it.
    models: model name -> function.
    hierarchies: name -> function of the hierarchical VAEs, which take a lambda instead of a quality.
    image_models: the same, for images alone.
    video_models: the same, for video alone.
    model_architectures: model name -> class, imported on the first look.
    DEFAULT_MODEL: name of the codec whose weights come with the package.

Example:
    >>> from latentpress import zoo
    >>> net = zoo.mbt2018_mean(quality=3)
    >>> (net.N, net.M)
    (128, 192)
    >>> zoo.recipes["mbt2018-mean"].paper.venue
    'NeurIPS 2018'
"""

from __future__ import annotations

from typing import Any

from latentpress.zoo.architectures import Architectures, find_recipe, recipes
from latentpress.zoo.build import ModelFunction, create, model_function
from latentpress.zoo.bundled import BundledRecord, bundled_record
from latentpress.zoo.cache import cache_directory, fetch
from latentpress.zoo.checkpoints import (
    load_checkpoint,
    load_pretrained,
    load_state_dict,
    read_checkpoint,
    save_checkpoint,
)
from latentpress.zoo.fingerprint import fingerprint
from latentpress.zoo.hierarchical import hierarchies, make_hierarchy, save_hierarchy
from latentpress.zoo.listing import ModelInfo, list_models
from latentpress.zoo.published import published_weights
from latentpress.zoo.records import Paper, RateDistortion, Recipe, Training, Weights

DEFAULT_MODEL = "latentpress2026"

models: dict[str, ModelFunction] = {name: model_function(recipe) for name, recipe in recipes.items()}
image_models = {name: function for name, function in models.items() if recipes[name].domain == "image"}
video_models = {name: function for name, function in models.items() if recipes[name].domain == "video"}
model_architectures = Architectures(tuple(recipes))

_functions: dict[str, Any] = {function.__name__: function for function in models.values()} | hierarchies

__all__ = [
    "DEFAULT_MODEL",
    "BundledRecord",
    "ModelFunction",
    "ModelInfo",
    "Paper",
    "RateDistortion",
    "Recipe",
    "Training",
    "Weights",
    "bundled_record",
    "cache_directory",
    "create",
    "fetch",
    "find_recipe",
    "fingerprint",
    "get_model",
    "hierarchies",
    "image_models",
    "list_models",
    "load_checkpoint",
    "load_pretrained",
    "load_state_dict",
    "model_architectures",
    "models",
    "published_weights",
    "read_checkpoint",
    "recipes",
    "save_checkpoint",
    "save_hierarchy",
    "video_models",
]


def get_model(name: str, **kwargs: Any) -> Any:
    """Make any model of the zoo by name, with the arguments of its function.

    Raises:
        ConfigurationError: there is no such model, or an argument is not one of its own.

    Example:
        >>> from latentpress import zoo
        >>> zoo.get_model("qres17m", lmb=4).default_lmb
        4.0
    """
    hierarchy = name.replace("-", "_")
    if hierarchy in hierarchies:
        return make_hierarchy(hierarchy, **kwargs)
    return models[find_recipe(name).name](**kwargs)


def __getattr__(name: str) -> Any:
    """The function of a model; they are made from the recipes and so are not spelled out in this file."""
    if name in _functions:
        return _functions[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_functions])
