"""Moving pictures, a codec of frames that needs no network, and a small network: fixtures and helpers."""

import zlib
from collections.abc import Sequence
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
from latentpress.datasets.clips import ClipInfo, Colour
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
