"""One file over HTTP, whole and verified or not at all.

The body goes to a temporary file in the target's directory, which takes the target's name only when the
length and the hash are right; whatever goes wrong, nothing is left behind.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from latentpress.errors import ConfigurationError, WeightsError
from latentpress.zoo.files import whole_file

_BLOCK = 1 << 18
_BUSY = (429, 500, 502, 503, 504)

Advance = Callable[[int], None]


class _NetworkError(Exception):
    """The body did not arrive; `passing` says whether it is worth asking again."""

    def __init__(self, reason: str, passing: bool) -> None:
        super().__init__(reason)
        self.passing = passing


def download(
    url: str,
    target: Path,
    *,
    sha256: str | None = None,
    progress: bool = True,
    timeout: float = 30.0,
    attempts: int = 3,
    pause: float = 1.0,
) -> None:
    """Fetch `url` into the file `target`, making its directory if need be.

    Args:
        url: an http or https address.
        target: the file to make; an existing one is replaced once the new one is complete.
        sha256: the expected SHA-256 in hexadecimal, or its first digits; None skips the check.
        progress: show a bar on the standard error stream.
        timeout: seconds without a byte after which a connection counts as cut.
        attempts: how many times to ask in all when a connection is cut or the server is busy.
        pause: seconds before the second attempt; doubled for each later one.

    Raises:
        WeightsError: the file cannot be had or written, or is not the expected one.
        ConfigurationError: the address is neither http nor https.
    """
    if urlsplit(url).scheme not in ("http", "https"):
        raise ConfigurationError(f"Expected an http or https address to download from, found {url!r}.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(target) as partial:
            for attempt in range(1, attempts + 1):
                try:
                    found = _receive(url, partial, timeout, progress, target.name)
                    break
                except _NetworkError as error:
                    if attempt == attempts or not error.passing:
                        raise WeightsError(_unavailable(url, target, str(error))) from error
                time.sleep(pause * 2 ** (attempt - 1))
            if sha256 is not None and not found.startswith(sha256):
                raise WeightsError(
                    f"Expected {target.name} with SHA-256 {sha256} from {url}, found {found[: len(sha256)]}: "
                    f"nothing was kept, get the right file and put it in {target.parent}."
                )
    except OSError as error:
        raise WeightsError(
            f"{target.name} from {url} cannot be written to {target.parent} ({error}): free some space, "
            "or choose another directory with the environment variable LATENTPRESS_CACHE."
        ) from error


def _unavailable(url: str, target: Path, reason: str) -> str:
    return (
        f"{target.name} could not be downloaded from {url} ({reason}): "
        f"get it by other means and put it in {target.parent}."
    )


def _receive(url: str, partial: Path, timeout: float, progress: bool, name: str) -> str:
    """Write the body at `url` to `partial` and return its SHA-256."""
    digest = hashlib.sha256()
    with _open(url, timeout) as response, partial.open("wb") as file:
        expected = response.length
        with _bar(name, expected, progress) as advance:
            for block in _blocks(response):
                digest.update(block)
                file.write(block)
                advance(len(block))
        received = file.tell()
    if expected is not None and received != expected:
        raise _NetworkError(f"the connection was cut after {received} of {expected} bytes", passing=True)
    return digest.hexdigest()


def _open(url: str, timeout: float) -> HTTPResponse:
    try:
        response: HTTPResponse = urlopen(Request(url, headers={"User-Agent": "latentpress"}), timeout=timeout)
        return response
    except HTTPError as error:
        error.close()
        raise _NetworkError(
            f"the server answered {error.code} {error.reason}", error.code in _BUSY
        ) from error
    except URLError as error:
        raise _NetworkError(
            f"no connection: {error.reason}", isinstance(error.reason, TimeoutError)
        ) from error
    except (OSError, HTTPException) as error:
        raise _NetworkError(f"the connection was cut: {error!r}", passing=True) from error


def _blocks(response: HTTPResponse) -> Iterator[bytes]:
    try:
        while block := response.read(_BLOCK):
            yield block
    except (OSError, HTTPException) as error:
        raise _NetworkError(f"the connection was cut: {error!r}", passing=True) from error


@contextmanager
def _bar(name: str, total: int | None, shown: bool) -> Iterator[Advance]:
    """A progress bar on the standard error stream, as the function to call with each number of bytes."""
    if not shown:
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(name, total=total)
        yield lambda count: bar.advance(task, count)
