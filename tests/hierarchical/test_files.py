"""Hierarchies on files: containers, prefixes of them, targets, the published stream, commands."""

import dataclasses

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

import latentpress
from latentpress import zoo
from latentpress.cli import main
from latentpress.codec.container import Container, Header, Layout, read_container, write_container
from latentpress.codec.hierarchical import HierarchicalCodec, load_hierarchical_codec
from latentpress.codec.images import Picture
from latentpress.errors import BitstreamError, ConfigurationError, WeightsError
from latentpress.models.hierarchical import FIXED_POINT, FLOAT32, fit_to_size
from latentpress.models.hierarchical.arithmetic import kernel_version
from latentpress.models.hierarchical.qarv_stream import pack_file, unpack_file, unpack_stream


def picture(height: int = 70, width: int = 100, channels: int = 3, seed: int = 0) -> Picture:
    ramp = np.add.outer(np.arange(height), np.arange(width))[..., None] + 40 * np.arange(channels)
    noise = np.random.default_rng(seed).integers(0, 20, (height, width, channels))
    return Picture(((ramp + noise) % 256).astype(np.uint8))


@pytest.fixture
def qarv_codec(qarv) -> HierarchicalCodec:
    return HierarchicalCodec(qarv, "qarv_base")


@pytest.mark.parametrize("shape", [(1, 1, 3), (70, 100, 3), (64, 65, 1), (127, 30, 3)])
def test_lossless_files_give_back_every_pixel(lossless, shape) -> None:
    codec = HierarchicalCodec(lossless, "qres34m_lossless")
    for original in (
        picture(*shape),
        Picture(np.random.default_rng(1).integers(0, 256, shape).astype(np.uint8)),
    ):
        decoded = codec.decode_picture(read_container(codec.encode_picture(original)))
        assert np.array_equal(decoded.colour, original.colour)


def test_files_decode_to_the_size_and_side_data_that_went_in(qarv_codec) -> None:
    plain = picture()
    alpha = np.random.default_rng(2).integers(0, 256, plain.colour.shape[:2]).astype(np.uint8)
    decoded = qarv_codec.decode_picture(
        read_container(qarv_codec.encode_picture(Picture(plain.colour, alpha, b"profile"), 64))
    )
    assert decoded.colour.shape == plain.colour.shape
    assert np.array_equal(decoded.alpha, alpha)
    assert decoded.icc == b"profile"


@pytest.mark.parametrize("arithmetic", [FLOAT32, FIXED_POINT])
def test_files_say_what_arithmetic_they_are_in(qarv_codec, arithmetic) -> None:
    data = qarv_codec.encode_picture(picture(), 64, arithmetic)
    container = read_container(data)
    assert container.header.parameters.get("arithmetic") == (1 if arithmetic == FIXED_POINT else None)
    decoded = qarv_codec.decode_picture(container).colour
    with kernel_version("portable"):
        assert qarv_codec.encode_picture(picture(), 64, arithmetic) == data
        assert np.array_equal(qarv_codec.decode_picture(container).colour, decoded)


@pytest.mark.parametrize("recorded", [0, 2, 1.0, "1"])
def test_an_arithmetic_that_is_not_known_is_refused(qarv_codec, recorded) -> None:
    container = read_container(qarv_codec.encode_picture(picture(), 64, FLOAT32))
    parameters = {**container.header.parameters, "arithmetic": recorded}
    header = dataclasses.replace(container.header, parameters=parameters)
    with pytest.raises(BitstreamError, match="arithmetic"):
        qarv_codec.decode_picture(dataclasses.replace(container, header=header))


def test_any_prefix_of_a_file_decodes_or_says_that_it_is_too_short(qarv_codec) -> None:
    data = qarv_codec.encode_picture(picture(128, 192), 512)
    used = []
    for size in range(0, len(data) + 1, 97):
        try:
            container = read_container(data[:size], prefix=True)
            decoded = qarv_codec.decode_picture(container)
        except BitstreamError:
            assert not used, "a longer prefix must not fail where a shorter one decoded"
            continue
        assert decoded.colour.shape == (128, 192, 3)
        used.append(len(container.strings))
    assert used == sorted(used)
    assert used[0] == 1
    complete = read_container(data)
    whole = qarv_codec.decode_picture(complete).colour
    first_two = qarv_codec.decode_picture(complete, latents=2).colour
    cut = read_container(data[:-5], prefix=True)
    assert np.array_equal(qarv_codec.decode_picture(cut).colour, first_two)
    assert not np.array_equal(first_two, whole)


def test_a_truncated_file_is_an_error_unless_asked_for(qarv_codec) -> None:
    data = qarv_codec.encode_picture(picture())
    with pytest.raises(BitstreamError):
        read_container(data[:-5])


def test_a_flipped_bit_in_a_later_latent_leaves_the_earlier_ones(qarv_codec) -> None:
    data = bytearray(qarv_codec.encode_picture(picture(128, 192), 512))
    data[-30] ^= 4
    with pytest.raises(BitstreamError):
        read_container(bytes(data))


