"""Which model codes or decodes a video: found in the zoo by name, made once, and kept."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from latentpress import zoo
from latentpress.codec.image_codec import ImageCodec
from latentpress.codec.maker import Maker, expect_maker
from latentpress.codec.models import (
    DEFAULT_METRIC,
    checkpoint_state,
    load_codec,
    load_codec_for,
    load_model,
    network_of,
)
from latentpress.codec.video.frame_codec import FrameCodec, ImageFrames, VideoFrames
from latentpress.errors import BitstreamError, ConfigurationError

_KEPT_MODELS = 2  # each takes a hundred megabytes


def load_frame_codec(
    name: str = zoo.DEFAULT_MODEL,
    *,
    quality: float | None = None,
    metric: str = DEFAULT_METRIC,
    checkpoint: str | Path | None = None,
    device: str = "cpu",
) -> FrameCodec:
    """The codec of frames of a zoo model, ready to use.

    Args:
        name: of a video model of the zoo, or of an image model, which makes every frame a keyframe.
        quality: of a variable-rate model from 1 to 100, by default 50; otherwise which of its networks.
        metric: what the weights were trained for, "mse" or "ms-ssim".
        checkpoint: file of weights to use instead of the published ones.
        device: torch device.

    Raises:
        ConfigurationError: there is no such model, quality, metric or device.
        WeightsError: the weights cannot be found, fetched or verified.
    """
    recipe = zoo.find_recipe(name)
    if recipe.variable_rate:
        codec = load_codec(recipe.name, metric=metric, checkpoint=checkpoint, device=device)
        return ImageFrames(codec, codec.options(quality))
    if quality is not None and quality != int(quality):
        raise ConfigurationError(f"Expected a whole quality for {recipe.name}, found {quality}.")
    network = None if quality is None else int(quality)
    if recipe.domain == "video":
        return _load_video(recipe.name, network, metric, *checkpoint_state(checkpoint), device)
    codec = load_codec(recipe.name, quality=network, metric=metric, checkpoint=checkpoint, device=device)
    return ImageFrames(codec, codec.options())


def load_frame_codec_for(
    maker: Maker, *, checkpoint: str | Path | None = None, device: str = "cpu"
) -> FrameCodec:
    """The codec that a file asks for.

    Raises:
        BitstreamError: the file asks for a model, network or options that do not exist.
        WeightsError: the weights cannot be found, fetched or verified, or did not make the file.
    """
    recipe = zoo.recipes.get(maker.model)
    if recipe is None:
        raise BitstreamError(
            f"Expected a file made by a model of the zoo, found one made by {maker.model!r}: "
            "decode it with the LatentPress that knows this model."
        )
    if recipe.domain == "image":
        image_codec: ImageCodec = load_codec_for(maker, checkpoint=checkpoint, device=device)
        return ImageFrames(image_codec, image_codec.options_from(maker))
    quality, metric = network_of(maker, recipe, checkpoint)
    codec = _load_video(recipe.name, quality, metric, *checkpoint_state(checkpoint), device)
    expect_maker(maker, codec.maker)
    return codec


@lru_cache(maxsize=_KEPT_MODELS)
def _load_video(
    name: str, quality: int | None, metric: str, checkpoint: Path | None, changed: int | None, device: str
) -> VideoFrames:
    """`changed` is when the checkpoint was last written, so that a new file of the same name is read anew."""
    model, parameters = load_model(zoo.find_recipe(name), quality, metric, checkpoint, device)
    return VideoFrames(model, name, parameters)
