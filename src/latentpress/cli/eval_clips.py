"""`latentpress eval` on video files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from latentpress.evaluation import Point
    from latentpress.evaluation.clips import OnClip


def measure_clips(
    inputs: Sequence[Path],
    model: str,
    qualities: Sequence[float],
    *,
    gop: int | None,
    frames: int | None,
    entropy_estimation: bool,
    jobs: int,
    **network: Any,
) -> list[Point]:
    """The points of a model on clips, with a bar that moves with every clip.

    Args:
        inputs: video files and folders of them.
        model: name in the zoo, or `package.module:Class`.
        qualities: to measure; all of the model if empty.
        gop: frames from keyframe to keyframe; the usual number if None.
        frames: of each clip; all if None.
        entropy_estimation: take bits from likelihoods.
        jobs: processes to work in.
        network: `checkpoints` and the attributes of `latentpress.evaluation.Network`.
    """
    from latentpress.evaluation.clips import evaluate_clips, find_clips, plan_clip_subjects
    from latentpress.evaluation.video import DEFAULT_GOP, VideoOptions

    subjects = plan_clip_subjects(
        model,
        qualities=qualities,
        options=VideoOptions(DEFAULT_GOP if gop is None else gop, frames),
        entropy_estimation=entropy_estimation,
        **network,
    )
    clips = find_clips(inputs)
    with _progress(len(subjects) * len(clips)) as on_clip:
        return evaluate_clips(subjects, clips, processes=jobs, on_clip=on_clip)


@contextmanager
def _progress(total: int) -> Iterator[OnClip]:
    """What to call for every clip: it moves a bar, and names each clip that was skipped."""
    from rich.console import Console

    from latentpress.cli.jobs import progress_bar
    from latentpress.errors import LatentPressError

    with progress_bar(Console(stderr=True), shown=True) as progress:
        bar = progress.add_task("clips", total=total, unit="clips")

        def on_clip(_: object, outcome: object) -> None:
            if isinstance(outcome, LatentPressError):
                click.echo(f"latentpress: skipped: {outcome}", err=True)
            progress.advance(bar)

        yield on_clip