def test_other_weights_are_refused(qarv_codec, qres) -> None:
    data = qarv_codec.encode_picture(picture())
    with pytest.raises(WeightsError, match="made by qarv_base"):
        HierarchicalCodec(qres, "qres34m").decode_picture(read_container(data))
    container = read_container(data)
    first = next(qarv_codec.model.parameters())
    with torch.no_grad():
        first.mul_(1.01)
        other = HierarchicalCodec(qarv_codec.model, "qarv_base")
        first.div_(1.01)
    with pytest.raises(WeightsError, match="fingerprint"):
        other.decode_picture(container)


def test_a_target_size_is_met_from_below(qarv_codec) -> None:
    original = picture(128, 192)
    smallest, largest = (len(qarv_codec.encode_picture(original, lmb)) for lmb in qarv_codec.model.lmb_range)
    low, high = sorted((smallest, largest))
    budget = (low + high) // 2 if smallest < largest else smallest
    data = qarv_codec.encode_to_size(original, budget)
    assert len(data) <= budget
    with pytest.raises(ConfigurationError, match=str(smallest)):
        qarv_codec.encode_to_size(original, smallest - 1)


def test_the_search_ends_within_a_byte_or_between_neighbouring_lambdas() -> None:
    assert len(fit_to_size(lambda lmb: bytes(int(lmb)), (16.0, 2048.0), 777).data) in (776, 777)
    steps = []

    def stair(lmb: float) -> bytes:
        steps.append(lmb)
        return bytes(100 if lmb < 300.0 else 900)

    fit = fit_to_size(stair, (16.0, 2048.0), 500)
    assert len(fit.data) == 100
    assert np.nextafter(np.float32(fit.lmb), np.float32(1e9)) >= 300.0 or fit.lmb == 16.0
    assert len(steps) <= 42
    assert len(fit_to_size(stair, (16.0, 2048.0), 5000).data) == 900


def test_the_published_stream_reads_back_and_is_checked(qarv) -> None:
    x = torch.rand(2, 3, 64, 128)
    data = qarv.compress(x, 100)
    stream = unpack_stream(data, qarv.num_latents)
    assert (stream.lmb, stream.grid, len(stream.strings), len(stream.strings[0])) == (100.0, (1, 2), 3, 2)
    assert torch.equal(qarv.decompress(data), qarv.decode(qarv.encode(x, 100), (1, 2), 100))
    for damaged in (data[:5], data[:20], data[:-1], data + b"x", bytes(4) + data[4:], b"\xff" * 12):
        with pytest.raises(BitstreamError):
            qarv.decompress(damaged)
    assert unpack_file(pack_file((60, 120), data)) == ((60, 120), data)
    with pytest.raises(BitstreamError):
        unpack_file(b"ab")
    with pytest.raises(ConfigurationError):
        pack_file((70_000, 1), data)


def test_the_published_file_keeps_any_size(qarv, tmp_path) -> None:
    source, coded, target = (tmp_path / name for name in ("a.png", "a.bits", "b.png"))
    Image.fromarray(picture(50, 90).colour).save(source)
    qarv.compress_file(source, coded, lmb=64)
    assert unpack_file(coded.read_bytes())[0] == (50, 90)
    decoded = qarv.decompress_file(coded)
    assert decoded.shape == (1, 3, 50, 90)
    qarv.decompress_file(coded, target)
    assert Image.open(target).size == (90, 50)


def test_other_models_keep_files_in_the_container(lossless, tmp_path) -> None:
    source, coded, target = (tmp_path / name for name in ("a.png", "a.ltp", "b.png"))
    original = picture(50, 90).colour
    Image.fromarray(original).save(source)
    lossless.compress_file(source, coded)
    decoded = lossless.decompress_file(coded, target)
    assert np.array_equal(np.asarray(Image.open(target)), original)
    assert torch.equal((decoded[0] * 255).round().byte().permute(1, 2, 0), torch.from_numpy(original))
    assert read_container(coded.read_bytes()).header.model == lossless.name


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "qres17m.safetensors"
    zoo.save_hierarchy(zoo.qres17m(lmb=4).compress_mode(), path)
    return path


