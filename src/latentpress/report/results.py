"""Result files as curves, times and images: JSON in the field's common form, ours or others'."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from latentpress.errors import ConfigurationError, DataError
from latentpress.report.curves import METRICS, Curve

# Value -> the names under which files have it.
_SPELLINGS = {
    "bpp": ("bpp",),
    "psnr-rgb": ("psnr-rgb", "psnr"),
    "ms-ssim-rgb": ("ms-ssim-rgb", "ms-ssim"),
    "encoding_time": ("encoding_time", "encode_time"),
    "decoding_time": ("decoding_time", "decode_time"),
}
VALUES = tuple(_SPELLINGS)
"""What is read of every point: bits per pixel, dB, a number in [0, 1], seconds, seconds."""

Values = Mapping[str, float | None]


@dataclass(frozen=True)
class ImageResult:
    """One image at one point.

    Attributes:
        source: what the image is called.
        point: which of the points.
        values: a number, or None, for each of `VALUES`.
    """

    source: str
    point: str
    values: Values


@dataclass(frozen=True)
class Result:
    """What one file says.

    Attributes:
        name: of the codec or model.
        description: how it was measured.
        points: labels of the points, empty where the file has none.
        values: for each point, a number, or None, for each of `VALUES`.
        images: the same for each image of each point, if the file has that.
    """

    name: str
    description: str
    points: tuple[str, ...]
    values: tuple[Values, ...]
    images: tuple[ImageResult, ...] = ()

    def curve(self, metric: str, dataset: str = "") -> Curve:
        """The points that have both a rate and this metric.

        Raises:
            ConfigurationError: the metric is not one that curves have.
        """
        pairs = [(point["bpp"], point.get(metric)) for point in self.values]
        known = [(bpp, value) for bpp, value in pairs if bpp is not None and value is not None]
        return Curve(self.name, metric, known, dataset, self.description)


def read_results(paths: Sequence[str | Path]) -> list[Result]:
    """The results in these JSON files, and in those of folders; names that occur twice get their file's name.

    Raises:
        ConfigurationError: a path does not exist, or a folder holds no such file.
        DataError: a file is not JSON, or not of the common form.
    """
    files = [file for path in paths for file in _files_at(Path(path))]
    results = [_read(file) for file in files]
    times = Counter(result.name for result in results)
    return [
        replace(result, name=f"{result.name} ({file.stem})") if times[result.name] > 1 else result
        for file, result in zip(files, results, strict=True)
    ]


def parse_result(record: Any, where: str) -> Result:
    """A record of the common form.

    Args:
        record: plain data: `name`, `description`, `results` with a list for each value; and of ours, `points`
            and `images`.
        where: what errors call it.

    Raises:
        DataError: it is not of that form.

    Example:
        >>> result = parse_result({"name": "a", "results": {"bpp": [0.1, 0.2], "psnr": [28, 30]}}, "a.json")
        >>> result.curve("psnr-rgb").points
        ((0.1, 28.0), (0.2, 30.0))
    """
    if not isinstance(record, dict) or not isinstance(record.get("results"), dict):
        raise DataError(
            f"Expected a JSON object with name and results, as eval and bench write it, in {where}."
        )
    columns = {value: _column(record["results"], value, where) for value in VALUES}
    count = len(columns["bpp"] or ())
    if count == 0:
        raise DataError(f"Expected a list of rates under results, bpp in {where}, found none.")
    for value, column in columns.items():
        if column is not None and len(column) != count:
            raise DataError(f"Expected {count} numbers of {value} in {where}, found {len(column)}.")
    if not any(columns[metric] for metric in METRICS):
        raise DataError(f"Expected one of {', '.join(METRICS)} under results in {where}, found neither.")
    labels = record.get("points")
    return Result(
        name=str(record.get("name") or where),
        description=str(record.get("description") or ""),
        points=_labels(labels, count),
        values=tuple(
            {value: None if column is None else column[index] for value, column in columns.items()}
            for index in range(count)
        ),
        images=_images(record.get("images"), where),
    )


def _files_at(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise ConfigurationError(f"Expected a file of results or a folder of them at {path}, found nothing.")
    files = sorted(path.glob("*.json"))
    if not files:
        raise ConfigurationError(f"Expected files of results (.json) in the folder {path}, found none.")
    return files


def _read(path: Path) -> Result:
    try:
        text = path.read_text(encoding="utf-8")
        if not text.strip():
            raise DataError(f"Expected JSON in {path}, found an empty file.")
        record = json.loads(text)
    except (OSError, ValueError) as error:
        raise DataError(f"Expected JSON in {path}, found: {' '.join(str(error).split())}.") from error
    return parse_result(record, path.name)


def _column(results: Mapping[str, Any], value: str, where: str) -> list[float | None] | None:
    found = next((results[name] for name in _SPELLINGS[value] if name in results), None)
    if found is None:
        return None
    listed = found if isinstance(found, list) else [found]
    return [_number(entry, value, where) for entry in listed]


def _number(entry: Any, value: str, where: str) -> float | None:
    """A number; None for null and for what is not finite."""
    if entry is None:
        return None
    if isinstance(entry, bool) or not isinstance(entry, int | float):
        raise DataError(f"Expected numbers under {value} in {where}, found {entry!r}.")
    return float(entry) if math.isfinite(entry) else None


def _labels(labels: Any, count: int) -> tuple[str, ...]:
    if isinstance(labels, list) and len(labels) == count:
        return tuple(str(label) for label in labels)
    return ("",) * count


def _images(records: Any, where: str) -> tuple[ImageResult, ...]:
    if not isinstance(records, list):
        return ()
    images = []
    for record in records:
        if not isinstance(record, dict) or not isinstance(record.get("results"), dict):
            raise DataError(f"Expected an object with source and results for each of images in {where}.")
        columns = {value: _column(record["results"], value, where) for value in VALUES}
        values = {value: column[0] if column else None for value, column in columns.items()}
        images.append(ImageResult(str(record.get("source", "")), str(record.get("point", "")), values))
    return tuple(images)
