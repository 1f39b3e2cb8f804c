"""Making a model by name: check the arguments, import the class, find the weights, load them."""

from __future__ import annotations

import os
from numbers import Integral
from typing import TYPE_CHECKING, Any, Protocol, get_args

from latentpress.errors import ConfigurationError, LatentPressError, WeightsError
from latentpress.zoo.architectures import architecture, constructor_parameters, find_recipe
from latentpress.zoo.cache import fetch
from latentpress.zoo.defaults import as_in_files
from latentpress.zoo.records import Origin, Recipe, Weights

if TYPE_CHECKING:
    from latentpress.models import CompressionModel


class ModelFunction(Protocol):
    """What makes one model of the zoo, for instance `latentpress.zoo.mbt2018_mean`."""

    __name__: str

    def __call__(
        self,
        quality: int | None = None,
        metric: str = "mse",
        pretrained: bool | str = False,
        progress: bool = True,
        **kwargs: Any,
    ) -> CompressionModel: ...


def create(
    name: str,
    *,
    quality: int | None = None,
    metric: str = "mse",
    pretrained: bool | str = False,
    checkpoint: str | os.PathLike[str] | None = None,
    progress: bool = True,
    **kwargs: Any,
) -> CompressionModel:
    """Make a model by name, ready to compress: in evaluation mode and with coder tables.

    Args:
        name: one of `latentpress.zoo.models`; `_` may stand for `-`.
        quality: which of the model's networks, from `recipes[name].qualities`. None for a variable-rate
            model, whose quality is given to `compress` and `decompress`.
        metric: what the weights were trained for, "mse" or "ms-ssim".
        pretrained: load weights: True takes the first that are known, "published" or "latentpress" those of
            this origin.
        checkpoint: load this file instead; it brings its own sizes, so neither `quality` nor constructor
            arguments go with it.
        progress: show a bar while downloading.
        **kwargs: constructor arguments that replace the recipe's.

    Raises:
        ConfigurationError: a name, quality, metric or argument is not a valid one; the message lists those
            that are.
        WeightsError: weights are not known, cannot be had, or do not fit.

    Example:
        >>> from latentpress import zoo
        >>> net = zoo.create("bmshj2018-factorized", quality=1)
        >>> net.training
        False
    """
    from latentpress.zoo.checkpoints import load_checkpoint, ready

    recipe = find_recipe(name)
    if checkpoint is None:
        return ready(build(recipe, quality, metric, pretrained, progress, kwargs))
    unwanted = next(iter(kwargs), "pretrained" if pretrained else "quality" if quality is not None else None)
    if unwanted is not None:
        raise ConfigurationError(
            f"Sizes and weights are those of the checkpoint {checkpoint}: leave {unwanted} out."
        )
    return load_checkpoint(checkpoint, architecture=recipe.name)


def build(
    recipe: Recipe,
    quality: int | None,
    metric: str,
    pretrained: bool | str,
    progress: bool,
    kwargs: dict[str, Any],
) -> CompressionModel:
    """Make the model of a recipe; see `create` for the arguments."""
    from latentpress.zoo.checkpoints import fit

    chosen = check_quality(recipe, quality)
    if metric not in recipe.metrics:
        raise ConfigurationError(
            f"Expected metric {_listed(recipe.metrics)} for {recipe.name}, found {metric!r}."
        )
    weights = find_weights(recipe, metric, chosen, pretrained) if pretrained else None
    path = None if weights is None else fetch(weights, progress=progress)  # before there is memory for them
    if path is None:
        return construct(recipe, chosen, kwargs)
    with as_in_files():
        model = construct(recipe, chosen, kwargs)
        fit(model, path)
    return model


