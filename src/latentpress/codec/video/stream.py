"""Frames to packets and back, one at a time, and what becomes of frames whose packets are damaged or gone."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import BinaryIO

from torch import Tensor

from latentpress.codec.video.container import VideoReader, VideoWriter
from latentpress.codec.video.frame_codec import FrameCodec
from latentpress.codec.video.header import FrameTimes, VideoHeader
from latentpress.codec.video.packets import LATEST, Kind, Packet, read_frame
from latentpress.datasets.clip import ClipInfo
from latentpress.datasets.frames import Frame, Moment, frame_of, grey_frame, rgb_of
from latentpress.datasets.rawformat import DEFAULT_RATE, RawFormat
from latentpress.errors import BitstreamError, ConfigurationError
from latentpress.ops import pad_to_multiple

DEFAULT_GOP = 12
_LISTED_RANGES = 4
# Damaged frames are repeated as far as these go: so many for each frame that was decoded, or a second or two.
_MOST_REPEATED = 8
_REPEATED_PIXELS = 2**28


class VideoEncoder:
    """Writes a `.ltp` file of a video: a frame comes in, its packet goes out, and nothing else is kept.

    Args:
        file: where to write; a pipe will do.
        info: what the frames are.
        codec: codes them.
        gop: most frames from one keyframe to the next; 1 for keyframes alone.
        sound: whether the sound of the clip is written, too, so that the file has to say how far the first
            frame is from its beginning.

    Raises:
        ConfigurationError: the distance of keyframes is not positive.
    """

    def __init__(
        self,
        file: BinaryIO,
        info: ClipInfo,
        codec: FrameCodec,
        gop: int = DEFAULT_GOP,
        *,
        sound: bool = False,
    ) -> None:
        self._layout, self._matrix, self._codec = info.layout, info.colour.matrix, codec
        self.gop = gop if codec.inter else 1
        times = _times_of(info, sound)
        self.writer = VideoWriter(file, VideoHeader(info.layout, info.colour, self.gop, codec.maker, times))
        self._reference: Tensor | None = None

    def add(self, frame: Frame) -> int:
        """Code the next frame; the number of bytes that it takes in the file."""
        keyframe = self.writer.frames % self.gop == 0
        rgb = rgb_of(frame, self._layout, self._matrix).to(self._codec.device)
        x = pad_to_multiple(rgb[None], self._codec.factor)
        strings, self._reference = self._codec.encode(x, None if keyframe else self._reference)
        return self.writer.write_frame(strings, keyframe=keyframe, moment=frame.moment)

    def close(self) -> None:
        """Write the end of the file, which stays open.

        Raises:
            ConfigurationError: there was no frame.
        """
        if self.writer.frames == 0:
            raise ConfigurationError("Expected at least one frame to compress, found none.")
        self.writer.close()


class VideoDecoder:
    """Decodes a `.ltp` file of a video.

    A frame whose packet is damaged or missing takes the ones after it along, up to the next keyframe; the
    last good frame is repeated for them, or grey where there is none. Where every frame has its moment, those
    of the lost are spread evenly over the time between the others.

    Args:
        reader: the file.
        codec: made the file.
        layout: what frames are to be; as the file says if None.

    Attributes:
        lost: the frames that could not be decoded, in ranges, as far as frames were asked for.
        complete: whether the end of the file was found, so that no frames can be missing there.
        decoded: how many frames were.
    """

    def __init__(self, reader: VideoReader, codec: FrameCodec, layout: RawFormat | None = None) -> None:
        self._reader, self._codec = reader, codec
        self.header = reader.header
        self._layout = layout or self.header.layout
        self.lost: list[range] = []
        self.complete = True
        self.decoded = 0

    def frames(self, first: int = 0, end: int | None = None) -> Iterator[Frame]:
        """The frames from `first` on, up to the one before `end`; decoding begins at the keyframe before.

        Raises:
            BitstreamError: not one of them can be decoded.
            ConfigurationError: the file has no such frames.
        """
        self._check(first, end)
        shown: Frame | None = None
        expected = first
        for number, x_hat, moment in self._reconstructions(first, end):
            if number < first:
                continue
            yield from self._stand_ins(shown, expected, number, moment)
            shown = self._frame(x_hat, moment)
            self.decoded += 1
            expected = number + 1
            yield shown
        if self.decoded == 0:
            raise BitstreamError("Expected a keyframe that is whole in the file, found none: it is damaged.")
        yield from self._stand_ins(shown, expected, self._end(end))

    def damage(self) -> str | None:
        """What is wrong with the frames that were decoded, in one sentence; None if nothing is."""
        parts = []
        if self.lost:
            listed = ", ".join(_named(lost) for lost in self.lost[:_LISTED_RANGES])
            if len(self.lost) > _LISTED_RANGES:
                listed += f" and {len(self.lost) - _LISTED_RANGES} other runs"
            count = sum(map(len, self.lost))
            parts.append(f"{count} frames ({listed}) are damaged and repeat the one before")
        if not self.complete:
            parts.append(
                f"the end is cut off or damaged, so what came after frame {self._seen - 1} is missing"
            )
        return None if not parts else f"{'; '.join(parts)}."

    def _check(self, first: int, end: int | None) -> None:
        if first < 0 or (end is not None and end <= first):
            raise ConfigurationError(f"Expected frames from 0 on, at least one, found {first} to {end}.")
        self._seen = 0  # frames up to the last one of which there is a packet
        if first and self._reader.read_index() and first >= (self._reader.frames or 0):
            raise ConfigurationError(
                f"Expected a first frame below {self._reader.frames}, the number of frames, found {first}."
            )

    def _reconstructions(self, first: int, end: int | None) -> Iterator[tuple[int, Tensor, Moment | None]]:
        """The frames that can be decoded, from the keyframe before `first` on, with numbers and moments."""
        reference: Tensor | None = None
        latest = -1
        last = -1  # number of the frame that the reference is
        for packet in self._reader.packets(self._reader.keyframe_before(first) if first else None):
            if packet.kind is Kind.INDEX or (end is not None and packet.number >= end):
                return
            if packet.kind is Kind.AUDIO or packet.number < self._seen:
                continue
            self._seen = packet.number + 1
            if packet.kind is Kind.KEYFRAME:
                reference = None
            elif reference is None or packet.number != last + 1:
                reference = None  # there is nothing to go on from until the next keyframe
                continue
            reference, moment = self._decoded(packet, reference, latest)
            last = packet.number
            if reference is not None:
                latest = latest if moment is None else moment.time
                yield last, reference, moment

    def _decoded(
        self, packet: Packet, reference: Tensor | None, latest: int
    ) -> tuple[Tensor | None, Moment | None]:
        """The frame of a packet; None where it is damaged, or claims to come before the one before."""
        blocks = self.header.blocks if packet.kind is Kind.KEYFRAME else 0
        factor, layout = self._codec.factor, self.header.layout
        sides = (-(-layout.height // factor) * factor, -(-layout.width // factor) * factor)
        try:
            strings, moment = read_frame(packet.content, blocks, timed=self.header.each_timed)
            if moment is not None and moment.time <= latest:
                return None, None
            return self._codec.decode(strings, *sides, reference), moment
        except BitstreamError:
            return None, None

    def _end(self, end: int | None) -> int:
        """The number of the last frame that there is, and one."""
        if end is not None and self._seen >= end:
            return end
        total = self._reader.frames
        if total is None and not self._reader.read_index():
            self.complete = False
            return self._seen
        total = max(self._reader.frames or 0, self._seen)
        return total if end is None else min(total, end)

    def _check_lost(self) -> None:
        """Refuse to write frames without end out of a small file that claims to have them.

        Raises:
            BitstreamError: there are far more frames to repeat than frames that can be decoded.
        """
        lost = sum(map(len, self.lost))
        frame = self._layout.width * self._layout.height
        if lost > _MOST_REPEATED * self.decoded and lost * frame > _REPEATED_PIXELS:
            raise BitstreamError(
                f"Expected most frames to be whole, found {lost} that are not beside {self.decoded}: "
                "decode the frames before or after them alone."
            )

    def _frame(self, x_hat: Tensor, moment: Moment | None) -> Frame:
        layout = self.header.layout
        cropped = x_hat[0, :, : layout.height, : layout.width]
        return frame_of(cropped, self._layout, self.header.colour.matrix)._replace(moment=moment)

    def _stand_ins(
        self, shown: Frame | None, first: int, end: int, upto: Moment | None = None
    ) -> Iterator[Frame]:
        """Frames for those that are lost, between what was shown last and the next good one, at `upto`."""
        if first >= end:
            return
        self.lost.append(range(first, end))
        self._check_lost()
        moments = self._moments_between(None if shown is None else shown.moment, end - first, upto)
        for moment in moments:
            yield (shown or grey_frame(self._layout))._replace(moment=moment)

    def _moments_between(
        self, before: Moment | None, count: int, after: Moment | None
    ) -> Iterator[Moment | None]:
        """Moments for so many frames, evenly spread over the time between two others."""
        times = self.header.times
        if times is None or not times.each:
            yield from (None for _ in range(count))
            return
        usual = max(1, round(1 / ((self.header.layout.framerate or DEFAULT_RATE) * times.tick)))
        if before is not None:
            start = before.time
            whole = (count + 1) * (before.length or usual) if after is None else after.time - start
        else:  # only before the first good frame
            start = max(-1, (0 if after is None else after.time) - (count + 1) * usual)
            whole = (0 if after is None else after.time) - start
        for number in range(1, count + 1):
            yield Moment(start + min(whole, LATEST) * number // (count + 1), 0)


def _times_of(info: ClipInfo, sound: bool) -> FrameTimes | None:
    """What a file of the clip says of when its frames are shown; None if it need not say anything."""
    timing = info.timing
    if timing is None or timing.tick is None:
        return None
    start = round(max(Fraction(0), timing.lead) / timing.tick) if sound else 0
    return None if timing.even and start == 0 else FrameTimes(timing.tick, start, not timing.even)


def _named(numbers: range) -> str:
    return f"{numbers[0]}" if len(numbers) == 1 else f"{numbers[0]} to {numbers[-1]}"
