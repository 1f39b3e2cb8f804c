"""Bytes from and to the disk. A file appears under its name only when it is complete."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from latentpress._files import whole_file
from latentpress.codec.container import (
    DEFAULT_MAX_PIXELS,
    LONGEST_HEADER,
    check_pixels,
    largest_file,
    read_header,
)
from latentpress.errors import ConfigurationError, ImageError

LARGEST_FILE = 2**31
"""Bytes that are read into memory of a file that does not say how many it should have."""

_PART = 2**20
_WEIGHTS_SUFFIXES = (".pt", ".pth", ".safetensors")


def read_file(path: str | Path) -> bytes:
    """The bytes of a file, or of a pipe that somebody writes to.

    Raises:
        ImageError: the file cannot be read, or has more than `LARGEST_FILE` bytes, which are then not read.
    """
    with open_to_read(path) as file:
        return read_all(file, str(path))


def open_to_read(path: str | Path) -> BinaryIO:
    """A file to read. What comes through a pipe is in memory as a whole, so that it can seek, too.

    Raises:
        ImageError: there is none, it cannot be read, or nobody writes to the pipe.
    """
    try:
        file = open(path, "rb", buffering=0, opener=_without_waiting)  # noqa: SIM115 - it is returned
        if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            return io.BufferedReader(file)
        with file:
            first = file.read(1)
            if first == b"" and stat.S_ISFIFO(os.fstat(file.fileno()).st_mode):
                raise ImageError(f"Expected a file at {path}, found a pipe that nobody writes to.")
            os.set_blocking(file.fileno(), True)
            return io.BytesIO(read_all(io.BufferedReader(file), str(path), first or b""))
    except OSError as error:
        raise ImageError(f"Expected a readable file at {path}, found: {error.strerror or error}.") from error


def _without_waiting(path: str, flags: int) -> int:
    """Open a pipe also where nobody has opened its other end, which is found out when it is read."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def read_all(file: BinaryIO, name: str, start: bytes = b"", limit: int = LARGEST_FILE) -> bytes:
    """What is left in a file, if that is not too much.

    Args:
        file: to read from.
        name: what to call it in messages.
        start: what was read already.
        limit: most bytes, those of the start included.

    Raises:
        ImageError: there are more, or they cannot be read.
    """
    try:
        size = os.fstat(file.fileno()).st_size
    except (OSError, ValueError):
        size = 0
    parts, total = [start], len(start)
    try:
        while size <= limit and total <= limit and (part := file.read(min(_PART, limit + 1 - total))):
            parts.append(part)
            total += len(part)
    except OSError as error:
        raise ImageError(f"Expected data in {name}, found: {error.strerror or error}.") from error
    if max(size, total) > limit:
        raise ImageError(
            f"Expected at most {limit} bytes in {name}, found {size if size > limit else 'more'}: it "
            "cannot be such a file."
        )
    return b"".join(parts)


def read_compressed(file: BinaryIO, name: str, *, max_pixels: int | None = DEFAULT_MAX_PIXELS) -> bytes:
    """The bytes of a `.ltp` file of an image, if it begins like one of an image that is not too large.

    Args:
        file: to read from; it need not seek.
        name: what to call it in messages.
        max_pixels: refuse larger images, counted in whole 64x64 blocks; None for no limit.

    Raises:
        BitstreamError: it does not begin like such a file.
        ImageError: the image is larger than allowed, or the file than such an image can be.
    """
    start = _start_of(file, name)
    header = read_header(start)
    check_pixels(header.width, header.height, max_pixels)
    limit = largest_file(header) if max_pixels is not None else min(largest_file(header), LARGEST_FILE)
    return read_all(file, name, start, limit)


def _start_of(file: BinaryIO, name: str) -> bytes:
    start = b""
    try:
        while len(start) < LONGEST_HEADER and (part := file.read(LONGEST_HEADER - len(start))):
            start += part
    except OSError as error:
        raise ImageError(f"Expected data in {name}, found: {error.strerror or error}.") from error
    return start


def check_target(path: str | Path, overwrite: bool, *, sources: Iterable[str | Path] = ()) -> None:
    """Refuse to replace a file unless told to, and one that is read or no file at all whatever was told.

    Args:
        path: what is to be written.
        overwrite: whether to replace a file that exists.
        sources: the files that it is made of.

    Raises:
        ConfigurationError: the file exists and must not be overwritten, is one of the sources, or is a folder
            or a device.
    """
    if not overwrite and os.path.lexists(path):
        raise ConfigurationError(
            f"Expected no file at {path}, found one: allow overwriting or choose another name."
        )
    if os.path.exists(path) and not os.path.isfile(path):
        raise ConfigurationError(
            f"Expected a file to write at {path}, found something else: choose another name."
        )
    check_sources_stay(sources, [path])


def check_name(path: str | Path, made: str) -> None:
    """Refuse a name that says that a file of another kind is behind it.

    Args:
        path: what is to be written.
        made: what will be in it, such as "a .ltp file".

    Raises:
        ConfigurationError: its suffix is that of an image, of a video or of weights.
    """
    from PIL import Image

    from latentpress.datasets.clips import VIDEO_SUFFIXES

    suffix = Path(path).suffix.lower()
    kinds = {
        "a .ltp file": {".ltp"},
        "a video": VIDEO_SUFFIXES,
        "an image": Image.registered_extensions(),
        "weights": _WEIGHTS_SUFFIXES,
    }
    said = next((kind for kind, suffixes in kinds.items() if suffix in suffixes), made)
    if said != made:
        raise ConfigurationError(
            f"Expected another name for {made} than {path}, which says that {said} is in it."
        )


def check_sources_stay(sources: Iterable[str | Path], targets: Iterable[str | Path]) -> None:
    """Refuse to write over a file that is read, whatever its names.

    Raises:
        ConfigurationError: a target is a source, the same name or another one of the same file.
    """
    identities = {identity: source for source in sources if (identity := _identity(source)) is not None}
    for target in targets:
        source = identities.get(_identity(target) or (0, 0))
        if source is not None:
            raise ConfigurationError(
                f"Expected another file to write than the original {source}, found {target}: choose another "
                "name."
            )


def _identity(path: str | Path) -> tuple[int, int] | None:
    """What tells a file from all others; None where there is none."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino


def write_file(path: str | Path, data: bytes, *, overwrite: bool = False) -> None:
    """Write a file so that it is there whole or not at all; missing directories are made.

    Raises:
        ConfigurationError: the file exists and must not be overwritten, or cannot be written.
    """
    with whole_target(path, overwrite=overwrite) as temporary:
        temporary.write_bytes(data)


@contextmanager
def whole_target(path: str | Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Where to write a file in the block: it takes its name when the block ends well, and leaves nothing
    otherwise. Missing directories are made.

    Raises:
        ConfigurationError: the file exists and must not be overwritten, or cannot be written.
    """
    check_target(path, overwrite)
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as temporary:
            yield temporary
    except OSError as error:
        raise ConfigurationError(f"Expected to write {path}, found: {error.strerror or error}.") from error
