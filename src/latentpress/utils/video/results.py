"""What the commands for video have in common: clips measured, results printed and written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from latentpress.evaluation.clips import ClipSubject, evaluate_clips, find_clips
from latentpress.evaluation.points import Point
from latentpress.evaluation.results import curve_record, image_record, write_record, write_records
from latentpress.utils.measuring import reporter


def measure_and_report(
    subjects: Sequence[ClipSubject],
    dataset: str | Path,
    name: str,
    description: str,
    *,
    folder: Path | None = None,
    file: str | None = None,
    processes: int = 1,
    verbose: bool = False,
    command: str,
) -> dict[str, Any]:
    """Measure all subjects on the clips of a folder; the record of the curve, with one for each clip.

    Args:
        subjects: what to measure.
        dataset: folder of clips.
        name: of the curve.
        description: how it was measured.
        folder: where to write the record, and one of each clip at each point, as JSON.
        file: name of the file of the record in there.
        processes: in how many processes.
        verbose: print what came of every clip.
        command: what to call it in messages.

    Raises:
        LatentPressError: a model or codec cannot be made, or there is no clip that can be read.
    """
    clips = find_clips([dataset])
    report = reporter(command, verbose)
    points = evaluate_clips(subjects, clips, processes=processes, on_clip=report)
    record = curve_record(name, description, points, per_image=True)
    if folder is not None:
        _write(points, record, folder, file)
    return record


def _plain(label: str) -> str:
    """A label as part of a file's name."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", label)


def _write(points: Sequence[Point], record: dict[str, Any], folder: Path, file: str | None) -> None:
    name, description = record["name"], record["description"]
    write_record(record, folder / (file or f"{name}.json"))
    write_records(
        folder,
        (
            (
                f"{clip.source}-{name}-{_plain(point.label)}",
                image_record(clip.source, name, description, measurement),
            )
            for point in points
            for clip, measurement in point.measurements.items()
        ),
    )
