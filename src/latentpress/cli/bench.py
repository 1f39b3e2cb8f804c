"""`latentpress bench`: rate, distortion and speed of codecs on images, from real files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from latentpress.cli.measured import Numbers, measure_images, measuring_options, print_record

if TYPE_CHECKING:
    from latentpress.evaluation import Codec

SETTINGS_HELP = (
    "A setting of the codecs that have it, such as subsampling=4:4:4, speed=4, effort=9, method=4, "
    "matrix=bt601, bits=8, config=FILE, encoder=PROGRAM, checkpoint=FILE; give it again for another."
)


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="CODEC... IMAGE_OR_FOLDER...")
@click.option(
    "--quality",
    "qualities",
    type=Numbers(),
    multiple=True,
    metavar="Q[,Q...]",
    help="Qualities to measure, in the codecs' own measure; by default, from about 0.1 to 2 bits a pixel.",
)
@click.option("-s", "--set", "settings", multiple=True, metavar="NAME=VALUE", help=SETTINGS_HELP)
@measuring_options
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Write the JSON to this file, or one file for each codec into this folder.",
)
def command(
    names: tuple[str, ...],
    qualities: tuple[tuple[float, ...], ...],
    settings: tuple[str, ...],
    perceptual: tuple[str, ...] | None,
    per_image: bool,
    jobs: int,
    as_json: bool,
    output: Path | None,
) -> None:
    """Measure codecs on images: bits per pixel of real files, PSNR, MS-SSIM, and times.

    A CODEC is jpeg, jpeg2000, webp, avif, jpegxl, heif, bpg, vtm, hm, or an image model of the zoo such as
    latentpress2026, whose .ltp files are measured, header and all. A name that is both a codec and a folder
    is the codec; ./NAME is the folder.
    """
    from latentpress.codec.disk import check_name
    from latentpress.evaluation import curve_record, plan_codec, to_json

    if output is not None and not output.is_dir():
        check_name(output, "JSON")
    codec_names, inputs = split_names(names)
    codecs = configured_codecs(codec_names, settings)
    chosen = [quality for several in qualities for quality in several]
    plans = [plan_codec(codec, chosen) for codec in codecs]
    points = measure_images(
        [subject for plan in plans for subject in plan], inputs, perceptual=perceptual, processes=jobs
    )
    curves = [[points.pop(0) for _ in plan] for plan in plans]
    records = [
        curve_record(codec.name, codec.description, curve, per_image=per_image)
        for codec, curve in zip(codecs, curves, strict=True)
    ]
    if output is not None:
        _write(records, output)
    if as_json:
        click.echo(to_json(records[0] if len(records) == 1 else records))
        return
    for curve, record in zip(curves, records, strict=True):
        print_record(curve, record, per_image)


def split_names(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Codecs, and images and folders, in their order."""
    from latentpress.evaluation.codecs import is_codec_name

    codecs = list(dict.fromkeys(name for name in names if is_codec_name(name)))
    inputs = [name for name in names if name not in codecs]
    if not codecs or not inputs:
        missing = "the name of a codec" if not codecs else "an image or a folder"
        raise click.UsageError(f"Expected {missing}, too, found only {', '.join(names)}.")
    return codecs, inputs


def configured_codecs(names: Sequence[str], settings: Sequence[str]) -> list[Codec]:
    """The codecs of these names, each with those of the settings that it has.

    Raises:
        ConfigurationError: a codec cannot be used here, or none of them has a setting.
    """
    from latentpress.errors import ConfigurationError
    from latentpress.evaluation.codecs import find_codec, settings_of

    given: dict[str, Any] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals:
            raise click.UsageError(f"Expected a setting such as subsampling=4:4:4, found {setting!r}.")
        given[name] = value
    known = {name: settings_of(name) for name in names}
    for setting in given:
        if not any(setting in fields for fields in known.values()):
            listed = "; ".join(f"{name}: {', '.join(fields) or 'none'}" for name, fields in known.items())
            raise ConfigurationError(f"Expected a setting of the codecs ({listed}), found {setting!r}.")
    return [
        find_codec(name, {setting: value for setting, value in given.items() if setting in fields})
        for name, fields in known.items()
    ]


def _write(records: Sequence[dict[str, Any]], output: Path) -> None:
    """One record as a file, unless that is a folder; several as files in a folder, called by codec."""
    from latentpress.evaluation import write_record, write_records

    if len(records) == 1 and not output.is_dir():
        write_record(records[0], output)
        return
    write_records(output, ((record["name"].lower().replace(" ", ""), record) for record in records))
