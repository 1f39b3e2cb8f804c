"""Models over a set of clips, clip by clip, in one process or several."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from latentpress import zoo
from latentpress.datasets.clips import VIDEO_SUFFIXES, open_clip
from latentpress.datasets.reading import IMAGE_SUFFIXES
from latentpress.errors import ConfigurationError, DataError
from latentpress.evaluation.images import ImageFile, files_below, named_apart
from latentpress.evaluation.kept import keep_last
from latentpress.evaluation.measurement import Measurement
from latentpress.evaluation.networks import Network, NetworkSubject, is_import_path, plan_subjects
from latentpress.evaluation.points import Labelled, Point, measure_points
from latentpress.evaluation.video import VideoOptions, measure_clip

OnClip = Callable[[ImageFile, "Measurement | DataError"], None]


class ClipSubject(Labelled, Protocol):
    """A subject that is measured on clips."""

    def measure(self, path: Path) -> Measurement:
        """Code a clip, decode it and compare."""


class ModelOnClips:
    """A network, at one quality.

    Args:
        subject: which.
        options: how clips are measured.
        entropy_estimation: take bits from likelihoods instead of from real strings.
    """

    def __init__(self, subject: NetworkSubject, options: VideoOptions, entropy_estimation: bool) -> None:
        self._subject, self._options, self._estimation = subject, options, entropy_estimation

    @property
    def label(self) -> str:
        """What tells this point from others of the same model."""
        return self._subject.label

    def measure(self, path: Path) -> Measurement:
        """Code a clip, decode it and compare; see `measure_clip`."""
        return measure_clip(
            _loaded(self._subject.network),
            open_clip(path),
            quality=self._subject.quality,
            options=self._options,
            entropy_estimation=self._estimation,
        )


@keep_last
def _loaded(network: Network) -> Any:
    return network.load()


def find_clips(paths: Sequence[str | Path]) -> list[ImageFile]:
    """The video files that files and folders stand for, sorted within each folder; folders are searched
    however deep.

    Raises:
        DataError: a path does not exist, or a folder holds no video.
    """
    return named_apart([clip for path in paths for clip in _clips_at(Path(path))])


def are_clips(paths: Sequence[str | Path]) -> bool:
    """Whether files and folders stand for clips rather than for images: the first one is a video file, or a
    folder with video files and no images in it."""
    first = Path(paths[0])
    if not first.is_dir():
        return first.suffix.lower() in VIDEO_SUFFIXES
    suffixes = {file.suffix.lower() for file in first.rglob("*")}
    return bool(suffixes & VIDEO_SUFFIXES) and not suffixes & IMAGE_SUFFIXES


def _clips_at(path: Path) -> list[ImageFile]:
    if path.is_file():
        return [ImageFile(path, path.stem)]
    if not path.is_dir():
        raise DataError(f"Expected a video or a folder of videos at {path}, found nothing there.")
    clips = files_below(path, VIDEO_SUFFIXES)
    if not clips:
        raise DataError(f"Expected videos ({', '.join(sorted(VIDEO_SUFFIXES))}) in {path}, found none.")
    return clips


def plan_clip_subjects(
    model: str = zoo.DEFAULT_MODEL,
    *,
    qualities: Sequence[float] = (),
    checkpoints: Sequence[str | Path] = (),
    options: VideoOptions | None = None,
    entropy_estimation: bool = False,
    **network: Any,
) -> list[ClipSubject]:
    """The points that a model, qualities and checkpoints stand for; see `plan_subjects`.

    Args:
        model: name of a model of the zoo, for video or for images, or `package.module:Class`.
        qualities: which networks; of a variable-rate model, which rates.
        checkpoints: files of weights instead of the published ones.
        options: how clips are measured.
        entropy_estimation: take bits from likelihoods instead of from real strings.
        network: the other attributes of `Network`.

    Raises:
        ConfigurationError: there is no such model or quality, or a quality for checkpoints of one rate.
    """
    recipe = None if is_import_path(model) else zoo.find_recipe(model)
    if recipe is None or recipe.domain == "image":
        planned = plan_subjects(model, qualities=qualities, checkpoints=checkpoints, **network)
    elif checkpoints:
        if qualities:
            raise ConfigurationError(f"A checkpoint of {recipe.name} holds one rate: leave the quality out.")
        planned = [NetworkSubject(Network(recipe.name, checkpoint=Path(c), **network)) for c in checkpoints]
    else:
        chosen = [int(quality) if quality == int(quality) else quality for quality in qualities]
        planned = [
            NetworkSubject(Network(recipe.name, quality=q, **network))  # type: ignore[arg-type]
            for q in chosen or recipe.qualities
        ]
    return [ModelOnClips(subject, options or VideoOptions(), entropy_estimation) for subject in planned]


def evaluate_clips(
    subjects: Sequence[ClipSubject],
    clips: Sequence[ImageFile],
    *,
    processes: int = 1,
    on_clip: OnClip | None = None,
) -> list[Point]:
    """A point for each subject. Clips that cannot be read are skipped and named.

    Args:
        subjects: what to measure, such as those of `plan_clip_subjects`.
        clips: what to measure it on, from `find_clips`.
        processes: in how many processes; in several, each computes on one thread.
        on_clip: called with what came of every clip, for every subject, as it is done.

    Raises:
        DataError: no clip can be read.
        ConfigurationError, WeightsError: a model cannot be made, or not be asked for this.
    """
    return measure_points(
        subjects,
        clips,
        _measure,
        noun="clip",
        unreadable=DataError,
        processes=processes,
        on_file=on_clip,
    )


def _measure(subject: ClipSubject, clip: ImageFile) -> Measurement:
    return subject.measure(clip.path)
