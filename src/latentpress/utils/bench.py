"""`python -m latentpress.utils.bench`: rate and distortion of codecs on a folder of images, as JSON."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from latentpress.evaluation import curve_record, evaluate, find_images, plan_codec, to_json
from latentpress.evaluation.codecs import CODECS, Codec, find_codec
from latentpress.utils.commands import run_command

# What Pillow does unasked: the field's numbers are made with it.
_USUAL: dict[str, dict[str, object]] = {"jpeg": {"optimize": False}, "webp": {"method": 4}}
_BUILT = {"vtm": ("EncoderAppStatic", "DecoderAppStatic"), "hm": ("TAppEncoderStatic", "TAppDecoderStatic")}


def parser() -> argparse.ArgumentParser:
    """What the command takes."""
    described = argparse.ArgumentParser(
        prog="python -m latentpress.utils.bench",
        description="Measure a codec on a folder of images, and print the results as JSON.",
    )
    codecs = described.add_subparsers(dest="codec", required=True, help="the codec")
    for name in CODECS:
        command = codecs.add_parser(name)
        command.add_argument("dataset", help="folder of images")
        command.add_argument("-j", "--num-jobs", type=int, default=1, help="processes (default: %(default)s)")
        command.add_argument(
            "-q",
            "--qps",
            default="75",
            help="qualities or quantisation parameters, with commas between them (default: %(default)s)",
        )
        command.add_argument(
            "--metrics",
            nargs="+",
            default=["psnr-rgb", "ms-ssim-rgb"],
            help="what to report of the pictures (default: psnr-rgb and ms-ssim-rgb)",
        )
        add_settings(command, name)
    return described


def add_settings(command: argparse.ArgumentParser, codec: str) -> None:
    """The options that tutorials know of a codec's settings."""
    add = command.add_argument
    if codec == "bpg":
        add("-m", dest="subsampling", choices=["420", "444"], default="444", help="default: %(default)s")
        add("-b", dest="bits", type=int, choices=[8, 10], default=8, help="default: %(default)s")
        add("-c", dest="colour", choices=["rgb", "ycbcr"], default="ycbcr", help="default: %(default)s")
        add("-e", dest="hevc", choices=["jctvc", "x265"], default="x265", help="default: %(default)s")
        add("--encoder-path", default="bpgenc", help="default: %(default)s")
        add("--decoder-path", default="bpgdec", help="default: %(default)s")
    elif codec in _BUILT:
        add("-b", "--build-dir", required=True, help="folder of the programs")
        add("-c", "--config", required=True, help="the encoder's configuration file")
        add("--rgb", action="store_true", help="code RGB rather than YCbCr")


def given_codec(given: argparse.Namespace) -> Codec:
    """The codec that the arguments ask for.

    Raises:
        ConfigurationError: it cannot be used here.
    """
    settings = dict(_USUAL.get(given.codec, {}))
    if given.codec == "bpg":
        settings = {
            "subsampling": ":".join(given.subsampling),
            "bits": given.bits,
            "colour": given.colour,
            "hevc": given.hevc,
            "encoder": given.encoder_path,
            "decoder": given.decoder_path,
        }
    elif given.codec in _BUILT:
        encoder, decoder = (f"{given.build_dir}/{program}" for program in _BUILT[given.codec])
        settings = {"encoder": encoder, "decoder": decoder, "config": given.config}
        settings |= {"matrix": "rgb"} if given.rgb else {}
    return find_codec(given.codec, settings)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command, print the results, and return the exit status."""
    described = parser()
    given = described.parse_args(argv)
    try:
        qualities = [float(quality) for quality in given.qps.split(",")]
    except ValueError:
        described.error(f"expected qualities such as 10,20,30, found {given.qps!r}")
    return run_command("bench", lambda: _run(given, qualities))


def _run(given: argparse.Namespace, qualities: Sequence[float]) -> None:
    codec = given_codec(given)
    points = evaluate(plan_codec(codec, qualities), find_images([given.dataset]), processes=given.num_jobs)
    record = curve_record(codec.name, codec.description, points)
    wanted = {"bpp", "encoding_time", "decoding_time", *given.metrics}
    record["results"] = {name: values for name, values in record["results"].items() if name in wanted}
    print(to_json(record))


if __name__ == "__main__":
    sys.exit(main())
