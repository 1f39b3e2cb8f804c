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
    from latentpress.cli.streams import read_input
    from latentpress.codec.container import read_container

    data, name = read_input([path])
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


def _print_tables(records: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    for record in records:
        table = Table(title=Text(record["file"]), show_header=False, title_justify="left")
        for key, value in _rows(record):
            table.add_row(key, Text(value))
        console.print(table)


def _rows(record: dict[str, Any]) -> list[tuple[str, str]]:
    parameters = ", ".join(f"{name} {value}" for name, value in record["parameters"].items())
    sections = ", ".join(f"{name} {size}" for name, size in record["sections"].items())
    return [
        ("image", f"{record['width']}x{record['height']} {record['layout']}"),
        ("size", f"{record['size']} bytes, {record['bpp']:.4f} bits per pixel"),
        ("model", record["model"]),
        ("weights", record["fingerprint"]),
        ("parameters", parameters or "none"),
        ("sections", f"{sections} bytes"),
        ("checksum", "right, of every section" if record["section_checksums"] else "right"),
    ]
