"""Frames to packets and back: what comes back, what damage costs, and how much memory it takes."""

import io
import random
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from latentpress.codec.video import stream
from latentpress.codec.video.container import FOOTER_SIZE, VideoReader
from latentpress.codec.video.frame_codec import FrameCodec, ImageFrames, VideoFrames
from latentpress.codec.video.models import load_frame_codec, load_frame_codec_for
from latentpress.codec.video.packets import Kind, packet_bytes
from latentpress.codec.video.stream import VideoDecoder, VideoEncoder
from latentpress.datasets.clip import ClipInfo, Colour
from latentpress.datasets.frames import Frame, frame_of
from latentpress.datasets.rawformat import VideoFormat
from latentpress.errors import BitstreamError, ConfigurationError, LatentPressError, WeightsError
from latentpress.ops import pad_to_multiple
from small_videos import LAYOUT, BlockMeans, moving, picture


def encoded(codec: FrameCodec, info: ClipInfo, count: int = 10, gop: int = 4) -> bytes:
    file = io.BytesIO()
    encoder = VideoEncoder(file, info, codec, gop)
    for frame in moving(count, info.layout):
        encoder.add(frame)
    encoder.close()
    return file.getvalue()


def decoded(data: bytes, codec: FrameCodec, *frames: int) -> tuple[list[Frame], VideoDecoder]:
    decoder = VideoDecoder(VideoReader(io.BytesIO(data)), codec)
    return list(decoder.frames(*frames)), decoder


def same(a: Frame, b: Frame) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(a.planes, b.planes, strict=True))


def offsets(data: bytes) -> list[int]:
    return [packet.offset for packet in VideoReader(io.BytesIO(data)).packets()]


def damaged(data: bytes, *numbers: int) -> bytes:
    broken = bytearray(data)
    for number in numbers:
        broken[offsets(data)[number] + 20] ^= 0xFF
    return bytes(broken)


def test_frames_come_back_in_order_cropped_and_with_their_colours(codec: BlockMeans, info: ClipInfo) -> None:
    frames, decoder = decoded(encoded(codec, info), codec)
    assert len(frames) == 10
    assert decoder.damage() is None
    for number, frame in enumerate(frames):
        assert [plane.shape for plane in frame.planes] == [(21, 37), (11, 19), (11, 19)]
        means = codec.encode(pad_to_multiple(picture(number)[None], 8), None)[1]
        assert means is not None
        expected = frame_of(means[0, :, :21, :37], LAYOUT, "bt601")
        # What is coded was rounded to eight bits and halved in chroma first.
        assert np.abs(frame.y.astype(int) - expected.y.astype(int)).max() <= 25
        assert np.abs(frame.y.astype(int) - expected.y.astype(int)).mean() < 1


@pytest.mark.parametrize("format", list(VideoFormat))
@pytest.mark.parametrize("bitdepth", [8, 10])
def test_every_format_and_depth_goes_through(codec: BlockMeans, format: VideoFormat, bitdepth: int) -> None:
    info = ClipInfo(replace(LAYOUT, format=format, bitdepth=bitdepth), Colour("bt2020", 9, 16))
    data = encoded(codec, info, 2)
    assert VideoReader(io.BytesIO(data)).header.colour == Colour("bt2020", 9, 16)
    frames, _ = decoded(data, codec)
    assert [plane.shape for plane in frames[1].planes] == info.layout.plane_shapes
    assert frames[1].y.dtype == info.layout.dtype
    for original, plane in zip(moving(2, info.layout)[1].planes, frames[1].planes, strict=True):
        assert abs(original.mean() - plane.mean()) < 3 << (bitdepth - 8)


def test_any_frame_is_decoded_from_the_keyframe_before(codec: BlockMeans, info: ClipInfo) -> None:
    data = encoded(codec, info)
    everything, _ = decoded(data, codec)
    for first, end in ((0, 1), (3, 5), (4, 10), (7, 8), (9, 100)):
        part, decoder = decoded(data, codec, first, end)
        assert len(part) == min(end, 10) - first
        assert all(same(a, b) for a, b in zip(part, everything[first:end], strict=True))
        assert decoder.damage() is None
    unindexed, _ = decoded(data[: -FOOTER_SIZE - 6], codec, 6, 8)
    assert all(same(a, b) for a, b in zip(unindexed, everything[6:8], strict=True))


def test_frames_that_do_not_exist_cannot_be_asked_for(codec: BlockMeans, info: ClipInfo) -> None:
    data = encoded(codec, info)
    for frames in ((10,), (-1,), (5, 5)):
        with pytest.raises(ConfigurationError, match="frame"):
            decoded(data, codec, *frames)


