"""The points of rate-distortion curves, measured file by file, in one process or several."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol, TypeVar

from latentpress._processes import outcomes
from latentpress.errors import LatentPressError
from latentpress.evaluation.images import ImageFile
from latentpress.evaluation.kept import forget_all
from latentpress.evaluation.measurement import Measurement


class Labelled(Protocol):
    """What makes one point of a curve, as a record that travels between processes: a model or a codec at one
    quality."""

    @property
    def label(self) -> str:
        """What tells this point from others of the same model."""


AnySubject = TypeVar("AnySubject", bound=Labelled)
Unreadable = TypeVar("Unreadable", bound=LatentPressError)


@dataclass
class Point:
    """One point of a rate-distortion curve: a model or codec at one rate over all images or clips.

    Attributes:
        label: what tells the point from others of the curve.
        measurements: by file, in the order of the files.
        skipped: the files that could not be read, and why.
    """

    label: str
    measurements: dict[ImageFile, Measurement] = field(default_factory=dict)
    skipped: dict[ImageFile, str] = field(default_factory=dict)

    def means(self) -> dict[str, float | None]:
        """Of each value, over the files that have it; None if none has."""
        names = dict.fromkeys(name for found in self.measurements.values() for name in found.values)
        return {name: _mean(found.values.get(name) for found in self.measurements.values()) for name in names}


def measure_points(
    subjects: Sequence[AnySubject],
    files: Sequence[ImageFile],
    work: Callable[[AnySubject, ImageFile], Measurement],
    *,
    noun: str,
    unreadable: type[Unreadable],
    processes: int,
    on_file: Callable[[ImageFile, Measurement | Unreadable], None] | None,
) -> list[Point]:
    """A point for each subject. Files that cannot be read are skipped and named.

    Args:
        subjects: what to measure.
        files: what to measure it on.
        work: measures a subject on a file; with several processes it is picklable.
        noun: what to call a file in messages.
        unreadable: the error that is a file's fault; any other ends the measurement.
        processes: in how many processes.
        on_file: called with what came of every file, for every subject, as it is done.

    Raises:
        LatentPressError: no file can be read, or a subject cannot be made, or not be asked for this.
    """
    points = [Point(subject.label) for subject in subjects]
    items = [(index, subject, file) for index, subject in enumerate(subjects) for file in files]
    measured = outcomes(items, partial(_measure, work=work), min(processes, len(items) or 1))
    try:
        for (index, _, file), outcome in measured:
            if isinstance(outcome, unreadable):
                points[index].skipped[file] = str(outcome)
            elif isinstance(outcome, LatentPressError):
                raise outcome
            else:
                points[index].measurements[file] = outcome
            if on_file is not None:
                on_file(file, outcome)
    finally:
        forget_all()
    for point in points:
        if not point.measurements:
            reason = next(iter(point.skipped.values()), "none were given.")
            raise unreadable(f"Expected at least one {noun} that can be read, found {len(files)}: {reason}")
    return [_in_order(point, files) for point in points]


def _measure(
    item: tuple[int, AnySubject, ImageFile], work: Callable[[AnySubject, ImageFile], Measurement]
) -> Measurement:
    _, subject, file = item
    return work(subject, file)


def _in_order(point: Point, files: Sequence[ImageFile]) -> Point:
    return Point(
        point.label,
        {file: point.measurements[file] for file in files if file in point.measurements},
        {file: point.skipped[file] for file in files if file in point.skipped},
    )


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
