"""Video files of all kinds to `.ltp` and back."""

import io
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from latentpress.codec.video.files import RawOptions, compress_video_file, decompress_video_file
from latentpress.codec.video.sinks import RawSink
from latentpress.datasets import RawVideoSequence, open_clip
from latentpress.datasets.rawformat import RawFormat, VideoFormat
from latentpress.errors import BitstreamError, ConfigurationError, DataError, ImageError, WeightsError
from small_videos import LAYOUT, moving

av = pytest.importorskip("av", reason="PyAV is absent: pip install 'latentpress[video]'")


def write_y4m(path: Path, layout: RawFormat = LAYOUT, count: int = 4) -> Path:
    with path.open("wb") as file:
        sink = RawSink(file, layout, y4m=path.suffix == ".y4m")
        for frame in moving(count, layout):
            sink.write(frame)
    return path


def write_with_sound(path: Path) -> Path:
    with av.open(str(path), "w") as file:
        video = file.add_stream("libx264", rate=10)
        video.width, video.height, video.pix_fmt = 32, 32, "yuv420p"
        sound = file.add_stream("aac", rate=8000)
        for number in range(5):
            picture = av.VideoFrame.from_ndarray(np.full((32, 32, 3), 40 * number, np.uint8), format="rgb24")
            file.mux(video.encode(picture))
            tone = av.AudioFrame.from_ndarray(
                np.random.default_rng(number).normal(0, 0.1, (1, 800)).astype(np.float32), "fltp", "mono"
            )
            tone.sample_rate = 8000
            tone.pts = 800 * number
            file.mux(sound.encode(tone))
        file.mux(video.encode(None))
        file.mux(sound.encode(None))
    return path


def sound_of(path: Path) -> bytes:
    with av.open(str(path)) as file:
        return b"".join(bytes(packet) for packet in file.demux(file.streams.audio))


@pytest.fixture
def compressed(tmp_path: Path, gained: Path) -> Path:
    write_y4m(tmp_path / "clip.y4m")
    compress_video_file(tmp_path / "clip.y4m", tmp_path / "clip.ltp", checkpoint=gained)
    return tmp_path / "clip.ltp"


@pytest.mark.parametrize("bitdepth", [8, 10])
@pytest.mark.parametrize("format", [VideoFormat.YUV420, VideoFormat.YUV422, VideoFormat.YUV444])
def test_uncompressed_video_keeps_its_format(
    tmp_path: Path, scale_space_flow: Path, format: VideoFormat, bitdepth: int
) -> None:
    layout = replace(
        LAYOUT, format=format, bitdepth=bitdepth, full_range=bitdepth == 10, aspect=Fraction(12, 11)
    )
    source = write_y4m(tmp_path / "clip.y4m", layout, 3)
    given = {"checkpoint": scale_space_flow, "model": "ssf2020", "gop": 2}
    report = compress_video_file(source, tmp_path / "clip.ltp", **given)
    assert report.frames == 3
    assert report.compressed_size == (tmp_path / "clip.ltp").stat().st_size
    assert report.pixels == 3 * 37 * 21
    report = decompress_video_file(tmp_path / "clip.ltp", tmp_path / "back.y4m", checkpoint=scale_space_flow)
    assert report.other_size > 0
    back = RawVideoSequence.from_file(tmp_path / "back.y4m")
    assert (len(back), back.layout) == (3, layout)
    decompress_video_file(tmp_path / "clip.ltp", tmp_path / "back.yuv", checkpoint=scale_space_flow)
    assert (tmp_path / "back.yuv").stat().st_size == 3 * layout.frame_bytes


def test_a_yuv_file_is_read_as_it_is_told(tmp_path: Path, gained: Path) -> None:
    layout = replace(LAYOUT, format=VideoFormat.YUV444, bitdepth=10)
    source = write_y4m(tmp_path / "clip.yuv", layout, 2)
    raw = RawOptions(37, 21, Fraction(50), "yuv444p10", "bt2020", full_range=False)
    compress_video_file(source, tmp_path / "clip.ltp", checkpoint=gained, quality=90, raw=raw)
    decompress_video_file(tmp_path / "clip.ltp", tmp_path / "back.y4m", checkpoint=gained)
    back = RawVideoSequence.from_file(tmp_path / "back.y4m")
    assert back.layout == replace(layout, framerate=Fraction(50))
    with pytest.raises(DataError, match="size of the video in the name"):
        compress_video_file(source, tmp_path / "other.ltp", checkpoint=gained)


