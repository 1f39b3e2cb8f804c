"""Codecs that are programs: command lines, files and errors, with stand-ins for the real programs."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fake_programs import write_failing_program, write_program
from latentpress.errors import ConfigurationError
from latentpress.evaluation.codecs import Bpg, Hm, Vtm, find_codec, usable_codecs

Calls = list[list[str]]


@pytest.fixture
def pixels(photo: Image.Image) -> np.ndarray:
    return np.asarray(photo)


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder `build` with `bin`, which is the whole path, and `cfg`, as the reference software has them."""
    folder = tmp_path / "build"
    (folder / "bin").mkdir(parents=True)
    (folder / "cfg").mkdir()
    for name in ("encoder_intra_vtm.cfg", "encoder_intra_main_rext.cfg"):
        (folder / "cfg" / name).write_text("")
    monkeypatch.setenv("PATH", str(folder / "bin"))
    return folder


def install(build: Path, encoder: str, decoder: str, *, read: str) -> Path:
    """Stand-ins that log their calls into the file that is returned."""
    log = build / "calls"
    write = "-b" if read == "-i" else "-o"
    write_program(build / "bin" / encoder, log, work="compress", read=read, write=write)
    write_program(
        build / "bin" / decoder, log, work="decompress", read="-b" if read == "-i" else "", write="-o"
    )
    return log


def calls_in(log: Path) -> Calls:
    return [json.loads(line) for line in log.read_text().splitlines()]


@pytest.mark.parametrize(
    ("cls", "encoder", "decoder", "config"),
    [
        (Vtm, "EncoderAppStatic", "DecoderAppStatic", "encoder_intra_vtm.cfg"),
        (Hm, "TAppEncoderStatic", "TAppDecoderStatic", "encoder_intra_main_rext.cfg"),
    ],
)
def test_reference_software_is_given_one_picture_without_subsampling(
    build: Path, pixels: np.ndarray, cls: type[Vtm], encoder: str, decoder: str, config: str
) -> None:
    log = install(build, encoder, decoder, read="-i")
    codec = cls()
    codec.check()
    result = codec.round_trip(pixels, 37)
    encoding, decoding = calls_in(log)
    assert encoding[:3] == [encoder, "-c", str(build / "cfg" / config)]
    after = {flag: encoding[encoding.index(flag) + 1] for flag in ("-q", "-wdt", "-hgt", "-f", "-fr", "-o")}
    assert after == {"-q": "37", "-wdt": "90", "-hgt": "70", "-f": "1", "-fr": "1", "-o": "/dev/null"}
    assert [argument for argument in encoding if argument.startswith("--")] == [
        "--InputChromaFormat=444", "--InputBitDepth=10", "--InternalBitDepth=10", "--OutputBitDepth=10",
        "--ConformanceWindowMode=1",
    ]  # fmt: skip
    assert (decoding[0], decoding[-2:]) == (decoder, ["-d", "10"])
    assert decoding[decoding.index("-b") + 1] == encoding[encoding.index("-b") + 1]
    assert np.array_equal(result.pixels, pixels)  # ten bits of YCbCr lose nothing
    assert 0 < result.size < 2 * 3 * 90 * 70
    assert result.encoding_time > 0
    assert result.decoding_time > 0


def test_eight_bits_are_there_for_the_asking(build: Path, pixels: np.ndarray) -> None:
    log = install(build, "EncoderAppStatic", "DecoderAppStatic", read="-i")
    result = find_codec("vtm", {"bits": "8", "internal_bits": "8"}).round_trip(pixels, 22)  # type: ignore[attr-defined]
    encoding, decoding = calls_in(log)
    assert {"--InputBitDepth=8", "--InternalBitDepth=8", "--OutputBitDepth=8"} <= set(encoding)
    assert decoding[-2:] == ["-d", "8"]
    assert np.abs(result.pixels.astype(int) - pixels).max() <= 2  # what eight bits of YCbCr lose


