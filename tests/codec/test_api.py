"""Images in memory to bytes and back, through real models with small random weights."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import latentpress
from latentpress import zoo
from latentpress.codec.container import read_container, write_container
from latentpress.errors import BitstreamError, ConfigurationError, ImageError, WeightsError
from latentpress.models import JointAutoregressiveHierarchicalPriors


@pytest.mark.parametrize("size", [(1, 1), (1, 65), (63, 2), (64, 64), (65, 64), (100, 37), (7, 200)])
def test_images_of_any_size_come_back_in_their_size(gained: Path, size: tuple[int, int]) -> None:
    data = latentpress.compress(Image.new("RGB", size, "teal"), checkpoint=gained)
    assert latentpress.decompress(data, checkpoint=gained).size == size


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_layout_alpha_and_profile_come_back(gained: Path, mode: str) -> None:
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (30, 40, 4), np.uint8)).convert(mode)
    image.info["icc_profile"] = b"a profile"
    restored = latentpress.decompress(latentpress.compress(image, checkpoint=gained), checkpoint=gained)
    assert (restored.mode, restored.size) == (mode, image.size)
    assert restored.info["icc_profile"] == b"a profile"
    if mode.endswith("A"):
        assert restored.getchannel("A").tobytes() == image.getchannel("A").tobytes()


def test_arrays_are_taken_like_images(gained: Path, photo: Image.Image) -> None:
    from_array = latentpress.compress(np.asarray(photo), checkpoint=gained)
    assert from_array == latentpress.compress(photo, checkpoint=gained)


def test_the_result_is_what_the_model_reconstructs(fixed_rate: Path) -> None:
    from latentpress import zoo

    pixels = np.random.default_rng(0).integers(0, 256, (64, 128, 3), np.uint8)
    data = latentpress.compress(pixels, model="mbt2018-mean", checkpoint=fixed_rate)
    model = zoo.load_checkpoint(fixed_rate)
    x = torch.from_numpy(pixels).permute(2, 0, 1).unsqueeze(0) / 255
    x_hat = model.decompress(**model.compress(x))["x_hat"][0]
    expected = (x_hat.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
    assert np.array_equal(np.asarray(latentpress.decompress(data, checkpoint=fixed_rate)), expected)


def test_a_file_of_a_fixed_rate_model_records_its_quality_and_metric(fixed_rate: Path) -> None:
    pixels = np.zeros((64, 64, 3), np.uint8)
    options = {"model": "mbt2018_mean", "checkpoint": fixed_rate, "quality": 3, "metric": "ms-ssim"}
    data = latentpress.compress(pixels, **options)
    header = read_container(data).header
    assert (header.model, header.parameters) == ("mbt2018-mean", {"quality": 3, "metric": "ms-ssim"})
    assert latentpress.decompress(data, checkpoint=fixed_rate).size == (64, 64)


@pytest.mark.parametrize("quality", [1, 33, 62.5, 100])
def test_every_quality_of_a_variable_rate_model_decodes(
    gained: Path, photo: Image.Image, quality: float
) -> None:
    data = latentpress.compress(photo, quality=quality, checkpoint=gained)
    assert read_container(data).header.parameters == {"quality": quality}
    assert latentpress.decompress(data, checkpoint=gained).size == photo.size


def test_half_quality_is_the_default(gained: Path, photo: Image.Image) -> None:
    default = latentpress.compress(photo, checkpoint=gained)
    assert default == latentpress.compress(photo, quality=50, checkpoint=gained)


def test_a_target_is_kept_to_and_nearly_filled(gained: Path, photo: Image.Image) -> None:
    smallest, largest = (len(latentpress.compress(photo, quality=q, checkpoint=gained)) for q in (1, 100))
    budget = (smallest + largest) // 2
    data = latentpress.compress(photo, target_size=budget, checkpoint=gained)
    assert smallest < len(data) <= budget
    assert latentpress.decompress(data, checkpoint=gained).size == photo.size
    bpp = 8 * (budget + 0.5) / (photo.width * photo.height)
    assert latentpress.compress(photo, target_bpp=bpp, checkpoint=gained) == data


def test_a_target_out_of_reach_is_refused_with_what_is_possible(gained: Path, photo: Image.Image) -> None:
    smallest = len(latentpress.compress(photo, quality=1, checkpoint=gained))
    with pytest.raises(ConfigurationError, match=f"takes {smallest} bytes"):
        latentpress.compress(photo, target_size=smallest - 1, checkpoint=gained)


def test_a_generous_target_gives_the_best_quality(gained: Path, photo: Image.Image) -> None:
    data = latentpress.compress(photo, target_size=10**9, checkpoint=gained)
    assert data == latentpress.compress(photo, quality=100, checkpoint=gained)


@pytest.mark.parametrize(
    "options",
    [
        {"quality": 0},
        {"quality": 101},
        {"quality": float("nan")},
        {"quality": 50, "target_bpp": 1.0},
        {"target_size": 100, "target_bpp": 1.0},
        {"target_size": 0},
        {"target_bpp": -1.0},
        {"target_bpp": float("nan")},
        {"model": "no-such-model"},
        {"device": "no-such-device"},
    ],
)
def test_an_argument_that_is_not_valid_is_refused(gained: Path, options: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError, match="Expected"):
        latentpress.compress(np.zeros((8, 8), np.uint8), **{"checkpoint": gained, **options})  # type: ignore[arg-type]


@pytest.mark.parametrize("options", [{"target_size": 100}, {"quality": 2.5}])
def test_a_checkpoint_of_one_rate_takes_no_other(fixed_rate: Path, options: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError, match=r"rate|whole"):
        latentpress.compress(
            np.zeros((8, 8), np.uint8), model="mbt2018-mean", checkpoint=fixed_rate, **options
        )


def test_other_weights_are_refused(gained: Path, other_gained: Path, photo: Image.Image) -> None:
    data = latentpress.compress(photo, checkpoint=gained)
    with pytest.raises(WeightsError, match="fingerprint"):
        latentpress.decompress(data, checkpoint=other_gained)


def test_another_architecture_is_refused(gained: Path, fixed_rate: Path, photo: Image.Image) -> None:
    data = latentpress.compress(photo, checkpoint=gained)
    with pytest.raises(WeightsError):
        latentpress.decompress(data, checkpoint=fixed_rate)


def test_a_file_without_quality_asks_for_its_checkpoint(fixed_rate: Path) -> None:
    data = latentpress.compress(np.zeros((8, 8), np.uint8), model="mbt2018-mean", checkpoint=fixed_rate)
    with pytest.raises(WeightsError, match="checkpoint of mbt2018-mean"):
        latentpress.decompress(data)


def test_a_path_is_not_taken_for_the_bytes_in_it() -> None:
    with pytest.raises(BitstreamError, match="decompress_file"):
        latentpress.decompress("photo.ltp")  # type: ignore[arg-type]


def test_what_is_too_large_to_decompress_is_not_compressed(
    gained: Path, photo: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ImageError, match="90x70"):
        latentpress.compress(photo, checkpoint=gained, max_pixels=5000)
    with pytest.raises(ImageError, match="90x70"):
        latentpress.compress(np.array(photo), checkpoint=gained, max_pixels=5000)
    large = Image.new("1", (2**14, 2**13 + 1))
    monkeypatch.setattr(large, "load", None)  # decoding would take a gigabyte
    with pytest.raises(ImageError, match="Expected at most 134217728 pixels"):
        latentpress.compress(large)
    with pytest.raises(ImageError, match="Expected at most 134217728 pixels"):
        latentpress.compress(large, model="qres17m", lmb=4)


def test_the_limit_on_pixels_can_be_lowered_and_lifted(gained: Path, photo: Image.Image) -> None:
    data = latentpress.compress(photo, checkpoint=gained)
    with pytest.raises(ImageError, match="90x70"):
        latentpress.decompress(data, checkpoint=gained, max_pixels=5000)
    assert latentpress.decompress(data, checkpoint=gained, max_pixels=None).size == photo.size


@pytest.mark.parametrize(
    "changes",
    [
        {"model": "ssf2020"},
        {"model": "unheard-of"},
        {"parameters": {}},
        {"parameters": {"quality": 101}},
        {"parameters": {"quality": float("nan")}},
        {"parameters": {"quality": "high"}},
        {"parameters": {"quality": 50, "metric": "beauty"}},
        {"parameters": {"quality": 50, "unheard-of": 1}},
    ],
)
def test_a_header_that_no_encoder_writes_is_refused(
    gained: Path, photo: Image.Image, changes: dict[str, object]
) -> None:
    container = read_container(latentpress.compress(photo, checkpoint=gained))
    changed = replace(container, header=replace(container.header, **changes))  # type: ignore[arg-type]
    with pytest.raises(BitstreamError):
        latentpress.decompress(write_container(changed), checkpoint=gained)


@pytest.mark.parametrize("strings", [(), (b"",), (b"", b""), (b"", b"", b""), (b"abcdefgh", b"abcdefgh")])
@pytest.mark.parametrize("model", ["latentpress2026", "mbt2018-mean", "bmshj2018-factorized"])
def test_strings_that_no_encoder_writes_are_refused(
    gained: Path, fixed_rate: Path, tmp_path: Path, strings: tuple[bytes, ...], model: str
) -> None:
    checkpoint = {"latentpress2026": gained, "mbt2018-mean": fixed_rate}.get(model)
    if checkpoint is None:
        checkpoint = tmp_path / "factorized.safetensors"
        small_factorized(checkpoint)
    options = {"model": model, "checkpoint": checkpoint}
    container = read_container(latentpress.compress(np.zeros((70, 70, 3), np.uint8), **options))
    damaged = write_container(replace(container, strings=strings))
    with pytest.raises(BitstreamError):
        latentpress.decompress(damaged, checkpoint=checkpoint)


def small_factorized(path: Path) -> None:
    from latentpress import zoo
    from latentpress.models import FactorizedPrior

    model = FactorizedPrior(8, 12).eval()
    model.update()
    zoo.save_checkpoint(model, path)


def test_importing_the_package_loads_no_torch_and_parts_load_on_use() -> None:
    program = (
        "import sys, latentpress; assert not {'torch', 'numpy'} & set(sys.modules);"
        "latentpress.codec.read_container; assert 'torch' not in sys.modules;"
        "assert latentpress.zoo.recipes and latentpress.available_entropy_coders();"
        "assert {'zoo', 'compress'} <= set(dir(latentpress)); latentpress.no_such_name"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert run.stderr.strip().endswith("AttributeError: module 'latentpress' has no attribute 'no_such_name'")


@pytest.fixture(scope="module")
def scanning(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Checkpoint of a small mbt2018, whose context model scans the latent."""
    model = JointAutoregressiveHierarchicalPriors(8, 12).eval()
    model.update()
    path = tmp_path_factory.mktemp("weights") / "scanning.safetensors"
    zoo.save_checkpoint(model, path)
    return path


