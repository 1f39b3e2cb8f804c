"""Bytes from and to the disk. A file appears under its name only when it is complete."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from latentpress._files import whole_file
from latentpress.errors import ConfigurationError, ImageError

_WEIGHTS_SUFFIXES = (".pt", ".pth", ".safetensors")


def read_file(path: str | Path) -> bytes:
    """The bytes of a file.

    Raises:
        ImageError: the file cannot be read.
    """
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ImageError(f"Expected a readable file at {path}, found: {error.strerror or error}.") from error


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