def test_eight_bits_coded_at_ten_are_decoded_at_ten(build: Path) -> None:
    codec, folder = Vtm(bits=8), build / "bin"
    install(build, "EncoderAppStatic", "DecoderAppStatic", read="-i")
    encoding = codec.encoder_command((90, 70), 22, folder)
    assert {"--InputBitDepth=8", "--InternalBitDepth=10", "--OutputBitDepth=10"} <= set(encoding)
    assert codec.decoder_command(folder)[-2:] == ["-d", "10"]
    assert codec.description.endswith("8 bits, 10 inside")
    grey = np.full((3, 2, 2), 200 << 2, "<u2")
    grey[1:] = 128 << 2
    grey.tofile(folder / "decoded.yuv")
    assert np.abs(codec.read_output((2, 2), folder).astype(int) - 200).max() <= 1


@pytest.mark.parametrize("bits", [8, 10])
def test_rgb_planes_lose_nothing(build: Path, pixels: np.ndarray, bits: int) -> None:
    log = install(build, "EncoderAppStatic", "DecoderAppStatic", read="-i")
    codec = Vtm(matrix="rgb", bits=bits, internal_bits=bits)
    assert np.array_equal(codec.round_trip(pixels, 22).pixels, pixels)
    assert f"--InputBitDepth={bits}" in calls_in(log)[0]


def test_the_configuration_can_be_named_and_must_be_there(build: Path, tmp_path: Path) -> None:
    install(build, "EncoderAppStatic", "DecoderAppStatic", read="-i")
    own = tmp_path / "own.cfg"
    with pytest.raises(ConfigurationError, match=r"own\.cfg"):
        find_codec("vtm", {"config": str(own)})
    own.write_text("")
    codec = find_codec("vtm", {"config": str(own)})
    assert "own.cfg" in codec.description
    (build / "cfg" / "encoder_intra_vtm.cfg").unlink()
    with pytest.raises(ConfigurationError, match=r"encoder_intra_vtm\.cfg"):
        find_codec("vtm")


def test_bpg_is_given_a_file_and_its_settings(build: Path, pixels: np.ndarray) -> None:
    log = install(build, "bpgenc", "bpgdec", read="")
    result = Bpg(subsampling="4:2:0", hevc="jctvc", colour="rgb", bits=10).round_trip(pixels, 30)
    encoding, decoding = calls_in(log)
    code = encoding[2]
    assert encoding[:2] == ["bpgenc", "-o"]
    assert encoding[3:-1] == ["-q", "30", "-f", "420", "-e", "jctvc", "-c", "rgb", "-b", "10"]
    assert (decoding[0], decoding[-1]) == ("bpgdec", code)
    assert np.array_equal(result.pixels, pixels)


@pytest.mark.parametrize(
    ("name", "program", "source"),
    [
        ("bpg", "bpgenc", "https://bellard.org/bpg"),
        ("vtm", "EncoderAppStatic", "https://vcgit.hhi.fraunhofer.de/jvet/VVCSoftware_VTM"),
        ("hm", "TAppEncoderStatic", "https://vcgit.hhi.fraunhofer.de/jvet/HM"),
    ],
)
def test_a_missing_program_comes_with_where_to_get_it(
    build: Path, name: str, program: str, source: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        find_codec(name)
    assert program in str(caught.value)
    assert source in str(caught.value)
    assert name not in usable_codecs()


def test_a_program_that_fails_is_quoted(build: Path, pixels: np.ndarray) -> None:
    write_failing_program(build / "bin" / "bpgenc")
    write_failing_program(build / "bin" / "bpgdec")
    with pytest.raises(ConfigurationError, match=r"bpgenc.*status 3.*picture too odd"):
        Bpg().round_trip(pixels, 30)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Bpg(hevc="x264"),
        lambda: Bpg(bits=9),
        lambda: Bpg(subsampling="4:1:1"),
        lambda: Vtm(matrix="bt470"),
        lambda: Hm(bits=16),
        lambda: Vtm(internal_bits=9),
        lambda: Vtm(bits=10, internal_bits=8),
    ],
)
def test_a_setting_that_a_program_does_not_have_is_refused(make: object) -> None:
    with pytest.raises(ConfigurationError, match="Expected"):
        make()  # type: ignore[operator]
