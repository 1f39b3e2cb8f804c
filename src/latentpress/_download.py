"""One file over HTTP, whole and verified or not at all.

The body goes to a partial file in the target's directory, which takes the target's name only when the length
and the hash are right. A cut connection is taken up where it broke off if the server can do that, and if
what it has is still what it had: the partial file is kept for that after a failure where the caller wants it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from latentpress._files import sha256_of, whole_file
from latentpress.errors import ConfigurationError, LatentPressError

_BLOCK = 1 << 18
_BEYOND_THE_END = 416
_PASSING = (_BEYOND_THE_END, 429, 500, 502, 503, 504)

Advance = Callable[[int], None]


class _NetworkError(Exception):
    """The body did not arrive; `passing` says whether it is worth asking again."""

    def __init__(self, reason: str, passing: bool, status: int | None = None) -> None:
        super().__init__(reason)
        self.passing, self.status = passing, status


def download(
    url: str,
    target: Path,
    *,
    error: type[LatentPressError],
    elsewhere: str = "choose another directory",
    sha256: str | None = None,
    size: int | None = None,
    resume: bool = False,
    progress: bool = True,
    timeout: float = 30.0,
    attempts: int = 3,
    pause: float = 1.0,
) -> None:
    """Fetch `url` into the file `target`, making its directory if need be.

    Args:
        url: an http or https address.
        target: the file to make; an existing one is replaced once the new one is complete.
        error: what to raise.
        elsewhere: how to choose another directory, for the message when this one cannot be written.
        sha256: the expected SHA-256 in hexadecimal, or its first digits; None skips the check.
        size: the expected number of bytes; None skips the check.
        resume: keep what has arrived (`NAME.part`) when the connection breaks for good, and start from what
            an earlier call has kept.
        progress: show a bar on the standard error stream.
        timeout: seconds without a byte after which a connection counts as cut.
        attempts: how many times to ask in all when a connection is cut or the server is busy.
        pause: seconds before the second attempt; doubled for each later one.

    Raises:
        LatentPressError: of the class `error`: the file cannot be had or written, or is not the expected one.
        ConfigurationError: the address is neither http nor https.
    """
    if urlsplit(url).scheme not in ("http", "https"):
        raise ConfigurationError(f"Expected an http or https address to download from, found {url!r}.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _partial_file(target, resume) as partial:
            body = _Body(url, partial, target.with_name(f"{partial.name}.tag") if resume else None)
            for attempt in range(1, attempts + 1):
                try:
                    body.receive(timeout, progress, target.name)
                    break
                except _NetworkError as cause:
                    if attempt == attempts or not cause.passing:
                        raise error(_unavailable(url, target, str(cause))) from cause
                time.sleep(pause * 2 ** (attempt - 1))
            wrong = _difference(partial, sha256, size)
            if wrong is not None:
                body.discard()
                raise error(
                    f"Expected {target.name} with {wrong[0]} from {url}, found {wrong[1]}: "
                    f"nothing was kept, get the right file and put it in {target.parent}."
                )
            body.forget()
    except OSError as cause:
        raise error(
            f"{target.name} from {url} cannot be written to {target.parent} ({cause}): free some space, "
            f"or {elsewhere}."
        ) from cause


def _partial_file(target: Path, kept: bool) -> AbstractContextManager[Path]:
    return _kept_file(target) if kept else whole_file(target)


@contextmanager
def _kept_file(target: Path) -> Iterator[Path]:
    """A file beside `target` that takes its name when the block ends well, and stays otherwise."""
    partial = target.with_name(f"{target.name}.part")
    yield partial
    partial.replace(target)


def _unavailable(url: str, target: Path, reason: str) -> str:
    return (
        f"{target.name} could not be downloaded from {url} ({reason}): "
        f"get it by other means and put it in {target.parent}."
    )


def _difference(partial: Path, sha256: str | None, size: int | None) -> tuple[str, str] | None:
    """What was expected of the file and what was found, if that is not the same."""
    found_size = partial.stat().st_size
    if size is not None and found_size != size:
        return f"{size} bytes", str(found_size)
    if sha256 is None or (found := sha256_of(partial)).startswith(sha256):
        return None
    return f"SHA-256 {sha256}", found[: len(sha256)]


class _Body:
    """What has arrived of a body, and the tag by which the server knows which version of it that is.

    Args:
        url: where the body is.
        path: the file that it is written to.
        tag_file: where to keep the tag for a later process; None to keep it in memory only.
    """

    def __init__(self, url: str, path: Path, tag_file: Path | None) -> None:
        self.url, self.path, self.tag_file = url, path, tag_file
        self.tag: str | None = None
        if tag_file is not None and tag_file.exists() and path.exists():
            kept_url, _, tag = tag_file.read_text(encoding="utf-8").partition("\n")
            self.tag = tag if kept_url == url and tag else None

    def receive(self, timeout: float, progress: bool, name: str) -> None:
        """Write the rest of the body to the file; without a tag, all of it."""
        start = self.path.stat().st_size if self.tag is not None else 0
        try:
            self._receive_from(start, timeout, progress, name)
        except _NetworkError as error:
            if error.status == _BEYOND_THE_END:  # all of it had arrived, or the file has become shorter
                self.discard()
            raise

    def _receive_from(self, start: int, timeout: float, progress: bool, name: str) -> None:
        with _open(self._request(start), timeout) as response:
            start = start if _continues_at(response, start) else 0
            self._remember(response)
            expected = None if response.length is None else start + response.length
            with self.path.open("ab" if start else "wb") as file, _bar(name, expected, progress) as advance:
                advance(start)
                for block in _blocks(response):
                    file.write(block)
                    advance(len(block))
        received = self.path.stat().st_size
        if expected is not None and received != expected:
            raise _NetworkError(f"the connection was cut after {received} of {expected} bytes", passing=True)

    def _request(self, start: int) -> Request:
        headers = {"User-Agent": "latentpress"}
        if start and self.tag is not None:
            headers |= {"Range": f"bytes={start}-", "If-Range": self.tag}
        return Request(self.url, headers=headers)

    def _remember(self, response: HTTPResponse) -> None:
        tag = response.headers.get("ETag")
        if tag is None or tag.startswith("W/"):  # a weak tag does not promise the same bytes
            tag = response.headers.get("Last-Modified")
        self.tag = tag
        if self.tag_file is not None and tag is not None:
            self.tag_file.write_text(f"{self.url}\n{tag}", encoding="utf-8")

    def forget(self) -> None:
        """Remove the tag that was kept for a later process."""
        if self.tag_file is not None:
            self.tag_file.unlink(missing_ok=True)

    def discard(self) -> None:
        """Remove everything that was kept."""
        self.tag = None
        self.path.unlink(missing_ok=True)
        self.forget()


def _continues_at(response: HTTPResponse, start: int) -> bool:
    """Whether the server sends the rest of the body rather than the whole of it."""
    if response.status != 206:
        return False
    if not response.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
        raise _NetworkError("the server sent another part than was asked for", passing=False)
    return True


def _open(request: Request, timeout: float) -> HTTPResponse:
    try:
        response: HTTPResponse = urlopen(request, timeout=timeout)
        return response
    except HTTPError as error:
        error.close()
        reason = f"the server answered {error.code} {error.reason}"
        raise _NetworkError(reason, error.code in _PASSING, error.code) from error
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
