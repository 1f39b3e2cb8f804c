"""Addresses of published weights, read from the table beside this file.

The table lists what the CompressAI project (image and video models) and the authors of QRes-VAE and QARV
(hierarchical models) publish. An 8-digit hexadecimal suffix of a file name is the start of the file's
SHA-256.
"""

from __future__ import annotations

import csv
import re
from functools import cache
from importlib.resources import files

from latentpress.zoo.records import Weights

_HASH_SUFFIX = re.compile(r"-([0-9a-f]{8})\.")
_LICENCES = {
    "compressai.s3.amazonaws.com": "BSD-3-Clause-Clear (CompressAI)",
    "huggingface.co": "none stated by the authors",
}


def published_weights(architecture: str) -> tuple[Weights, ...]:
    """Weights published for an architecture; empty where there are none.

    Example:
        >>> from latentpress.zoo.published import published_weights
        >>> published_weights("mbt2018-mean")[0].sha256
        'e522738d'
    """
    return _table().get(architecture, ())


@cache
def _table() -> dict[str, tuple[Weights, ...]]:
    text = (files("latentpress.zoo") / "published_weights.csv").read_text(encoding="utf-8")
    table: dict[str, tuple[Weights, ...]] = {}
    for row in csv.DictReader(text.splitlines()):
        name = row["architecture"]
        table[name] = (*table.get(name, ()), _weights(row))
    return table


def _weights(row: dict[str, str]) -> Weights:
    quality, url = row["quality"], row["url"]
    host, file = url.split("/")[2], url.rsplit("/", 1)[1]
    suffix = _HASH_SUFFIX.search(file)
    return Weights(
        metric=row["metric"],
        quality=int(quality) if quality.isdigit() else quality or None,
        file=file,
        url=url,
        sha256=suffix[1] if suffix else None,
        licence=_LICENCES[host],
    )