def run(*arguments: object) -> str:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_commands_work_on_files(checkpoint, tmp_path) -> None:
    source, coded, target = (tmp_path / name for name in ("a.png", "a.ltp", "b.png"))
    Image.fromarray(picture(50, 90).colour).save(source)
    weights = ("--checkpoint", checkpoint)
    model = ("--model", "qres17m", "--lmb", 4, *weights)
    run("compress", source, "-o", coded, *model)
    run("decompress", coded, "-o", target, *weights)
    assert Image.open(target).size == (90, 50)
    for arithmetic, recorded in ((FLOAT32, None), (FIXED_POINT, 1)):
        run("compress", "--overwrite", source, "-o", coded, *model, "--arithmetic", arithmetic)
        assert read_container(coded.read_bytes()).header.parameters.get("arithmetic") == recorded
        run("decompress", "--overwrite", coded, "-o", target, *weights)
    cut = tmp_path / "cut.ltp"
    cut.write_bytes(coded.read_bytes()[:-1])
    run("progressive", cut, "-o", tmp_path / "c.png", "--temperature", 0, *weights)
    assert Image.open(tmp_path / "c.png").size == (90, 50)
    run("sample", "-o", tmp_path / "s.png", "--count", 2, "--size", 64, 64, "--seed", 1, *model)
    assert Image.open(tmp_path / "s.png").size == (128, 64)
    run("interpolate", source, target, "-o", tmp_path / "i.png", "--steps", 3, *model)
    assert Image.open(tmp_path / "i.png").size == (270, 50)
    run("inpaint", source, "-o", tmp_path / "p.png", "--box", 10, 10, 30, 40, *model)
    assert Image.open(tmp_path / "p.png").size == (90, 50)
    assert run("curve", source, "-q", *model).splitlines()[0] == "lmb,bpp,psnr"
    assert load_hierarchical_codec("qres17m", lmb=4, checkpoint=checkpoint).model.default_lmb == 4.0


def test_wrong_arguments_are_one_sentence(checkpoint, tmp_path) -> None:
    source = tmp_path / "a.png"
    Image.fromarray(picture(20, 20).colour).save(source)
    common = ["compress", str(source), "-o", str(tmp_path / "a.ltp"), "--model"]
    for arguments in (
        [*common, "qarv_base", "--quality", "50"],
        [*common, "mbt2018-mean", "--lmb", "50"],
        ["inpaint", str(source), "-o", str(tmp_path / "b.png"), "--model", "qres17m", "--lmb", "4",
         "--checkpoint", str(checkpoint), "--box", "0", "0", "30", "5"],
    ):  # fmt: skip
        result = CliRunner().invoke(main, arguments)
        assert result.exit_code == 1
        assert result.output.startswith("latentpress: error: ")
        assert result.output.count("\n") == 1


def test_a_typo_in_the_name_of_a_hierarchy_is_understood() -> None:
    with pytest.raises(ConfigurationError, match=r"did you mean qarv_base\?"):
        latentpress.compress(picture().colour, model="qarv_bse")


def test_only_hierarchies_have_a_choice_of_arithmetic() -> None:
    with pytest.raises(ConfigurationError, match="hierarchical"):
        latentpress.compress(picture().colour, arithmetic=FIXED_POINT)


def test_published_weights_that_cannot_be_had_are_a_clear_error(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("LATENTPRESS_CACHE", str(tmp_path))
    monkeypatch.setenv("LATENTPRESS_WEIGHTS_URL", "http://127.0.0.1:9")
    with pytest.raises(WeightsError, match=r"qres17m-lmb4\.pt"):
        zoo.qres17m(lmb=4, pretrained=True)
    with pytest.raises(WeightsError, match="lmb=64"):
        zoo.qres17m(lmb=5, pretrained=True)
    with pytest.raises(ConfigurationError):
        zoo.qres17m(lmb=-1)
    with pytest.raises(ConfigurationError):
        zoo.get_model("qres17m", speed=3)


@pytest.mark.parametrize("name", ["qarv_base", "qres17m", "qres34m_lossless"])
def test_a_file_that_names_a_model_takes_no_memory_before_there_are_weights(
    tmp_path, monkeypatch, name: str
) -> None:
    def fail(*given: object, **named: object) -> None:
        raise AssertionError("the network was made")

    monkeypatch.setenv("LATENTPRESS_CACHE", str(tmp_path))
    monkeypatch.setenv("LATENTPRESS_WEIGHTS_URL", "http://127.0.0.1:9")
    monkeypatch.setattr(torch.nn.Module, "__init__", fail)
    header = Header(64, 64, Layout.RGB, name, bytes(8), {"lmbda": 4}, section_checksums=True)
    with pytest.raises(WeightsError, match="could not be downloaded"):
        latentpress.decompress(write_container(Container(header, (b"x",))))


def test_published_checkpoints_load_from_the_cache_in_their_own_wrapping(
    checkpoint, tmp_path, monkeypatch
) -> None:
    monkeypatch.setenv("LATENTPRESS_CACHE", str(tmp_path))
    model = zoo.qres17m(lmb=4, pretrained=checkpoint)
    torch.save({"model": model.state_dict(), "epoch": 3}, tmp_path / "qres17m-lmb4.pt")
    again = zoo.qres17m(lmb=4, pretrained=True, progress=False)
    assert zoo.fingerprint(again) == zoo.fingerprint(model)
    with pytest.raises(WeightsError, match="does not fit"):
        zoo.qres34m(pretrained=checkpoint)


def test_images_in_memory_go_through_the_same_door(checkpoint) -> None:
    import latentpress

    original = Image.fromarray(picture(40, 50).colour)
    data = latentpress.compress(original, model="qres17m", lmb=4, checkpoint=checkpoint)
    assert latentpress.decompress(data, checkpoint=checkpoint).size == (50, 40)
    with pytest.raises(ConfigurationError, match="variable-rate"):
        latentpress.compress(original, model="qres17m", lmb=None, target_size=500, checkpoint=checkpoint)
