"""Points of codecs on images, and the quality nearest to a target."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from PIL import Image

from latentpress.errors import ConfigurationError
from latentpress.evaluation import Point, evaluate, find_close, find_images, plan_codec
from latentpress.evaluation.bench import Close
from latentpress.evaluation.codecs import Jpeg, ModelFiles
from latentpress.evaluation.codecs.base import Codec, Pixels, RoundTrip


@dataclass(frozen=True)
class Stairs(Codec):
    """Makes files of 100 bytes times 51 less the quality, and notes what it was asked for."""

    asked: ClassVar[list[float]] = []
    name: ClassVar[str] = "stairs"
    description: ClassVar[str] = "none"
    scale: ClassVar[Sequence[float]] = tuple(range(51, 0, -1))
    qualities: ClassVar[Sequence[float]] = (40, 20)

    def check(self) -> None:
        pass

    def round_trip(self, pixels: Pixels, quality: float) -> RoundTrip:
        if pixels.shape[:2] != (64, 64):  # the warm-up
            self.asked.append(quality)
        return RoundTrip(100 * (51 - int(quality)), pixels // 2, 0.5, 0.25)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """80x100 pixels, so that the stairs are 0.1 bits per pixel high."""
    path = tmp_path / "image.png"
    Image.fromarray(np.full((100, 80, 3), 200, np.uint8)).save(path)
    return path


def rates(points: Sequence[Point]) -> list[float]:
    return [point.means()["bpp"] for point in points]


def test_a_codec_has_its_own_qualities_or_those_asked_for(image: Path) -> None:
    images = find_images([image])
    assert rates(evaluate(plan_codec(Stairs()), images)) == pytest.approx([1.1, 3.1])
    assert rates(evaluate(plan_codec(Stairs(), [41]), images)) == pytest.approx([1.0])
    with pytest.raises(ConfigurationError, match="1 to 51"):
        plan_codec(Stairs(), [52])


def test_times_are_those_that_the_codec_reports(image: Path) -> None:
    (point,) = evaluate(plan_codec(Stairs(), [30]), find_images([image]))
    assert (point.label, point.means()["encoding_time"], point.means()["decoding_time"]) == (
        "quality 30", 0.5, 0.25,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("target", "quality"), [(1.0, 41), (1.04, 41), (1.06, 40), (0.0, 51), (99.0, 1), (4.9, 2)]
)
def test_the_nearest_quality_is_found_in_few_tries(image: Path, target: float, quality: float) -> None:
    Stairs.asked.clear()
    close = find_close(Stairs(), [image], target)
    assert close.quality == quality
    assert close.value == close.values["bpp"] == pytest.approx(0.1 * (51 - quality))
    assert len(Stairs.asked) <= 6


def test_every_try_is_told(image: Path) -> None:
    tried: list[Close] = []
    close = find_close(Stairs(), [image], 2.0, on_try=tried.append)
    assert close in tried
    assert len({each.quality for each in tried}) == len(tried)


def test_the_target_is_for_the_mean_over_images(image: Path, tmp_path: Path) -> None:
    Image.new("RGB", (160, 100)).save(tmp_path / "wide.png")
    assert find_close(Stairs(), [tmp_path], 0.75).value == pytest.approx(0.75)  # 1.0 and 0.5


def test_psnr_is_met_by_quality(photo: Image.Image, tmp_path: Path) -> None:
    photo.resize((192, 176)).save(tmp_path / "x.png")
    by_psnr = find_close("jpeg", [tmp_path / "x.png"], 33.0, "psnr-rgb")
    neighbours = evaluate(
        plan_codec(Jpeg(), [by_psnr.quality - 1, by_psnr.quality + 1]), find_images([tmp_path])
    )
    for point in neighbours:
        assert abs(by_psnr.value - 33.0) <= abs(point.means()["psnr-rgb"] - 33.0)
    by_similarity = find_close("webp", [tmp_path / "x.png"], 0.97, "ms-ssim-rgb")
    assert by_similarity.value == pytest.approx(0.97, abs=0.01)


def test_a_variable_rate_model_meets_a_rate(photo: Image.Image, tmp_path: Path, gained: Path) -> None:
    photo.save(tmp_path / "x.png")
    codec = ModelFiles(checkpoint=str(gained))
    target = evaluate(plan_codec(codec, [63]), find_images([tmp_path / "x.png"]))[0].means()["bpp"]
    close = find_close(codec, [tmp_path / "x.png"], target)
    assert close.value == pytest.approx(target, rel=0.02)
    assert close.quality == pytest.approx(63, abs=3)


def test_models_of_several_networks_are_searched_network_by_network() -> None:
    assert tuple(ModelFiles("mbt2018").scale) == tuple(range(1, 9))
    assert ModelFiles("mbt2018").whole
    assert not ModelFiles("qarv_base").whole


def test_lambdas_are_the_scale_of_hierarchies() -> None:
    assert tuple(ModelFiles("qres34m").scale) == (16, 32, 64, 128, 256, 512, 1024, 2048)
    scale = ModelFiles("qarv_base").scale
    assert (scale[0], scale[-1]) == (16, 2048)
    ratios = [after / before for before, after in pairwise(scale)]
    assert max(ratios) == pytest.approx(min(ratios), rel=1e-3)


def test_the_file_of_a_model_is_measured_header_and_all(
    photo: Image.Image, tmp_path: Path, gained: Path
) -> None:
    import latentpress

    photo.save(tmp_path / "x.png")
    (point,) = evaluate(
        plan_codec(ModelFiles(checkpoint=str(gained)), [50]), find_images([tmp_path / "x.png"])
    )
    size = len(latentpress.compress(photo, quality=50, checkpoint=gained))
    assert point.means()["bpp"] == 8 * size / (90 * 70)


def test_a_metric_that_images_do_not_have_is_explained(image: Path) -> None:
    with pytest.raises(ConfigurationError, match="161"):
        find_close(Stairs(), [image], 0.9, "ms-ssim-rgb")
    with pytest.raises(ConfigurationError, match="psnr-rgb"):
        find_close(Stairs(), [image], 0.9, "psnr")
