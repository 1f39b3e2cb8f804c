"""Moving pictures, a codec of frames that needs no network, and a small network: fixtures and helpers."""

import zlib
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from latentpress import zoo
from latentpress.codec.maker import Maker
from latentpress.codec.video.frame_codec import FrameCodec
from latentpress.datasets.clip import ClipInfo, Colour
from latentpress.datasets.frames import Frame, frame_of
from latentpress.datasets.rawformat import RawFormat
from latentpress.errors import BitstreamError
from latentpress.models.video import ScaleSpaceFlow


class BlockMeans(FrameCodec):
    """Codes means of blocks of 8x8 pixels; of inter frames, their differences to the frame before."""

    maker = Maker("block-means", bytes(8), {})
    factor = 8
    device = torch.device("cpu")
    inter = True

    def encode(self, x: Tensor, reference: Tensor | None) -> tuple[tuple[bytes, ...], Tensor | None]:
        means = F.avg_pool2d(x, 8).mul(255).round()
        coded = means if reference is None else means - F.avg_pool2d(reference, 8).mul(255).round()
        return (zlib.compress(coded.short().numpy().tobytes()),), F.interpolate(means / 255, scale_factor=8)

    def decode(self, strings: Sequence[bytes], height: int, width: int, reference: Tensor | None) -> Tensor:
        try:
            data = np.frombuffer(zlib.decompress(strings[0]), np.int16).copy()
            means = torch.from_numpy(data).reshape(1, 3, height // 8, width // 8).float()
        except (zlib.error, ValueError, IndexError, RuntimeError) as error:
            raise BitstreamError("Expected means of blocks, found something else.") from error
        if reference is not None:
            means = means + F.avg_pool2d(reference, 8).mul(255).round()
        return F.interpolate(means / 255, scale_factor=8)


SOUND_RATE = 8000  # of the sound that is put beside pictures
LAYOUT = RawFormat(37, 21, framerate=Fraction(30000, 1001))


def picture(number: int, layout: RawFormat = LAYOUT) -> Tensor:
    """RGB of a frame in which a bright square moves over a gradient."""
    rows = torch.linspace(0.2, 0.6, layout.height)[:, None].expand(-1, layout.width)
    rgb = torch.stack((rows, rows.flip(0), torch.full_like(rows, 0.4)))
    left = number % max(1, layout.width - 8)
    rgb[:, 4:12, left : left + 8] = torch.tensor([0.9, 0.7, 0.1])[:, None, None]
    return rgb


def moving(count: int, layout: RawFormat = LAYOUT, matrix: str = "bt601") -> list[Frame]:
    return [frame_of(picture(number, layout), layout, matrix) for number in range(count)]


@pytest.fixture
def codec() -> BlockMeans:
    return BlockMeans()


@pytest.fixture
def info() -> ClipInfo:
    return ClipInfo(LAYOUT, Colour("bt601"))


@pytest.fixture(scope="session")
def scale_space_flow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Checkpoint of a small ssf2020."""
    torch.manual_seed(0)
    model = ScaleSpaceFlow(N=4, M=8).eval()
    model.update()
    path = tmp_path_factory.mktemp("weights") / "ssf.safetensors"
    zoo.save_checkpoint(model, path)
    return path


def write_coded(
    path: Path,
    times: Iterable[int],
    tick: Fraction,
    *,
    rate: Fraction | None = None,
    encoder: str = "libx264",
    kind: str | None = None,
    options: dict[str, str] | None = None,
    sound: tuple[float, float] | None = None,
) -> Path:
    """Write a coded video of 64x48 pixels.

    Args:
        path: where to.
        times: when each frame is shown, in ticks.
        tick: in seconds.
        rate: that the encoder is told; one frame a tick if None.
        encoder: FFmpeg's name.
        kind: of file, FFmpeg's name; the suffix says it if None.
        options: of the encoder.
        sound: when its first sample is heard, and how long it is, in seconds.
    """
    av = pytest.importorskip("av", reason="PyAV is absent: pip install 'latentpress[video]'")
    with av.open(str(path), "w", format=kind) as file:
        pictures = file.add_stream(encoder, rate=rate or 1 / tick, options=options or {})
        pictures.width, pictures.height, pictures.pix_fmt = 64, 48, "yuv420p"
        pictures.codec_context.time_base = tick
        voice = None if sound is None else file.add_stream("pcm_s16le", rate=SOUND_RATE, layout="mono")
        for number, time in enumerate(times):
            frame = av.VideoFrame.from_ndarray(
                np.full((48, 64, 3), 20 * number % 256, np.uint8), format="rgb24"
            )
            frame.pts, frame.time_base = time, tick
            file.mux(pictures.encode(frame))
        file.mux(pictures.encode(None))
        if voice is not None and sound is not None:
            start, length = sound
            samples = av.AudioFrame.from_ndarray(
                np.zeros((1, round(length * SOUND_RATE)), np.int16), format="s16", layout="mono"
            )
            samples.rate, samples.pts = SOUND_RATE, round(start * SOUND_RATE)
            samples.time_base = Fraction(1, SOUND_RATE)
            file.mux(voice.encode(samples))
            file.mux(voice.encode(None))
    return path
