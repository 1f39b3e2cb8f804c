"""Published sets of images, brought to this machine: downloaded, checked, and taken out of their archives."""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from shutil import copyfileobj
from zipfile import BadZipFile, ZipFile, ZipInfo

from latentpress._download import download
from latentpress._files import sha256_of, whole_file
from latentpress.datasets.catalogue import Collection, RemoteFile
from latentpress.datasets.reading import IMAGE_SUFFIXES
from latentpress.datasets.verification import SUMS, read_sums, write_sums
from latentpress.errors import DataError

_LARGEST_IMAGE = 1 << 30


def fetch_collection(
    record: Collection,
    folder: str | Path,
    *,
    mirror: str | None = None,
    progress: bool = True,
    pause: float = 1.0,
) -> Path:
    """Bring the images of a set into `folder/NAME`, with a list of their checksums (`SHA256SUMS`).

    What is there already and right is left alone; a download that breaks off goes on where it did, in the
    same call or a later one.

    Args:
        record: what to fetch, see `latentpress.datasets.catalogue.collection`.
        folder: that data sets are kept in.
        mirror: address to which files' names are appended, to be used instead of the published ones.
        progress: show a bar on the standard error stream.
        pause: seconds before a second attempt; doubled for each later one.

    Returns:
        The folder of the set.

    Raises:
        DataError: a file cannot be had or written, is not the expected one, or the set is not complete.
        ConfigurationError: the mirror is not an http or https address.
    """
    target = Path(folder) / record.name
    if _complete(record, target):
        return target
    names: list[str] = []
    for file in record.files:
        url = file.url if mirror is None else f"{mirror.rstrip('/')}/{file.name}"
        place = target / file.name
        if not _is_there(place, file):
            download(
                url,
                place,
                error=DataError,
                sha256=file.sha256,
                size=file.bytes,
                resume=True,
                progress=progress,
                pause=pause,
            )
        names += _extracted(place, file, target) if file.is_archive else [file.name]
    if len(names) != record.images:
        raise DataError(
            f"Expected {record.images} images in {record.title}, found {len(names)} in {target}: "
            "what is published there has changed."
        )
    write_sums(target / SUMS, names)
    for file in record.files:
        if file.is_archive:
            (target / file.name).unlink()
    return target


def _complete(record: Collection, target: Path) -> bool:
    """Whether an earlier call has fetched everything, and all of it still is what it was."""
    if not (target / SUMS).is_file():
        return False
    sums = read_sums(target / SUMS)
    return len(sums) == record.images and all(
        path.is_file() and sha256_of(path) == sha256 for path, sha256 in sums.items()
    )


def _is_there(place: Path, file: RemoteFile) -> bool:
    return place.is_file() and file.sha256 is not None and sha256_of(place) == file.sha256


def _extracted(archive: Path, file: RemoteFile, target: Path) -> list[str]:
    """Take the images out of an archive; their paths relative to the target."""
    names = []
    try:
        with ZipFile(archive) as contents:
            for member in contents.infolist():
                name = PurePosixPath(
                    member.filename.replace("\\", "/")
                ).name  # never a path that leads elsewhere
                if not _is_wanted(member, name, file.pattern):
                    continue
                names.append(f"{file.folder}/{name}".lstrip("/"))
                place = target / names[-1]
                place.parent.mkdir(parents=True, exist_ok=True)
                with (
                    whole_file(place) as partial,
                    contents.open(member) as source,
                    partial.open("wb") as copy,
                ):
                    copyfileobj(source, copy)
    except (BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        archive.unlink()
        raise DataError(
            f"Expected {archive.name} to be a whole zip archive, found: {error}: download it again, "
            "it was removed."
        ) from error
    except OSError as error:
        raise DataError(f"Expected to write images to {target}, found: {error.strerror or error}.") from error
    return sorted(set(names))


def _is_wanted(member: ZipInfo, name: str, pattern: str) -> bool:
    if member.is_dir() or name.startswith(".") or PurePosixPath(name).suffix.lower() not in IMAGE_SUFFIXES:
        return False
    return fnmatch(name, pattern) and member.file_size <= _LARGEST_IMAGE
