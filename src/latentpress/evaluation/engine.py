"""Models and codecs over a set of images, image by image, in one process or several."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from torch import Tensor

from latentpress._processes import outcomes
from latentpress.errors import ImageError, LatentPressError
from latentpress.evaluation.images import ImageFile, read_image
from latentpress.evaluation.kept import forget_all
from latentpress.evaluation.measurement import Coded, Measurement, assess, measure

OnImage = Callable[[ImageFile, Measurement | ImageError], None]


class Subject(Protocol):
    """What makes one point of a curve, as a record that travels between processes: a model or a codec at one
    quality."""

    @property
    def label(self) -> str:
        """What tells this point from others of the same model."""

    def code(self, image: Tensor, *, entropy_estimation: bool = False) -> Coded:
        """Code an image and decode it, ready to be timed from the first one on.

        Args:
            image: `(1, 3, H, W)` in [0, 1], of any size.
            entropy_estimation: estimate instead what coding it would cost.

        Raises:
            ConfigurationError: the subject cannot be made, or cannot estimate.
            ImageError: this image cannot be coded.
        """


@dataclass
class Point:
    """One point of a rate-distortion curve: a model or codec at one rate over all images.

    Attributes:
        label: what tells the point from others of the curve.
        measurements: by image, in the order of the images.
        skipped: the images that could not be read, and why.
    """

    label: str
    measurements: dict[ImageFile, Measurement] = field(default_factory=dict)
    skipped: dict[ImageFile, str] = field(default_factory=dict)

    def means(self) -> dict[str, float | None]:
        """Of each value, over the images that have it; None if none has."""
        names = dict.fromkeys(name for found in self.measurements.values() for name in found.values)
        return {name: _mean(found.values.get(name) for found in self.measurements.values()) for name in names}


def evaluate(
    subjects: Sequence[Subject],
    images: Sequence[ImageFile],
    *,
    entropy_estimation: bool = False,
    perceptual: Sequence[str] = (),
    processes: int = 1,
    on_image: OnImage | None = None,
) -> list[Point]:
    """A point for each subject. Images that cannot be read are skipped and named.

    Args:
        subjects: what to measure, from `plan_subjects` or `plan_codec`.
        images: what to measure it on, from `find_images`.
        entropy_estimation: take bits from likelihoods instead of from real strings.
        perceptual: names of perceptual metrics to take, too.
        processes: in how many processes; in several, each computes on one thread, and times are those of a
            busy machine.
        on_image: called with what came of every image, for every subject, as it is done.

    Raises:
        ImageError: no image can be read.
        ConfigurationError, WeightsError: a model cannot be made, or not be asked for this.
    """
    points = [Point(subject.label) for subject in subjects]
    items = [(index, subject, image) for index, subject in enumerate(subjects) for image in images]
    work = partial(_measure_file, entropy_estimation=entropy_estimation, perceptual=tuple(perceptual))
    try:
        for (index, _, image), outcome in outcomes(items, work, min(processes, len(items) or 1)):
            _enter(points[index], image, outcome, on_image)
    finally:
        forget_all()
    return [_in_order(point, images) for point in points]


def evaluate_model(
    model: Any,
    images: Sequence[ImageFile],
    *,
    label: str = "model",
    quality: float | None = None,
    entropy_estimation: bool = False,
    perceptual: Sequence[str] = (),
    on_image: OnImage | None = None,
) -> Point:
    """The point of a model that is in memory: any object with `compress` and `decompress`.

    Args:
        model: in evaluation mode, with coder tables; see `measure`.
        images: what to measure it on, from `find_images`.
        label: what to call the point.
        quality: handed to a variable-rate model.
        entropy_estimation: take bits from likelihoods, for which the model is called.
        perceptual: names of perceptual metrics to take, too.
        on_image: called with what came of every image.

    Raises:
        ImageError: no image can be read.

    Example:
        >>> import tempfile
        >>> from PIL import Image
        >>> from latentpress.evaluation import find_images
        >>> from latentpress.models import FactorizedPrior
        >>> folder = tempfile.mkdtemp()
        >>> Image.new("RGB", (200, 170), "teal").save(f"{folder}/teal.png")
        >>> model = FactorizedPrior(8, 8).eval()
        >>> model.update()
        True
        >>> point = evaluate_model(model, find_images([folder]))
        >>> [image.source for image in point.measurements]
        ['teal']
    """

    def work(image: ImageFile) -> Measurement:
        return measure(
            model,
            read_image(image.path),
            quality=quality,
            entropy_estimation=entropy_estimation,
            perceptual=perceptual,
        )

    point = Point(label)
    for image, outcome in outcomes(images, work, processes=1):
        _enter(point, image, outcome, on_image)
    return _in_order(point, images)


def _measure_file(
    item: tuple[int, Subject, ImageFile], *, entropy_estimation: bool, perceptual: Sequence[str]
) -> Measurement:
    _, subject, image = item
    x = read_image(image.path)
    return assess(x, subject.code(x, entropy_estimation=entropy_estimation), perceptual)


def _enter(
    point: Point, image: ImageFile, outcome: Measurement | LatentPressError, on_image: OnImage | None
) -> None:
    """Put down what came of an image; raise what is not the image's fault."""
    if isinstance(outcome, ImageError):
        point.skipped[image] = str(outcome)
    elif isinstance(outcome, LatentPressError):
        raise outcome
    else:
        point.measurements[image] = outcome
    if on_image is not None:
        on_image(image, outcome)


def _in_order(point: Point, images: Sequence[ImageFile]) -> Point:
    if not point.measurements:
        reason = next(iter(point.skipped.values()), "none were given.")
        raise ImageError(f"Expected at least one image that can be read, found {len(images)}: {reason}")
    return Point(
        point.label,
        {image: point.measurements[image] for image in images if image in point.measurements},
        {image: point.skipped[image] for image in images if image in point.skipped},
    )


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
