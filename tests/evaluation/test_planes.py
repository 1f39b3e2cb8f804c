"""Pictures as raw planes."""

from pathlib import Path

import numpy as np
import pytest

from latentpress.errors import ConfigurationError
from latentpress.evaluation.codecs.planes import MATRICES, read_planes, write_planes


@pytest.mark.parametrize(("matrix", "luma"), [("bt601", 76), ("bt709", 54), ("bt2020", 67), ("rgb", 0)])
def test_red_has_the_luma_of_its_matrix_and_planes_follow_one_another(
    tmp_path: Path, matrix: str, luma: int
) -> None:
    red = np.zeros((2, 3, 3), np.uint8)
    red[..., 0] = 255
    write_planes(red, tmp_path / "red.yuv", matrix, 8)
    planes = np.fromfile(tmp_path / "red.yuv", np.uint8).reshape(3, 6)
    assert set(planes[0]) == {luma}
    assert set(planes[2]) == {255}  # Cr, or R itself


@pytest.mark.parametrize("matrix", MATRICES)
def test_ten_bits_hold_every_eight_bit_colour(tmp_path: Path, matrix: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (60, 70, 3)).astype(np.uint8)
    write_planes(pixels, tmp_path / "x.yuv", matrix, 10)
    assert (tmp_path / "x.yuv").stat().st_size == 2 * pixels.size
    assert np.array_equal(read_planes(tmp_path / "x.yuv", (70, 60), matrix, 10), pixels)


@pytest.mark.parametrize("matrix", MATRICES)
def test_samples_that_a_codec_shifted_up_are_the_same_colours(tmp_path: Path, matrix: str) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (60, 70, 3)).astype(np.uint8)
    write_planes(pixels, tmp_path / "x.yuv", matrix, 8)
    (np.fromfile(tmp_path / "x.yuv", np.uint8).astype("<u2") << 2).tofile(tmp_path / "shifted.yuv")
    plain = read_planes(tmp_path / "x.yuv", (70, 60), matrix, 8)
    assert np.array_equal(read_planes(tmp_path / "shifted.yuv", (70, 60), matrix, 8, 10), plain)


def test_a_file_of_another_size_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.yuv").write_bytes(bytes(100))
    for name in ("x.yuv", "absent.yuv"):
        with pytest.raises(ConfigurationError, match="5x7"):
            read_planes(tmp_path / name, (5, 7), "bt709", 8)
