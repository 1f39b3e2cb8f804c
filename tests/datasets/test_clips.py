"""Frames out of files of all kinds, and RGB back into frames."""

from dataclasses import replace
from fractions import Fraction
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch

from latentpress.datasets import RawVideoSequence, open_clip
from latentpress.datasets.codedvideo import import_av, pixel_format
from latentpress.datasets.frames import Frame, frame_of, grey_frame, rgb_of
from latentpress.datasets.rawformat import RawFormat, VideoFormat, parse_pixel_format
from latentpress.errors import ConfigurationError, DataError
from latentpress.transforms.functional import LUMA_WEIGHTS

av = pytest.importorskip("av", reason="PyAV is absent: pip install 'latentpress[video]'")


@pytest.mark.parametrize(
    ("format", "bitdepth", "full_range", "matrix"),
    list(product(VideoFormat, (8, 10, 16), (False, True), LUMA_WEIGHTS)),
)
def test_a_flat_colour_survives_rgb_and_back(
    format: VideoFormat, bitdepth: int, full_range: bool, matrix: str
) -> None:
    layout = RawFormat(7, 5, bitdepth, format, full_range=full_range)
    value = torch.tensor([0.5, 0.5, 0.5] if format is VideoFormat.YUV400 else [0.8, 0.3, 0.15])
    frame = frame_of(value[:, None, None].expand(3, 5, 7), layout, matrix)
    assert [plane.shape for plane in frame.planes] == layout.plane_shapes
    assert all(plane.dtype == layout.dtype for plane in frame.planes)
    restored = rgb_of(frame, layout, matrix)
    assert (restored - value[:, None, None]).abs().max() < 2.5 / 2**bitdepth * 256 / 219


def test_samples_are_those_of_the_recommendations() -> None:
    white, red = torch.ones(3, 2, 2), torch.tensor([1.0, 0, 0])[:, None, None].expand(3, 2, 2)
    layout = RawFormat(2, 2, 10, VideoFormat.YUV444)
    assert [int(plane[0, 0]) for plane in frame_of(white, layout, "bt709").planes] == [940, 512, 512]
    # BT.709: Y' of red is 0.2126, C'B is -0.2126 / 1.8556, C'R is 0.5.
    assert [int(plane[0, 0]) for plane in frame_of(red, layout, "bt709").planes] == [250, 409, 960]
    eight = replace(layout, bitdepth=8)
    assert [int(plane[0, 0]) for plane in frame_of(red, eight, "bt601").planes] == [81, 90, 240]
    full = replace(eight, full_range=True)
    assert [int(plane[0, 0]) for plane in frame_of(red, full, "bt601").planes] == [76, 85, 255]


def test_frames_that_are_not_numbers_become_samples() -> None:
    rgb = torch.full((3, 4, 4), float("nan"))
    rgb[0, 0, 0] = float("inf")
    frame = frame_of(rgb, RawFormat(4, 4), "bt601")
    assert int(frame.y.min()) == 16
    assert int(grey_frame(RawFormat(4, 4)).y[0, 0]) == 126


def coded(path: Path, frames: list[np.ndarray], encoder: str, pixels: str, **tags: object) -> Path:
    with av.open(str(path), "w") as file:
        stream = file.add_stream(encoder, rate=Fraction(30000, 1001))
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = pixels
        for name, value in tags.items():
            setattr(stream.codec_context, name, value)
        for frame in frames:
            file.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        file.mux(stream.encode(None))
    return path


def flat(colour: tuple[int, int, int], height: int = 34, width: int = 50) -> np.ndarray:
    return np.broadcast_to(np.array(colour, np.uint8), (height, width, 3)).copy()


@pytest.mark.parametrize(
    ("pixels", "format", "bitdepth"),
    [
        ("yuv420p", "yuv420", 8),
        ("yuv422p", "yuv422", 8),
        ("yuv444p", "yuv444", 8),
        ("yuv420p10le", "yuv420", 10),
        ("yuv444p10le", "yuv444", 10),
        ("bgr0", "yuv444", 8),
        ("gray", "yuv400", 8),
    ],
)
def test_coded_video_is_what_its_file_says(tmp_path: Path, pixels: str, format: str, bitdepth: int) -> None:
    path = coded(tmp_path / "clip.mkv", [flat((180, 60, 90))] * 3, "ffv1", pixels)
    clip = open_clip(path)
    layout = clip.info.layout
    assert (layout.width, layout.height, layout.format.value, layout.bitdepth) == (50, 34, format, bitdepth)
    assert abs(float(layout.framerate or 0) - 29.97) < 0.01
    assert (clip.info.audio, len(list(clip)), len(list(clip))) == (False, 3, 3)
    frame = next(iter(clip))
    assert [plane.shape for plane in frame.planes] == layout.plane_shapes
    if format != "yuv400":
        assert (clip.rgb(frame)[:, 9, 9] * 255 - torch.tensor([180.0, 60, 90])).abs().max() < 6


