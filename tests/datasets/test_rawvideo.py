"""Uncompressed video files."""

import pickle
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from latentpress.datasets import RawVideoClips, RawVideoSequence, VideoFormat
from latentpress.datasets.rawformat import format_from_name
from latentpress.errors import ConfigurationError, DataError
from latentpress.transforms import RandomCrop

SHAPES = {
    "yuv400": lambda h, w: [(h, w)],
    "yuv420": lambda h, w: [(h, w), ((h + 1) // 2, (w + 1) // 2), ((h + 1) // 2, (w + 1) // 2)],
    "yuv422": lambda h, w: [(h, w), (h, (w + 1) // 2), (h, (w + 1) // 2)],
    "yuv444": lambda h, w: [(h, w)] * 3,
}
CASES = [(kind, bits, size) for kind in SHAPES for bits in (8, 10) for size in ((6, 10), (7, 9))]


def random_frames(kind: str, bits: int, size: tuple[int, int], count: int = 3) -> list[list[np.ndarray]]:
    random = np.random.default_rng(0)
    dtype = np.uint8 if bits == 8 else np.dtype("<u2")
    shapes = SHAPES[kind](*size)
    return [[random.integers(1 << bits, size=s).astype(dtype) for s in shapes] for _ in range(count)]


def joined(frames: list[list[np.ndarray]], mark: bytes = b"") -> bytes:
    return b"".join(mark + b"".join(plane.tobytes() for plane in frame) for frame in frames)


def check(video: RawVideoSequence, frames: list[list[np.ndarray]]) -> None:
    assert len(video) == len(frames)
    for found, expected in zip(video, frames, strict=True):
        present = [plane for plane in found if plane is not None]
        assert len(present) == len(expected)
        assert all(
            np.array_equal(a, b) and a.dtype == b.dtype for a, b in zip(present, expected, strict=True)
        )


@pytest.mark.parametrize(("kind", "bits", "size"), CASES)
def test_yuv_files_are_read_as_they_are_described(tmp_path: Path, kind: str, bits: int, size) -> None:
    frames = random_frames(kind, bits, size)
    path = tmp_path / "clip.yuv"
    path.write_bytes(joined(frames))
    check(RawVideoSequence.from_file(path, size[1], size[0], bits, kind), frames)


@pytest.mark.parametrize(("kind", "bits", "size"), CASES)
def test_y4m_files_describe_themselves(tmp_path: Path, kind: str, bits: int, size) -> None:
    frames = random_frames(kind, bits, size)
    colour = ("mono" if kind == "yuv400" else kind[3:]) + (
        "" if bits == 8 else f"p{bits}" * (kind != "yuv400")
    )
    colour += str(bits) * (bits > 8 and kind == "yuv400")
    header = f"YUV4MPEG2 W{size[1]} H{size[0]} F30000:1001 Ip A1:1 C{colour} XCOLORRANGE=FULL\n".encode()
    path = tmp_path / "clip.y4m"
    path.write_bytes(header + joined(frames, b"FRAME\n"))
    video = RawVideoSequence.from_file(path)
    check(video, frames)
    assert (video.format, video.bitdepth) == (VideoFormat(kind), bits)
    assert (video.framerate, video.full_range) == (Fraction(30000, 1001), True)


def test_frames_of_y4m_may_have_parameters_of_their_own(tmp_path: Path) -> None:
    frames = random_frames("yuv420", 8, (4, 4), 2)
    path = tmp_path / "clip.y4m"
    body = joined(frames[:1], b"FRAME Ixyz\n") + joined(frames[1:], b"FRAME\n")
    path.write_bytes(b"YUV4MPEG2 W4 H4\n" + body)
    video = RawVideoSequence.from_file(path)
    check(video, frames)
    assert (video.framerate, video.full_range) == (None, False)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a_1920x1080_50fps_10bit_P420", (1920, 1080, 10, "yuv420", Fraction(50))),
        ("b_352x288_29.97fps_444_8bit", (352, 288, 8, "yuv444", Fraction(30000, 1001))),
        ("c_640x480_30Hz_yuv422p10le", (640, 480, 10, "yuv422", Fraction(30))),
        ("d_1280x720_I420_10LE", (1280, 720, 10, "yuv420", None)),
        ("BQMall_832x480_60", (832, 480, 8, "yuv420", Fraction(60))),
        ("e_444x300_12.5fps", (444, 300, 8, "yuv420", Fraction(25, 2))),
        ("f-176x144-24fps-P400", (176, 144, 8, "yuv400", Fraction(24))),
    ],
)
def test_names_of_files_say_what_is_in_them(name: str, expected: tuple) -> None:
    found = format_from_name(Path(f"{name}.yuv"), {})
    assert (found.width, found.height, found.bitdepth, found.format.value, found.framerate) == expected


def test_what_is_given_goes_before_what_the_name_says(tmp_path: Path) -> None:
    path = tmp_path / "clip_4x4_25fps.yuv"
    path.write_bytes(bytes(4 * 2 * 3))
    video = RawVideoSequence.from_file(path, height=2, format="yuv444", framerate=30)
    assert (len(video), video.width, video.height, video.framerate) == (1, 4, 2, 30)


def write_grey(folder: Path, luma: int, chroma: int, bits: int, name: str = "clip") -> Path:
    path = folder / f"{name}_8x6_25fps_{bits}bit_P420.yuv"
    frame = [np.full(48, luma), np.full(24, chroma)]
    path.write_bytes(np.concatenate(frame * 4).astype("u1" if bits == 8 else "<u2").tobytes())
    return path


@pytest.mark.parametrize(
    ("luma", "bits", "full", "level"),
    [
        (16, 8, False, 0.0),
        (235, 8, False, 1.0),
        (255, 8, True, 1.0),
        (940, 10, False, 1.0),
        (1023, 10, True, 1.0),
    ],
)
def test_black_and_white_are_where_the_range_says(tmp_path: Path, luma, bits, full, level) -> None:
    path = write_grey(tmp_path, luma, 128 << (bits - 8), bits)
    video = RawVideoSequence.from_file(path, full_range=full)
    assert torch.allclose(video.rgb(1), torch.full((3, 6, 8), level), atol=1e-6)


def test_the_matrix_follows_the_number_of_lines_unless_it_is_given(tmp_path: Path) -> None:
    path = write_grey(tmp_path, 100, 90, 8)
    video = RawVideoSequence.from_file(path)
    assert video.matrix == "bt601"
    blue, red = ((90 - 128) / 224 * 2 * (1 - weight) for weight in (0.114, 0.299))
    luma = (100 - 16) / 219
    assert torch.allclose(
        video.rgb(0)[:, 0, 0], torch.tensor([luma + red, video.rgb(0)[1, 0, 0], luma + blue])
    )
    assert not torch.allclose(video.rgb(0), RawVideoSequence.from_file(path, matrix="bt709").rgb(0))
    large = tmp_path / "large_2x720.yuv"
    large.write_bytes(bytes(2 * 720 * 3 // 2))
    assert RawVideoSequence.from_file(large).matrix == "bt709"


@pytest.mark.parametrize("kind", SHAPES)
def test_pictures_of_odd_sizes_keep_them(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "clip.yuv"
    path.write_bytes(joined(random_frames(kind, 8, (7, 9))))
    video = RawVideoSequence.from_file(path, 9, 7, format=kind)
    assert video.yuv444(0).shape == video.rgb(2).shape == (3, 7, 9)


def test_a_sequence_can_be_sliced_closed_and_pickled(tmp_path: Path) -> None:
    path = write_grey(tmp_path, 50, 128, 8)
    video = RawVideoSequence.from_file(path)
    assert [int(frame.y[0, 0]) for frame in video[1:3]] == [50, 50]
    assert int(video[-1].y[0, 0]) == 50
    video.close()
    assert int(video[0].y[0, 0]) == 50
    packed = pickle.dumps(video)
    assert len(packed) < 2000
    assert np.array_equal(pickle.loads(packed)[3].u, video[3].u)
    with pytest.raises(IndexError):
        video[4]


def test_clips_are_runs_of_frames_of_every_file_cut_alike(tmp_path: Path) -> None:
    write_grey(tmp_path, 16, 128, 8, "a")
    write_grey(tmp_path, 235, 128, 8, "b")
    (tmp_path / "broken_8x6.yuv").write_bytes(bytes(71))
    clips = RawVideoClips(tmp_path, 3, step=1, transform=RandomCrop(4))
    assert (len(clips), clips.skipped) == (4, 1)
    assert [round(float(clips[i][0].mean()), 4) for i in range(4)] == [0, 0, 1, 1]
    assert [frame.shape for frame in clips[-1]] == [(3, 4, 4)] * 3
    assert len(RawVideoClips(tmp_path, 3)) == 2


HEADER = b"YUV4MPEG2 W4 H4 F25:1\n"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.yuv", bytes(24)),
        ("a_4x4.yuv", bytes(25)),
        ("a_4x4.yuv", b""),
        ("a_0x4.yuv", bytes(24)),
        ("a.y4m", HEADER),
        ("a.y4m", HEADER + b"FRAME\n" + bytes(23)),
        ("a.y4m", b"YUV4MPEG2 W4 H4 C420p99\nFRAME\n" + bytes(48)),
        ("a.y4m", HEADER + b"FRAME\n" + bytes(24) + b"FRAME"),
        ("a.y4m", HEADER + b"FROME\n" + bytes(24)),
        ("a.y4m", b"YUV4MPEG2 W4 H4 C444alpha\nFRAME\n" + bytes(64)),
        ("a.y4m", b"YUV4MPEG2 W4\nFRAME\n" + bytes(64)),
        ("a.y4m", b"YUV4MPEG2 W99999999999999999999 H4\nFRAME\n" + bytes(64)),
        ("a.y4m", b"YUV4MPEG2 W4 H4 F25:0\nFRAME\n" + bytes(64)),
        ("a.y4m", b"YUV4MPEG2 " + b"x" * 9000),
    ],
)
def test_damaged_files_are_errors_that_name_the_file(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(DataError, match="Expected"):
        RawVideoSequence.from_file(tmp_path / name)
    with pytest.raises(DataError, match="1 files"):
        RawVideoClips(tmp_path)


def test_a_file_that_became_shorter_is_an_error(tmp_path: Path) -> None:
    path = write_grey(tmp_path, 50, 128, 8)
    video = RawVideoSequence.from_file(path)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DataError, match="288 bytes"):
        video[0]


@pytest.mark.parametrize("options", [{"format": "rgb"}, {"bitdepth": 7}, {"matrix": "ntsc"}])
def test_values_that_do_not_exist_are_errors(tmp_path: Path, options) -> None:
    with pytest.raises(ConfigurationError, match="Expected"):
        RawVideoSequence.from_file(write_grey(tmp_path, 50, 128, 8), **options)
    with pytest.raises(DataError, match=r"nothing\.yuv"):
        RawVideoSequence.from_file(tmp_path / "nothing.yuv")
