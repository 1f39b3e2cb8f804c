"""A model as an image codec: picture -> file and back, with everything around the network (padding,
layouts, side data)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from latentpress.codec.alpha import decode_alpha, encode_alpha
from latentpress.codec.container import Container, Header, write_container
from latentpress.codec.effort import DEFAULT_EFFORT, LARGEST_PLAIN_EFFORT, steps_of
from latentpress.codec.images import Picture, Pixels
from latentpress.codec.maker import Maker, Parameter, expect_maker
from latentpress.codec.packing import pack_icc, unpack_icc
from latentpress.errors import BitstreamError, ConfigurationError
from latentpress.latent_codecs.critical import portably
from latentpress.models import CompressionModel
from latentpress.zoo import fingerprint

if TYPE_CHECKING:
    from latentpress.models.optimised_latents import Objective

DEFAULT_QUALITY = 50
STREAM_ORDERS = ("raster", "wavefront")  # as numbered in files


@dataclass(frozen=True)
class PreparedPicture:
    """A picture with everything done that does not depend on the quality."""

    picture: Picture
    latent: Tensor | None
    code: Callable[..., dict[str, Any]]
    alpha: bytes | None
    icc: bytes | None


class ImageCodec:
    """Codes pictures with one model, and decodes the files that this model made.

    Args:
        model: in eval mode, with its coder tables built.
        name: what the file calls the model; 1 to 255 letters, digits, `_`, `.` and `-`.
        parameters: recorded in every file, and expected in every file, because they say which weights of
            that name these are.
        quality_range: lowest and highest quality of a variable-rate model, which takes `quality=` in
            `compress` and `decompress`; None for a model of one rate.
        objective: what a model of one rate is trained for, where that is known; latents are optimised for it.

    Example:
        >>> import numpy as np
        >>> from latentpress.codec import Picture, read_container
        >>> from latentpress.models import FactorizedPrior
        >>> model = FactorizedPrior(8, 8).eval()
        >>> model.update()
        True
        >>> codec = ImageCodec(model, "my-model")
        >>> picture = Picture(np.zeros((5, 7, 3), np.uint8))
        >>> codec.decode(read_container(codec.encode(codec.prepare(picture)))).colour.shape
        (5, 7, 3)
    """

    def __init__(
        self,
        model: CompressionModel,
        name: str,
        *,
        parameters: Mapping[str, Parameter] | None = None,
        quality_range: tuple[float, float] | None = None,
        objective: Objective | None = None,
    ) -> None:
        # Some models take the rate when they code, others do not: a type that says so does not exist.
        self._model: Any = model
        self.name = name
        self.parameters = dict(parameters or {})
        self.quality_range = quality_range
        self._objective = objective
        self.fingerprint = fingerprint(model)

    @torch.inference_mode()
    def prepare(self, picture: Picture) -> PreparedPicture:
        """Do once what coding the picture at several qualities shares.

        Of a model that has `analyse(x)` and `compress_latent(y, quality=...)`, that includes the analysis
        transform.
        """
        x = self._tensor_of(picture.colour)
        latent = self._model.analyse(x) if hasattr(self._model, "analyse") else None
        code = partial(self._model.compress, x)
        if latent is not None:
            code = partial(self._model.compress_latent, latent)
        return PreparedPicture(
            picture,
            latent,
            code,
            None if picture.alpha is None else encode_alpha(picture.alpha),
            None if picture.icc is None else pack_icc(picture.icc),
        )

    @torch.inference_mode()
    def encode(
        self,
        prepared: PreparedPicture,
        quality: float | None = None,
        *,
        effort: int = DEFAULT_EFFORT,
        on_step: Callable[[float], None] | None = None,
    ) -> bytes:
        """The `.ltp` file of a picture.

        Args:
            prepared: what `prepare` returned.
            quality: of a variable-rate model, within its range, by default 50; None for a model of one rate.
            effort: 0 to 9; from 3 on, latents are optimised for the picture.
            on_step: called with the share of the optimisation that is done.

        Raises:
            ConfigurationError: the quality or effort is out of range, the model's latents cannot be
                optimised, or its output does not fit the file format.
        """
        options = self.options(quality)
        picture = prepared.picture
        if steps := steps_of(effort):
            prepared = self._optimised(prepared, options, steps, on_step)
        with portably():
            coded = prepared.code(**options)
        strings = self._strings_of(coded, picture.height, picture.width)
        header = Header(picture.width, picture.height, picture.layout, *self.maker(options))
        return write_container(Container(header, strings, prepared.alpha, prepared.icc))

    def _optimised(
        self,
        prepared: PreparedPicture,
        options: Mapping[str, Any],
        steps: int,
        on_step: Callable[[float], None] | None,
    ) -> PreparedPicture:
        """The picture with a latent that costs less at this quality."""
        from latentpress.models.optimised_latents import Objective, optimise_latent

        rate, objective = {}, self._objective
        if self.quality_range is not None:
            rate = {"rate": self._model.rate_of(options["quality"])}
            objective = Objective(float(self._model.lmbda(rate["rate"])))
        if prepared.latent is None or objective is None:
            raise ConfigurationError(
                f"Expected an effort up to {LARGEST_PLAIN_EFFORT} for {self.name}, of which it is not known "
                "what it was trained for, found more."
            )
        x = self._tensor_of(prepared.picture.colour)
        y = optimise_latent(self._model, x, prepared.latent, objective, steps, options=rate, on_step=on_step)
        return replace(prepared, latent=y, code=partial(self._model.compress_latent, y))

    @torch.inference_mode()
    def decode(self, container: Container) -> Picture:
        """The picture in a file, which this codec's model must have made; limits are checked by the caller.

        Raises:
            WeightsError: another model or other weights made the file.
            BitstreamError: the coded data are damaged.
        """
        header = container.header
        options = self.options_from(header.maker)
        icc = None if container.icc is None else unpack_icc(container.icc)
        alpha = None
        if container.alpha is not None:
            alpha = decode_alpha(container.alpha, header.height, header.width)
        x_hat = self.decode_tensor(container.strings, header.height, header.width, options)
        colour = pixels_of(x_hat[0, :, : header.height, : header.width], header.layout.has_colour)
        return Picture(colour, alpha, icc)

    @torch.inference_mode()
    def encode_tensor(self, x: Tensor, options: Mapping[str, Any]) -> tuple[bytes, ...]:
        """The model's strings for an image `(1, 3, H, W)` in [0, 1], whose sides are multiples of `factor`.

        Args:
            x: the image, on the model's device.
            options: what `options` returned.
        """
        with portably():
            coded = self._model.compress(x, **options)
        return self._strings_of(coded, *x.shape[-2:])

    @torch.inference_mode()
    def decode_tensor(
        self, strings: Sequence[bytes], height: int, width: int, options: Mapping[str, Any]
    ) -> Tensor:
        """The image `(1, 3, H, W)` in [0, 1] of strings, padded: sides are the next multiples of `factor`.

        Raises:
            BitstreamError: the strings are damaged.
        """
        shape = self._shape_of(height, width)
        with portably():
            decoded = self._model.decompress([[string] for string in strings], shape, **options)
        x_hat: Tensor = decoded["x_hat"]
        return x_hat

    def options(self, quality: float | None = None) -> dict[str, Any]:
        """What the model is told when it codes, and when it decodes the result.

        Args:
            quality: of a variable-rate model, within its range, by default 50; None for a model of one rate.

        Raises:
            ConfigurationError: the quality is out of range.
        """
        return {**self._rate_for(quality), **self._order()}

    def options_from(self, maker: Maker) -> dict[str, Any]:
        """The options that a file was coded with.

        Raises:
            WeightsError: another model or other weights made the file.
            BitstreamError: it records options that this model does not have.
        """
        free = [] if self.quality_range is None else ["quality"]
        expect_maker(maker, Maker(self.name, self.fingerprint, self.parameters), [*free, *self._order()])
        return {**self._rate_from(maker), **self._order_from(maker)}

    def maker(self, options: Mapping[str, Any]) -> Maker:
        """What files say of this model and of the options they were coded with."""
        recorded = {**options, **{key: STREAM_ORDERS.index(order) for key, order in self._order().items()}}
        return Maker(self.name, self.fingerprint, {**self.parameters, **recorded})

    @property
    def factor(self) -> int:
        """What the sides of an image that the model codes are multiples of."""
        return int(self._model.downsampling_factor)

    @property
    def device(self) -> torch.device:
        """Where the model computes."""
        device: torch.device = next(self._model.parameters()).device
        return device

    def _shape_of(self, height: int, width: int) -> tuple[int, int]:
        return -(-height // self.factor), -(-width // self.factor)

    def _strings_of(self, coded: Mapping[str, Any], height: int, width: int) -> tuple[bytes, ...]:
        if tuple(coded["shape"]) != self._shape_of(height, width):
            raise ConfigurationError(
                f"Expected the model's shape to be the padded image's over {self.factor}, "
                f"found {coded['shape']}: this model cannot be stored in a .ltp file."
            )
        return strings_of_one_image(coded["strings"])

    def _tensor_of(self, colour: Pixels) -> Tensor:
        """`(1, 3, H, W)` in [0, 1], padded right and bottom to whole factors by repeating the edge."""
        height, width = colour.shape[:2]
        rows, columns = self._shape_of(height, width)
        margins = (0, rows * self.factor - height), (0, columns * self.factor - width), (0, 0)
        padded = torch.from_numpy(np.pad(colour, margins, mode="edge")).to(self.device)
        planes = padded.permute(2, 0, 1).unsqueeze(0).float().div_(255)
        return planes.expand(-1, 3, -1, -1)

    def _rate_for(self, quality: float | None) -> dict[str, float]:
        if self.quality_range is None:
            if quality is not None:
                raise ConfigurationError(
                    f"Expected no quality for {self.name}, a model of one rate, found {quality}."
                )
            return {}
        low, high = self.quality_range
        quality = DEFAULT_QUALITY if quality is None else quality
        if not low <= quality <= high:
            raise ConfigurationError(
                f"Expected a quality from {low:g} to {high:g} for {self.name}, found {quality}."
            )
        return {"quality": int(quality) if quality == int(quality) else float(quality)}

    def _rate_from(self, maker: Maker) -> dict[str, float]:
        if self.quality_range is None:
            return {}
        quality = maker.parameters["quality"]
        low, high = self.quality_range
        if isinstance(quality, str) or not low <= quality <= high:
            raise BitstreamError(
                f"Expected a quality from {low:g} to {high:g} in the file, found {quality!r}: "
                "the file is damaged."
            )
        return {"quality": quality}

    @property
    def _orders(self) -> tuple[str, ...]:
        """Stream orders of an autoregressive model, the fastest first; none of another."""
        orders: tuple[str, ...] = getattr(self._model, "stream_orders", ())
        return orders

    def _order(self) -> dict[str, str]:
        return {"order": self._orders[0]} if self._orders else {}

    def _order_from(self, maker: Maker) -> dict[str, str]:
        if not self._orders:
            return {}
        recorded = maker.parameters["order"]
        for number, order in enumerate(STREAM_ORDERS):
            if recorded == number and isinstance(recorded, int) and order in self._orders:
                return {"order": order}
        raise BitstreamError(
            f"Expected a stream order of {self.name} in the file, found {recorded!r}: the file is damaged."
        )


def strings_of_one_image(strings: Sequence[Sequence[bytes]]) -> tuple[bytes, ...]:
    """The strings of a batch of one, without the batch.

    Raises:
        ConfigurationError: the model gave something else.
    """
    if any(len(batch) != 1 or not isinstance(batch[0], bytes) for batch in strings):
        raise ConfigurationError(
            "Expected one byte string of the model for each of its latents, found others."
        )
    return tuple(batch[0] for batch in strings)


def pixels_of(x_hat: Tensor, colour: bool) -> Pixels:
    """`(H, W, C)` uint8 from `(3, H, W)`; grey is the mean of the three channels, the closest point to
    them."""
    planes = x_hat if colour else x_hat.mean(0, keepdim=True)
    # Symbols of a damaged file can be so large that the network overflows.
    scaled = planes.nan_to_num(0.0).clamp(0, 1).mul(255).round()
    return scaled.to(torch.uint8).permute(1, 2, 0).cpu().numpy()
