"""A file server on localhost that can misbehave, as fixtures."""

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


@dataclass
class FileServer:
    """What the server has, and how it treats those who ask.

    `files` are served by name, from where a request asks for if `ranges` is set; `cut` names files of which
    the connection is closed after so many bytes, and `cut_times` says how often; `answers` holds status codes
    to give before anything else; `tags` are the files' ETags; `requests` is what was asked, and `starts` from
    which byte on.
    """

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    cut: dict[str, int] = field(default_factory=dict)
    cut_times: int = 1_000_000
    chunked: bool = False
    answers: list[int] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    ranges: bool = False
    tags: dict[str, str] = field(default_factory=dict)
    starts: list[int] = field(default_factory=list)

    def reply(self, handler: BaseHTTPRequestHandler) -> None:
        name = handler.path.lstrip("/")
        self.requests.append(name)
        status = self.answers.pop(0) if self.answers else 200 if name in self.files else 404
        if status != 200:
            handler.send_error(status)
            return
        body = self.files[name]
        start = self._start(handler, name)
        self.starts.append(start)
        if start >= len(body) > 0:
            handler.send_error(416)
            return
        handler.send_response(206 if start else 200)
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
            body = body[start:]
        if name in self.tags:
            handler.send_header("ETag", self.tags[name])
        if self.chunked:
            handler.send_header("Transfer-Encoding", "chunked")
            body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        else:
            handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if name in self.cut and self.cut_times > 0:
            self.cut_times -= 1
            body = body[: self.cut[name]]
        handler.wfile.write(body)

    def _start(self, handler: BaseHTTPRequestHandler, name: str) -> int:
        """The byte that a request asks to start from; 0 unless it is about the version that is here."""
        asked = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
        if asked is None or not self.ranges or handler.headers.get("If-Range") != self.tags.get(name):
            return 0
        return int(asked[1])


@pytest.fixture
def server() -> Iterator[FileServer]:
    files = FileServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            files.reply(self)
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        files.url = f"http://127.0.0.1:{listening.server_address[1]}"
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield files
        listening.shutdown()
        thread.join()


@pytest.fixture
def nobody_there() -> str:
    """An address on which nothing listens."""
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as listening:
        port = listening.server_address[1]
    return f"http://127.0.0.1:{port}"
