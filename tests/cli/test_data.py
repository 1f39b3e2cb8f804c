"""`latentpress data`."""

import io
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from file_server import server
from latentpress.cli.data import command
from latentpress.datasets import catalogue
from latentpress.datasets.catalogue import Collection, RemoteFile
from latentpress.errors import ConfigurationError, DataError

__all__ = ["server"]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def png(value: int) -> bytes:
    pixels = np.random.default_rng(value).integers(256, size=(30, 30, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def small(server, monkeypatch) -> Collection:
    """A set that the server has, in place of the catalogue."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server.files = {f"{i}.png": png(i) for i in range(2)}
    files = tuple(RemoteFile(name, f"{server.url}/{name}", len(data)) for name, data in server.files.items())
    record = Collection("small", "A small set", 2, "free", files)
    known = (*catalogue.collections(), record)
    monkeypatch.setattr(catalogue, "collections", lambda: known)
    return record


def test_the_list_says_what_there_is_and_how_it_is_checked() -> None:
    result = run("list")
    lines = {line.split()[0]: line for line in result.stdout.splitlines()}
    assert set(lines) == {"kodak", "tecnick", "clic-valid", "clic-test", "clic-train"}
    assert "15.4 MB" in lines["kodak"]
    assert " no SHA-256 " in lines["tecnick"]
    assert all(" no SHA-256 " not in line for name, line in lines.items() if name != "tecnick")


def test_a_set_is_downloaded_into_a_folder_of_its_name(small: Collection, tmp_path: Path) -> None:
    result = run("download", "small", "-o", tmp_path)
    assert result.exit_code == 0
    assert "small: 2 images in" in result.stderr
    assert (tmp_path / "small" / "1.png").read_bytes() == png(1)
    quiet = run("download", "small", "-o", tmp_path, "--quiet")
    assert (quiet.exit_code, quiet.output) == (0, "")


def test_an_unknown_set_is_an_error_before_anything_is_fetched(
    small: Collection, server, tmp_path: Path
) -> None:
    result = run("download", "small", "large", "-o", tmp_path)
    assert isinstance(result.exception, ConfigurationError)
    assert server.requests == []


def test_verification_names_what_is_wrong_and_fails(small: Collection, tmp_path: Path) -> None:
    run("download", "small", "-o", tmp_path)
    good = run("verify", tmp_path)
    assert good.exit_code == 0
    assert "2 files verified by SHA-256, 0 images decoded" in good.stderr
    (tmp_path / "small" / "0.png").write_bytes(b"x")
    (tmp_path / "small" / "1.png").unlink()
    bad = run("verify", tmp_path, "--quiet")
    assert bad.stdout.splitlines() == [
        f"damaged: {tmp_path / 'small' / '0.png'}",
        f"missing: {tmp_path / 'small' / '1.png'}",
    ]
    assert isinstance(bad.exception, DataError)


def test_a_folder_is_packed_into_shards_of_the_asked_size(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for i in range(6):
        (source / f"{i}.png").write_bytes(png(i))
    (source / "broken.png").write_bytes(b"x")
    result = run("shard", source, tmp_path / "shards", "--shard-size", "10240", "--seed", 3)
    assert result.exit_code == 0
    assert "6 images in 3 shards, 1 skipped" in result.stderr
    assert run("verify", tmp_path / "shards").exit_code == 0
    unchecked = run("shard", source, tmp_path / "all", "--no-check", "--in-order")
    assert "7 images in 1 shards, 0 skipped" in unchecked.stderr
