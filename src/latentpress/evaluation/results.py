"""Points as the JSON that the field reads: `name`, `description`, and `results` with one list a value."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from latentpress._names import numbered
from latentpress.errors import ConfigurationError
from latentpress.evaluation.measurement import Measurement
from latentpress.evaluation.points import Point

# Other names by which scripts ask for a value.
ALIASES = {"psnr": "psnr-rgb", "ms-ssim": "ms-ssim-rgb"}


def curve_record(
    name: str, description: str, points: Sequence[Point], *, per_image: bool = False
) -> dict[str, Any]:
    """A rate-distortion curve as plain data.

    Args:
        name: of the model.
        description: how it was measured.
        points: in the order of the lists.
        per_image: add `images`, with a record for each image of each point.

    Returns:
        `name`, `description`, `results` (value -> list of means over the images, null where no image has
        it), `points` (a label for each place in those lists), and if there is any, `notes` (why values are
        null) and `skipped` (source -> why that image was left out).
    """
    means = [point.means() for point in points]
    names = dict.fromkeys(key for mean in means for key in mean)
    record: dict[str, Any] = {
        "name": name,
        "description": description,
        "results": _with_aliases({key: [mean.get(key) for mean in means] for key in names}),
        "points": [point.label for point in points],
    }
    notes = [
        f"{image.source}: {note}"
        for point in points
        for image, measurement in point.measurements.items()
        for note in measurement.notes
    ]
    skipped = {str(image.path): why for point in points for image, why in point.skipped.items()}
    if notes:
        record["notes"] = list(dict.fromkeys(notes))
    if skipped:
        record["skipped"] = skipped
    if per_image:
        record["images"] = [
            {"point": point.label, **image_record(image.source, name, description, measurement)}
            for point in points
            for image, measurement in point.measurements.items()
        ]
    return record


def image_record(source: str, name: str, description: str, measurement: Measurement) -> dict[str, Any]:
    """One image's values as plain data: `results` has a number, or null, for each value."""
    return {
        "source": source,
        "name": name,
        "description": description,
        "results": _with_aliases(measurement.values),
    }


def write_record(record: Mapping[str, Any], path: Path) -> None:
    """Write a record as a JSON file; missing directories are made.

    Raises:
        ConfigurationError: the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(to_json(record) + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"Expected to write {path}, found: {error.strerror or error}.") from error


def write_records(folder: Path, records: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
    """Write many records into a folder, each as a JSON file of its own; where two have the same name, the
    second gets a number.

    Args:
        folder: where; it is made if need be.
        records: name, without `.json`, and record of each.

    Raises:
        ConfigurationError: a file cannot be written.
    """
    planned = list(records)
    for name, (_, record) in zip(numbered(name for name, _ in planned), planned, strict=True):
        write_record(record, folder / f"{name}.json")


def to_json(record: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> str:
    """A record, or several, as indented JSON, without the infinities that JSON does not have."""
    return json.dumps(record, indent=2, allow_nan=False)


def _with_aliases(values: Mapping[str, Any]) -> dict[str, Any]:
    return {**values, **{alias: values[name] for alias, name in ALIASES.items() if name in values}}
