"""`python -m latentpress.utils.find_close`: the quality of a codec nearest to a target, for one image."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from latentpress.evaluation.bench import TARGETS, Close, find_close
from latentpress.evaluation.codecs import CODECS, Codec
from latentpress.evaluation.codecs.base import to_pixels
from latentpress.evaluation.images import read_image
from latentpress.utils.bench import add_settings, given_codec
from latentpress.utils.commands import run_command


def parser() -> argparse.ArgumentParser:
    """What the command takes."""
    described = argparse.ArgumentParser(
        prog="python -m latentpress.utils.find_close",
        description="Find the quality at which a codec comes nearest to a target.",
    )
    described.add_argument("-m", "--metric", choices=TARGETS, default="bpp", help="default: %(default)s")
    described.add_argument("--save", action="store_true", help="save the reconstructed image")
    codecs = described.add_subparsers(dest="codec", required=True, help="the codec")
    for name in CODECS:
        command = codecs.add_parser(name)
        command.add_argument("image", type=Path, help="file of the image")
        command.add_argument("target", type=float, help="value to come near to")
        # Options may also follow the codec, where -m is BPG's.
        command.add_argument("--metric", choices=TARGETS, default=argparse.SUPPRESS, help=argparse.SUPPRESS)
        command.add_argument("--save", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
        add_settings(command, name)
    return described


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command, print what was found, and return the exit status."""
    given = parser().parse_args(argv)
    return run_command("find_close", lambda: _run(given))


def _run(given: argparse.Namespace) -> None:
    codec = given_codec(given)
    close = find_close(
        codec, [given.image], given.target, given.metric, on_try=lambda tried: _report(tried, given)
    )
    for name in ("bpp", "encoding_time", "decoding_time", "psnr-rgb", "ms-ssim-rgb"):
        if (value := close.values.get(name)) is not None:
            print(f"{name}: {value:.4f}")
    if given.save:
        print(_save(codec, close, given))


def _report(tried: Close, given: argparse.Namespace) -> None:
    print(
        f"target {given.metric}: {given.target:.4f} | value: {tried.value:.4f} | q: {tried.quality:g}",
        file=sys.stderr,
    )


def _save(codec: Codec, close: Close, given: argparse.Namespace) -> Path:
    """Write the reconstruction into the working directory."""
    pixels = codec.round_trip(to_pixels(read_image(given.image)), close.quality).pixels
    path = Path(f"output_{given.codec}_q{close.quality:g}.png")
    Image.fromarray(pixels).save(path)
    return path


if __name__ == "__main__":
    sys.exit(main())
