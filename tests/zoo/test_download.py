import hashlib
import socket
from pathlib import Path

import pytest

from latentpress.errors import ConfigurationError, WeightsError
from latentpress.zoo.download import download

BODY = bytes(range(256)) * 3000
HASH = hashlib.sha256(BODY).hexdigest()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "new" / "folder" / "model.pth.tar"


def fetch(server, target: Path, **options) -> None:
    settings = {"sha256": HASH[:8], "progress": False, "pause": 0.0, **options}
    download(f"{server.url}/model.pth.tar", target, **settings)


def test_a_good_file_lands_whole_and_alone_in_a_directory_made_for_it(server, target):
    server.files["model.pth.tar"] = BODY
    fetch(server, target)
    assert target.read_bytes() == BODY
    assert list(target.parent.iterdir()) == [target]


def test_a_full_hash_is_accepted_as_well_as_its_first_digits(server, target):
    server.files["model.pth.tar"] = BODY
    fetch(server, target, sha256=HASH)
    assert target.read_bytes() == BODY


def test_a_body_of_undeclared_length_is_accepted(server, target):
    server.files["model.pth.tar"] = BODY
    server.chunked = True
    fetch(server, target)
    assert target.read_bytes() == BODY


def test_an_empty_file_is_a_file(server, target):
    server.files["model.pth.tar"] = b""
    fetch(server, target, sha256=hashlib.sha256(b"").hexdigest())
    assert target.read_bytes() == b""


def test_a_wrong_hash_names_file_address_and_directory_and_leaves_nothing(server, target):
    server.files["model.pth.tar"] = BODY + b"!"
    with pytest.raises(WeightsError) as caught:
        fetch(server, target)
    message = str(caught.value)
    assert HASH[:8] in message
    assert "model.pth.tar" in message
    assert server.url in message
    assert str(target.parent) in message
    assert list(target.parent.iterdir()) == []
    assert len(server.requests) == 1


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("received", [0, 1, 300_000, len(BODY) - 1])
def test_a_connection_that_is_always_cut_is_an_error_that_leaves_nothing(server, target, received, chunked):
    server.files["model.pth.tar"] = BODY
    server.cut["model.pth.tar"] = received
    server.chunked = chunked
    with pytest.raises(WeightsError, match="connection was cut") as caught:
        fetch(server, target, attempts=2)
    assert str(target.parent) in str(caught.value)
    assert server.url in str(caught.value)
    assert list(target.parent.iterdir()) == []
    assert len(server.requests) == 2


def test_a_connection_that_is_cut_once_is_tried_again(server, target):
    server.files["model.pth.tar"] = BODY
    server.cut["model.pth.tar"] = 1000
    server.cut_times = 1
    fetch(server, target)
    assert target.read_bytes() == BODY


def test_a_busy_server_is_asked_again(server, target):
    server.files["model.pth.tar"] = BODY
    server.answers = [503, 429]
    fetch(server, target)
    assert target.read_bytes() == BODY
    assert len(server.requests) == 3


def test_a_missing_file_is_an_error_at_once(server, target):
    with pytest.raises(WeightsError, match="404") as caught:
        fetch(server, target)
    assert f"put it in {target.parent}" in str(caught.value)
    assert list(target.parent.iterdir()) == []
    assert len(server.requests) == 1


def test_no_network_is_an_error_that_says_where_to_put_the_file(nobody_there, target):
    with pytest.raises(WeightsError, match="no connection") as caught:
        download(f"{nobody_there}/model.pth.tar", target, sha256=HASH[:8], progress=False)
    assert "model.pth.tar" in str(caught.value)
    assert nobody_there in str(caught.value)
    assert f"put it in {target.parent}" in str(caught.value)
    assert list(target.parent.iterdir()) == []


def test_a_server_that_says_nothing_is_given_up_on(target):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/model.pth.tar"
        with pytest.raises(WeightsError, match="cut"):
            download(url, target, progress=False, timeout=0.05, attempts=2, pause=0.0)
    assert list(target.parent.iterdir()) == []


def test_a_failed_download_keeps_the_file_that_was_there(server, target):
    target.parent.mkdir(parents=True)
    target.write_bytes(b"old")
    server.files["model.pth.tar"] = b"wrong"
    with pytest.raises(WeightsError):
        fetch(server, target)
    assert target.read_bytes() == b"old"


def test_a_directory_that_cannot_be_written_is_an_error_that_says_how_to_choose_another(server, tmp_path):
    (tmp_path / "occupied").write_text("a file where the directory should be")
    with pytest.raises(WeightsError, match="LATENTPRESS_CACHE"):
        fetch(server, tmp_path / "occupied" / "model.pth.tar")


@pytest.mark.parametrize("url", ["file:///etc/hostname", "ftp://localhost/x", "/etc/hostname", "no address"])
def test_only_web_addresses_are_opened(url, target):
    with pytest.raises(ConfigurationError, match="http or https"):
        download(url, target, progress=False)


def test_a_progress_bar_is_shown_on_the_error_stream_when_asked_for(server, target, capfd):
    server.files["model.pth.tar"] = BODY
    fetch(server, target, progress=True)
    shown = capfd.readouterr()
    assert "model.pth.tar" in shown.err
    assert shown.out == ""
    fetch(server, target, progress=False)
    assert capfd.readouterr().err == ""
