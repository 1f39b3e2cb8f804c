"""`python -m latentpress.utils.eval_model`: rate and distortion of models on a folder of images, as JSON."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from latentpress.ans import set_entropy_coder
from latentpress.evaluation import (
    NetworkSubject,
    Point,
    curve_name,
    curve_record,
    evaluate,
    find_images,
    image_record,
    plan_subjects,
    to_json,
    write_record,
    write_records,
)
from latentpress.utils.commands import numbers, run_command
from latentpress.utils.measuring import add_checkpoint_options, add_model_options, reporter

COMMAND = "eval_model"


def parser() -> argparse.ArgumentParser:
    """What the command takes."""
    described = argparse.ArgumentParser(
        prog="python -m latentpress.utils.eval_model",
        description="Measure compression models on a folder of images, and print the results as JSON.",
    )
    sources = described.add_subparsers(dest="source", required=True, help="where the weights come from")
    pretrained = sources.add_parser("pretrained", help="published or bundled weights")
    _add_common(pretrained)
    pretrained.add_argument(
        "-q",
        "--quality",
        dest="qualities",
        nargs="+",
        default=["1"],
        help="qualities, with commas or spaces between them (default: 1)",
    )
    checkpoint = sources.add_parser("checkpoint", help="checkpoints of one's own")
    _add_common(checkpoint)
    add_checkpoint_options(checkpoint)
    checkpoint.add_argument(
        "-q",
        "--quality",
        dest="qualities",
        nargs="+",
        default=[],
        help="of a variable-rate model, the qualities to measure",
    )
    return described


def _add_common(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add("dataset", nargs="?", help="folder of images")
    add(
        "-a",
        "--architecture",
        required=True,
        help="name of a model that `latentpress models` lists, or package.module:Class",
    )
    add_model_options(command)
    add("-v", "--verbose", action="store_true", help="report every image on the standard error stream")
    add("-d", "--output_directory", type=Path, help="folder to write results into as JSON files")
    add("-o", "--output-file", help="name of the file in there (default: ARCHITECTURE-CODER.json)")
    add("--per-image", action="store_true", help="report every image separately, too")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command, print the results, and return the exit status."""
    described = parser()
    given = described.parse_args(argv)
    _give_back_dataset(given)
    if given.dataset is None:
        described.error(f"the folder of images is missing: eval_model {given.source} DATASET -a ...")
    return run_command(COMMAND, lambda: _run(given))


def _give_back_dataset(given: argparse.Namespace) -> None:
    """An option of several values takes a dataset that follows it along; it was the last of them."""
    for values in (given.qualities, getattr(given, "paths", [])):
        if given.dataset is None and len(values) > 1:
            given.dataset = values.pop()


def _run(given: argparse.Namespace) -> None:
    set_entropy_coder(given.entropy_coder)
    subjects = _subjects(given)
    images = find_images([given.dataset])
    points = evaluate(
        subjects,
        images,
        entropy_estimation=given.entropy_estimation,
        on_image=reporter(COMMAND, given.verbose),
    )
    name = given.architecture.rpartition(":")[2]
    way = "entropy estimation" if given.entropy_estimation else given.entropy_coder
    description = f"Inference ({way})"
    record = curve_record(
        curve_name(given.architecture, given.metric), description, points, per_image=given.per_image
    )
    if given.output_directory is not None:
        suffix = way.replace(" ", "-")
        write_record(record, given.output_directory / (given.output_file or f"{name}-{suffix}.json"))
        if given.per_image:
            _write_images(points, subjects, name, description, suffix, given.output_directory)
    print(to_json(record))


def _subjects(given: argparse.Namespace) -> list[NetworkSubject]:
    checkpoint = given.source == "checkpoint"
    return plan_subjects(
        given.architecture,
        qualities=numbers(given.qualities),
        checkpoints=given.paths if checkpoint else (),
        metric=given.metric,
        update=checkpoint and not given.no_update,
        device="cuda" if given.cuda else "cpu",
        half=given.half,
    )


def _write_images(
    points: Sequence[Point],
    subjects: Sequence[NetworkSubject],
    name: str,
    description: str,
    suffix: str,
    folder: Path,
) -> None:
    """A file for each image of each point, called `IMAGE-MODEL-CODER.json`."""
    write_records(
        folder,
        (
            (
                f"{image.source}-{_run_name(name, subject)}-{suffix}",
                image_record(image.source, name, description, measurement),
            )
            for point, subject in zip(points, subjects, strict=True)
            for image, measurement in point.measurements.items()
        ),
    )


def _run_name(name: str, subject: NetworkSubject) -> str:
    network = subject.network
    base = name if network.checkpoint is None else network.checkpoint.name.partition(".")[0]
    qualities = [quality for quality in (network.quality, subject.quality) if quality is not None]
    return "-".join([base, *(f"{quality:g}" for quality in qualities)])


if __name__ == "__main__":
    sys.exit(main())