def construct(recipe: Recipe, quality: int | None, kwargs: dict[str, Any]) -> CompressionModel:
    """The network of a recipe with fresh weights.

    Raises:
        ConfigurationError: `kwargs` has a name or value that the constructor does not take.
    """
    cls = architecture(recipe)
    valid = constructor_parameters(cls)
    unknown = next((name for name in kwargs if name not in valid), None)
    if unknown is not None:
        raise ConfigurationError(
            f"Expected arguments of {recipe.name} among {_listed(tuple(valid))}, found {unknown!r}."
        )
    arguments = {**recipe.arguments[quality], **kwargs}
    try:
        model: CompressionModel = cls(**arguments)
        return model
    except LatentPressError:
        raise
    except (TypeError, ValueError, RuntimeError) as error:
        given = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
        raise ConfigurationError(f"{recipe.name} cannot be made with {given}: {error}") from error


def check_quality(recipe: Recipe, quality: int | None) -> int | None:
    """The key of `recipe.arguments` that serves `quality`.

    Raises:
        ConfigurationError: the model has no such quality, or takes its quality elsewhere.
    """
    if recipe.quality_range is not None:
        if quality is not None:
            low, high = recipe.quality_range
            raise ConfigurationError(
                f"{recipe.name} serves every quality from {low} to {high} with one network: "
                f"give quality={quality!r} to compress and decompress, and leave it out here."
            )
        return None
    if not isinstance(quality, Integral) or isinstance(quality, bool) or quality not in recipe.qualities:
        raise ConfigurationError(
            f"Expected quality {_listed(recipe.qualities)} for {recipe.name}, found {quality!r}."
        )
    return int(quality)


def find_weights(recipe: Recipe, metric: str, quality: int | None, pretrained: bool | str) -> Weights:
    """The record of the weights that `pretrained` asks for.

    Raises:
        ConfigurationError: `pretrained` is a string that names no origin.
        WeightsError: no such weights are known; the message lists those that are.
    """
    if isinstance(pretrained, str) and pretrained not in get_args(Origin):
        raise ConfigurationError(
            f"Expected pretrained to be True, False or {_listed(get_args(Origin))}, found {pretrained!r}; "
            "a file is loaded with zoo.create(..., checkpoint=path)."
        )
    known = [w for w in recipe.weights if pretrained in (True, w.origin)]
    for weights in known:
        if (weights.metric, weights.quality) == (metric, quality):
            return weights
    wanted = f"metric {metric}" + ("" if quality is None else f" and quality {quality}")
    raise WeightsError(
        f"Expected known weights for {recipe.name} with {wanted}, found {_summary(known)}: "
        "train the model (pretrained=False) and load your checkpoint, or choose weights that are known."
    )


def model_function(recipe: Recipe) -> ModelFunction:
    """The function of `latentpress.zoo` that makes this model."""

    def function(
        quality: int | None = None,
        metric: str = "mse",
        pretrained: bool | str = False,
        progress: bool = True,
        **kwargs: Any,
    ) -> CompressionModel:
        return build(recipe, quality, metric, pretrained, progress, kwargs)

    function.__name__ = function.__qualname__ = recipe.function_name
    function.__module__ = "latentpress.zoo"
    function.__doc__ = _documentation(recipe)
    return function


def _documentation(recipe: Recipe) -> str:
    if recipe.quality_range is None:
        quality = f"one of {_listed(recipe.qualities)}, from few bits to many."
    else:
        quality = "None: the quality is given to `compress` and `decompress`."
    return f"""Make the model {recipe.name}, in training mode.

    {recipe.paper} ({recipe.paper.url}).

    Args:
        quality: {quality}
        metric: {_listed(recipe.metrics)}, what the weights are trained for.
        pretrained: load weights: True takes the first that are known, a string those of this origin.
        progress: show a bar while downloading.
        **kwargs: constructor arguments that replace the recipe's.

    Raises:
        ConfigurationError: a quality, metric or argument is not a valid one.
        WeightsError: weights are not known, cannot be had, or do not fit.
    """


def _listed(values: tuple[Any, ...]) -> str:
    words = [str(value) for value in values]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _summary(known: list[Weights]) -> str:
    if not known:
        return "none"
    by_metric: dict[str, list[str]] = {}
    for weights in known:
        by_metric.setdefault(weights.metric, []).append(
            "all" if weights.quality is None else str(weights.quality)
        )
    return " and ".join(f"quality {', '.join(q)} of metric {metric}" for metric, q in by_metric.items())
