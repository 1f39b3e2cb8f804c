import hashlib
import json
from pathlib import Path

import pytest

from latentpress import zoo
from latentpress.errors import WeightsError
from latentpress.zoo import RateDistortion, Weights, bundled, fetch

WEIGHTS = Weights("mse", None, "own.safetensors", None, None, "Apache-2.0", "latentpress")
BODY = b"weights"
RECORD = {
    "sha256": hashlib.sha256(BODY).hexdigest(),
    "licence": "Apache-2.0",
    "training": {"steps": 3},
    "rate_distortion": [
        {"dataset": "kodak", "metric": "mse", "quality": 50, "bpp": 0.5, "psnr": 33.0, "ms_ssim": 0.98}
    ],
    "remark": "further fields are for people",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory of bundled weights in place of the package's, with one good file."""
    monkeypatch.setattr(bundled, "_directory", lambda: tmp_path)
    (tmp_path / "own.safetensors").write_bytes(BODY)
    (tmp_path / "own.json").write_text(json.dumps(RECORD))
    return tmp_path


def test_bundled_weights_are_found_by_the_record_beside_them(folder):
    assert fetch(WEIGHTS) == folder / "own.safetensors"
    record = zoo.bundled_record(WEIGHTS)
    assert record.licence == "Apache-2.0"
    assert record.training == {"steps": 3}
    assert record.data is None
    assert record.rate_distortion == (RateDistortion("kodak", "mse", 50, 0.5, 33.0, 0.98),)


def test_bundled_weights_without_a_record_are_refused(folder):
    (folder / "own.json").unlink()
    with pytest.raises(WeightsError, match="found none"):
        fetch(WEIGHTS)


def test_bundled_weights_that_are_missing_are_an_error(folder):
    (folder / "own.safetensors").unlink()
    with pytest.raises(WeightsError, match=r"cannot be read.*reinstall"):
        fetch(WEIGHTS)


def test_bundled_weights_other_than_those_of_the_record_are_refused(folder):
    (folder / "own.safetensors").write_bytes(BODY + b"!")
    with pytest.raises(WeightsError, match=RECORD["sha256"]):
        fetch(WEIGHTS)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not json",
        "[]",
        "{}",
        '{"sha256": "00", "licence": "x"}',
        f'{{"sha256": "{0:064}"}}',
        f'{{"sha256": "{0:064}", "licence": "x", "rate_distortion": 3}}',
        f'{{"sha256": "{0:064}", "licence": "x", "rate_distortion": [{{"dataset": "kodak"}}]}}',
    ],
)
def test_a_record_that_says_too_little_is_an_error(folder, text):
    (folder / "own.json").write_text(text)
    with pytest.raises(WeightsError, match="cannot be read"):
        fetch(WEIGHTS)
