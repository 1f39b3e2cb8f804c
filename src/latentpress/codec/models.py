"""Which model codes or decodes a file: found in the zoo by name, made once, and kept for the life of the
process."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import torch

from latentpress import zoo
from latentpress.codec.image_codec import ImageCodec
from latentpress.codec.maker import Maker, Parameter
from latentpress.errors import BitstreamError, ConfigurationError, WeightsError
from latentpress.models.optimised_latents import Objective
from latentpress.zoo.defaults import as_in_files
from latentpress.zoo.hierarchical import codecs as hierarchical_codecs

DEFAULT_METRIC = "mse"
_KEPT_MODELS = 4  # each takes memory, and a folder of files rarely needs more than one

Value = TypeVar("Value")


def load_codec(
    name: str = zoo.DEFAULT_MODEL,
    *,
    quality: int | None = None,
    metric: str = DEFAULT_METRIC,
    checkpoint: str | Path | None = None,
    device: str = "cpu",
) -> ImageCodec:
    """The codec of a zoo model, ready to use; asking again for the same one costs nothing.

    Args:
        name: of an image model of the zoo; `_` may stand for `-`.
        quality: which network of a model that has one for every quality; None for a variable-rate model.
            With a checkpoint, it is only recorded in the files, and may be left out.
        metric: what the weights were trained for, "mse" or "ms-ssim".
        checkpoint: file of weights to use instead of the published ones.
        device: torch device.

    Raises:
        ConfigurationError: there is no such model, quality, metric or device.
        WeightsError: the weights cannot be found, fetched or verified.
    """
    path, changed = checkpoint_state(checkpoint)
    return _load_codec(find_image_recipe(name).name, quality, metric, path, changed, device)


def load_codec_for(maker: Maker, *, checkpoint: str | Path | None = None, device: str = "cpu") -> ImageCodec:
    """The codec that a file asks for; its weights have yet to be compared with the file's fingerprint.

    Raises:
        BitstreamError: the file asks for a model or network that the zoo does not have.
        WeightsError: the weights cannot be found, fetched or verified.
    """
    recipe = zoo.recipes.get(maker.model)
    if recipe is None or recipe.domain != "image":
        raise BitstreamError(
            f"Expected a file made by an image model of the zoo, found one made by {maker.model!r}: "
            "decode it with the LatentPress that knows this model."
        )
    quality, metric = network_of(maker, recipe, checkpoint)
    return load_codec(maker.model, quality=quality, metric=metric, checkpoint=checkpoint, device=device)


def find_image_recipe(name: str) -> zoo.Recipe:
    """The zoo's recipe of an image model.

    Raises:
        ConfigurationError: there is no such model, or it is one for video.
    """
    recipe = zoo.find_recipe(name, also=hierarchical_codecs())
    if recipe.domain != "image":
        raise ConfigurationError(
            f"Expected an image model, one of {', '.join(zoo.image_models)}, found {recipe.name}."
        )
    return recipe


def checkpoint_state(checkpoint: str | Path | None) -> tuple[Path | None, int | None]:
    """A checkpoint's full path and when it was last written, by which models that were made are kept."""
    path = None if checkpoint is None else Path(checkpoint).resolve()
    return path, path.stat().st_mtime_ns if path is not None and path.exists() else None


def network_of(maker: Maker, recipe: zoo.Recipe, checkpoint: str | Path | None) -> tuple[int | None, str]:
    """Quality and metric that say which weights of a model made a file; no quality for a variable-rate model.

    Raises:
        BitstreamError: the model has no such weights.
        WeightsError: only the checkpoint that is not given would tell.
    """
    metric = _recorded(maker, "metric", recipe.metrics) or DEFAULT_METRIC
    if recipe.variable_rate:
        return None, metric
    quality = _recorded(maker, "quality", recipe.qualities)
    if quality is None and checkpoint is None:
        raise WeightsError(
            f"Expected the checkpoint of {maker.model} that made the file, which names no quality, "
            "found none: give it."
        )
    return quality, metric


def _recorded(maker: Maker, name: str, valid: Sequence[Value]) -> Value | None:
    """The valid value that the file records under a name, or None if it records none."""
    value = maker.parameters.get(name)
    for choice in valid:
        if choice == value and type(choice) is type(value):
            return choice
    if value is None:
        return None
    raise BitstreamError(
        f"Expected {name} {', '.join(map(str, valid))} in a file of {maker.model}, found {value!r}: "
        "the file is damaged."
    )


@lru_cache(maxsize=_KEPT_MODELS)
def _load_codec(
    name: str, quality: int | None, metric: str, checkpoint: Path | None, changed: int | None, device: str
) -> ImageCodec:
    """`changed` is when the checkpoint was last written, so that another file under the same name is read
    anew."""
    recipe = find_image_recipe(name)
    model, parameters = load_model(recipe, quality, metric, checkpoint, device)
    return ImageCodec(
        model,
        name,
        parameters=parameters,
        quality_range=recipe.quality_range,
        objective=_objective(recipe, quality, metric),
    )


def _objective(recipe: zoo.Recipe, quality: int | None, metric: str) -> Objective | None:
    """What a network of one rate is trained for, where that is published."""
    known = {} if recipe.training is None else recipe.training.lmbda.get(metric, {})
    return Objective(known[quality], metric) if quality is not None and quality in known else None


def load_model(
    recipe: zoo.Recipe, quality: int | None, metric: str, checkpoint: Path | None, device: str
) -> tuple[Any, dict[str, Parameter]]:
    """A model of the zoo on a device, and the parameters by which files say which of its weights these are.

    Raises:
        ConfigurationError: there is no such quality, metric or device.
        WeightsError: the weights cannot be found, fetched or verified.
    """
    with as_in_files():
        if checkpoint is None:
            model = zoo.create(recipe.name, quality=quality, metric=metric, pretrained=True)
        else:
            model = zoo.create(recipe.name, checkpoint=checkpoint)
        model = model.to(torch_device(device))
    parameters: dict[str, Parameter] = {}
    if quality is not None:
        parameters["quality"] = quality
    if metric != DEFAULT_METRIC:
        parameters["metric"] = metric
    return model, parameters


def torch_device(name: str) -> torch.device:
    """The device of this name.

    Raises:
        ConfigurationError: torch cannot use it here.
    """
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (
        RuntimeError,
        AssertionError,
    ) as error:  # AssertionError: a torch built without that kind of device
        raise ConfigurationError(
            f"Expected a device that torch can use here, such as cpu, found {name!r}."
        ) from error
    return device
