"""When frames are shown: what a file says of it comes back from a `.ltp` file, and the sound with it."""

import io
import random
import zlib
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from latentpress.codec.binary import ByteReader
from latentpress.codec.video import VideoDecoder, VideoEncoder, VideoReader, files
from latentpress.codec.video.header import FrameTimes, VideoHeader, header_bytes, read_header
from latentpress.codec.video.packets import LATEST, Kind, packet_bytes, read_frame, write_frame
from latentpress.codec.video.schedule import Schedule
from latentpress.datasets.clip import ClipInfo, Colour
from latentpress.datasets.clips import open_clip
from latentpress.datasets.frames import Frame, Moment
from latentpress.datasets.timing import Clock, Timing
from latentpress.errors import BitstreamError, ConfigurationError, ImageError
from small_videos import LAYOUT, BlockMeans, moving, write_coded

MILLISECOND, RATE_50, RATE_25 = Fraction(1, 1000), Fraction(1, 50), Fraction(1, 25)
VARIABLE = [round(1000 * i / 30) for i in range(6)] + [200 + 100 * i for i in range(5)]
REORDERED = {"bf": "3", "b_strategy": "0"}
NTSC = [round(Fraction(1001 * i, 30)) for i in range(9)]


@pytest.fixture
def means(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are coded without a network."""
    for name in ("load_frame_codec", "load_frame_codec_for"):
        monkeypatch.setattr(files, name, lambda *_, **__: BlockMeans())


def opened(path: Path) -> Any:
    return pytest.importorskip("av", reason="PyAV is absent: pip install 'latentpress[video]'").open(
        str(path)
    )


def moments_of(path: Path) -> list[float]:
    """When the frames of a file are shown, in seconds."""
    with opened(path) as file:
        return [float(frame.pts * frame.time_base) for frame in file.decode(file.streams.video[0])]


def sound_of(path: Path) -> tuple[float, float]:
    """When the sound of a file begins and ends, in seconds."""
    with opened(path) as file:
        packets = [packet for packet in file.demux(file.streams.audio[0]) if packet.size]
        ends = [(packet.pts + packet.duration) * packet.time_base for packet in packets]
        return float(packets[0].pts * packets[0].time_base), float(max(ends))


def length_of(path: Path) -> float:
    """How long a file without sound is, in seconds."""
    with opened(path) as file:
        return float(file.duration / 1e6)


CASES: dict[str, tuple[str, list[int], Fraction, dict[str, Any], int, float]] = {
    "constant": ("a.mp4", list(range(8)), RATE_25, {}, 1, 0.32),
    "constant, counted in milliseconds": (
        "a.mkv",
        NTSC,
        MILLISECOND,
        {"rate": Fraction(30000, 1001)},
        1,
        0.3003,
    ),
    "variable": ("a.mkv", VARIABLE, MILLISECOND, {"rate": Fraction(10)}, 2, 0.7),
    "variable and reordered": ("a.mp4", VARIABLE, MILLISECOND, {"options": REORDERED}, 2, 0.7),
    "reordered": ("a.mp4", list(range(10)), RATE_50, {"options": REORDERED}, 1, 0.2),
    "reordered and short": ("a.mov", list(range(3)), RATE_50, {"options": REORDERED}, 1, 0.06),
    "reordered without times": ("a.avi", list(range(10)), RATE_50, {"options": REORDERED}, 1, 0.2),
    "negative start": ("a.mkv", list(range(-3, 6)), RATE_25, {}, 1, 0.36),
    "one frame": ("a.mp4", [0], RATE_25, {}, 1, 0.04),
    "a gap": ("a.mp4", [0, 1, 2, 12, 13], RATE_25, {}, 2, 0.56),
    "late start": ("a.ts", list(range(50, 80)), RATE_25, {"encoder": "mpeg2video"}, 1, 1.2),
}


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
@pytest.mark.parametrize("case", CASES)
def test_frames_are_shown_when_and_as_long_as_they_were(
    tmp_path: Path, means: None, case: str, suffix: str
) -> None:
    name, times, tick, options, version, length = CASES[case]
    source = write_coded(tmp_path / name, times, tick, **options)
    files.compress_video_file(source, tmp_path / "x.ltp")
    assert (tmp_path / "x.ltp").read_bytes()[4] == version
    back = tmp_path / f"back{suffix}"
    assert files.decompress_video_file(tmp_path / "x.ltp", back).frames == len(times)
    assert moments_of(back) == pytest.approx([float((time - times[0]) * tick) for time in times], abs=0.0015)
    assert length_of(back) == pytest.approx(length, abs=0.002)


@pytest.mark.parametrize("suffix", [".mkv", ".mov"])
@pytest.mark.parametrize(
    ("name", "times", "tick", "sound"),
    [
        ("a.mkv", VARIABLE, MILLISECOND, (0, 0.7)),
        ("a.mkv", list(range(8)), RATE_25, (0.1, 0.2)),
        ("a.mov", list(range(20, 28)), RATE_25, (0, 1)),
        ("a.mkv", list(range(2, 10)), RATE_25, (0, 0.4)),
        ("a.mkv", [*range(30, 34), *range(40, 44)], RATE_25, (1.1, 0.6)),
        ("a.mkv", [25], RATE_25, (0, 2)),
    ],
)
def test_sound_keeps_its_distance_to_the_pictures(
    tmp_path: Path, means: None, name: str, times: list[int], tick: Fraction, sound: tuple, suffix: str
) -> None:
    source = write_coded(tmp_path / name, times, tick, sound=sound)
    files.compress_video_file(source, tmp_path / "x.ltp", audio="copy")
    back = tmp_path / f"back{suffix}"
    files.decompress_video_file(tmp_path / "x.ltp", back)
    began, begins = moments_of(source)[0], moments_of(back)[0]
    expected = [moment - began for moment in moments_of(source)]
    assert [moment - begins for moment in moments_of(back)] == pytest.approx(expected, abs=0.002)
    sounded = [moment - began for moment in sound_of(source)]
    assert [moment - begins for moment in sound_of(back)] == pytest.approx(sounded, abs=0.002)


def test_uncompressed_files_have_no_times_which_is_said(tmp_path: Path, means: None) -> None:
    source = write_coded(tmp_path / "a.mkv", VARIABLE, MILLISECOND)
    files.compress_video_file(source, tmp_path / "x.ltp")
    report = files.decompress_video_file(tmp_path / "x.ltp", tmp_path / "x.y4m")
    assert "times of frames" in report.remarks[0]
    assert open_clip(tmp_path / "x.y4m").info.frames == len(VARIABLE)
    assert files.decompress_video_file(tmp_path / "x.ltp", tmp_path / "x.mkv").remarks == ()


def test_a_part_begins_with_its_own_first_frame(tmp_path: Path, means: None) -> None:
    source = write_coded(tmp_path / "a.mkv", VARIABLE, MILLISECOND, sound=(0, 0.7))
    files.compress_video_file(source, tmp_path / "x.ltp", audio="copy", gop=4)
    files.decompress_video_file(tmp_path / "x.ltp", tmp_path / "part.mkv", frames=(5, 8))
    assert moments_of(tmp_path / "part.mkv") == pytest.approx([0, 0.033, 0.133])


TIMES = FrameTimes(Fraction(1, 90000), 1800, True)
HEADER = VideoHeader(LAYOUT, Colour("bt601"), 4, BlockMeans.maker, TIMES)
INFO = ClipInfo(LAYOUT, Colour("bt601"), timing=Timing(Fraction(30), False, MILLISECOND, 40))


def encoded(moments: list[Moment], gop: int = 3) -> bytes:
    file = io.BytesIO()
    encoder = VideoEncoder(file, INFO, BlockMeans(), gop)
    for frame, moment in zip(moving(len(moments)), moments, strict=True):
        encoder.add(frame._replace(moment=moment))
    encoder.close()
    return file.getvalue()


MOMENTS = [Moment(time, 20) for time in (0, 10, 50, 60, 61, 100, 300, 310, 400)]


def decoded(data: bytes, *frames: int) -> list[Moment | None]:
    decoder = VideoDecoder(VideoReader(io.BytesIO(data)), BlockMeans())
    return [frame.moment for frame in decoder.frames(*frames)]


def test_moments_come_back_of_all_frames_and_of_parts() -> None:
    data = encoded(MOMENTS)
    assert decoded(data) == MOMENTS
    assert decoded(data, 4, 7) == MOMENTS[4:7]


def test_frames_that_are_lost_are_spread_over_the_time_that_is_free() -> None:
    data = bytearray(encoded(MOMENTS))
    packets = {packet.number: packet for packet in VideoReader(io.BytesIO(bytes(data))).packets()}
    for number in (3, 7):
        data[packets[number].offset + 20] ^= 1
    times = [moment.time for moment in decoded(bytes(data)) if moment is not None]
    assert times == [0, 10, 50, 50 + 250 // 4, 50 + 500 // 4, 50 + 750 // 4, 300, 300 + 20, 300 + 40]
    data[packets[0].offset + 20] ^= 1
    data[packets[1].offset + 20] ^= 1
    assert len(decoded(bytes(data))) == len(MOMENTS)


@pytest.mark.parametrize("times", [(0, 10, 10), (0, 10, 5)])
def test_a_frame_that_claims_to_come_before_the_one_before_is_lost(times: tuple[int, ...]) -> None:
    data = encoded([Moment(time, 20) for time in times], gop=1)
    decoder = VideoDecoder(VideoReader(io.BytesIO(data)), BlockMeans())
    assert [frame.moment.time for frame in decoder.frames() if frame.moment] == [0, 10, 30]
    assert decoder.lost == [range(2, 3)]


def test_a_header_says_when_frames_are_shown_and_is_as_ever_where_it_need_not() -> None:
    data = header_bytes(HEADER)
    assert read_header(ByteReader(data)) == HEADER
    assert data[4] == 2
    even = replace(HEADER, times=replace(TIMES, each=False))
    assert read_header(ByteReader(header_bytes(even))) == even
    plain = header_bytes(replace(HEADER, times=None))
    assert plain[4] == 1
    for flags in (8, 16):
        with pytest.raises(BitstreamError):
            read_header(ByteReader(_checked(plain[:5] + bytes([plain[5] | flags]) + plain[6:-4])))
    with pytest.raises(BitstreamError, match="version 2 knows"):
        read_header(ByteReader(_checked(data[:5] + bytes([data[5] | 16]) + data[6:-4])))


def _checked(data: bytes) -> bytes:
    return data + zlib.crc32(data).to_bytes(4, "little")


@pytest.mark.parametrize(
    ("tick", "start"), [(Fraction(1, 2**31), 0), (Fraction(2**31), 0), (RATE_25, LATEST + 1)]
)
def test_times_that_no_file_can_hold_are_not_written(tick: Fraction, start: int) -> None:
    with pytest.raises(ConfigurationError, match="ticks"):
        header_bytes(replace(HEADER, times=FrameTimes(tick, start, True)))


def test_moments_that_no_file_can_hold_are_neither_written_nor_read() -> None:
    strings = (b"one", b"two")
    assert read_frame(write_frame(strings, 40, Moment(7, 9)), 40, timed=True) == (strings, Moment(7, 9))
    with pytest.raises(ConfigurationError, match="time"):
        write_frame(strings, moment=Moment(LATEST + 1, 0))
    with pytest.raises(BitstreamError, match="times"):
        read_frame(bytes([0xFF] * 8 + [0x7F, 0]), timed=True)
    with pytest.raises(BitstreamError):
        read_frame(b"", timed=True)


def test_a_frame_without_a_moment_does_not_fit_a_file_whose_frames_have_one() -> None:
    encoder = VideoEncoder(io.BytesIO(), INFO, BlockMeans())
    with pytest.raises(ConfigurationError, match="moment"):
        encoder.add(moving(1)[0])


def test_time_goes_on_where_a_file_stands_still_goes_back_or_says_nothing() -> None:
    clock = Clock(Timing(Fraction(25), False, MILLISECOND, 1000))
    given = [(1000, 40), (1040, 40), (1040, 0), (500, 40), (540, 40), (None, None), (700, 40)]
    assert [clock.moment(*each).time for each in given] == [0, 40, 80, 120, 160, 200, 320]


def test_a_schedule_never_gives_two_frames_one_time() -> None:
    schedule = Schedule(Fraction(25), FrameTimes(MILLISECOND, 0, True), None)
    frames = [Frame(moving(1)[0].y, None, None, Moment(time, 0)) for time in (5, 5, 5, 40)]
    assert [schedule.place(frame) for frame in frames] == [(0, 40), (1, 40), (2, 40), (35, 40)]


def test_index_and_sound_have_no_moments() -> None:
    kinds = [packet.kind for packet in VideoReader(io.BytesIO(encoded(MOMENTS[:2]))).packets()]
    assert kinds == [Kind.KEYFRAME, Kind.INTER, Kind.INDEX]


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
@pytest.mark.parametrize("late", [1, 2**31, LATEST])
def test_times_that_are_beyond_any_clip_give_a_file_or_a_sentence(
    tmp_path: Path, means: None, late: int, suffix: str
) -> None:
    data = encoded(
        [Moment(0, late), Moment(late, late), Moment(late + 1 if late < LATEST else late, 0)], gop=1
    )
    (tmp_path / "x.ltp").write_bytes(data)
    try:
        files.decompress_video_file(tmp_path / "x.ltp", tmp_path / f"x{suffix}")
    except ImageError as error:
        assert "Expected" in str(error)  # noqa: PT017
        assert list(tmp_path.iterdir()) == [tmp_path / "x.ltp"]


def test_damaged_moments_give_frames_or_a_sentence() -> None:
    data, generator = encoded(MOMENTS, gop=1), random.Random(0)
    head = data[: next(VideoReader(io.BytesIO(data)).packets()).offset]
    for _ in range(100):
        forged = head
        for packet in VideoReader(io.BytesIO(data)).packets():
            content = bytearray(packet.content)
            if packet.kind is not Kind.INDEX and generator.random() < 0.5:
                content[0:2] = generator.randbytes(generator.randint(0, 6))
            forged += packet_bytes(packet.kind, packet.number, bytes(content))
        decoder = VideoDecoder(VideoReader(io.BytesIO(forged)), BlockMeans())
        try:
            times = [frame.moment.time for frame in decoder.frames() if frame.moment is not None]
        except BitstreamError:
            continue
        assert len(times) == len(MOMENTS)
        assert times == sorted(times)
