"""`latentpress cost`: parameters and operations of a hierarchical model, by part."""

from __future__ import annotations

import click


@click.command()
@click.argument("model", metavar="MODEL")
@click.option(
    "--size", type=(int, int), default=(512, 768), show_default=True, help="Height and width of the image."
)
def command(model: str, size: tuple[int, int]) -> None:
    """Print what each part of a hierarchical MODEL costs, such as qarv_base; no weights are needed."""
    from latentpress.models.hierarchical import cost_by_part
    from latentpress.zoo.hierarchical import make_hierarchy

    parts = cost_by_part(make_hierarchy(model.replace("-", "_")).eval(), size)
    click.echo(f"{'part':34} {'parameters':>12} {'GFLOP':>9}")
    for part in parts:
        note = "" if part.run_by_decoder else "  encoder only"
        click.echo(f"{part.name:34} {part.parameters:12,} {part.flops / 1e9:9.2f}{note}")
    decoder = sum(part.flops for part in parts if part.run_by_decoder)
    total = sum(part.flops for part in parts)
    click.echo(f"{'all':34} {sum(part.parameters for part in parts):12,} {total / 1e9:9.2f}")
    click.echo(f"{'run by the decoder':34} {'':12} {decoder / 1e9:9.2f}")
