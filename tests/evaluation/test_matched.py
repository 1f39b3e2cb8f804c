"""Codecs at the same rate, as a report lays them side by side."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from latentpress.errors import ConfigurationError, ImageError
from latentpress.evaluation import find_images
from latentpress.evaluation.codecs import find_codec
from latentpress.evaluation.matched import match_rate
from latentpress.evaluation.metrics import psnr


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    rows, columns = np.mgrid[:80, :120]
    path = tmp_path / "waves.png"
    Image.fromarray((127 + 120 * np.sin(rows * columns / 99)).astype(np.uint8)).convert("RGB").save(path)
    return path


def test_the_original_comes_first_and_unchanged(picture: Path) -> None:
    comparison = match_rate(find_images([picture])[0], [find_codec("jpeg")], 1.5)
    assert comparison.source == "waves"
    assert comparison.versions[0].name == "Original"
    assert np.array_equal(comparison.versions[0].image, Image.open(picture))


def test_each_version_is_what_its_numbers_say(picture: Path) -> None:
    from latentpress.evaluation.codecs.base import to_tensor

    codecs = [find_codec("jpeg"), find_codec("webp")]
    original, *versions = match_rate(find_images([picture])[0], codecs, 1.5).versions
    for version in versions:
        assert version.bpp == pytest.approx(1.5, abs=0.3)
        assert version.label.startswith("quality ")
        found = psnr(*(to_tensor(np.array(each.image)) for each in (original, version)))
        assert version.psnr == pytest.approx(found, abs=1e-4)


def test_a_rate_of_nothing_and_a_broken_image_are_errors(tmp_path: Path, picture: Path) -> None:
    with pytest.raises(ConfigurationError, match="over 0"):
        match_rate(find_images([picture])[0], [], 0)
    (tmp_path / "broken.png").write_bytes(b"broken")
    with pytest.raises(ImageError, match="broken"):
        match_rate(find_images([tmp_path / "broken.png"])[0], [find_codec("jpeg")], 1)
