"""What is measured of clips."""

import math
import pickle
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from latentpress import zoo
from latentpress.codec.video.sinks import RawSink
from latentpress.datasets import open_clip
from latentpress.datasets.clip import Clip, ClipInfo, Colour
from latentpress.datasets.frames import Frame, frame_of
from latentpress.datasets.rawformat import RawFormat, VideoFormat
from latentpress.errors import ConfigurationError, DataError
from latentpress.evaluation.clips import are_clips, evaluate_clips, find_clips, plan_clip_subjects
from latentpress.evaluation.video import Scores, VideoOptions, compare_clips, measure_clip
from latentpress.models.video import ScaleSpaceFlow
from small_models import gained
from small_videos import LAYOUT, moving, scale_space_flow

__all__ = ["gained", "scale_space_flow"]


class InMemory(Clip):
    def __init__(self, frames: list[Frame], layout: RawFormat = LAYOUT) -> None:
        self.frames, self.info, self.path = frames, ClipInfo(layout, Colour("bt601")), Path("memory")

    def __iter__(self) -> Iterator[Frame]:
        return iter(self.frames)


@pytest.fixture(scope="module")
def model() -> ScaleSpaceFlow:
    torch.manual_seed(0)
    made = ScaleSpaceFlow(N=4, M=8).eval()
    made.update()
    return made


def test_planes_are_compared_with_their_own_peak_and_weighted() -> None:
    layout = replace(LAYOUT, bitdepth=10, format=VideoFormat.YUV444)
    original = frame_of(torch.full((3, 21, 37), 0.5), layout, "bt601")
    shifted = Frame(
        *(plane + np.uint16(step) for plane, step in zip(original.planes, (4, 8, 16), strict=True))
    )
    scores = compare_clips(InMemory([original] * 2, layout), InMemory([shifted] * 2, layout))
    values, notes = scores.means()
    expected = [10 * math.log10(1023**2 / step**2) for step in (4, 8, 16)]
    found = [values[f"psnr-{name}"] for name in ("y", "u", "v", "yuv")]
    assert found == pytest.approx([*expected, (6 * expected[0] + expected[1] + expected[2]) / 8])
    assert values["ms-ssim-rgb"] is None
    assert "at least 161" in notes[0]


def test_a_value_of_a_clip_is_the_mean_over_its_frames() -> None:
    frame = moving(1)[0]
    others = [Frame(frame.y + np.uint8(step), frame.u, frame.v) for step in (1, 10)]
    values, notes = compare_clips(InMemory([frame, frame]), InMemory(others)).means()
    assert values["psnr-y"] == pytest.approx(10 * math.log10(255**2 / 10))
    assert values["psnr-u"] is None
    assert any("psnr-u is null: it is infinite" in note for note in notes)


def test_clips_of_different_length_are_not_compared() -> None:
    with pytest.raises(DataError, match="as many frames"):
        compare_clips(InMemory(moving(3)), InMemory(moving(2)))
    assert compare_clips(InMemory(moving(3)), InMemory(moving(2)), frames=2).count == 2
    with pytest.raises(DataError, match="at least one frame"):
        Scores(ClipInfo(LAYOUT, Colour("bt601"))).means()


def test_bits_are_those_of_the_strings_of_all_frames(model: ScaleSpaceFlow) -> None:
    frames = moving(5)
    measured = measure_clip(model, InMemory(frames), options=VideoOptions(gop=3, frames=4))
    from latentpress.ops import pad_to_multiple

    clip = InMemory(frames)
    x = [pad_to_multiple(clip.rgb(frame)[None], 128) for frame in frames[:4]]
    bits = 0
    for group in (x[:3], x[3:]):
        strings, _ = model.compress(group)
        for packet in strings:
            parts = packet.values() if isinstance(packet, dict) else [packet]
            bits += 8 * sum(len(string) for part in parts for batch in part for string in batch)
    assert measured.values["bpp"] == pytest.approx(bits / (4 * 37 * 21))
    assert measured.values["bitrate"] == pytest.approx(bits / 4 * 30000 / 1001 / 1000)
    assert {"psnr-rgb", "psnr-y", "psnr-u", "psnr-v", "psnr-yuv", "encoding_time", "decoding_time"} <= set(
        measured.values
    )