def test_a_damaged_frame_costs_the_rest_of_its_group_and_nothing_else(
    codec: BlockMeans, info: ClipInfo
) -> None:
    data = encoded(codec, info)
    whole, _ = decoded(data, codec)
    frames, decoder = decoded(damaged(data, 5), codec)
    assert len(frames) == 10
    assert decoder.lost == [range(5, 8)]
    for number in (0, 1, 2, 3, 4, 8, 9):
        assert same(frames[number], whole[number])
    for number in (5, 6, 7):
        assert same(frames[number], whole[4])
    assert decoder.damage() == "3 frames (5 to 7) are damaged and repeat the one before."


def test_before_the_first_good_frame_there_is_grey(codec: BlockMeans, info: ClipInfo) -> None:
    frames, decoder = decoded(damaged(encoded(codec, info), 0), codec)
    assert decoder.lost == [range(4)]
    assert len(frames) == 10
    assert np.unique(frames[2].y).tolist() == [126]


def test_a_small_file_does_not_make_frames_without_end(
    codec: BlockMeans, info: ClipInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = encoded(codec, info, count=2, gop=1)
    last = offsets(data)[1]
    content = next(VideoReader(io.BytesIO(data)).packets()).content
    far = data[:last] + bytes(13 * 1000) + packet_bytes(Kind.KEYFRAME, 1000, content)
    frames, _ = decoded(far, codec)
    assert len(frames) == 1001  # of 777 pixels each, which is little
    monkeypatch.setattr(stream, "_REPEATED_PIXELS", 100 * 777)
    reader = VideoDecoder(VideoReader(io.BytesIO(far)), codec)
    frames_until = reader.frames()
    next(frames_until)
    with pytest.raises(BitstreamError, match="Expected most frames to be whole, found 999"):
        next(frames_until)


def test_lost_groups_in_a_row_and_at_the_end_are_counted(codec: BlockMeans, info: ClipInfo) -> None:
    data = encoded(codec, info)
    frames, decoder = decoded(damaged(data, 4, 8), codec)
    assert (len(frames), decoder.lost) == (10, [range(4, 10)])
    places = offsets(data)
    gone = data[: places[4]] + data[places[9] :]
    frames, decoder = decoded(gone, codec)
    assert (len(frames), decoder.lost) == (10, [range(4, 10)])
    assert decoder.damage() == "6 frames (4 to 9) are damaged and repeat the one before."


def test_a_cut_file_gives_the_frames_that_it_has(codec: BlockMeans, info: ClipInfo) -> None:
    data = encoded(codec, info)
    whole, _ = decoded(data, codec)
    frames, decoder = decoded(data[: offsets(data)[6] + 12], codec)
    assert len(frames) == 6
    assert all(same(a, b) for a, b in zip(frames, whole[:6], strict=True))
    assert decoder.damage() == "the end is cut off or damaged, so what came after frame 5 is missing."


def test_a_cut_between_keyframes_with_damage_before_says_both(codec: BlockMeans, info: ClipInfo) -> None:
    data = encoded(codec, info)
    frames, decoder = decoded(damaged(data, 1)[: offsets(data)[5]], codec)
    assert len(frames) == 5
    assert decoder.damage() is not None
    assert str(decoder.damage()).count(";") == 1


def test_a_file_without_a_whole_keyframe_is_an_error(codec: BlockMeans, info: ClipInfo) -> None:
    data = encoded(codec, info, count=4)
    with pytest.raises(BitstreamError, match="none"):
        decoded(damaged(data, 0), codec)


def test_an_image_codec_makes_keyframes_alone(info: ClipInfo, gained: Path) -> None:
    codec = load_frame_codec("latentpress2026", quality=40, checkpoint=gained)
    assert isinstance(codec, ImageFrames)
    data = encoded(codec, info, count=3, gop=12)
    kinds = [packet.kind for packet in VideoReader(io.BytesIO(data)).packets()]
    assert kinds == [Kind.KEYFRAME] * 3 + [Kind.INDEX]
    header = VideoReader(io.BytesIO(data)).header
    assert (header.gop, header.maker.parameters) == (1, {"quality": 40})
    again = load_frame_codec_for(header.maker, checkpoint=gained)
    frames, decoder = decoded(damaged(data, 1), again)
    assert (len(frames), decoder.lost) == (3, [range(1, 2)])


def test_an_image_codec_takes_an_inter_frame_for_damage(info: ClipInfo, gained: Path) -> None:
    codec = load_frame_codec("latentpress2026", quality=40, checkpoint=gained)
    data = encoded(codec, info, count=2)
    places = offsets(data)
    (_, inter, _) = VideoReader(io.BytesIO(data)).packets()
    forged = data[: places[1]] + packet_bytes(Kind.INTER, 1, inter.content) + data[places[2] :]
    _, decoder = decoded(forged, codec)
    assert decoder.lost == [range(1, 2)]


def test_a_video_model_decodes_what_it_encoded(info: ClipInfo, scale_space_flow: Path) -> None:
    codec = load_frame_codec("ssf2020", checkpoint=scale_space_flow)
    assert isinstance(codec, VideoFrames)
    file = io.BytesIO()
    encoder = VideoEncoder(file, info, codec, gop=3)
    references = []
    for frame in moving(5):
        encoder.add(frame)
        assert encoder._reference is not None
        references.append(frame_of(encoder._reference[0, :, :21, :37], LAYOUT, "bt601"))
    encoder.close()
    reader = VideoReader(io.BytesIO(file.getvalue()))
    frames = list(
        VideoDecoder(reader, load_frame_codec_for(reader.header.maker, checkpoint=scale_space_flow)).frames()
    )
    assert all(same(a, b) for a, b in zip(frames, references, strict=True))


def test_other_weights_are_refused(
    info: ClipInfo, scale_space_flow: Path, gained: Path, tmp_path: Path
) -> None:
    from latentpress import zoo
    from latentpress.models.video import ScaleSpaceFlow

    torch.manual_seed(1)
    other = ScaleSpaceFlow(N=4, M=8).eval()
    other.update()
    zoo.save_checkpoint(other, tmp_path / "other.safetensors")
    maker = load_frame_codec("ssf2020", checkpoint=scale_space_flow).maker
    with pytest.raises(WeightsError, match="fingerprint"):
        load_frame_codec_for(maker, checkpoint=tmp_path / "other.safetensors")
    with pytest.raises(WeightsError, match="names no quality"):
        load_frame_codec_for(maker)
    with pytest.raises(BitstreamError, match="made by 'nobody'"):
        load_frame_codec_for(maker._replace(model="nobody"))


def test_memory_does_not_grow_with_the_length_of_a_clip(
    codec: BlockMeans, info: ClipInfo, tmp_path: Path
) -> None:
    def frames(count: int) -> Iterator[Frame]:
        for number in range(count):
            yield frame_of(picture(number), info.layout, "bt601")

    def peak(count: int) -> tuple[int, int]:
        path = tmp_path / f"{count}.ltp"
        tracemalloc.start()
        with path.open("wb") as file:
            encoder = VideoEncoder(file, info, codec, gop=5)
            for frame in frames(count):
                encoder.add(frame)
            encoder.close()
        encoding = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        with path.open("rb") as file:
            shown = sum(1 for _ in VideoDecoder(VideoReader(file), codec).frames())
        decoding = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert shown == count
        return encoding, decoding

    peak(10)  # what is kept for good once anything was done
    short, long = peak(10), peak(300)
    # 290 frames have 350 kB of samples, and 290 packets.
    assert long[0] < short[0] + 30_000
    assert long[1] < short[1] + 30_000


def test_a_clip_without_frames_is_an_error(codec: BlockMeans, info: ClipInfo) -> None:
    with pytest.raises(ConfigurationError, match="at least one frame"):
        VideoEncoder(io.BytesIO(), info, codec).close()


def test_hundreds_of_damaged_files_give_frames_or_a_sentence(codec: BlockMeans, info: ClipInfo) -> None:
    data = encoded(codec, info)
    generator = random.Random(0)
    for _ in range(300):
        _decode_anything(_mutated(data, generator), codec)


def test_contents_with_right_checksums_are_not_trusted_either(info: ClipInfo, scale_space_flow: Path) -> None:
    codec = load_frame_codec("ssf2020", checkpoint=scale_space_flow)
    data = encoded(codec, info, count=3, gop=2)
    generator = random.Random(0)
    head = data[: offsets(data)[0]]
    for _ in range(25):
        forged = head
        for packet in VideoReader(io.BytesIO(data)).packets():
            content = _mutated(packet.content, generator) if generator.random() < 0.7 else packet.content
            forged += packet_bytes(packet.kind, packet.number, content)
        _decode_anything(forged, codec)


def _decode_anything(data: bytes, codec: FrameCodec) -> None:
    try:
        reader = VideoReader(io.BytesIO(data))
        if (reader.header.layout.width, reader.header.layout.height) != (LAYOUT.width, LAYOUT.height):
            return
        frames = list(VideoDecoder(reader, codec).frames())
    except LatentPressError:
        return
    assert len(frames) <= reader.most_frames


def _mutated(data: bytes, generator: random.Random) -> bytes:
    changed = bytearray(data)
    kind = generator.randrange(4)
    if not changed:
        return b"\x01"
    place = generator.randrange(len(changed))
    if kind == 0:
        for _ in range(generator.randint(1, 6)):
            changed[generator.randrange(len(changed))] ^= 1 << generator.randrange(8)
    elif kind == 1:
        del changed[place:]
    elif kind == 2:
        del changed[place : place + generator.randint(1, 60)]
    else:
        changed[place:place] = changed[generator.randrange(len(changed)) :][:80]
    return bytes(changed)