@pytest.mark.parametrize(
    ("suffix", "pixels"),
    [(".mp4", "yuv444p"), (".mkv", "yuv420p"), (".webm", "yuv420p"), (".mov", "yuv444p")],
)
def test_coded_video_of_any_size_keeps_rate_and_colours(
    compressed: Path, gained: Path, tmp_path: Path, suffix: str, pixels: str
) -> None:
    target = tmp_path / f"back{suffix}"
    report = decompress_video_file(compressed, target, checkpoint=gained)
    assert report.other_size == target.stat().st_size
    clip = open_clip(target)
    assert (clip.info.layout.width, clip.info.layout.height) == (37, 21)
    assert abs(float(clip.info.layout.framerate or 0) - 30000 / 1001) < 0.01
    assert clip.info.colour.matrix == "bt601"
    assert not clip.info.layout.full_range
    assert len(list(clip)) == 4
    with av.open(str(target)) as file:
        assert file.streams.video[0].codec_context.pix_fmt == pixels


def test_coded_video_goes_in_and_out_nearly_unchanged_by_the_way(tmp_path: Path, gained: Path) -> None:
    """What a lossless file holds is what the network made, whatever the container."""
    source = write_y4m(tmp_path / "clip.y4m", replace(LAYOUT, width=32, height=24), 3)
    compress_video_file(source, tmp_path / "a.ltp", checkpoint=gained)
    for name in ("a.mkv", "a.y4m"):
        decompress_video_file(tmp_path / "a.ltp", tmp_path / name, checkpoint=gained)
    for a, b in zip(open_clip(tmp_path / "a.mkv"), open_clip(tmp_path / "a.y4m"), strict=True):
        assert all(np.array_equal(x, y) for x, y in zip(a.planes, b.planes, strict=True))
    compress_video_file(tmp_path / "a.mkv", tmp_path / "b.ltp", checkpoint=gained)
    compress_video_file(tmp_path / "a.y4m", tmp_path / "c.ltp", checkpoint=gained)
    packets = [(tmp_path / name).read_bytes()[60:] for name in ("b.ltp", "c.ltp")]
    assert packets[0][:1000] == packets[1][:1000]


def test_sound_is_left_out_with_a_remark_or_carried_along(tmp_path: Path, gained: Path) -> None:
    source = write_with_sound(tmp_path / "clip.mp4")
    report = compress_video_file(source, tmp_path / "mute.ltp", checkpoint=gained)
    assert report.remarks == ("the sound was left out; --audio copy carries it along.",)
    report = compress_video_file(source, tmp_path / "clip.ltp", checkpoint=gained, audio="copy")
    assert report.remarks == ()
    for name in ("back.mp4", "back.mkv"):
        report = decompress_video_file(tmp_path / "clip.ltp", tmp_path / name, checkpoint=gained)
        assert (report.frames, report.remarks, report.damage) == (5, (), None)
        assert sound_of(tmp_path / name) == sound_of(source)
        assert len(list(open_clip(tmp_path / name))) == 5
    report = decompress_video_file(tmp_path / "clip.ltp", tmp_path / "back.y4m", checkpoint=gained)
    assert "sound was left out" in report.remarks[0]
    with pytest.raises(ConfigurationError, match=r"takes aac sound.*write \.mkv"):
        decompress_video_file(tmp_path / "clip.ltp", tmp_path / "back.webm", checkpoint=gained)
    assert not (tmp_path / "back.webm").exists()
    with pytest.raises(ConfigurationError, match="drop or to copy"):
        compress_video_file(source, tmp_path / "x.ltp", checkpoint=gained, audio="keep")  # type: ignore[arg-type]


def test_a_part_of_a_clip_can_be_decoded(compressed: Path, gained: Path, tmp_path: Path) -> None:
    report = decompress_video_file(compressed, tmp_path / "part.y4m", checkpoint=gained, frames=(1, 3))
    assert report.frames == 2
    decompress_video_file(compressed, tmp_path / "all.y4m", checkpoint=gained)
    part, everything = open_clip(tmp_path / "part.y4m"), open_clip(tmp_path / "all.y4m")
    assert np.array_equal(next(iter(part)).y, list(everything)[1].y)