def test_a_file_of_a_scanning_model_records_the_order_and_decodes_in_either(
    scanning: Path, photo: Image.Image
) -> None:
    data = latentpress.compress(photo, model="mbt2018", checkpoint=scanning)
    container = read_container(data)
    assert container.header.parameters == {"order": 1}

    model = zoo.load_checkpoint(scanning)
    padded = np.pad(np.asarray(photo), ((0, 58), (0, 38), (0, 0)), mode="edge")
    x = torch.from_numpy(padded).permute(2, 0, 1)[None].float() / 255
    raster = model.compress(x, order="raster")["strings"]
    header = replace(container.header, parameters={"order": 0})
    rewritten = write_container(replace(container, header=header, strings=tuple(s[0] for s in raster)))
    images = [latentpress.decompress(d, checkpoint=scanning) for d in (data, rewritten)]
    assert images[0].tobytes() == images[1].tobytes()


@pytest.mark.parametrize("order", [2, None, 1.0, "wavefront"])
def test_an_unknown_stream_order_is_refused(scanning: Path, photo: Image.Image, order: object) -> None:
    container = read_container(latentpress.compress(photo, model="mbt2018", checkpoint=scanning))
    parameters = {} if order is None else {"order": order}
    header = replace(container.header, parameters=parameters)
    with pytest.raises(BitstreamError):
        latentpress.decompress(write_container(replace(container, header=header)), checkpoint=scanning)
