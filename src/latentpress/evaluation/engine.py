"""Models and codecs over a set of images, image by image, in one process or several."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from torch import Tensor

from latentpress.errors import ImageError
from latentpress.evaluation.images import ImageFile, read_image
from latentpress.evaluation.measurement import Coded, Measurement, assess, run_model
from latentpress.evaluation.points import Labelled, Point, measure_points

OnImage = Callable[[ImageFile, Measurement | ImageError], None]


class Subject(Labelled, Protocol):
    """A subject that is measured on images."""

    def code(self, image: Tensor, *, entropy_estimation: bool = False) -> Coded:
        """Code an image and decode it, ready to be timed from the first one on.

        Args:
            image: `(1, 3, H, W)` in [0, 1], of any size.
            entropy_estimation: estimate instead what coding it would cost.

        Raises:
            ConfigurationError: the subject cannot be made, or cannot estimate.
            ImageError: this image cannot be coded.
        """


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
    return measure_points(
        subjects,
        images,
        partial(_measure_file, entropy_estimation=entropy_estimation, perceptual=tuple(perceptual)),
        noun="image",
        unreadable=ImageError,
        processes=processes,
        on_file=on_image,
    )


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

    (point,) = evaluate(
        [_ModelInMemory(model, label, quality)],
        images,
        entropy_estimation=entropy_estimation,
        perceptual=perceptual,
        on_image=on_image,
    )
    return point


@dataclass(frozen=True)
class _ModelInMemory:
    model: Any
    label: str
    quality: float | None

    def code(self, image: Tensor, *, entropy_estimation: bool = False) -> Coded:
        return run_model(self.model, image, quality=self.quality, entropy_estimation=entropy_estimation)


def _measure_file(
    subject: Subject, image: ImageFile, *, entropy_estimation: bool, perceptual: Sequence[str]
) -> Measurement:
    x = read_image(image.path)
    return assess(x, subject.code(x, entropy_estimation=entropy_estimation), perceptual)
