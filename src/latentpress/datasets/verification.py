"""Whether the images in a folder are whole, and are those that they should be.

What a file should be is known from `SHA256SUMS` files in the folder (as `sha256sum` writes them, and
downloads leave them), from the index of shards, and, of Kodak's images, from their names. Other images are
decoded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from latentpress._files import sha256_of, whole_file
from latentpress.datasets.catalogue import collection
from latentpress.datasets.reading import IMAGE_SUFFIXES, UNREADABLE, open_rgb
from latentpress.datasets.scan import scan
from latentpress.datasets.sharding import INDEX, ShardIndex
from latentpress.errors import DataError

SUMS = "SHA256SUMS"


@dataclass
class Verification:
    """What was found.

    Attributes:
        verified: number of files whose SHA-256 is the right one.
        readable: number of images of which no checksum is known, and which can be decoded.
        damaged: files that cannot be read, or are not what they should be.
        missing: files that should be there.
    """

    verified: int = 0
    readable: int = 0
    damaged: list[Path] = field(default_factory=list)
    missing: list[Path] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.damaged or self.missing)


def verify(
    folder: str | Path, on_file: Callable[[int, int], None] = lambda done, total: None
) -> Verification:
    """Check everything in a folder.

    Args:
        folder: searched however deep.
        on_file: called after each file with how many are done, and how many there are.

    Raises:
        DataError: the folder does not exist, holds nothing to check, or a list of checksums is damaged.
    """
    folder = Path(folder)
    expected = _expected(folder)
    others = [path for path in scan(folder, IMAGE_SUFFIXES, cache=False) if path not in expected]
    if not expected and not others:
        raise DataError(f"Expected images, shards or checksums to verify in {folder}, found none.")
    found = Verification()
    for done, path in enumerate([*expected, *others], 1):
        _check(path, expected.get(path), found)
        on_file(done, len(expected) + len(others))
    return found


def _check(path: Path, sha256: str | None, found: Verification) -> None:
    try:
        if sha256 is None:
            open_rgb(path)
            found.readable += 1
        elif sha256_of(path) == sha256:
            found.verified += 1
        else:
            found.damaged.append(path)
    except FileNotFoundError:
        found.missing.append(path)
    except UNREADABLE:
        found.damaged.append(path)


def _expected(folder: Path) -> dict[Path, str]:
    """The SHA-256 of every file of which it is known."""
    expected: dict[Path, str] = {}
    kodak = {file.name: str(file.sha256) for file in collection("kodak").files}
    for path in scan(folder, {".png", ".json", ""}, cache=False):
        if path.name in kodak:
            expected |= {path.parent / name: sha256 for name, sha256 in kodak.items()}
        elif path.name == INDEX and (index := ShardIndex.read(path.parent)) is not None:
            expected |= {path.parent / shard.name: shard.sha256 for shard in index.shards}
        elif path.name == SUMS:
            expected |= read_sums(path)
    return expected


def read_sums(path: Path) -> dict[Path, str]:
    """The files that a list of checksums names, with their SHA-256.

    Raises:
        DataError: the list cannot be read, or a line of it.
    """
    try:
        return dict(_parsed(path.parent, path.read_text(encoding="utf-8").splitlines()))
    except (OSError, ValueError) as error:
        raise DataError(f"Expected lines of a SHA-256 and a file in {path}, found: {error}.") from error


def _parsed(folder: Path, lines: Iterable[str]) -> Iterator[tuple[Path, str]]:
    for line in lines:
        match = re.fullmatch(r"([0-9a-f]{64}) [ *](.+)", line)
        if match is None:
            raise ValueError(repr(line[:80]))
        yield folder / match[2], match[1]


def write_sums(path: Path, names: Iterable[str]) -> None:
    """List the SHA-256 of files beside and below a list, as `sha256sum` does."""
    lines = [f"{sha256_of(path.parent / name)}  {name}\n" for name in sorted(names)]
    with whole_file(path) as partial:
        partial.write_text("".join(lines), encoding="utf-8")
