"""`latentpress.compress` and `latentpress.decompress`: images in memory to `.ltp` bytes and back."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from numbers import Real
from pathlib import Path
from typing import Any

from PIL import Image

from latentpress import zoo
from latentpress.codec.container import DEFAULT_MAX_PIXELS, check_pixels, check_size, read_container
from latentpress.codec.effort import DEFAULT_EFFORT, LARGEST_PLAIN_EFFORT, steps_of
from latentpress.codec.hierarchical import compress_hierarchical, decompress_hierarchical, is_hierarchy
from latentpress.codec.image_codec import ImageCodec
from latentpress.codec.images import ImageLike, Picture, image_from, picture_from
from latentpress.codec.models import find_image_recipe, load_codec, load_codec_for
from latentpress.codec.search import best_within
from latentpress.errors import BitstreamError, ConfigurationError

_STEPS_PER_QUALITY = 8  # of the search for a target: files differ by well under 1 % from step to step


def compress(
    image: ImageLike,
    *,
    quality: float | None = None,
    target_bpp: float | None = None,
    target_size: int | None = None,
    model: str = zoo.DEFAULT_MODEL,
    metric: str = "mse",
    lmb: float | None = None,
    arithmetic: str | None = None,
    effort: int = DEFAULT_EFFORT,
    max_pixels: int | None = DEFAULT_MAX_PIXELS,
    checkpoint: str | Path | None = None,
    device: str = "cpu",
    on_step: Callable[[float], None] | None = None,
) -> bytes:
    """An image as the bytes of a `.ltp` file.

    Args:
        image: a Pillow image of any mode, or an array `(H, W)` or `(H, W, C)` of uint8 with C from 1 to 4;
            how modes are converted is said in `latentpress.codec.images`. Or a `latentpress.codec.Picture`.
        quality: 1 (smallest file) to 100 (closest to the original) for a variable-rate model such as the
            default one, where it is 50 if no target is given; for other models, the number of one of their
            networks.
        target_bpp: instead of a quality, the most bits per pixel of the image that the file may take.
        target_size: instead of a quality, the most bytes that the file may take.
        model: name of an image model of the zoo; the default is the one whose weights come with the package.
        metric: what the model's weights were trained for, "mse" or "ms-ssim".
        lmb: instead of a quality, the lambda of a hierarchical model such as "qarv_base".
        arithmetic: what a hierarchical model computes in, "float32" or "fixed-point"; the one that is faster
            here where None.
        effort: from 0 to 2, only the networks run. From 3 on, what they give is optimised for this image,
            which makes files of the same quality smaller, in up to about a minute a megapixel at 9.
        max_pixels: refuse larger images, counted in whole 64x64 blocks, as decompressing does; None for no
            limit. Coding takes some 80 bytes of memory a pixel.
        checkpoint: file of weights to use instead of the published ones.
        device: torch device.
        on_step: called with the share of the optimisation that is done, in [0, 1].

    Raises:
        ImageError: the image is empty, too large, cannot be read, or has an unknown layout.
        ConfigurationError: an argument is not one of the valid ones, or no quality meets the target.
        WeightsError: the weights cannot be found, fetched or verified.

    Example:
        >>> import latentpress
        >>> from PIL import Image
        >>> data = latentpress.compress(Image.new("RGB", (64, 48), "teal"), quality=30)
        >>> latentpress.decompress(data).size
        (64, 48)
    """
    for name, value in (("quality", quality), ("target_bpp", target_bpp), ("target_size", target_size)):
        _expect_number(name, value)
    _expect_number("lmb", lmb)
    if isinstance(image, Image.Image):
        check_pixels(image.width, image.height, max_pixels)  # before it is decoded
    picture = picture_from(image)
    check_pixels(picture.width, picture.height, max_pixels)
    budget = _budget(picture, quality, target_bpp, target_size)
    optimised = steps_of(effort) > 0
    if is_hierarchy(model):
        if optimised:
            raise ConfigurationError(
                f"Expected an effort up to {LARGEST_PLAIN_EFFORT} for {model}, found {effort}."
            )
        if quality is not None:
            raise ConfigurationError(f"Expected a lambda (lmb) for {model}, found a quality.")
        return compress_hierarchical(
            picture,
            model=model,
            lmb=lmb,
            target_size=budget,
            arithmetic=arithmetic,
            checkpoint=checkpoint,
            device=device,
        )
    recipe = find_image_recipe(model)
    if lmb is not None:
        raise ConfigurationError(f"Expected a quality for {recipe.name}, found a lambda (lmb).")
    if arithmetic is not None:
        raise ConfigurationError(
            f"Expected a hierarchical model for an arithmetic, found {recipe.name}; leave it out."
        )

    def codec_for(network: int | None) -> ImageCodec:
        return load_codec(model, quality=network, metric=metric, checkpoint=checkpoint, device=device)

    if recipe.quality_range is not None:
        codec = codec_for(None)
        prepared = codec.prepare(picture)
        if budget is None:
            return codec.encode(prepared, quality, effort=effort, on_step=on_step)
        steps = _quality_steps(*recipe.quality_range)
        refine = partial(codec.encode, prepared, effort=effort, on_step=on_step) if optimised else None
        return best_within(budget, partial(codec.encode, prepared), steps, refine)
    if budget is None:
        codec = codec_for(_network(quality))
        return codec.encode(codec.prepare(picture), effort=effort, on_step=on_step)
    if checkpoint is not None:
        raise ConfigurationError(
            f"Expected no target for a checkpoint of {recipe.name}, which holds one rate only."
        )
    plain = _encoder_of_each(picture, codec_for)
    longer = _encoder_of_each(picture, codec_for, effort=effort, on_step=on_step) if optimised else None
    return best_within(budget, plain, recipe.qualities, longer)


def decompress(
    data: bytes,
    *,
    max_pixels: int | None = DEFAULT_MAX_PIXELS,
    checkpoint: str | Path | None = None,
    device: str = "cpu",
) -> Image.Image:
    """The image in the bytes of a `.ltp` file: a Pillow image of mode `L`, `LA`, `RGB` or `RGBA`.

    A file names the model that made it; if its weights are neither in the package nor in the cache
    directory, they are downloaded from where they were published.

    Args:
        data: the whole file.
        max_pixels: refuse larger images, counted in whole 64x64 blocks; None for no limit.
        checkpoint: file of weights that the image was compressed with, if not the published ones.
        device: torch device.

    Raises:
        BitstreamError: the data are not a `.ltp` file, or damaged or truncated.
        ImageError: the image is larger than `max_pixels`.
        WeightsError: the weights cannot be found, fetched or verified, or did not make this file.
    """
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise BitstreamError(
            f"Expected the bytes of a .ltp file, found {type(data).__name__}: use decompress_file for paths."
        )
    container = read_container(data)
    check_size(container.header, len(data), max_pixels)
    if is_hierarchy(container.header.model):
        return decompress_hierarchical(data, max_pixels=max_pixels, checkpoint=checkpoint, device=device)
    codec = load_codec_for(container.header.maker, checkpoint=checkpoint, device=device)
    return image_from(codec.decode(container))


def _expect_number(name: str, value: object) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, Real)):
        raise ConfigurationError(f"Expected a number for {name}, found {value!r}.")


def _budget(
    picture: Picture, quality: float | None, target_bpp: float | None, target_size: int | None
) -> int | None:
    """The most bytes that the file may take; None if a quality decides."""
    if sum(choice is not None for choice in (quality, target_bpp, target_size)) > 1:
        raise ConfigurationError(
            "Expected at most one of quality, target_bpp and target_size, found several."
        )
    if target_bpp is not None:
        if not 0 < target_bpp < float("inf"):
            raise ConfigurationError(f"Expected a positive target_bpp, found {target_bpp}.")
        return int(target_bpp * picture.width * picture.height / 8)
    if target_size is not None and not 1 <= target_size < float("inf"):
        raise ConfigurationError(f"Expected a target_size of at least 1 byte, found {target_size}.")
    return target_size


def _quality_steps(low: float, high: float) -> list[float]:
    first, last = round(low * _STEPS_PER_QUALITY), round(high * _STEPS_PER_QUALITY)
    return [step / _STEPS_PER_QUALITY for step in range(first, last + 1)]


def _network(quality: float | None) -> int | None:
    if quality is None:
        return None
    if quality != int(quality):
        raise ConfigurationError(
            f"Expected a whole quality for a model with a network for each, found {quality}."
        )
    return int(quality)


def _encoder_of_each(
    picture: Picture, codec_for: Callable[[int | None], ImageCodec], **options: Any
) -> Callable[[float], bytes]:
    """Quality -> file, for a model that has a network for every quality."""

    def encode(quality: float) -> bytes:
        codec = codec_for(_network(quality))
        return codec.encode(codec.prepare(picture), **options)

    return encode
