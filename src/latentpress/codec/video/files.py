"""Video files <-> `.ltp` files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO, Literal

from latentpress import zoo
from latentpress.codec.container import DEFAULT_MAX_PIXELS, check_pixels
from latentpress.codec.disk import check_name, check_target, open_to_read, whole_target
from latentpress.codec.files import FileReport
from latentpress.codec.models import DEFAULT_METRIC
from latentpress.codec.video.container import VideoReader
from latentpress.codec.video.models import load_frame_codec, load_frame_codec_for
from latentpress.codec.video.sinks import CodedSink, RawSink, Sink, encoding_for
from latentpress.codec.video.sound import read_sound, scratch_file, write_sound
from latentpress.codec.video.stream import DEFAULT_GOP, VideoDecoder, VideoEncoder
from latentpress.datasets.clips import RAW_SUFFIXES, open_clip
from latentpress.datasets.rawformat import RawFormat, parse_pixel_format
from latentpress.errors import ConfigurationError

OnFrame = Callable[[int, "int | None"], None]
"""Told how many frames are done and how many there are, where that is known."""

Sound = Literal["drop", "copy"]


@dataclass(frozen=True)
class RawOptions:
    """What an uncompressed file does not say, or says wrongly; None for what it does.

    Attributes:
        width, height: in pixels.
        framerate: frames a second.
        pixel_format: such as "yuv420p" or "yuv444p10".
        matrix: "bt601", "bt709" or "bt2020".
        full_range: whether samples use all values.
    """

    width: int | None = None
    height: int | None = None
    framerate: Fraction | None = None
    pixel_format: str | None = None
    matrix: str | None = None
    full_range: bool | None = None

    def given(self) -> dict[str, object]:
        """What is said, as arguments of `open_clip`."""
        values: dict[str, object] = {**vars(self)}
        name = values.pop("pixel_format")
        if isinstance(name, str):
            values["format"], values["bitdepth"] = parse_pixel_format(name)
        return {key: value for key, value in values.items() if value is not None}


def compress_video_file(
    source: str | Path,
    target: str | Path | BinaryIO,
    *,
    quality: float | None = None,
    gop: int = DEFAULT_GOP,
    model: str = zoo.DEFAULT_MODEL,
    metric: str = DEFAULT_METRIC,
    checkpoint: str | Path | None = None,
    device: str = "cpu",
    audio: Sound = "drop",
    raw: RawOptions | None = None,
    max_pixels: int | None = DEFAULT_MAX_PIXELS,
    overwrite: bool = False,
    on_frame: OnFrame | None = None,
) -> FileReport:
    """Compress a video file into a `.ltp` file, in memory that does not depend on its length.

    Of a file that is cut or damaged, the frames that are whole are compressed, which the report says. Where
    the format of frames is not the file's own word, a cut looks like a wrong size, and is refused.

    Args:
        source: `.y4m`, `.yuv`, or a file of any other kind that FFmpeg reads.
        target: the file to write, or a stream, which need not seek.
        quality: 1 (smallest file) to 100 for a variable-rate model such as the default one; for other
            models, the number of one of their networks.
        gop: most frames from one keyframe to the next, for a video model; an image model makes keyframes
            alone.
        model: name of a model of the zoo, for images or for video.
        metric: what the model's weights were trained for, "mse" or "ms-ssim".
        checkpoint: file of weights to use instead of the published ones.
        device: torch device.
        audio: "drop" to leave sound out, which the report then remarks, or "copy" to carry it along as it is.
        raw: what an uncompressed file does not say.
        max_pixels: refuse larger frames, counted in whole 64x64 blocks, as decompressing does; None for no
            limit.
        overwrite: whether to replace a file that exists.
        on_frame: called after each frame.

    Raises:
        DataError: the source is missing, damaged, or no video.
        ImageError: frames are larger than allowed.
        ConfigurationError: the target exists or cannot be written, or an option is not a valid one.
        WeightsError: the weights cannot be found, fetched or verified.
    """
    source = Path(source)
    if audio not in ("drop", "copy"):
        raise ConfigurationError(f"Expected to drop or to copy the sound, found {audio!r}.")
    if isinstance(target, (str, Path)):
        check_name(target, "a .ltp file")
        check_target(target, overwrite, sources=[source])
    clip = open_clip(source, whole=False, **(raw or RawOptions()).given())
    check_pixels(clip.info.layout.width, clip.info.layout.height, max_pixels)
    codec = load_frame_codec(model, quality=quality, metric=metric, checkpoint=checkpoint, device=device)
    with _file(target, overwrite) as file:
        carried = clip.info.audio and audio == "copy"
        encoder = VideoEncoder(file, clip.info, codec, gop, sound=carried)
        if carried:
            write_sound(source, encoder.writer, clip.info.beginning)
        for frame in clip:
            encoder.add(frame)
            if on_frame is not None:
                on_frame(encoder.writer.frames, clip.info.frames)
        encoder.close()
    dropped = clip.info.audio and audio == "drop"
    return FileReport(
        str(source),
        _name(target),
        encoder.writer.size,
        source.stat().st_size,
        clip.info.layout.width * clip.info.layout.height * encoder.writer.frames,
        encoder.writer.frames,
        ("the sound was left out; --audio copy carries it along.",) if dropped else (),
        clip.damage,
    )


def decompress_video_file(
    source: str | Path,
    target: str | Path | BinaryIO,
    *,
    suffix: str | None = None,
    frames: tuple[int, int | None] = (0, None),
    pixel_format: str | None = None,
    encoder: str | None = None,
    crf: float | None = None,
    max_pixels: int | None = DEFAULT_MAX_PIXELS,
    checkpoint: str | Path | None = None,
    device: str = "cpu",
    overwrite: bool = False,
    on_frame: OnFrame | None = None,
) -> FileReport:
    """Decompress a `.ltp` file into a video file, in memory that does not depend on its length.

    Frames that are damaged are replaced by the last good one, which the report says, and a file that is cut
    gives the frames that it has.

    Args:
        source: the `.ltp` file.
        target: the file to write, or a stream, which need not seek if it is uncompressed.
        suffix: kind of file, such as ".mp4"; that of the target if None.
        frames: the first frame to decode, and the one to stop before, or None for all.
        pixel_format: samples to write, such as "yuv420p"; those of the original if None.
        encoder: FFmpeg's name of the encoder for coded files.
        crf: quality of that encoder.
        max_pixels: refuse larger frames, counted in whole 64x64 blocks; None for no limit.
        checkpoint: file of weights that the video was compressed with, if not the published ones.
        device: torch device.
        overwrite: whether to replace a file that exists.
        on_frame: called after each frame.

    Raises:
        BitstreamError: the source is no such file, or nothing of it can be decoded.
        ImageError: frames are larger than allowed, or cannot be written to this kind of file.
        ConfigurationError: the target exists or cannot be written, or an option is not a valid one.
        WeightsError: the weights cannot be found, fetched or verified, or did not make this file.
    """
    source, kind = Path(source), (suffix or Path(_name(target)).suffix).lower()
    if kind not in RAW_SUFFIXES:
        encoding_for(kind)
    if isinstance(target, (str, Path)):
        check_target(target, overwrite, sources=[source])
    elif kind not in RAW_SUFFIXES:
        raise ConfigurationError(f"Expected .y4m or .yuv for a stream, found {kind}: name a file.")
    with ExitStack() as stack:
        reader = VideoReader(stack.enter_context(open_to_read(source)))
        layout = reader.header.layout
        check_pixels(layout.width, layout.height, max_pixels)
        codec = load_frame_codec_for(reader.header.maker, checkpoint=checkpoint, device=device)
        if pixel_format is not None:
            chroma, bitdepth = parse_pixel_format(pixel_format)
            layout = replace(layout, format=chroma, bitdepth=bitdepth)
        sound: Path | None = None
        remarks: tuple[str, ...] = ()
        if kind not in RAW_SUFFIXES and frames == (0, None):
            path = stack.enter_context(scratch_file())
            sound = path if read_sound(reader, path) else None
        elif next(reader.audio_packets(), None) is not None:
            remarks = ("the sound was left out, as it is of parts of a video and of uncompressed files.",)
        if kind in RAW_SUFFIXES and reader.header.each_timed:
            remarks += (f"the times of frames, which are not even, were left out: {kind} files have none.",)
        place = stack.enter_context(_place(target, overwrite))
        sink = _sink(place, kind, layout, reader, (encoder, crf), sound)
        decoder = VideoDecoder(reader, codec, sink.layout)
        written = _write_all(sink, decoder, frames, _counted(reader, frames, on_frame))
        size = place.stat().st_size if isinstance(place, Path) else written * layout.frame_bytes
    return FileReport(
        str(source),
        _name(target),
        reader.size,
        size,
        layout.width * layout.height * written,
        written,
        remarks,
        decoder.damage(),
    )


def _write_all(
    sink: Sink, decoder: VideoDecoder, frames: tuple[int, int | None], on_frame: Callable[[int], None]
) -> int:
    """Write the frames; how many there were."""
    written = 0
    try:
        for frame in decoder.frames(*frames):
            sink.write(frame)
            written += 1
            on_frame(written)
    except BaseException:
        sink.abandon()
        raise
    sink.close()
    return written


def _counted(
    reader: VideoReader, frames: tuple[int, int | None], on_frame: OnFrame | None
) -> Callable[[int], None]:
    """Tells of each frame, together with how many there will be."""
    if on_frame is None:
        return lambda done: None
    reader.read_index()
    first, end = frames
    ends = [number for number in (end, reader.frames) if number is not None]
    total = min(ends) - first if ends else None
    return lambda done: on_frame(done, total)


def _sink(
    place: Path | BinaryIO,
    suffix: str,
    layout: RawFormat,
    reader: VideoReader,
    encoding: tuple[str | None, float | None],
    sound: Path | None,
) -> Sink:
    if not isinstance(place, Path):
        return RawSink(place, layout, y4m=suffix == ".y4m")
    if suffix in RAW_SUFFIXES:
        return RawSink(place.open("wb"), layout, y4m=suffix == ".y4m", closing=True)
    header = reader.header
    return CodedSink(place, layout, header.colour, encoding_for(suffix, *encoding), sound, header.times)


@contextmanager
def _place(target: str | Path | BinaryIO, overwrite: bool) -> Iterator[Path | BinaryIO]:
    """Where to write a file so that it appears whole, or the stream itself."""
    if isinstance(target, (str, Path)):
        with whole_target(target, overwrite=overwrite) as path:
            yield path
    else:
        yield target


@contextmanager
def _file(target: str | Path | BinaryIO, overwrite: bool) -> Iterator[BinaryIO]:
    """The same, open for writing."""
    with _place(target, overwrite) as place:
        if isinstance(place, Path):
            with place.open("wb") as file:
                yield file
        else:
            yield place


def _name(target: str | Path | BinaryIO) -> str:
    return str(target) if isinstance(target, (str, Path)) else "the standard output"
