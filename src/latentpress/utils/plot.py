"""`python -m latentpress.utils.plot`: rate-distortion curves of result files, with the tutorials' flags."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from latentpress.errors import ConfigurationError
from latentpress.report.figure import Layout, plot
from latentpress.utils.commands import run_command


def parser() -> argparse.ArgumentParser:
    """What the command takes."""
    described = argparse.ArgumentParser(
        prog="python -m latentpress.utils.plot",
        description="Draw the rate-distortion curves of result files, and of nothing else.",
    )
    add = described.add_argument
    add(
        "-f",
        "--results-file",
        dest="files",
        nargs="+",
        required=True,
        type=Path,
        metavar="FILE",
        help="files of results, as eval_model writes them",
    )
    add(
        "-m",
        "--metric",
        choices=["psnr", "psnr-rgb", "ms-ssim", "ms-ssim-rgb"],
        default="psnr-rgb",
        help="quality to draw; MS-SSIM in dB (default: %(default)s)",
    )
    add("-t", "--title", help="title above the axes")
    add("-o", "--output", type=Path, metavar="FILE", help="file to write: .png, .pdf or .svg")
    add("--figsize", nargs=2, type=float, metavar=("W", "H"), help="size in inches")
    add(
        "--axes",
        nargs=4,
        type=float,
        metavar=("R0", "R1", "Q0", "Q1"),
        help="range of rates and of quality (default: what was measured)",
    )
    add("--backend", default="matplotlib", help="what draws: matplotlib")
    add("--show", action="store_true", help="open a window with the figure")
    return described


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command, and return the exit status."""
    described = parser()
    given = described.parse_args(argv)
    if given.output is None and not given.show:
        described.error("give a file to write with -o FILE, or --show")
    return run_command("plot", lambda: _run(given))


def _run(given: argparse.Namespace) -> None:
    if given.backend != "matplotlib":
        raise ConfigurationError(
            f"Expected the backend matplotlib, found {given.backend!r}: `latentpress report` makes curves to "
            "explore in a browser."
        )
    metric = given.metric if given.metric.endswith("-rgb") else f"{given.metric}-rgb"
    axes = None if given.axes is None else tuple(given.axes)
    plot(
        given.files,
        metric,
        output=given.output,
        window=given.show,
        published=(),
        layout=Layout(title=given.title, size=given.figsize and tuple(given.figsize), axes=axes),
    )


if __name__ == "__main__":
    sys.exit(main())
