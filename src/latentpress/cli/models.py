"""`latentpress models`: what the zoo holds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from latentpress.zoo import ModelInfo


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list with one object a model.")
def command(as_json: bool) -> None:
    """List the models, their qualities, their sizes, and where their weights are."""
    from latentpress.zoo import list_models

    records = [_describe(info) for info in list_models()]
    if as_json:
        click.echo(json.dumps(records, indent=2))
        return
    _print_table(records)


def _describe(info: ModelInfo) -> dict[str, Any]:
    weights: dict[str, int] = {}
    for status in info.weights.values():
        weights[status] = weights.get(status, 0) + 1
    return {
        "name": info.name,
        "domain": info.domain,
        "qualities": list(info.qualities),
        "quality_range": info.quality_range,
        "metrics": list(info.metrics),
        "parameters": sorted(set(info.parameters.values())),
        "weights": weights,
        "paper": str(info.paper),
    }


def _print_table(records: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, padding=(0, 1))
    for heading in ("model", "kind", "qualities", "metrics", "parameters", "weights"):
        table.add_column(heading, no_wrap=heading in ("model", "parameters", "weights"))
    for record in records:
        table.add_row(
            record["name"],
            record["domain"],
            _qualities(record),
            " ".join(record["metrics"]),
            _span([f"{count / 1e6:.1f}" for count in record["parameters"]]) + " M",
            ", ".join(f"{count} {status}" for status, count in record["weights"].items()) or "none",
        )
    Console(highlight=False).print(table)


def _qualities(record: dict[str, Any]) -> str:
    if record["quality_range"] is not None:
        low, high = record["quality_range"]
        return f"{low}-{high}, any"
    return _span([str(quality) for quality in record["qualities"]])


def _span(values: list[str]) -> str:
    return values[0] if len(values) == 1 else f"{values[0]}-{values[-1]}"
