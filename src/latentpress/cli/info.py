"""`latentpress info`: what a `.ltp` file says about itself. Loads no model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from latentpress.cli.options import PATH


@click.command()
@click.argument("inputs", nargs=-1, required=True, type=PATH, metavar="FILE...")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list with one object a file.")
def command(inputs: tuple[Path, ...], as_json: bool) -> None:
    """Show what .ltp files hold; - is the standard input."""
    records = [describe(path) for path in inputs]
    if as_json:
        click.echo(json.dumps(records, indent=2))
        return
    _print_tables(records)


def describe(path: Path) -> dict[str, Any]:
    """What is in a file, as plain data.

    Raises:
        BitstreamError: the file is not a `.ltp` file, or damaged or truncated.
        ImageError: the file cannot be read.
    """
    from latentpress.cli.streams import input_file
    from latentpress.cli.videos import is_compressed_video
    from latentpress.codec.container import read_container
    from latentpress.codec.disk import read_compressed

    if is_compressed_video(path):
        return _describe_video(path)
    with input_file([path]) as (file, name):
        data = read_compressed(file, name, max_pixels=None)
    container = read_container(data)
    header = container.header
    sections = {
        "icc": container.icc,
        "alpha": container.alpha,
        **{f"string {i}": string for i, string in enumerate(container.strings)},
    }
    return {
        "file": name,
        "size": len(data),
        "width": header.width,
        "height": header.height,
        "layout": header.layout.name,
        "bpp": 8 * len(data) / (header.width * header.height),
        "model": header.model,
        "fingerprint": header.fingerprint.hex(),
        "parameters": dict(header.parameters),
        "section_checksums": header.section_checksums,
        "sections": {key: len(value) for key, value in sections.items() if value is not None},
    }


def _describe_video(path: Path) -> dict[str, Any]:
    """The same for a video, whose packets are read one by one."""
    from latentpress.codec.disk import open_to_read
    from latentpress.codec.video.container import VideoReader
    from latentpress.codec.video.packets import Kind

    with open_to_read(path) as file:
        reader = VideoReader(file)
        counts = dict.fromkeys(Kind, 0)
        end = 0  # of the last frame that has a moment
        for packet in reader.packets():
            counts[packet.kind] += 1
            if reader.header.each_timed and packet.kind in (Kind.KEYFRAME, Kind.INTER):
                end = max(end, _end_of(packet.content))
    layout, colour, maker = reader.header.layout, reader.header.colour, reader.header.maker
    frames = counts[Kind.KEYFRAME] + counts[Kind.INTER]
    seconds = float(frames / layout.framerate) if layout.framerate else None
    times = reader.header.times
    if times is not None and times.each:
        seconds = float(end * times.tick)
    return {
        "file": str(path),
        "size": reader.size,
        "width": layout.width,
        "height": layout.height,
        "layout": f"{layout.format.value}, {layout.bitdepth} bits",
        "matrix": colour.matrix,
        "range": "full" if layout.full_range else "limited",
        "framerate": None if layout.framerate is None else str(layout.framerate),
        "frames": frames,
        "keyframes": counts[Kind.KEYFRAME],
        "missing_frames": None if reader.frames is None else reader.frames - frames,
        "evenly_spaced": not reader.header.each_timed,
        "seconds": seconds,
        "gop": reader.header.gop,
        "sound": counts[Kind.AUDIO] > 0,
        "bpp": 8 * reader.size / (layout.width * layout.height * max(frames, 1)),
        "model": maker.model,
        "fingerprint": maker.fingerprint.hex(),
        "parameters": dict(maker.parameters),
        "damaged": reader.damaged,
        "complete": reader.frames is not None,
    }


def _end_of(content: bytes) -> int:
    """When a frame is no longer shown, in ticks; 0 where its content is damaged."""
    from latentpress.codec.video.packets import read_moment
    from latentpress.errors import BitstreamError

    try:
        return sum(read_moment(content)[0])
    except BitstreamError:
        return 0


def _print_tables(records: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    for record in records:
        table = Table(title=Text(record["file"]), show_header=False, title_justify="left")
        for key, value in _video_rows(record) if "frames" in record else _rows(record):
            table.add_row(key, Text(value))
        console.print(table)


def _video_rows(record: dict[str, Any]) -> list[tuple[str, str]]:
    rate = "rate not known" if record["framerate"] is None else f"{record['framerate']} a second"
    if not record["evenly_spaced"]:
        rate = f"{record['seconds']:.3f} seconds, each at a time of its own"
    missing = record["missing_frames"]
    state = "damaged" if record["damaged"] or missing else "whole"
    if missing:
        state += f", {missing} frames are missing"
    if not record["complete"]:
        state += ", without the end"
    return [
        ("video", f"{record['width']}x{record['height']} {record['layout']}"),
        ("colours", f"{record['matrix']}, {record['range']} range"),
        ("frames", f"{record['frames']}, {rate}, {record['keyframes']} of them keyframes"),
        ("sound", "carried along" if record["sound"] else "none"),
        ("size", f"{record['size']} bytes, {record['bpp']:.4f} bits per pixel"),
        ("model", record["model"]),
        ("weights", record["fingerprint"]),
        ("parameters", _listed(record["parameters"])),
        ("state", state),
    ]


def _listed(parameters: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in parameters.items()) or "none"


def _rows(record: dict[str, Any]) -> list[tuple[str, str]]:
    sections = ", ".join(f"{name} {size}" for name, size in record["sections"].items())
    return [
        ("image", f"{record['width']}x{record['height']} {record['layout']}"),
        ("size", f"{record['size']} bytes, {record['bpp']:.4f} bits per pixel"),
        ("model", record["model"]),
        ("weights", record["fingerprint"]),
        ("parameters", _listed(record["parameters"])),
        ("sections", f"{sections} bytes"),
        ("checksum", "right, of every section" if record["section_checksums"] else "right"),
    ]
