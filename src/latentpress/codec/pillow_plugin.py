"""`.ltp` as a Pillow format: `Image.open("x.ltp")` and `image.save("x.ltp", quality=50)`.

Opening reads the file, for its ICC profile; the network decodes when pixels are asked for. Torch is not
imported before that. `Image.MAX_IMAGE_PIXELS = None` lifts the limit on the size here as it does for Pillow's
own formats.

Saving takes the options of `latentpress.compress` (`quality`, `target_bpp`, `target_size`, `model`,
`metric`, `lmb`, `checkpoint`, `device`) and `icc_profile`. Without the last, the profile in `image.info` is
kept, as PNG and AVIF do; `icc_profile=None` drops it. The format holds no EXIF data, XMP, resolution (dpi) or
comment: those of `image.info` are dropped silently, those given to `save` with a warning. The orientation of
EXIF is applied to the pixels.

Errors in a file are those of this package and an `OSError` as well, which is what callers of Pillow expect.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import IO, Any

from PIL import Image, ImageFile

from latentpress.codec.container import (
    DEFAULT_MAX_PIXELS,
    LONGEST_HEADER,
    MAGIC,
    check_size,
    read_container,
    read_header,
)
from latentpress.codec.packing import unpack_icc
from latentpress.errors import BitstreamError, ConfigurationError, ImageError, WeightsError

FORMAT = "LTP"
MIME_TYPE = "image/x-ltp"
_OPTIONS = (
    *("quality", "target_bpp", "target_size", "model", "metric", "lmb", "effort", "checkpoint", "device"),
)
_NOT_KEPT = ("exif", "xmp", "dpi", "comment")


class DamagedImageError(BitstreamError, OSError):
    """A file is truncated or damaged."""


class UndecodableImageError(WeightsError, OSError):
    """The weights that made a file are not to be had, or are others."""


class OversizedImageError(ImageError, Image.DecompressionBombError):
    """An image is larger than Pillow's limit allows."""


class LtpImageFile(ImageFile.ImageFile):
    """A `.ltp` file opened by Pillow."""

    format = FORMAT
    format_description = "LatentPress image"

    def _open(self) -> None:
        assert self.fp is not None
        start = self.fp.read(LONGEST_HEADER)
        with _errors_of_pillow():
            header = read_header(start)
        self._size = (header.width, header.height)
        self._mode = header.layout.name
        self.info["model"] = header.model
        self.info.update(header.parameters)
        self._decoded = False
        try:
            container = read_container(start + self.fp.read())
            if container.icc is not None:
                self.info["icc_profile"] = unpack_icc(container.icc)
        except BitstreamError:
            pass  # `load` and `verify` tell it; as for other formats, a damaged file can be opened

    def verify(self) -> None:
        """Check that the file is whole, without decoding it. As for any format, it has to be opened again
        after that.

        Raises:
            DamagedImageError: it is truncated or damaged.
        """
        if self.fp is None or self._decoded:
            raise RuntimeError("verify must be called directly after open")
        self.fp.seek(0)
        data = self.fp.read()
        super().verify()
        with _errors_of_pillow():
            container = read_container(data)
            check_size(container.header, len(data), None)

    def load(self) -> Any:
        if not self._decoded and self.fp is not None:
            self._decode()
        return super().load()

    def load_seek(self, pos: int) -> None:
        """Seek in the decoded pixels; that it exists keeps Pillow from mapping the file itself as pixels."""
        assert self.fp is not None
        self.fp.seek(pos)

    def _decode(self) -> None:
        from latentpress.codec.api import decompress

        assert self.fp is not None
        self.fp.seek(0)
        limit = None if Image.MAX_IMAGE_PIXELS is None else DEFAULT_MAX_PIXELS
        with _errors_of_pillow():
            image = decompress(self.fp.read(), max_pixels=limit)
        self.info.update(image.info)
        if self._exclusive_fp:
            self.fp.close()
        self.fp = io.BytesIO(image.tobytes())
        self.tile = [ImageFile._Tile("raw", (0, 0, *self.size), 0, self.mode)]
        self._decoded = True


@contextmanager
def _errors_of_pillow() -> Iterator[None]:
    """Raise errors that are of this package's kinds and of Pillow's."""
    try:
        yield
    except BitstreamError as error:
        raise DamagedImageError(str(error)) from error
    except WeightsError as error:
        raise UndecodableImageError(str(error)) from error
    except ImageError as error:
        raise OversizedImageError(str(error)) from error


def _save(image: Image.Image, file: IO[bytes], filename: str | bytes) -> None:
    from latentpress.codec.api import compress
    from latentpress.codec.images import MODES_WITHOUT_PROFILE, picture_from

    given = image.encoderinfo
    options = {name: given[name] for name in _OPTIONS if given.get(name) is not None}
    lost = [name for name in _NOT_KEPT if given.get(name)]
    if lost:
        warnings.warn(f"A .ltp file does not keep {', '.join(lost)}.", stacklevel=3)
    picture = picture_from(image)
    if "icc_profile" in given and image.mode not in MODES_WITHOUT_PROFILE:
        profile = given["icc_profile"] or None
        if profile is not None and not isinstance(profile, bytes):
            raise ConfigurationError(
                f"Expected bytes or None for the icc_profile, found {type(profile).__name__}."
            )
        picture = replace(picture, icc=profile)
    file.write(compress(picture, **options))


def register() -> None:
    """Tell Pillow about the format; doing it twice does no harm."""
    Image.register_open(FORMAT, LtpImageFile, lambda prefix: prefix.startswith(MAGIC))
    Image.register_save(FORMAT, _save)
    Image.register_extension(FORMAT, ".ltp")
    Image.register_mime(FORMAT, MIME_TYPE)
