"""What the commands that measure models have in common: options, and what is said of every file."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from latentpress.ans import available_entropy_coders
from latentpress.errors import LatentPressError
from latentpress.evaluation.images import ImageFile
from latentpress.evaluation.measurement import Measurement


def add_model_options(command: argparse.ArgumentParser) -> None:
    """How a model computes and codes, and which weights of it."""
    add = command.add_argument
    coders = available_entropy_coders()
    add("-c", "--entropy-coder", choices=coders, default=coders[0], help="default: %(default)s")
    add("--cuda", action="store_true", help="compute on the GPU")
    add("--half", action="store_true", help="compute in float16")
    add(
        "--entropy-estimation",
        action="store_true",
        help="take bits from likelihoods instead of from real strings",
    )
    add(
        "-m",
        "--metric",
        choices=["mse", "ms-ssim"],
        default="mse",
        help="what the weights were trained for (default: %(default)s)",
    )


def add_checkpoint_options(command: argparse.ArgumentParser) -> None:
    """Which checkpoints, and what is done with their tables."""
    add = command.add_argument
    add("-p", "--path", dest="paths", nargs="+", required=True, help="files of weights, one for each point")
    add("--no-update", action="store_true", help="keep the coder tables of the checkpoints that have some")


def reporter(command: str, verbose: bool) -> Callable[[ImageFile, Measurement | LatentPressError], None]:
    """What to call with what came of every file: it names each that was skipped, and if `verbose`, prints
    what was measured, on the standard error stream."""

    def report(file: ImageFile, outcome: Measurement | LatentPressError) -> None:
        if isinstance(outcome, LatentPressError):
            print(f"{command}: skipped: {outcome}", file=sys.stderr)
        elif verbose:
            values = (f"{key} {value:.4f}" for key, value in outcome.values.items() if value is not None)
            print(f"{file.path}: {', '.join(values)}", file=sys.stderr)

    return report
