"""The sound of a video, which is not coded but carried along as it is, as a Matroska file of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

from latentpress.codec.video.container import VideoReader, VideoWriter
from latentpress.datasets.codedvideo import import_av
from latentpress.errors import ConfigurationError, DataError

_PART = 2**16  # bytes of a packet


@contextmanager
def scratch_file() -> Iterator[Path]:
    """A file that is gone after the block; sound can be larger than memory."""
    with tempfile.TemporaryDirectory(prefix="latentpress-") as folder:
        yield Path(folder) / "sound.mka"


def write_sound(source: Path, writer: VideoWriter, zero: Fraction = Fraction(0)) -> None:
    """Put the sound of a video file into a `.ltp` file; it comes before the frames.

    Args:
        source: the video file.
        writer: of the `.ltp` file.
        zero: what is the beginning there, in seconds on the clock of the source; no sound is earlier.

    Raises:
        DataError: it cannot be read, or is of a kind that cannot be carried along.
    """
    with scratch_file() as path:
        _extract(source, path, zero)
        with path.open("rb") as file:
            number = 0
            while part := file.read(_PART):
                writer.write_audio(number, part)
                number += 1


def read_sound(reader: VideoReader, path: Path) -> bool:
    """Write the sound in a `.ltp` file to a file; whether there is any, and whole as far as can be told."""
    parts = 0
    with path.open("wb") as file:
        for packet in reader.audio_packets():
            if packet.number != parts:
                return False
            file.write(packet.content)
            parts += 1
    return parts > 0


class SoundCopy:
    """Copies the sound of a file into another one that is being written, in step with its pictures.

    Args:
        path: where the sound is.
        target: a container of PyAV, open for writing, to which nothing was written yet.
        delay: seconds that the sound comes later than it says; may be negative.

    Raises:
        ConfigurationError: the container does not take this kind of sound.
    """

    def __init__(self, path: Path, target: Any, delay: Fraction = Fraction(0)) -> None:
        av = import_av()
        self._delay = delay
        self._errors = (av.FFmpegError, OSError, ValueError)
        self._target, self._open = target, ExitStack()
        source = self._open.enter_context(av.open(str(path)))
        try:
            self._streams = {
                stream.index: target.add_stream_from_template(stream) for stream in source.streams.audio
            }
        except self._errors as error:
            names = ", ".join(stream.codec_context.name for stream in source.streams.audio)
            raise ConfigurationError(
                f"Expected a kind of file that takes {names} sound, found {target.format.name}: "
                "write .mkv, or leave the sound out."
            ) from error
        self._packets = source.demux(source.streams.audio)
        self._waiting: Any = None

    def copy_until(self, time: Fraction | None) -> None:
        """Copy what comes up to a time in seconds, or all the rest."""
        while True:
            packet = self._waiting or self._next()
            self._waiting = None
            if packet is None:
                break
            if time is not None and packet.dts is not None and packet.dts * packet.time_base > time:
                self._waiting = packet
                return
            packet.stream = self._streams[packet.stream.index]
            self._target.mux(packet)
        self._open.close()

    def _next(self) -> Any:
        packet = next(self._packets, None)
        if packet is None or (packet.dts is None and packet.size == 0):
            return None
        _move(packet, self._delay)
        return packet


def _move(packet: Any, delay: Fraction) -> None:
    """Let a packet come so many seconds later."""
    ticks = round(delay / packet.time_base)
    if packet.pts is not None:
        packet.pts += ticks
    if packet.dts is not None:
        packet.dts += ticks


def _extract(source: Path, path: Path, zero: Fraction) -> None:
    av = import_av()
    try:
        with av.open(str(source)) as given, av.open(str(path), "w", format="matroska") as kept:
            streams = {stream.index: kept.add_stream_from_template(stream) for stream in given.streams.audio}
            for packet in given.demux(given.streams.audio):
                if packet.dts is not None:
                    _move(packet, -zero)
                    packet.stream = streams[packet.stream.index]
                    kept.mux(packet)
    except (av.FFmpegError, OSError, ValueError) as error:
        raise DataError(
            f"Expected sound in {source} that can be carried along, found: {error}; leave it out."
        ) from error
