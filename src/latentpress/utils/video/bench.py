"""`python -m latentpress.utils.video.bench`: x264, x265, VP9 and SVT-AV1 on a folder of clips, as JSON."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from latentpress.evaluation import to_json
from latentpress.evaluation.ffmpeg import VIDEO_CODECS, CodecOnClips
from latentpress.utils.commands import numbers, run_command
from latentpress.utils.video.results import measure_and_report

COMMAND = "bench"


def parser() -> argparse.ArgumentParser:
    """What the command takes."""
    described = argparse.ArgumentParser(
        prog="python -m latentpress.utils.video.bench",
        description="Measure video codecs through ffmpeg on a folder of video files, and print the results "
        "as JSON. Bits are those of the coded frames, without a container.",
    )
    codecs = described.add_subparsers(dest="codec", required=True, help="codec to measure")
    for name, codec in VIDEO_CODECS.items():
        add = codecs.add_parser(name, help=f"through {codec.encoder}").add_argument
        add("dataset", help="folder of video files, searched however deep")
        add("output", nargs="?", type=Path, help="folder to write results into as JSON files")
        add(
            "-q",
            "--qps",
            "--crf",
            dest="qualities",
            nargs="+",
            default=[str(quality) for quality in codec.qualities],
            help=f"constant rate factors (default: {' '.join(map(str, codec.qualities))})",
        )
        add("-f", "--force", action="store_true", help="accepted; files in there are always replaced")
        add("-p", "--preset", default=codec.preset, help="how thorough it is (default: %(default)s)")
        if name in ("x264", "x265"):
            add("-t", "--tune", help="what it is tuned for, such as psnr or zerolatency")
        add("--gop", type=int, help="most frames from keyframe to keyframe (default: the encoder's)")
        add("--frames", type=int, help="take so many frames of each clip only")
        add("--ffmpeg", default="ffmpeg", help="name or path of the program (default: %(default)s)")
        add(
            "-j",
            "--num-jobs",
            "--jobs",
            dest="jobs",
            type=int,
            default=1,
            help="processes to work in (default: %(default)s)",
        )
        add("-v", "--verbose", action="store_true", help="report every clip on the standard error stream")
    return described


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command, print the results, and return the exit status."""
    given = parser().parse_args(argv)
    return run_command(COMMAND, lambda: _run(given))


def _run(given: argparse.Namespace) -> None:
    tune = getattr(given, "tune", None)
    options = (given.preset, tune, given.gop, given.frames, given.ffmpeg)
    subjects = [CodecOnClips(given.codec, crf, *options) for crf in numbers(given.qualities)]
    record = measure_and_report(
        subjects,
        given.dataset,
        given.codec,
        f"ffmpeg, preset {given.preset}" + ("" if tune is None else f", tuned for {tune}"),
        folder=given.output,
        processes=given.jobs,
        verbose=given.verbose,
        command=COMMAND,
    )
    print(to_json(record))


if __name__ == "__main__":
    sys.exit(main())
