"""Frames out of files of all kinds, and RGB back into frames."""

import math
from dataclasses import replace
from fractions import Fraction
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from latentpress.datasets import RawVideoSequence, open_clip
from latentpress.datasets.codedvideo import import_av, pixel_format
from latentpress.datasets.frames import Frame, frame_of, grey_frame, rgb_of
from latentpress.datasets.orientation import Orientation, orientation_of
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


Y4M = b"YUV4MPEG2 W4 H2\n" + b"".join(b"FRAME\n" + bytes([n] * 12) for n in range(3))


@pytest.mark.parametrize(
    "data", [Y4M[:-1], Y4M[:-12], Y4M[:-14], Y4M + b"junk", Y4M[:-18] + b"G" + Y4M[-17:]]
)
def test_an_uncompressed_file_that_is_cut_ends_where_its_whole_frames_do(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "clip.y4m").write_bytes(data)
    with pytest.raises(DataError, match="cut short"):
        open_clip(tmp_path / "clip.y4m")
    clip = open_clip(tmp_path / "clip.y4m", whole=False)
    count = 3 if data.startswith(Y4M) else 2
    assert [int(frame.y[0, 0]) for frame in clip] == list(range(count))
    assert clip.damage == f"the file is damaged or cut after {count} whole frames, which were taken."


def test_without_a_whole_frame_there_is_nothing_to_take(tmp_path: Path) -> None:
    for data in (Y4M[:20], Y4M[:17], b"YUV4MPEG2 W4 H2\n"):
        (tmp_path / "clip.y4m").write_bytes(data)
        with pytest.raises(DataError, match="Expected frame"):
            open_clip(tmp_path / "clip.y4m", whole=False)


def test_frames_that_a_decoder_refuses_are_left_out_and_counted(tmp_path: Path) -> None:
    frames = [flat((n, n, n)) for n in range(0, 200, 20)]
    path = coded(tmp_path / "clip.mkv", frames, "libvpx-vp9", "yuv420p")
    with av.open(str(path)) as file:
        packets = [bytes(packet) for packet in file.demux(video=0) if packet.size]
    path.write_bytes(path.read_bytes().replace(packets[5], bytes([255] * len(packets[5]))))
    with pytest.raises(DataError, match="damaged after"):
        list(open_clip(path))
    clip = open_clip(path, whole=False)
    assert len(list(clip)) == 9
    assert clip.damage == "1 packets of video are damaged; the 9 frames that were good were taken."


@pytest.mark.parametrize("bitdepth", [8, 9, 10, 16])
@pytest.mark.parametrize("format", list(VideoFormat))
def test_names_of_pixel_formats_come_back(format: VideoFormat, bitdepth: int) -> None:
    assert parse_pixel_format(pixel_format(RawFormat(2, 2, bitdepth, format))) == (format, bitdepth)


@pytest.mark.parametrize("name", ["rgb24", "yuv420", "yuv411p", "yuv420p8", "yuv420p10be", ""])
def test_other_names_are_an_error(name: str) -> None:
    with pytest.raises(ConfigurationError, match="pixel format"):
        parse_pixel_format(name)


def with_matrix(path: Path, numbers: tuple[int, ...]) -> Path:
    """A copy of an .mp4 file with a, b, c and d of another display matrix."""
    data = bytearray(path.read_bytes())
    header = data.index(b"tkhd")
    a, b, c, d = (value << 16 for value in numbers)
    # The matrix of a track header of version 0 begins 44 bytes after its name.
    matrix = (a, b, 0, c, d, 0, 0, 0, 1 << 30)
    data[header + 44 : header + 80] = b"".join(value.to_bytes(4, "big", signed=True) for value in matrix)
    turned = path.with_name("turned.mp4")
    turned.write_bytes(data)
    return turned


# By their numbers in EXIF (CIPA DC-008): where the axes of the picture, x and y, point when it is shown.
MATRICES = {
    1: (1, 0, 0, 1), 2: (-1, 0, 0, 1), 3: (-1, 0, 0, -1), 4: (1, 0, 0, -1),
    5: (0, 1, 1, 0), 6: (0, 1, -1, 0), 7: (0, -1, -1, 0), 8: (0, -1, 1, 0),
}  # fmt: skip


@pytest.mark.parametrize("orientation", MATRICES)
def test_a_display_matrix_turns_and_mirrors_as_the_orientation_of_a_photograph_does(
    tmp_path: Path, orientation: int
) -> None:
    picture = np.full((32, 48, 3), 40, np.uint8)
    picture[:16, :16], picture[:16, 16:] = (220, 30, 30), 130  # no turn or mirror leaves it as it is
    plain = coded(tmp_path / "plain.mp4", [picture], "libx264", "yuv420p")
    photograph = Image.fromarray(picture)
    photograph.getexif()[0x0112] = orientation
    expected = np.asarray(ImageOps.exif_transpose(photograph)).astype(int)
    clip = open_clip(with_matrix(plain, MATRICES[orientation]))
    assert (clip.info.layout.width, clip.info.layout.height) == expected.shape[1::-1]
    rgb = clip.rgb(next(iter(clip))).permute(1, 2, 0).numpy() * 255
    assert np.abs(rgb[4::8, 4::8] - expected[4::8, 4::8]).max() < 20


def test_a_matrix_at_any_angle_is_the_nearest_of_the_eight() -> None:
    for degrees in range(0, 360, 10):
        if degrees % 90 in (40, 50):
            continue
        cos, sin = (round(65536 * f(math.radians(degrees))) for f in (math.cos, math.sin))
        nearest = MATRICES[{0: 1, 1: 6, 2: 3, 3: 8}[round(degrees / 90) % 4]]
        found = orientation_of([cos, sin, 0, -sin, cos, 0, 0, 0, 1])
        assert found == orientation_of([*nearest[:2], 0, *nearest[2:], 0, 0, 0, 1])


def test_samples_of_chroma_stay_where_they_are_when_odd_sides_are_mirrored(tmp_path: Path) -> None:
    path = tmp_path / "plain.mp4"
    frames = [flat((40, 90, 140), 33, 51)]
    coded(path, frames, "libx264", "yuv444p")
    assert open_clip(with_matrix(path, MATRICES[2])).info.layout.format is VideoFormat.YUV444
    mirrored, upright = Orientation(mirrored=True), Orientation()
    assert mirrored.moves_chroma(51, 32, 2, 2)
    assert not mirrored.moves_chroma(50, 33, 2, 2)
    assert not upright.moves_chroma(51, 33, 2, 2)
    assert Orientation(sideways=True, mirrored=True).moves_chroma(50, 33, 2, 2)
