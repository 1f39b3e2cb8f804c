"""A file server on localhost that can misbehave, and a cache directory of the test's own."""

from pathlib import Path

import pytest

from file_server import nobody_there, server

__all__ = ["nobody_there", "server"]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache directory, which does not exist yet."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("LATENTPRESS_CACHE", str(folder))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("LATENTPRESS_WEIGHTS_URL", raising=False)
    return folder
