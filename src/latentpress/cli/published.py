"""The option that names the set of images which published curves are to be of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from latentpress.report.published import DATASETS


def dataset_option(
    help: str = "What the results were measured on: published curves are of the same images.",
) -> Callable[[Any], Any]:
    """`--dataset`: one of the sets of images that there are published curves on."""
    return click.option(
        "--dataset", type=click.Choice(list(DATASETS)), default="kodak", show_default=True, help=help
    )
