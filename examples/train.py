"""Train a model of the zoo on a folder of images, with the flags of the field's tutorials.

    python examples/train.py -m mbt2018-mean -d PHOTOS --lambda 0.0067 --batch-size 16 --cuda --save

PHOTOS holds the folders train/ and test/. `latentpress train --help` lists everything that can be set.
"""

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from latentpress.errors import LatentPressError
from latentpress.training import resolve, train


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The flags."""
    parser = argparse.ArgumentParser(description="Train a model on a folder with train/ and test/ in it.")
    add = parser.add_argument
    add("-m", "--model", default="bmshj2018-factorized", help="name of a model (default: %(default)s)")
    add("-d", "--dataset", required=True, help="folder with train/ and test/ in it")
    add("-e", "--epochs", default=100, type=int, help="default: %(default)s")
    add("-lr", "--learning-rate", default=1e-4, type=float, help="default: %(default)s")
    add("-n", "--num-workers", default=4, type=int, help="processes that read images (default: %(default)s)")
    add("--lambda", dest="lmbda", default=1e-2, type=float, help="trade-off (default: %(default)s)")
    add("--batch-size", default=16, type=int, help="default: %(default)s")
    add("--test-batch-size", default=1, type=int, help="of whole images of one size (default: %(default)s)")
    add("--aux-learning-rate", default=1e-3, type=float, help="default: %(default)s")
    add(
        "--patch-size",
        nargs=2,
        default=(256, 256),
        type=int,
        help="of the crops, which are square: the smaller one",
    )
    add("--cuda", action="store_true", help="compute on a GPU")
    add("--save", action="store_true", default=True, help="keep checkpoints in --run; always on")
    add("--seed", default=0, type=int, help="of all random numbers (default: %(default)s)")
    add("--clip_max_norm", default=1.0, type=float, help="of the gradient (default: %(default)s)")
    add("--checkpoint", help="start from the weights in this file")
    add("--run", default="run", help="folder of the run, which is gone on with (default: %(default)s)")
    return parser.parse_args(arguments)


def settings(args: argparse.Namespace) -> dict[str, Any]:
    """The flags as settings of training."""
    return {
        "model": args.model,
        "data": args.dataset,
        "epochs": args.epochs,
        "lr": args.learning_rate,
        "workers": args.num_workers,
        "lmbda": args.lmbda,
        "batch_size": args.batch_size,
        "validation_batch": args.test_batch_size,
        "aux_lr": args.aux_learning_rate,
        "patch_size": min(args.patch_size),
        "device": "cuda" if args.cuda else "cpu",
        "seed": args.seed,
        "clip_norm": args.clip_max_norm,
        "checkpoint": args.checkpoint,
        "run": args.run,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, and return the exit status."""
    try:
        train(resolve(settings(parse(arguments))))
    except LatentPressError as error:
        print(f"train.py: error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