def test_damage_is_reported_and_the_file_written(compressed: Path, gained: Path, tmp_path: Path) -> None:
    data = compressed.read_bytes()
    (tmp_path / "cut.ltp").write_bytes(data[: len(data) // 2])
    report = decompress_video_file(tmp_path / "cut.ltp", tmp_path / "cut.y4m", checkpoint=gained)
    assert report.damage is not None
    assert report.damage.startswith("the end is cut off")
    assert len(open_clip(tmp_path / "cut.y4m").info.layout.plane_shapes) == 3
    assert report.frames == open_clip(tmp_path / "cut.y4m").info.frames


def test_progress_tells_of_every_frame(tmp_path: Path, gained: Path) -> None:
    write_y4m(tmp_path / "clip.y4m")
    seen: list[tuple[int, int | None]] = []
    compress_video_file(
        tmp_path / "clip.y4m", tmp_path / "clip.ltp", checkpoint=gained, on_frame=lambda *n: seen.append(n)
    )
    assert seen == [(number, 4) for number in (1, 2, 3, 4)]
    seen.clear()
    decompress_video_file(
        tmp_path / "clip.ltp",
        tmp_path / "b.y4m",
        checkpoint=gained,
        frames=(2, None),
        on_frame=lambda *n: seen.append(n),
    )
    assert seen == [(1, 2), (2, 2)]


def test_streams_take_what_is_written_front_to_back(compressed: Path, gained: Path, tmp_path: Path) -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def seek(self, *_: int) -> int:
            raise OSError("a pipe cannot seek")

    pipe = Pipe()
    report = compress_video_file(tmp_path / "clip.y4m", pipe, checkpoint=gained)
    assert pipe.getvalue() == compressed.read_bytes()
    assert report.target == "the standard output"
    pipe = Pipe()
    decompress_video_file(compressed, pipe, suffix=".y4m", checkpoint=gained)
    decompress_video_file(compressed, tmp_path / "b.y4m", checkpoint=gained)
    assert pipe.getvalue() == (tmp_path / "b.y4m").read_bytes()
    with pytest.raises(ConfigurationError, match="for a stream"):
        decompress_video_file(compressed, Pipe(), suffix=".mp4", checkpoint=gained)


def test_wrong_requests_are_told_before_anything_is_written(
    compressed: Path, gained: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match=r"suffix \.y4m"):
        decompress_video_file(compressed, tmp_path / "x.png", checkpoint=gained)
    with pytest.raises(ConfigurationError, match="encoder that PyAV has"):
        decompress_video_file(compressed, tmp_path / "x.mp4", checkpoint=gained, encoder="nothing")
    with pytest.raises(ConfigurationError, match="pixel format"):
        decompress_video_file(compressed, tmp_path / "x.y4m", checkpoint=gained, pixel_format="rgb48")
    with pytest.raises(ConfigurationError, match="found one"):
        decompress_video_file(compressed, tmp_path / "clip.y4m", checkpoint=gained)
    assert not list(tmp_path.glob("x.*"))


def test_frames_larger_than_allowed_are_refused(tmp_path: Path, gained: Path) -> None:
    source = write_y4m(tmp_path / "wide.y4m", replace(LAYOUT, width=130), 1)
    compress_video_file(source, tmp_path / "wide.ltp", checkpoint=gained)
    with pytest.raises(ImageError, match="found 130x21"):
        decompress_video_file(tmp_path / "wide.ltp", tmp_path / "x.y4m", checkpoint=gained, max_pixels=8192)


def test_a_published_network_that_cannot_be_fetched_is_told_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATENTPRESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("socket.getaddrinfo", _no_network)
    write_y4m(tmp_path / "clip.y4m")
    with pytest.raises(
        WeightsError, match=r"ssf2020-mse-3-[0-9a-f]{8}.* could not be downloaded.* put it in"
    ):
        compress_video_file(tmp_path / "clip.y4m", tmp_path / "x.ltp", model="ssf2020", quality=3)
    assert not (tmp_path / "x.ltp").exists()


def _no_network(*_: object, **__: object) -> None:
    raise OSError("Name or service not known")


def test_what_is_no_video_is_told(compressed: Path, gained: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.mp4").write_bytes(b"broken" * 100)
    for name in ("broken.mp4", "missing.mp4", "missing.y4m"):
        with pytest.raises(DataError, match=name):
            compress_video_file(tmp_path / name, tmp_path / "x.ltp", checkpoint=gained)
    with pytest.raises(BitstreamError, match="of a video"):
        decompress_video_file(tmp_path / "broken.mp4", tmp_path / "x.mp4", checkpoint=gained)
    with pytest.raises(ImageError, match="readable file"):
        decompress_video_file(tmp_path / "missing.ltp", tmp_path / "x.mp4", checkpoint=gained)
    with pytest.raises(ConfigurationError, match=r"found .*clip\.mp4"):
        compress_video_file(
            write_with_sound(tmp_path / "clip.mp4"), tmp_path / "x.ltp", raw=RawOptions(matrix="bt709")
        )
    assert not list(tmp_path.glob("x.*"))
