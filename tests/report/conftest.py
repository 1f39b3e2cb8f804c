"""Result files to draw, and a browser to open pages in."""

import json
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

CHROMIUM = next((path for name in ("chromium", "chromium-browser") if (path := shutil.which(name))), None)

RECORD: dict[str, Any] = {
    "name": "mine",
    "description": "real coding",
    "results": {
        "bpp": [0.9, 0.2, 0.5, 1.4],
        "psnr-rgb": [36.0, 29.0, 33.0, None],
        "ms-ssim-rgb": [0.985, 0.92, 0.97, 0.992],
        "encoding_time": [0.5, 0.3, 0.4, 0.6],
        "decoding_time": [0.05, 0.03, 0.04, 0.06],
    },
    "points": ["quality 70", "quality 10", "quality 40", "quality 95"],
    "images": [
        {
            "source": source,
            "point": "quality 10",
            "results": {"bpp": bpp, "psnr-rgb": psnr, "ms-ssim-rgb": None, "encoding_time": 0.3},
        }
        for source, bpp, psnr in (("b <i>2</i>", 0.3, 27.5), ("a10", 0.1, 30.5), ("a9", 0.2, 29.0))
    ],
}


def _skip(cure: str) -> NoReturn:
    """Skip, and say so at the end of even the quietest run."""
    reason = f"the pages of reports are not opened in a browser: {cure}"
    warnings.warn(reason, stacklevel=2)
    pytest.skip(reason)


@pytest.fixture
def record() -> dict[str, Any]:
    """A record of the common form with points out of order, a null, times, and images; free to change."""
    copied: dict[str, Any] = json.loads(json.dumps(RECORD))
    return copied


@pytest.fixture
def results_file(tmp_path: Path, record: dict[str, Any]) -> Path:
    """The same as a file."""
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(record), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Headless Chromium; skips the test where it or Playwright is missing."""
    try:
        from playwright import sync_api as playwright
    except ImportError:
        _skip("pip install 'latentpress[browser]'")
    if CHROMIUM is None:
        _skip("apt-get install chromium")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()
