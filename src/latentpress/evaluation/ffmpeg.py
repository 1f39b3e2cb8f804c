"""The field's video codecs, run through the program ffmpeg: real encoders, sizes and reconstructions."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import IO, Any

from latentpress.datasets.clip import Clip
from latentpress.datasets.clips import open_clip
from latentpress.datasets.codedvideo import pixel_format
from latentpress.datasets.y4m import FRAME_MARK, Y4mPipe, y4m_header
from latentpress.errors import ConfigurationError, DataError
from latentpress.evaluation.measurement import Measurement
from latentpress.evaluation.video import compare_clips, first_frames, rates

_USUAL_RATE = Fraction(25)
_IVF_HEADER, _IVF_FRAME_HEADER = 32, 12  # bytes that are the container's


@dataclass(frozen=True)
class VideoCodec:
    """A codec as ffmpeg has it.

    Attributes:
        encoder: ffmpeg's name of the encoder.
        format: of the file it makes, with next to no overhead.
        qualities: that a curve is made of by default, best first; values of `-crf`.
        preset: how thorough it is by default.
        options: preset -> options of the encoder.
    """

    encoder: str
    format: str
    qualities: tuple[int, ...]
    preset: str
    options: Callable[[str], list[str]]


VIDEO_CODECS = {
    "x264": VideoCodec("libx264", "h264", (18, 23, 28, 33, 38), "medium", lambda p: ["-preset", p]),
    "x265": VideoCodec(
        "libx265",
        "hevc",
        (18, 23, 28, 33, 38),
        "medium",
        lambda p: ["-preset", p, "-x265-params", "log-level=error"],
    ),
    "VP9": VideoCodec(
        "libvpx-vp9",
        "ivf",
        (20, 30, 40, 50, 60),
        "2",
        lambda p: ["-b:v", "0", "-deadline", "good", "-cpu-used", p, "-row-mt", "1"],
    ),
    "SVT-AV1": VideoCodec("libsvtav1", "ivf", (20, 30, 40, 50, 60), "8", lambda p: ["-preset", p]),
}
"""By the names that people call them."""


@dataclass(frozen=True)
class CodecOnClips:
    """A codec at one quality.

    Attributes:
        codec: one of `VIDEO_CODECS`.
        crf: constant rate factor: less is better.
        preset: how thorough the encoder is; the codec's usual one if None.
        tune: what x264 and x265 are tuned for, such as "psnr" or "zerolatency".
        gop: most frames from one keyframe to the next; the encoder's choice if None.
        frames: take so many frames of each clip; None for all.
        program: ffmpeg's name or path.
    """

    codec: str
    crf: float
    preset: str | None = None
    tune: str | None = None
    gop: int | None = None
    frames: int | None = None
    program: str = "ffmpeg"

    @property
    def label(self) -> str:
        """What tells this point from others of the same codec."""
        return f"crf {self.crf:g}"

    def measure(self, path: Path) -> Measurement:
        """Code a clip, decode it and compare.

        Raises:
            DataError: the clip cannot be read, or not be coded by this codec.
            ConfigurationError: ffmpeg is missing, or has no such encoder.
        """
        clip = open_clip(path)
        codec = VIDEO_CODECS[self.codec]
        with tempfile.TemporaryDirectory(prefix="latentpress-") as folder:
            coded = Path(folder) / f"coded.{codec.format}"
            start = time.perf_counter()
            frames = self._encode(clip, coded)
            encoded = time.perf_counter()
            bits = 8 * (coded.stat().st_size - _overhead(codec.format, frames))
            with self._decoded(coded, clip) as restored:
                scores = compare_clips(clip, restored, self.frames)
        values, notes = scores.means()
        times = {"encoding_time": (encoded - start) / frames}
        return Measurement({**rates(bits, frames, clip.info), **values, **times}, notes)

    def _encode(self, clip: Clip, target: Path) -> int:
        """Write the coded file; the number of frames."""
        codec, layout = VIDEO_CODECS[self.codec], clip.info.layout
        options = [
            "-c:v",
            codec.encoder,
            "-crf",
            f"{self.crf:g}",
            *codec.options(self.preset or codec.preset),
        ]
        options += [] if self.tune is None else ["-tune", self.tune]
        options += [] if self.gop is None else ["-g", str(self.gop)]
        command = ["-f", "yuv4mpegpipe", "-i", "-", "-pix_fmt", pixel_format(layout), *options]
        count = 0
        with self._running([*command, "-f", codec.format, str(target)], stdin=subprocess.PIPE) as process:
            assert process.stdin is not None
            header = replace(layout, framerate=layout.framerate or _USUAL_RATE)
            try:
                process.stdin.write(y4m_header(header))
                for frame in first_frames(clip, self.frames):
                    process.stdin.write(FRAME_MARK + b"".join(plane.tobytes() for plane in frame.planes))
                    count += 1
                process.stdin.close()
            except BrokenPipeError:  # the program gave up; why is on its error stream
                process.stdin = None
        if not count:
            raise DataError(f"Expected frames in {clip.path}, found none.")
        return count

    @contextmanager
    def _decoded(self, source: Path, clip: Clip) -> Iterator[Clip]:
        pixels = pixel_format(clip.info.layout)
        command = ["-i", str(source), "-f", "yuv4mpegpipe", "-strict", "-1", "-pix_fmt", pixels, "-"]
        with self._running(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            yield Y4mPipe(process.stdout, source)  # type: ignore[arg-type]

    @contextmanager
    def _running(self, arguments: list[str], **pipes: Any) -> Iterator[subprocess.Popen[bytes]]:
        with tempfile.TemporaryFile() as messages:
            command = [self.program, "-nostdin", "-hide_banner", "-loglevel", "error", "-y", *arguments]
            if "stdin" in pipes:
                command.remove("-nostdin")
            else:
                pipes["stdin"] = subprocess.DEVNULL
            process = _started(command, stderr=messages, **pipes)
            try:
                yield process
            finally:
                if process.stdout is not None:
                    process.stdout.close()
                status = process.wait()
            if status:
                raise self._failure(messages)

    def _failure(self, messages: IO[bytes]) -> ConfigurationError | DataError:
        messages.seek(0)
        lines = messages.read().decode("utf-8", "replace").split("\n")
        reason = next((line.strip() for line in lines if line.strip()), "no message").rstrip(".")
        if "Unknown encoder" in reason or "Unrecognized option" in reason:
            return ConfigurationError(
                f"Expected an ffmpeg with {VIDEO_CODECS[self.codec].encoder}, found: {reason}; "
                "install the ffmpeg of Debian or Ubuntu."
            )
        return DataError(f"Expected {self.codec} to code the clip, found: {reason}.")


def _started(command: list[str], **options: Any) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(command, **options)
    except OSError as error:
        raise ConfigurationError(
            f"Expected the program {command[0]}, found: {error.strerror or error}; install it "
            "(apt-get install ffmpeg) or say where it is."
        ) from error


def _overhead(kind: str, frames: int) -> int:
    return _IVF_HEADER + frames * _IVF_FRAME_HEADER if kind == "ivf" else 0
