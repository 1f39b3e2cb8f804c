"""Making shards: a folder of images as tar files of a handy size, in the layout of WebDataset.

Each image is a member `000000042.jpg`, copied byte for byte. `index.json` beside the shards lists them, with
the number of their images and their SHA-256; it is written last, so that where it is missing, the shards are
not all there.
"""

from __future__ import annotations

import io
import json
import random
import tarfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from latentpress._files import sha256_of, whole_file
from latentpress.datasets.reading import IMAGE_SUFFIXES, UNREADABLE, open_rgb
from latentpress.datasets.scan import PathTable, scan
from latentpress.errors import ConfigurationError, DataError

INDEX = "index.json"
DEFAULT_SHARD_SIZE = 512_000_000


@dataclass(frozen=True)
class Shard:
    """A line of the index."""

    name: str
    images: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class ShardIndex:
    """What a folder of shards holds; `skipped` files could not be read when it was made."""

    shards: tuple[Shard, ...]
    skipped: int = 0

    @property
    def images(self) -> int:
        """In all shards."""
        return sum(shard.images for shard in self.shards)

    @classmethod
    def read(cls, folder: Path) -> ShardIndex | None:
        """The index in a folder; None where there is none.

        Raises:
            DataError: it is damaged.
        """
        try:
            record = json.loads((folder / INDEX).read_text(encoding="utf-8"))
            return cls(tuple(Shard(**shard) for shard in record["shards"]), int(record["skipped"]))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise DataError(
                f"Expected an index of shards in {folder / INDEX}, found it damaged ({error}): "
                "make the shards again."
            ) from error

    def write(self, folder: Path) -> None:
        """Write the index into a folder."""
        record = {"images": self.images, "skipped": self.skipped, "shards": [asdict(s) for s in self.shards]}
        with whole_file(folder / INDEX) as partial:
            partial.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


class _Member(NamedTuple):
    shard: int
    name: str
    data: bytes


def make_shards(
    source: str | Path,
    target: str | Path,
    *,
    shard_size: int = DEFAULT_SHARD_SIZE,
    seed: int | None = 0,
    check: bool = True,
    on_file: Callable[[int, int], None] = lambda done, total: None,
) -> ShardIndex:
    """Pack the images below a folder into shards.

    Args:
        source: the folder.
        target: folder to make the shards in.
        shard_size: bytes of a shard at most, unless a single image has more.
        seed: of the order of the images; None keeps them in the order of their paths. Readers shuffle shards,
            and images within a window, which is enough if the order is random to begin with.
        check: decode every image, and leave out those that cannot be.
        on_file: called after each file with how many are done, and how many there are.

    Raises:
        ConfigurationError: the size is not positive, or the target already holds shards.
        DataError: there are no images, or none that can be read, or the shards cannot be written.
    """
    target = Path(target)
    if shard_size < 1:
        raise ConfigurationError(f"Expected a positive size of a shard, found {shard_size}.")
    if (target / INDEX).exists() or any(target.glob("*.tar")):
        raise ConfigurationError(f"Expected no shards in {target}, found some: choose another folder.")
    paths = scan(source, IMAGE_SUFFIXES)
    order = list(range(len(paths)))
    if seed is not None:
        random.Random(seed).shuffle(order)
    readable = _readable(paths, order, check, on_file)
    try:
        target.mkdir(parents=True, exist_ok=True)
        shards = tuple(
            _write_shard(target / f"shard-{number:06d}.tar", members)
            for number, members in groupby(_members(readable, shard_size), key=lambda member: member.shard)
        )
        if not shards:
            raise DataError(
                f"Expected images that can be read below {source}, found none ({len(paths)} files)."
            )
        index = ShardIndex(shards, skipped=len(paths) - sum(shard.images for shard in shards))
        index.write(target)
    except OSError as error:
        raise DataError(f"Expected to write shards to {target}, found: {error.strerror or error}.") from error
    return index


def _readable(
    paths: PathTable, order: Iterable[int], check: bool, on_file: Callable[[int, int], None]
) -> Iterator[tuple[str, bytes]]:
    """Suffix and contents of every file that can be read."""
    for done, number in enumerate(order, 1):
        path = paths[number]
        try:
            data = path.read_bytes()
            if check:
                open_rgb(io.BytesIO(data))
        except UNREADABLE:
            continue
        else:
            yield path.suffix.lower(), data
        finally:
            on_file(done, len(paths))


def _members(files: Iterable[tuple[str, bytes]], shard_size: int) -> Iterator[_Member]:
    """Files under the names that they get, each with the number of its shard."""
    shard, filled = 0, 0
    for number, (suffix, data) in enumerate(files):
        size = tarfile.BLOCKSIZE + _rounded(len(data), tarfile.BLOCKSIZE)  # a header and the contents
        if filled and _closed(filled + size) > shard_size:
            shard, filled = shard + 1, 0
        filled += size
        yield _Member(shard, f"{number:09d}{suffix}", data)


def _closed(size: int) -> int:
    """Size of a tar file with members of this size in all."""
    return _rounded(size + 2 * tarfile.BLOCKSIZE, tarfile.RECORDSIZE)


def _rounded(size: int, unit: int) -> int:
    return -(-size // unit) * unit


def _write_shard(path: Path, members: Iterable[_Member]) -> Shard:
    count = 0
    with whole_file(path) as partial, tarfile.open(partial, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for member in members:
            header = tarfile.TarInfo(member.name)  # without time and owner: the same images, the same file
            header.size = len(member.data)
            tar.addfile(header, io.BytesIO(member.data))
            count += 1
    return Shard(path.name, count, path.stat().st_size, sha256_of(path))
