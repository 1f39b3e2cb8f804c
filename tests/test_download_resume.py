"""Downloads that are taken up where they broke off. What all downloads share is proved in tests/zoo."""

import hashlib
from pathlib import Path

import pytest

from file_server import nobody_there, server
from latentpress._download import download
from latentpress.errors import DataError

__all__ = ["nobody_there", "server"]

BODY = bytes(range(256)) * 3000
HASH = hashlib.sha256(BODY).hexdigest()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "sets" / "clic.zip"


@pytest.fixture
def ranged(server, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server.ranges = True
    server.files["clic.zip"], server.tags["clic.zip"] = BODY, '"v1"'
    return server


def fetch(server, target: Path, **options) -> None:
    settings = {"sha256": HASH, "size": len(BODY), "progress": False, "pause": 0.0, "resume": True, **options}
    download(f"{server.url}/clic.zip", target, error=DataError, **settings)


def break_off(server, target: Path, received: int = 300_000) -> None:
    server.cut["clic.zip"] = received
    with pytest.raises(DataError, match="connection was cut"):
        fetch(server, target, attempts=1)
    server.cut.clear()


def test_a_later_call_fetches_only_what_is_missing(ranged, target):
    break_off(ranged, target)
    assert not target.exists()
    fetch(ranged, target)
    assert target.read_bytes() == BODY
    assert ranged.starts == [0, 300_000]
    assert list(target.parent.iterdir()) == [target]


def test_attempts_within_a_call_go_on_where_the_last_one_was_cut(ranged, target):
    ranged.cut["clic.zip"], ranged.cut_times = 100_000, 2
    fetch(ranged, target, resume=False)
    assert target.read_bytes() == BODY
    assert ranged.starts == [0, 100_000, 200_000]


def test_a_file_that_changed_on_the_server_is_fetched_anew(ranged, target):
    break_off(ranged, target)
    ranged.files["clic.zip"], ranged.tags["clic.zip"] = BODY[::-1], '"v2"'
    fetch(ranged, target, sha256=None)
    assert target.read_bytes() == BODY[::-1]


@pytest.mark.parametrize("missing", ["ranges", "tags"])
def test_a_server_without_ranges_or_tags_sends_all_of_it_again(ranged, target, missing):
    setattr(ranged, missing, type(getattr(ranged, missing))())
    break_off(ranged, target)
    fetch(ranged, target)
    assert target.read_bytes() == BODY
    assert ranged.starts == [0, 0]


def test_a_part_of_another_address_is_not_gone_on_with(ranged, target):
    break_off(ranged, target)
    ranged.files["other.zip"], ranged.tags["other.zip"] = BODY[::-1], '"v1"'
    download(f"{ranged.url}/other.zip", target, error=DataError, resume=True, progress=False)
    assert target.read_bytes() == BODY[::-1]
    assert ranged.starts == [0, 0]


def test_a_part_that_had_arrived_whole_is_fetched_again_rather_than_trusted(ranged, target):
    break_off(ranged, target)
    target.with_name("clic.zip.part").write_bytes(BODY)
    fetch(ranged, target)
    assert target.read_bytes() == BODY
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize(("option", "found"), [({"sha256": "0" * 64}, HASH), ({"size": 7}, str(len(BODY)))])
def test_the_wrong_file_is_an_error_and_nothing_of_it_is_kept(ranged, target, option, found):
    with pytest.raises(DataError, match=found):
        fetch(ranged, target, **option)
    assert list(target.parent.iterdir()) == []


def test_a_missing_file_is_an_error_at_once(ranged, target):
    ranged.files.clear()
    with pytest.raises(DataError, match="404"):
        fetch(ranged, target)
    assert len(ranged.requests) == 1
