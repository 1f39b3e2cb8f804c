"""Train a video model on short runs of frames, with the flags of the field's tutorials.

    python examples/train_video.py -m ssf2020 -d VIMEO --lambda 0.0067 --batch-size 16 --cuda --save

The folder is Vimeo-90k, or laid out for `latentpress.datasets.VideoFolder`, or holds .y4m and .yuv files. The
loss is the trade-off of bits and squared error over all frames of a run; the quantiles of the bottlenecks, of
which each has an auxiliary loss, have an optimiser of their own. `latentpress train --frames 3` does as much.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from latentpress.datasets import RawVideoClips
from latentpress.errors import LatentPressError
from latentpress.training import resolve, train
from latentpress.transforms import Compose, RandomHorizontalFlip, RandomScaledCrop


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The flags."""
    parser = argparse.ArgumentParser(description="Train a video model on runs of frames.")
    add = parser.add_argument
    add("-m", "--model", default="ssf2020", help="name of a model (default: %(default)s)")
    add("-d", "--dataset", required=True, help="folder of sequences, or of .y4m and .yuv files")
    add("-e", "--epochs", default=100, type=int, help="default: %(default)s")
    add("-lr", "--learning-rate", default=1e-4, type=float, help="default: %(default)s")
    add("-n", "--num-workers", default=4, type=int, help="processes that read frames (default: %(default)s)")
    add("--lambda", dest="lmbda", default=1e-2, type=float, help="trade-off (default: %(default)s)")
    add("--batch-size", default=16, type=int, help="default: %(default)s")
    add("--test-batch-size", default=64, type=int, help="accepted; test runs are measured one by one")
    add("--aux-learning-rate", default=1e-3, type=float, help="default: %(default)s")
    add("--patch-size", nargs=2, default=(256, 256), type=int, help="of the crops, multiples of 128")
    add("--frames", default=3, type=int, help="frames of a run (default: %(default)s)")
    add("--cuda", action="store_true", help="compute on a GPU")
    add("--save", action="store_true", default=True, help="keep checkpoints in --run; always on")
    add("--seed", default=0, type=int, help="of all random numbers (default: %(default)s)")
    add("--clip_max_norm", default=1.0, type=float, help="of the gradient (default: %(default)s)")
    add("--checkpoint", help="start from the weights in this file")
    add("--arguments", default={}, type=json.loads, help='of the model, such as \'{"N": 64, "M": 96}\'')
    add("--run", default="run", help="folder of the run, which is gone on with (default: %(default)s)")
    return parser.parse_args(arguments)


def settings(args: argparse.Namespace) -> dict[str, Any]:
    """The flags as settings of training."""
    return {
        "model": args.model,
        "arguments": args.arguments,
        "data": args.dataset,
        "frames": args.frames,
        "epochs": args.epochs,
        "lr": args.learning_rate,
        "workers": args.num_workers,
        "lmbda": args.lmbda,
        "batch_size": args.batch_size,
        "aux_lr": args.aux_learning_rate,
        "patch_size": min(args.patch_size),
        "device": "cuda" if args.cuda else "cpu",
        "seed": args.seed,
        "clip_norm": args.clip_max_norm,
        "checkpoint": args.checkpoint,
        "run": args.run,
    }


def uncompressed_clips(args: argparse.Namespace) -> RawVideoClips | None:
    """Runs out of uncompressed files, where the folder holds such; each run is cut and flipped as one."""
    if not any(path.suffix in (".y4m", ".yuv") for path in Path(args.dataset).rglob("*")):
        return None
    cut = Compose([RandomScaledCrop(min(args.patch_size)), RandomHorizontalFlip()])
    return RawVideoClips(args.dataset, frames=args.frames, transform=cut)


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, and return the exit status."""
    args = parse(arguments)
    try:
        train(resolve(settings(args)), dataset=uncompressed_clips(args))
    except LatentPressError as error:
        print(f"train_video.py: error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
