"""`python -m latentpress.utils.video.eval_model`: rate and distortion of models on clips, as JSON."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from itertools import product
from pathlib import Path

from latentpress.ans import set_entropy_coder
from latentpress.codec.disk import whole_target
from latentpress.codec.video.frame_codec import FrameCodec
from latentpress.codec.video.models import load_frame_codec
from latentpress.codec.video.stream import VideoEncoder
from latentpress.datasets.clips import open_clip
from latentpress.errors import ConfigurationError, DataError
from latentpress.evaluation import curve_name, to_json
from latentpress.evaluation.clips import find_clips, plan_clip_subjects
from latentpress.evaluation.video import VideoOptions, first_frames
from latentpress.utils.commands import numbers, run_command
from latentpress.utils.measuring import add_checkpoint_options, add_model_options
from latentpress.utils.video.results import measure_and_report

COMMAND = "eval_model"
_ONE_KEYFRAME = 2**31  # frames from keyframe to keyframe, of clips that are shorter


def parser() -> argparse.ArgumentParser:
    """What the command takes."""
    described = argparse.ArgumentParser(
        prog="python -m latentpress.utils.video.eval_model",
        description="Measure models on a folder of video files, and print the results as JSON.",
    )
    sources = described.add_subparsers(dest="source", required=True, help="where the weights come from")
    pretrained = sources.add_parser("pretrained", help="published or bundled weights")
    _add_common(pretrained)
    checkpoint = sources.add_parser("checkpoint", help="checkpoints of one's own")
    _add_common(checkpoint)
    add_checkpoint_options(checkpoint)
    return described


def _add_common(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add("dataset", help="folder of video files, searched however deep")
    add("output", nargs="?", type=Path, help="folder to write results into as JSON files")
    add(
        "-a",
        "--architecture",
        "--arch",
        required=True,
        help="name of a model that `latentpress models` lists, or package.module:Class",
    )
    add(
        "-q",
        "--quality",
        "--qualities",
        dest="quality",
        help="qualities with commas between them; of pretrained models 1 if nothing is said",
    )
    add("-d", "--output_directory", type=Path, help="the same as output")
    add("-o", "--output-file", help="name of the file in there (default: ARCHITECTURE-CODER.json)")
    add("-f", "--force", action="store_true", help="accepted; files in there are always replaced")
    add("--keep_binaries", action="store_true", help="write the .ltp file of every clip there, too")
    add_model_options(command)
    add("--gop", type=int, default=0, help="frames from keyframe to keyframe; 0 for one (default: 0)")
    add("--frames", type=int, help="take so many frames of each clip only")
    add("-j", "--jobs", type=int, default=1, help="processes to work in (default: %(default)s)")
    add("-v", "--verbose", action="store_true", help="report every clip on the standard error stream")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command, print the results, and return the exit status."""
    given = parser().parse_args(argv)
    return run_command(COMMAND, lambda: _run(given))


def _run(given: argparse.Namespace) -> None:
    set_entropy_coder(given.entropy_coder)
    checkpoint = given.source == "checkpoint"
    folder = given.output or given.output_directory
    if given.keep_binaries and folder is None:
        raise ConfigurationError("Expected an output folder for the .ltp files, found none.")
    qualities = numbers([given.quality or ("" if checkpoint else "1")])
    options = VideoOptions(given.gop, given.frames)
    device = "cuda" if given.cuda else "cpu"
    subjects = plan_clip_subjects(
        given.architecture,
        qualities=qualities,
        checkpoints=given.paths if checkpoint else (),
        options=options,
        entropy_estimation=given.entropy_estimation,
        metric=given.metric,
        update=checkpoint and not given.no_update,
        device=device,
        half=given.half,
    )
    way = "entropy estimation" if given.entropy_estimation else given.entropy_coder
    record = measure_and_report(
        subjects,
        given.dataset,
        curve_name(given.architecture, given.metric),
        f"Inference ({way})",
        folder=folder,
        file=given.output_file or f"{given.architecture.rpartition(':')[2]}-{way.replace(' ', '-')}.json",
        processes=given.jobs,
        verbose=given.verbose,
        command=COMMAND,
    )
    if given.keep_binaries:
        rates: Sequence[float | None] = qualities or [None]
        for path, quality in product(given.paths if checkpoint else [None], rates):
            model = {"quality": quality, "metric": given.metric, "checkpoint": path, "device": device}
            write_binaries(given.dataset, folder, load_frame_codec(given.architecture, **model), options)
    print(to_json(record))


def write_binaries(dataset: str, folder: Path, codec: FrameCodec, options: VideoOptions) -> None:
    """Write the `.ltp` file of every clip, called by clip, model, rate and the fingerprint of the weights."""
    maker = codec.maker
    rate = "".join(f"-{maker.parameters[name]}" for name in ("quality",) if name in maker.parameters)
    for found in find_clips([dataset]):
        try:
            clip = open_clip(found.path)
        except DataError:
            continue  # which was reported when it was measured
        target = folder / f"{found.source}-{maker.model}{rate}-{maker.fingerprint.hex()}.ltp"
        with whole_target(target, overwrite=True) as place, place.open("wb") as file:
            encoder = VideoEncoder(file, clip.info, codec, options.gop or _ONE_KEYFRAME)
            for frame in first_frames(clip, options.frames):
                encoder.add(frame)
            encoder.close()


if __name__ == "__main__":
    sys.exit(main())
