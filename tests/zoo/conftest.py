"""A file server on localhost that can misbehave, and a cache directory of the test's own."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest


@dataclass
class FileServer:
    """What the server has, and how it treats those who ask.

    `files` are served by name; `cut` names files of which the connection is closed after so many bytes, and
    `cut_times` says how often; `answers` holds status codes to give before anything else; `requests` is what
    was asked.
    """

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    cut: dict[str, int] = field(default_factory=dict)
    cut_times: int = 1_000_000
    chunked: bool = False
    answers: list[int] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def reply(self, handler: BaseHTTPRequestHandler) -> None:
        name = handler.path.lstrip("/")
        self.requests.append(name)
        status = self.answers.pop(0) if self.answers else 200 if name in self.files else 404
        if status != 200:
            handler.send_error(status)
            return
        body = self.files[name]
        handler.send_response(200)
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


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache directory, which does not exist yet."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("LATENTPRESS_CACHE", str(folder))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("LATENTPRESS_WEIGHTS_URL", raising=False)
    return folder