def test_tags_of_colour_are_read(tmp_path: Path) -> None:
    path = coded(
        tmp_path / "clip.mp4",
        [flat((9, 9, 9))],
        "libx264",
        "yuv420p10le",
        colorspace=9,
        color_primaries=9,
        color_trc=16,
        color_range=2,
    )
    info = open_clip(path).info
    assert (info.colour.matrix, info.colour.primaries, info.colour.transfer) == ("bt2020", 9, 16)
    assert info.layout.full_range


def test_a_matrix_that_nobody_here_knows_is_an_error(tmp_path: Path) -> None:
    path = coded(tmp_path / "clip.mp4", [flat((9, 9, 9))], "libx264", "yuv420p", colorspace=8)
    with pytest.raises(DataError, match="number 8"):
        open_clip(path)


def test_what_is_no_video_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "noise.mkv").write_bytes(bytes(range(256)) * 20)
    for name in ("empty.mp4", "noise.mkv", "missing.webm"):
        with pytest.raises(DataError, match=name):
            open_clip(tmp_path / name)
    with pytest.raises(ConfigurationError, match="told its width"):
        open_clip(tmp_path / "noise.mkv", width=3)


def test_without_pyav_the_message_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    with pytest.raises(ConfigurationError, match=r"latentpress\[video\]"):
        import_av()


def test_uncompressed_files_are_clips_too(tmp_path: Path) -> None:
    path = tmp_path / "clip.y4m"
    path.write_bytes(
        b"YUV4MPEG2 W4 H2 F0:0 A4:3\n" + b"".join(b"FRAME\n" + bytes([n] * 12) for n in range(40))
    )
    clip = open_clip(path, matrix="bt2020")
    assert (clip.info.frames, clip.info.colour.matrix) == (40, "bt2020")
    assert (clip.info.layout.framerate, clip.info.layout.aspect) == (None, Fraction(4, 3))
    assert [int(frame.y[0, 0]) for frame in clip] == list(range(40))
    assert isinstance(next(iter(clip)), Frame)
    assert RawVideoSequence.from_file(path).layout == clip.info.layout


@pytest.mark.parametrize("bitdepth", [8, 9, 10, 16])
@pytest.mark.parametrize("format", list(VideoFormat))
def test_names_of_pixel_formats_come_back(format: VideoFormat, bitdepth: int) -> None:
    assert parse_pixel_format(pixel_format(RawFormat(2, 2, bitdepth, format))) == (format, bitdepth)


@pytest.mark.parametrize("name", ["rgb24", "yuv420", "yuv411p", "yuv420p8", "yuv420p10be", ""])
def test_other_names_are_an_error(name: str) -> None:
    with pytest.raises(ConfigurationError, match="pixel format"):
        parse_pixel_format(name)


def test_a_file_that_was_filmed_sideways_is_turned_upright(tmp_path: Path) -> None:
    picture = flat((40, 40, 40), 32, 48)
    picture[:16, :, :] = 220
    plain = coded(tmp_path / "plain.mp4", [picture], "libx264", "yuv420p")
    data = bytearray(plain.read_bytes())
    header = data.index(b"tkhd")
    # The matrix of a track header of version 0 begins 44 bytes after its name: turn by 90 degrees clockwise.
    matrix = (0, 0x10000, 0, -0x10000, 0, 0, 32 << 16, 0, 0x40000000)
    data[header + 44 : header + 80] = b"".join(value.to_bytes(4, "big", signed=True) for value in matrix)
    (tmp_path / "turned.mp4").write_bytes(data)
    clip = open_clip(tmp_path / "turned.mp4")
    assert (clip.info.layout.width, clip.info.layout.height) == (32, 48)
    frame = next(iter(clip))
    assert frame.y.shape == (48, 32)
    assert int(frame.y[24, 24]) > 150 > 100 > int(frame.y[24, 8])
