"""Hierarchical VAEs as image codecs: picture -> `.ltp` file and back, whole or from the front of a file.

The sections of a file are the latents, coarse to fine, each with a checksum of its own: whatever part of a
file has arrived decodes to an image, coarser the less there is.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import torch
from PIL import Image

from latentpress.codec.alpha import decode_alpha, encode_alpha
from latentpress.codec.container import (
    DEFAULT_MAX_PIXELS,
    Container,
    Header,
    check_size,
    read_container,
    write_container,
)
from latentpress.codec.image_codec import ImageCodec, pixels_of
from latentpress.codec.images import ImageLike, Picture, image_from, picture_from
from latentpress.codec.maker import Parameter
from latentpress.codec.models import checkpoint_state, torch_device
from latentpress.codec.packing import pack_icc, unpack_icc
from latentpress.errors import BitstreamError, ConfigurationError, WeightsError
from latentpress.models.hierarchical import (
    FIXED_POINT,
    FLOAT32,
    CodingHierarchy,
    LosslessQResVAE,
    fit_to_size,
)
from latentpress.zoo.hierarchical import codecs, make_codec_model

_LMBDA, _ARITHMETIC = "lmbda", "arithmetic"
_IN_FIXED_POINT = 1  # what a file's `arithmetic` says; one in single precision does not have it
_KEPT_MODELS = 2  # each takes up to a gigabyte


class HierarchicalCodec(ImageCodec):
    """Codes pictures with one hierarchy, and decodes the files that it made.

    Args:
        model: the hierarchy.
        name: what files call it; the model's own name where None.

    Example:
        >>> import numpy as np
        >>> from latentpress import zoo
        >>> codec = HierarchicalCodec(zoo.qres17m().compress_mode(), "qres17m")
        >>> data = codec.encode_picture(Picture(np.zeros((40, 50, 3), np.uint8)))
        >>> codec.decode_picture(read_container(data)).colour.shape
        (40, 50, 3)
    """

    def __init__(self, model: CodingHierarchy, name: str | None = None) -> None:
        model.update()
        super().__init__(cast(Any, model), name or model.name)  # coding is overridden below
        self.model = model

    def rate(self, lmb: float | None) -> float | None:
        """The lambda to run the model at: the one asked for, if the model has several."""
        return None if self.model.lmb_range is None else lmb

    def encode_picture(
        self, picture: Picture, lmb: float | None = None, arithmetic: str | None = None
    ) -> bytes:
        """The `.ltp` file of a picture.

        Args:
            picture: what to code.
            lmb: lambda of a variable-rate model, its default where None.
            arithmetic: "float32" or "fixed-point"; the one that is faster here where None. The file says
                which, and decodes on any CPU.
        """
        rate = float(self.model.resolve_lmb(self.rate(lmb), 1))
        arithmetic = arithmetic or self.model.fastest_arithmetic()
        strings = self.model.encode(self._tensor_of(picture.colour), rate, arithmetic)
        header = Header(
            picture.width,
            picture.height,
            picture.layout,
            self.name,
            self.fingerprint,
            self._parameters(rate, arithmetic),
            section_checksums=True,
        )
        alpha = None if picture.alpha is None else encode_alpha(picture.alpha)
        icc = None if picture.icc is None else pack_icc(picture.icc)
        return write_container(Container(header, tuple(latent[0] for latent in strings), alpha, icc))

    def encode_to_size(self, picture: Picture, budget: int, arithmetic: str | None = None) -> bytes:
        """The `.ltp` file of at most `budget` bytes that comes closest to it, by bisection in log lambda.

        Args:
            picture: what to code.
            budget: in bytes.
            arithmetic: as for `encode_picture`.

        Raises:
            ConfigurationError: the model has one rate, or no file is that small.
        """
        if self.model.lmb_range is None:
            raise ConfigurationError(
                f"Expected a variable-rate model for a target size, found {self.name}; use qarv_base."
            )
        return fit_to_size(
            lambda lmb: self.encode_picture(picture, lmb, arithmetic), self.model.lmb_range, budget
        ).data

    def decode_picture(
        self,
        container: Container,
        latents: int | None = None,
        temperature: float = 0.0,
        generator: torch.Generator | None = None,
    ) -> Picture:
        """The picture in a file, from its first latents only where the file or the caller has no more.

        Args:
            container: the file, taken apart; it may be a prefix.
            latents: how many latents to use; all that are there where None.
            temperature, generator: of the samples that stand in for the others; their means at 0.

        Raises:
            WeightsError: another model or other weights made the file.
            BitstreamError: the coded data are damaged, or not even the first latent is there.
        """
        header = container.header
        lmb, arithmetic = self._settings_from(header)
        available = len(container.strings)
        if not available or (container.complete and available != self.model.num_strings):
            raise BitstreamError(
                f"Expected {self.model.num_strings} strings of {self.name}, found {available}: the file is "
                + ("damaged." if container.complete else "cut before its first latent.")
            )
        used = available if latents is None else min(available, self.model.latents_in(latents))
        if used == 0:
            raise ConfigurationError("Expected at least 1 latent to decode from, found 0.")
        strings = [[string] for string in container.strings[:used]]
        grid = self._shape_of(header.height, header.width)
        x_hat = self.model.decode(strings, grid, lmb, temperature, generator, arithmetic)
        colour = pixels_of(x_hat[0, :, : header.height, : header.width], header.layout.has_colour)
        icc = None if container.icc is None else unpack_icc(container.icc)
        alpha = None
        if container.alpha is not None:
            alpha = decode_alpha(container.alpha, header.height, header.width)
        return Picture(colour, alpha, icc)

    def _parameters(self, lmb: float, arithmetic: str) -> dict[str, Parameter]:
        parameters: dict[str, Parameter] = {}
        if not isinstance(self.model, LosslessQResVAE):
            parameters[_LMBDA] = int(lmb) if lmb == int(lmb) else lmb
        if arithmetic == FIXED_POINT:
            parameters[_ARITHMETIC] = _IN_FIXED_POINT
        return parameters

    def _settings_from(self, header: Header) -> tuple[float, str]:
        """Lambda and arithmetic of a file, after checking that this model made it."""
        if header.model != self.name:
            raise WeightsError(f"Expected a file made by {self.name}, found one made by {header.model}.")
        if header.fingerprint != self.fingerprint:
            raise WeightsError(
                f"Expected weights of {self.name} with fingerprint {header.fingerprint.hex()}, found "
                f"{self.fingerprint.hex()}: give the checkpoint that made the file."
            )
        found = dict(header.parameters)
        recorded = found.get(_ARITHMETIC)
        fixed = recorded == _IN_FIXED_POINT and isinstance(recorded, int)
        arithmetic = FIXED_POINT if fixed else FLOAT32
        lmb = found.get(_LMBDA, self.model.default_lmb)
        expected = set(self._parameters(self.model.default_lmb, arithmetic))
        if set(found) != expected or isinstance(lmb, str):
            raise BitstreamError(
                f"Expected the parameters {sorted(expected)} for {self.name}, "
                f"found {found}: the file is damaged or needs a newer LatentPress."
            )
        try:
            return float(self.model.resolve_lmb(lmb, 1)), arithmetic
        except ConfigurationError as error:
            raise BitstreamError(
                f"The file names a lambda that {self.name} does not have: {error}"
            ) from error


def is_hierarchy(name: str) -> bool:
    """Whether a model of this name is one of the hierarchies that code images; `-` may stand for `_`."""
    return name.replace("-", "_") in codecs()


def load_hierarchical_codec(
    name: str, *, lmb: float | None = None, checkpoint: str | Path | None = None, device: str = "cpu"
) -> HierarchicalCodec:
    """The codec of a hierarchy of the zoo, ready to use; asking again for the same one costs nothing.

    Args:
        name: one of `latentpress.zoo.hierarchical.codecs()`.
        lmb: which network of a model of one rate.
        checkpoint: file of weights to use instead of the published ones.
        device: torch device.

    Raises:
        ConfigurationError: there is no such model, lambda or device.
        WeightsError: the weights cannot be found, fetched or verified.
    """
    name = name.replace("-", "_")
    if not is_hierarchy(name):
        raise ConfigurationError(f"Expected one of {', '.join(codecs())}, found {name}.")
    path, changed = checkpoint_state(checkpoint)
    return _load(name, None if name == "qarv_base" else lmb, path, changed, device)


@lru_cache(maxsize=_KEPT_MODELS)
def _load(
    name: str, lmb: float | None, checkpoint: Path | None, changed: int | None, device: str
) -> HierarchicalCodec:
    """`changed` is when the checkpoint was last written, so that a new file of the same name is read anew."""
    model = make_codec_model(name, lmb, checkpoint)
    return HierarchicalCodec(model.to(torch_device(device)), name)


def compress_hierarchical(
    image: ImageLike,
    *,
    model: str,
    lmb: float | None = None,
    target_size: int | None = None,
    arithmetic: str | None = None,
    checkpoint: str | Path | None = None,
    device: str = "cpu",
) -> bytes:
    """An image as the bytes of a `.ltp` file, made by a hierarchy.

    Args:
        image: a Pillow image, an array `(H, W)` or `(H, W, C)` of uint8, or a picture.
        model: one of `latentpress.zoo.hierarchical.codecs()`.
        lmb: lambda; of a variable-rate model any in its range, of others which network.
        target_size: instead of a lambda, the most bytes that the file may take.
        arithmetic: "float32" or "fixed-point"; the one that is faster here where None.
        checkpoint: file of weights to use instead of the published ones.
        device: torch device.

    Raises:
        ConfigurationError, ImageError, WeightsError: as `latentpress.compress`.
    """
    codec = load_hierarchical_codec(model, lmb=lmb, checkpoint=checkpoint, device=device)
    picture = image if isinstance(image, Picture) else picture_from(image)
    if target_size is not None:
        if lmb is not None:
            raise ConfigurationError("Expected a lambda or a target size, found both.")
        return codec.encode_to_size(picture, target_size, arithmetic)
    return codec.encode_picture(picture, lmb, arithmetic)


def decompress_hierarchical(
    data: bytes,
    *,
    latents: int | None = None,
    prefix: bool = False,
    temperature: float = 0.0,
    generator: torch.Generator | None = None,
    max_pixels: int | None = DEFAULT_MAX_PIXELS,
    checkpoint: str | Path | None = None,
    device: str = "cpu",
) -> Image.Image:
    """The image in the bytes of a `.ltp` file that a hierarchy made, or a coarser version of it.

    Args:
        data: the file, or its front with `prefix`.
        latents: how many latents to use, coarse to fine; all that are there where None.
        prefix: accept a file that is cut anywhere after its first latent.
        temperature, generator: of the samples that stand in for latents that are missing; their means at 0.
        max_pixels: refuse larger images, counted in whole 64x64 blocks; None for no limit.
        checkpoint: file of weights that the image was compressed with, if not the published ones.
        device: torch device.

    Raises:
        BitstreamError: the data are not such a file, or damaged or truncated.
        ImageError, WeightsError: as `latentpress.decompress`.
    """
    container = read_container(data, prefix=prefix)
    header = container.header
    check_size(header, len(data), max_pixels)
    if not is_hierarchy(header.model):
        raise BitstreamError(
            f"Expected a file made by {', '.join(codecs())}, found one made by {header.model!r}."
        )
    lmb = header.parameters.get(_LMBDA)
    if isinstance(lmb, str) or (lmb is not None and not 0 < lmb < float("inf")):
        raise BitstreamError(f"Expected a positive lambda in the file, found {lmb!r}: the file is damaged.")
    codec = load_hierarchical_codec(header.model, lmb=lmb, checkpoint=checkpoint, device=device)
    return image_from(codec.decode_picture(container, latents, temperature, generator))
