"""Sets of images that others publish, as records: where their files are and how to know them again.

A SHA-256 is given where it is known: of Kodak's images from the images themselves, of CLIC's archives as
TensorFlow Datasets publishes it. Tecnick's archive has none here; of it, the checksums inside the archive,
the format and the number of images are checked.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from importlib.resources import files

from latentpress.errors import ConfigurationError


@dataclass(frozen=True)
class RemoteFile:
    """A file to download.

    Attributes:
        name: what the file is called.
        url: where it is published.
        bytes: its size; None where that is not known.
        sha256: of its contents; None where that is not known.
        folder: of an archive, the folder that its images go to, below that of the set.
        pattern: of an archive, which members to take: a pattern of the `*` kind for the last part of a name.
    """

    name: str
    url: str
    bytes: int | None = None
    sha256: str | None = None
    folder: str = ""
    pattern: str = "*"

    @property
    def is_archive(self) -> bool:
        """Whether the file holds the images, rather than being one."""
        return self.name.endswith(".zip")


@dataclass(frozen=True)
class Collection:
    """A published set of images.

    Attributes:
        name: what commands call it.
        title: what people call it.
        images: how many there are.
        terms: what one may do with them, in a few words.
        files: what to download.
    """

    name: str
    title: str
    images: int
    terms: str
    files: tuple[RemoteFile, ...]

    @property
    def bytes(self) -> int | None:
        """To download in all; None where that is not known."""
        sizes = [file.bytes for file in self.files if file.bytes is not None]
        return sum(sizes) if len(sizes) == len(self.files) else None

    @property
    def has_checksums(self) -> bool:
        """Whether the SHA-256 of every file is known."""
        return all(file.sha256 is not None for file in self.files)


def collection(name: str) -> Collection:
    """The record of a set.

    Raises:
        ConfigurationError: there is none of this name.

    Example:
        >>> from latentpress.datasets.catalogue import collection
        >>> collection("kodak").images
        24
    """
    known = {record.name: record for record in collections()}
    if name not in known:
        raise ConfigurationError(f"Expected a set of {', '.join(known)}, found {name!r}.")
    return known[name]


def collections() -> tuple[Collection, ...]:
    """All sets."""
    return _KODAK, _TECNICK, _CLIC_VALID, _CLIC_TEST, _CLIC_TRAIN


def _kodak_files() -> tuple[RemoteFile, ...]:
    table = (files("latentpress.datasets") / "kodak.csv").read_text(encoding="utf-8")
    return tuple(
        RemoteFile(
            row["file"],
            f"https://r0k.us/graphics/kodak/kodak/{row['file']}",
            int(row["bytes"]),
            row["sha256"],
        )
        for row in csv.DictReader(table.splitlines())
    )


def _clic_file(path: str, folder: str, size: int, sha256: str) -> RemoteFile:
    name = path.rpartition("/")[2]
    return RemoteFile(name, f"https://data.vision.ee.ethz.ch/cvl/clic/{path}", size, sha256, folder)


_KODAK = Collection(
    "kodak",
    "Kodak Lossless True Color Image Suite",
    24,
    "released by Kodak for unrestricted use",
    _kodak_files(),
)
_TECNICK = Collection(
    "tecnick",
    "Tecnick TESTIMAGES, RGB, 1200x1200",
    100,
    "see testimages.org",
    (
        RemoteFile(
            "testimages.zip",
            "https://sourceforge.net/projects/testimages/files/OLD/OLD_SAMPLING/testimages.zip/download",
            pattern="RGB_OR_1200x1200_*.png",
        ),
    ),
)
_CLIC_TERMS = "Unsplash photographs, see compression.cc"
_CLIC_VALID = Collection(
    "clic-valid",
    "CLIC 2020 validation set, professional and mobile",
    102,
    _CLIC_TERMS,
    (
        _clic_file(
            "professional_valid_2020.zip",
            "professional",
            134834429,
            "00be38092ade2ab5163b65f7f6523d46c7bca147007f559adbb02c0afc236b7d",
        ),
        _clic_file(
            "mobile_valid_2020.zip",
            "mobile",
            236556531,
            "ff0280382eeb32fdceb28c81a7f47ac9ad86d933ebe901680845635d04e47a10",
        ),
    ),
)
_CLIC_TEST = Collection(
    "clic-test",
    "CLIC 2020 test set, professional and mobile",
    428,
    _CLIC_TERMS,
    (
        _clic_file(
            "test/CLIC2020Professional_test.zip",
            "professional",
            891643809,
            "857df244fc2bfa5da28d4c66bf0db16ee99bfc79eb807be8afa89cd507852884",
        ),
        _clic_file(
            "test/CLIC2020Mobile_test.zip",
            "mobile",
            721789976,
            "2025f07a6c652270e534640de4271feef3b3dd3260beed4ac4821064837aa732",
        ),
    ),
)
_CLIC_TRAIN = Collection(
    "clic-train",
    "CLIC 2020 training set, professional and mobile",
    1633,
    _CLIC_TERMS,
    (
        _clic_file(
            "professional_train_2020.zip",
            "professional",
            2003385131,
            "54a2a684b5cbd0db91770a8695efb774fed1f612194fee68bceaf6b1c48e5d5f",
        ),
        _clic_file(
            "mobile_train_2020.zip",
            "mobile",
            4042923971,
            "4bf9d890e6785426fb41cb4f43df3d8cd6db25fafcc76fc1eb629141166d6529",
        ),
    ),
)
