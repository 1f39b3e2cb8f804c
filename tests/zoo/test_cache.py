import hashlib
from pathlib import Path

import pytest

from latentpress.errors import WeightsError
from latentpress.zoo import Weights, cache_directory, fetch

BODY = b"weights"
HASH = hashlib.sha256(BODY).hexdigest()
FILE = f"model-1-{HASH[:8]}.pth.tar"


def published(url: str = "http://weights.invalid/v1") -> Weights:
    return Weights("mse", 1, FILE, f"{url}/{FILE}", HASH[:8], "CC0-1.0")


def test_the_cache_directory_is_the_one_of_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("LATENTPRESS_CACHE", str(tmp_path / "mine"))
    assert cache_directory() == tmp_path / "mine"
    monkeypatch.delenv("LATENTPRESS_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_directory() == tmp_path / "xdg" / "latentpress"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_directory() == tmp_path / ".cache" / "latentpress"


def test_a_published_file_is_downloaded_into_the_cache_once(server, cache):
    server.files[FILE] = BODY
    weights = published(server.url)
    assert fetch(weights, progress=False) == cache / FILE
    assert fetch(weights, progress=False).read_bytes() == BODY
    assert server.requests == [FILE]


def test_a_mirror_is_asked_in_place_of_the_published_address(server, monkeypatch):
    server.files[FILE] = server.files[f"deep/er/{FILE}"] = BODY
    fetch(published(), progress=False, base_url=f"{server.url}/deep/er/").unlink()
    monkeypatch.setenv("LATENTPRESS_WEIGHTS_URL", server.url)
    fetch(published(), progress=False)
    assert server.requests == [f"deep/er/{FILE}", FILE]


def test_a_file_that_was_put_in_the_cache_by_hand_needs_no_network(nobody_there, cache):
    cache.mkdir()
    (cache / FILE).write_bytes(BODY)
    assert fetch(published(nobody_there), progress=False) == cache / FILE


def test_a_wrong_file_in_the_cache_is_not_used_and_not_removed(nobody_there, cache):
    cache.mkdir()
    (cache / FILE).write_bytes(b"something else")
    with pytest.raises(WeightsError, match="delete it or replace it") as caught:
        fetch(published(nobody_there), progress=False)
    assert str(cache / FILE) in str(caught.value)
    assert HASH[:8] in str(caught.value)
    assert (cache / FILE).read_bytes() == b"something else"


def test_a_file_without_a_published_hash_is_taken_as_it_is(server, cache: Path):
    server.files["plain.pt"] = BODY
    weights = Weights("mse", 1, "plain.pt", f"{server.url}/plain.pt", None, "CC0-1.0")
    assert fetch(weights, progress=False) == fetch(weights, progress=False) == cache / "plain.pt"
