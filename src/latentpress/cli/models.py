"""`latentpress models`: what the zoo holds."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from latentpress.zoo import ModelInfo

_HEADINGS = ("model", "kind", "qualities", "metrics", "parameters", "weights")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list with one object a model.")
def command(as_json: bool) -> None:
    """List the models, their qualities, their sizes, and where their weights are."""
    from latentpress.zoo import list_models
    from latentpress.zoo.hierarchical import hierarchies

    records = [*map(_describe, list_models()), *map(_describe_hierarchy, hierarchies)]
    if as_json:
        click.echo(json.dumps(records, indent=2))
        return
    for line in _table([_HEADINGS, *map(_cells, records)]):
        click.echo(line)


def _describe(info: ModelInfo) -> dict[str, Any]:
    return {
        "name": info.name,
        "domain": info.domain,
        "qualities": list(info.qualities),
        "quality_range": info.quality_range,
        "metrics": list(info.metrics),
        "parameters": sorted(set(info.parameters.values())),
        "weights": dict(Counter(info.weights.values())),
        "paper": str(info.paper),
    }


def _describe_hierarchy(name: str) -> dict[str, Any]:
    import torch

    from latentpress.zoo.cache import is_cached
    from latentpress.zoo.hierarchical import hierarchies
    from latentpress.zoo.published import published_weights

    known = published_weights(name)
    with torch.device("meta"):
        model = hierarchies[name]()
    return {
        "name": name,
        "domain": "hierarchy",
        "qualities": [str(weights.quality) for weights in known if weights.quality is not None],
        "quality_range": None,
        "metrics": ["lossless" if name.endswith("lossless") else "mse"],
        "parameters": [sum(parameter.numel() for parameter in model.parameters())],
        "weights": dict(Counter("cached" if is_cached(weights) else "downloadable" for weights in known)),
    }


def _cells(record: dict[str, Any]) -> tuple[str, ...]:
    return (
        record["name"],
        record["domain"],
        _qualities(record),
        " ".join(record["metrics"]),
        _span([f"{count / 1e6:.1f}" for count in record["parameters"]]) + " M",
        ", ".join(f"{count} {status}" for status, count in record["weights"].items()) or "none",
    )


def _table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Lines of aligned columns; nothing is cut, however narrow the terminal is."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


def _qualities(record: dict[str, Any]) -> str:
    if record["quality_range"] is not None:
        low, high = record["quality_range"]
        return f"{low}-{high}, any"
    return _span([str(quality) for quality in record["qualities"]]) if record["qualities"] else "any"


def _span(values: list[str]) -> str:
    return values[0] if len(values) == 1 else f"{values[0]}-{values[-1]}"
