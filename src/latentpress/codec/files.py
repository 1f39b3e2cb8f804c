"""Image files <-> `.ltp` files."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from PIL import Image, UnidentifiedImageError

from latentpress.codec.api import compress, decompress
from latentpress.codec.container import DEFAULT_MAX_PIXELS, MAGIC, VIDEO_MAGIC
from latentpress.codec.disk import check_name, check_target, open_to_read, read_compressed, write_file
from latentpress.errors import ConfigurationError, ImageError

SUFFIX = ".ltp"


@dataclass(frozen=True)
class FileReport:
    """What one compression or decompression came to.

    Args:
        source, target: what was read and written.
        compressed_size: bytes of the `.ltp` file.
        other_size: bytes of the image or video file on the other side.
        pixels: of the image, or of all frames.
        frames: of a video; None of an image.
        remarks: what the user should know, such as that sound was left out.
        damage: what of the source was damaged, if the rest was done all the same.
    """

    source: str
    target: str
    compressed_size: int
    other_size: int
    pixels: int
    frames: int | None = None
    remarks: tuple[str, ...] = ()
    damage: str | None = None

    @property
    def bpp(self) -> float:
        """Bits of the `.ltp` file a pixel."""
        return 8 * self.compressed_size / self.pixels


def compress_file(
    source: str | Path, target: str | Path, *, overwrite: bool = False, **options: Any
) -> FileReport:
    """Compress an image file of any format that Pillow reads into a `.ltp` file.

    Args:
        source: the image.
        target: the file to write.
        overwrite: whether to replace a file that exists.
        options: those of `latentpress.compress`.

    Raises:
        ImageError: the source cannot be read as an image.
        ConfigurationError: the target exists or cannot be written, or an option is not a valid one.
        WeightsError: the weights cannot be found, fetched or verified.
    """
    check_name(target, "a .ltp file")
    check_target(target, overwrite, sources=[source])
    with open_to_read(source) as file:
        image = open_original(file, str(source))
        data = compress(image, **options)
        size = file.seek(0, io.SEEK_END)
    write_file(target, data, overwrite=overwrite)
    return FileReport(str(source), str(target), len(data), size, image.width * image.height)


def decompress_file(
    source: str | Path, target: str | Path, *, overwrite: bool = False, **options: Any
) -> FileReport:
    """Decompress a `.ltp` file into an image file, in the format that the target's suffix says.

    Args:
        source: the `.ltp` file.
        target: the file to write.
        overwrite: whether to replace a file that exists.
        options: those of `latentpress.decompress`.

    Raises:
        BitstreamError: the source is not a `.ltp` file, or damaged or truncated.
        ImageError: the image is larger than allowed, or cannot be written in the target's format.
        ConfigurationError: the target exists or cannot be written.
        WeightsError: the weights cannot be found, fetched or verified, or did not make this file.
    """
    check_target(target, overwrite, sources=[source])
    image_format = format_of(target)
    with open_to_read(source) as file:
        data = read_compressed(file, str(source), max_pixels=options.get("max_pixels", DEFAULT_MAX_PIXELS))
    image = decompress(data, **options)
    encoded = image_bytes(image, image_format)
    write_file(target, encoded, overwrite=overwrite)
    return FileReport(str(source), str(target), len(data), len(encoded), image.width * image.height)


def open_image(data: bytes | BinaryIO, name: str) -> Image.Image:
    """The image in a file of any format that Pillow reads.

    Args:
        data: the whole file, or the file itself, which is read when pixels are asked for.
        name: what to call it in an error message.

    Raises:
        ImageError: Pillow does not read it.
    """
    file = io.BytesIO(data) if isinstance(data, bytes) else data
    if not file.read(1):
        raise ImageError(f"Expected an image in {name}, found an empty file.")
    file.seek(0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the limit here is another
            return Image.open(file)
    except UnidentifiedImageError as error:
        raise ImageError(
            f"Expected an image that Pillow can read in {name}, found something else."
        ) from error
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise ImageError(f"Expected an image that Pillow can read in {name}, found: {error}.") from error


def open_original(data: bytes | BinaryIO, name: str) -> Image.Image:
    """The image that is to be compressed in a file, which must not be compressed already; see `open_image`.

    Raises:
        ImageError: Pillow does not read it, or it is a `.ltp` file.
    """
    file = io.BytesIO(data) if isinstance(data, bytes) else data
    if file.read(len(MAGIC)) in (MAGIC, VIDEO_MAGIC):
        raise ImageError(
            f"Expected an image to compress in {name}, found a .ltp file, which is compressed already: "
            "decompress it first."
        )
    file.seek(0)
    return open_image(file, name)


def image_bytes(image: Image.Image, image_format: str) -> bytes:
    """An image as a file of one of Pillow's formats, its ICC profile included.

    Raises:
        ImageError: the format cannot hold the image.
    """
    buffer = io.BytesIO()
    try:
        image.save(buffer, format=image_format, icc_profile=image.info.get("icc_profile"))
    except (OSError, ValueError, KeyError) as error:
        raise ImageError(
            f"Expected an image that {image_format} can hold, found mode {image.mode}: {error}."
        ) from error
    return buffer.getvalue()


def format_of(path: str | Path) -> str:
    """Pillow's name for the format that a path's suffix stands for.

    Raises:
        ConfigurationError: Pillow writes no such format.
    """
    suffix = Path(path).suffix.lower()
    image_format = Image.registered_extensions().get(suffix)
    if image_format is None or image_format not in Image.SAVE or suffix == SUFFIX:
        raise ConfigurationError(
            f"Expected a target whose suffix names an image format, such as .png, found {path}."
        )
    return image_format
