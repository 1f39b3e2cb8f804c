"""The options of `compress` and `decompress` that are for videos, and what the commands do with them."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from latentpress.cli.options import combined
from latentpress.errors import ConfigurationError

if TYPE_CHECKING:
    from latentpress.codec.files import FileReport

OnFrame = Callable[..., None]  # of frames done, all frames or None, and what they are called

_IMAGE_ONLY = ("target_bpp", "target_size", "lmb", "arithmetic", "effort")
_RAW = ("framerate", "pixel_format", "matrix", "full_range")
_OF_COMPRESS = ("gop", "audio", "size", *_RAW)
_OF_DECOMPRESS = ("frames", "pixel_format", "encoder", "crf")


class FrameSize(click.ParamType):
    """Width and height, such as `1920x1080`."""

    name = "WxH"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        match = re.fullmatch(r"(\d+)[xX](\d+)", str(value))
        if match is None:
            self.fail(f"expected a size such as 1920x1080, found {value!r}", param, ctx)
        return int(match[1]), int(match[2])


class Rate(click.ParamType):
    """Frames a second, such as `25` or `30000/1001`."""

    name = "rate"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Fraction:
        try:
            rate = Fraction(value)
        except (ValueError, ZeroDivisionError):
            rate = Fraction(0)
        if rate <= 0:
            self.fail(f"expected a rate such as 25 or 30000/1001, found {value!r}", param, ctx)
        return rate


class FrameRange(click.ParamType):
    """The first frame and the one to stop before, such as `100:200`; either may be left out."""

    name = "FIRST:END"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int | None]:
        match = re.fullmatch(r"(\d*):(\d*)", str(value))
        if match is None:
            self.fail(f"expected a range such as 100:200, found {value!r}", param, ctx)
        return int(match[1] or 0), int(match[2]) if match[2] else None


compress_options = combined(
    click.option(
        "--gop",
        type=click.IntRange(min=1),
        metavar="N",
        help="Videos: a keyframe at least every N frames; 12 by default. Image models make keyframes alone.",
    ),
    click.option(
        "--audio",
        type=click.Choice(["drop", "copy"]),
        help="Videos: leave the sound out (with a remark), or carry it along as it is; drop by default.",
    ),
    click.option("--size", type=FrameSize(), metavar="WxH", help="Of .yuv files whose names do not say it."),
    click.option(
        "--framerate", "--fps", type=Rate(), metavar="RATE", help="Of .yuv files, such as 30000/1001."
    ),
    click.option("--pixel-format", metavar="NAME", help="Of .yuv files, such as yuv420p or yuv444p10."),
    click.option(
        "--matrix",
        type=click.Choice(["bt601", "bt709", "bt2020"]),
        help="Colour matrix of .yuv and .y4m files; by default bt709 from 720 lines on, and bt601 below.",
    ),
    click.option(
        "--full-range/--limited-range", default=None, help="Range of .yuv and .y4m files; limited by default."
    ),
)

decompress_options = combined(
    click.option(
        "--frames", type=FrameRange(), metavar="FIRST:END", help="Videos: decode these frames, from 0, only."
    ),
    click.option(
        "--pixel-format", metavar="NAME", help="Videos: write such samples; by default those of the original."
    ),
    click.option("--encoder", metavar="NAME", help="Videos: encoder of .mp4 and the like, by FFmpeg's name."),
    click.option("--crf", type=float, metavar="N", help="Videos: quality of that encoder; less is better."),
)


def is_video(path: Path) -> bool:
    """Whether a file is to be compressed as a video, by its name."""
    from latentpress.datasets.clips import VIDEO_SUFFIXES

    return path.suffix.lower() in VIDEO_SUFFIXES


def holds_video(path: Path) -> bool:
    """The same of a file that was named itself: where its name is that of neither a video nor an image, how
    it begins tells."""
    from PIL import Image

    from latentpress.datasets.clips import looks_like_video

    return is_video(path) or (
        path.suffix.lower() not in Image.registered_extensions() and looks_like_video(path)
    )


def is_compressed_video(path: Path) -> bool:
    """Whether a file is a `.ltp` file of a video, by how it begins."""
    from latentpress.codec.container import VIDEO_MAGIC

    try:
        if not path.is_file():  # a pipe would wait, and lose what is read here
            return False
        with path.open("rb") as file:
            return file.read(len(VIDEO_MAGIC)) == VIDEO_MAGIC
    except OSError:
        return False


def compress_video(
    source: Path,
    target: Path | BinaryIO,
    overwrite: bool,
    options: dict[str, Any],
    on_frame: OnFrame | None = None,
) -> FileReport:
    """Compress one video."""
    from latentpress.codec.video.files import RawOptions, compress_video_file

    _refuse(options, _IMAGE_ONLY, "an image", source)
    width, height = options.get("size", (None, None))
    raw = {name: options[name] for name in _RAW if name in options}
    others = {name: value for name, value in options.items() if name not in ("size", *_RAW)}
    return compress_video_file(
        source,
        target,
        overwrite=overwrite,
        raw=RawOptions(width=width, height=height, **raw),
        on_frame=on_frame,
        **others,
    )


def decompress_video(
    source: Path,
    target: Path | BinaryIO,
    overwrite: bool,
    options: dict[str, Any],
    on_frame: OnFrame | None = None,
) -> FileReport:
    """Decompress one video."""
    from latentpress.codec.video.files import decompress_video_file

    return decompress_video_file(source, target, overwrite=overwrite, on_frame=on_frame, **options)


def refuse_video_options(options: dict[str, Any], source: Path) -> None:
    """Refuse options for videos where an image is.

    Raises:
        ConfigurationError: there is one.
    """
    _refuse(options, (*_OF_COMPRESS, *_OF_DECOMPRESS), "a video", source)


def _refuse(options: dict[str, Any], names: tuple[str, ...], kind: str, source: Path) -> None:
    found = next((name for name in names if name in options), None)
    if found is not None:
        raise ConfigurationError(f"Expected {kind} for --{found.replace('_', '-')}, found {source}.")