def test_an_estimate_needs_no_strings_and_is_close_to_them(model: ScaleSpaceFlow) -> None:
    clip = InMemory(moving(3))
    estimated = measure_clip(model, clip, entropy_estimation=True)
    coded = measure_clip(model, clip)
    assert "encoding_time" not in estimated.values
    # Ends of strings, 8 bytes each, are not in an estimate: 2 of a keyframe, 4 of each other frame.
    overhead = 8 * 8 * 10 / (3 * 37 * 21)
    assert estimated.values["bpp"] < coded.values["bpp"] < 1.3 * estimated.values["bpp"] + 2 * overhead
    assert estimated.values["psnr-rgb"] == pytest.approx(coded.values["psnr-rgb"], abs=0.2)


def test_image_models_are_measured_on_clips_too(gained: Path) -> None:
    model = zoo.create("latentpress2026", checkpoint=gained)
    low = measure_clip(model, InMemory(moving(2)), quality=10)
    high = measure_clip(model, InMemory(moving(2)), quality=90)
    assert low.values["bpp"] < high.values["bpp"]
    estimated = measure_clip(model, InMemory(moving(2)), quality=90, entropy_estimation=True)
    assert estimated.values["bpp"] == pytest.approx(high.values["bpp"], rel=0.1)


def test_a_model_that_cannot_code_is_told(model: ScaleSpaceFlow) -> None:
    with pytest.raises(ConfigurationError, match="found Linear"):
        measure_clip(torch.nn.Linear(1, 1), InMemory(moving(1)))
    with pytest.raises(ConfigurationError, match="one rate"):
        measure_clip(model, InMemory(moving(1)), quality=3)


def test_a_folder_is_of_clips_if_it_has_no_images(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    with pytest.raises(DataError, match="found none"):
        find_clips([tmp_path])
    with pytest.raises(DataError, match="found nothing there"):
        find_clips([tmp_path / "missing"])
    (tmp_path / "in" / "b.mp4").touch()
    (tmp_path / "a.y4m").touch()
    assert [clip.source for clip in find_clips([tmp_path, tmp_path / "a.y4m"])] == ["a", "in/b"]
    assert are_clips([tmp_path])
    assert are_clips([tmp_path / "a.y4m"])
    assert not are_clips([tmp_path / "a.png"])
    (tmp_path / "a.png").touch()
    assert not are_clips([tmp_path])


def test_a_folder_called_like_a_clip_is_none(tmp_path: Path) -> None:
    (tmp_path / "takes.mp4").mkdir()
    (tmp_path / "takes.mp4" / "a.y4m").touch()
    assert [clip.source for clip in find_clips([tmp_path])] == ["takes.mp4/a"]


def test_points_follow_from_model_qualities_and_checkpoints(scale_space_flow: Path) -> None:
    def labels(*arguments: object, **options: object) -> list[str]:
        return [subject.label for subject in plan_clip_subjects(*arguments, **options)]  # type: ignore[arg-type]

    assert labels("ssf2020") == [f"quality {quality}" for quality in range(1, 10)]
    assert labels("ssf2020", qualities=[2.0, 5]) == ["quality 2", "quality 5"]
    assert labels("ssf2020", checkpoints=[scale_space_flow]) == [str(scale_space_flow)]
    assert labels("latentpress2026", qualities=[40]) == ["quality 40"]
    with pytest.raises(ConfigurationError, match="one rate"):
        labels("ssf2020", checkpoints=[scale_space_flow], qualities=[1])


def test_broken_clips_are_left_out_and_named(tmp_path: Path, scale_space_flow: Path) -> None:
    for name in ("a.y4m", "b.y4m"):
        with (tmp_path / name).open("wb") as file:
            sink = RawSink(file, LAYOUT, y4m=True)
            for frame in moving(2):
                sink.write(frame)
    (tmp_path / "c.y4m").write_bytes(b"YUV4MPEG2 broken")
    planned = plan_clip_subjects("ssf2020", checkpoints=[scale_space_flow], options=VideoOptions(frames=1))
    subjects = pickle.loads(pickle.dumps(planned))  # as they travel to other processes
    seen = []
    (point,) = evaluate_clips(
        subjects, find_clips([tmp_path]), on_clip=lambda clip, _: seen.append(clip.source)
    )
    assert sorted(seen) == ["a", "b", "c"]
    assert [clip.source for clip in point.measurements] == ["a", "b"]
    assert [clip.source for clip in point.skipped] == ["c"]
    direct = measure_clip(
        zoo.create("ssf2020", checkpoint=scale_space_flow),
        open_clip(tmp_path / "a.y4m"),
        options=VideoOptions(frames=1),
    )
    assert point.means()["psnr-y"] == pytest.approx(direct.values["psnr-y"])
    with pytest.raises(DataError, match="at least one clip"):
        evaluate_clips(subjects, find_clips([tmp_path / "c.y4m"]))
