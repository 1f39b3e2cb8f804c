"""One web page that holds everything it shows: curves, tables, images, and the scripts that make them move.

It is put together from the files beside this one; there is nothing to build and nothing to fetch.
"""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

import latentpress
from latentpress.errors import ConfigurationError
from latentpress.report.comparisons import LOSSY_QUALITY, Comparison, Embedded, embed
from latentpress.report.payload import payload
from latentpress.report.published import DATASETS, SOURCES
from latentpress.report.results import Result

DEFAULT_TITLE = "Image compression report"
MAX_BYTES = 16_000_000  # of images; a page of this size still opens at once

# In the order in which they need each other.
_SCRIPTS = (
    "bd",
    "dom",
    "format",
    "state",
    "marks",
    "scale",
    "gestures",
    "chart",
    "curves",
    "table",
    "deltas",
    "speed",
    "images",
    "viewer",
    "main",
)


def render(
    results: Sequence[Result],
    comparisons: Sequence[Comparison] = (),
    *,
    dataset: str = "kodak",
    title: str = DEFAULT_TITLE,
    max_bytes: int = MAX_BYTES,
) -> str:
    """The page as HTML.

    Args:
        results: from `read_results`.
        comparisons: images to lay side by side.
        dataset: the images that the results were measured on: published curves are of the same ones.
        title: of the page.
        max_bytes: what the images may add to it; see `comparisons.embed`.

    Raises:
        ConfigurationError: the set is unknown.
    """
    embedded = embed(comparisons, max_bytes)
    data = payload(results, embedded, dataset)
    return Template(_resource("page.html")).substitute(
        version=html.escape(latentpress.__version__),
        title=html.escape(title),
        summary=html.escape(_summary(data, dataset)),
        viewer=html.escape(_about_images(embedded)),
        dataset=html.escape(DATASETS[dataset]),
        sources=", ".join(f'<a href="{url}">{html.escape(name)}</a>' for name, url in SOURCES.items()),
        style=_resource("style.css"),
        data=_inline_json(data),
        scripts="\n".join(f"<script>\n{_resource('scripts', f'{name}.js')}</script>" for name in _SCRIPTS),
    )


def write(page: str, path: str | Path) -> None:
    """Write a page to a file; missing folders are made.

    Raises:
        ConfigurationError: the file cannot be written.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"Expected to write {path}, found: {error.strerror or error}.") from error


def _summary(data: dict[str, Any], dataset: str) -> str:
    kinds = [curve["kind"] for curve in data["curves"]]
    measured = kinds.count("result")
    return (
        f"{measured} measured {'curve' if measured == 1 else 'curves'} beside "
        f"{len(kinds) - measured} published ones on {DATASETS[dataset]}"
    )


def _about_images(embedded: Embedded) -> str:
    sentences = []
    if not embedded.lossless:
        sentences.append(f"To keep the page small, images are shown through WebP at quality {LOSSY_QUALITY}.")
    if embedded.left_out:
        sentences.append(f"There was no room for {', '.join(embedded.left_out)}.")
    return " ".join(["Rates and qualities are of the image that is shown.", *sentences])


def _inline_json(data: Any) -> str:
    """JSON that no text within can end the element or turn into markup."""
    text = json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _resource(*parts: str) -> str:
    return files(__name__).joinpath(*parts).read_text(encoding="utf-8")
