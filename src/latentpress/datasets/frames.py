"""A frame of video as planes of integers, as files hold it, and as a tensor of RGB, as models take it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from latentpress.datasets.rawformat import RawFormat, VideoFormat
from latentpress.transforms.functional import Planes, rgb2ycbcr, ycbcr2rgb


class Moment(NamedTuple):
    """When a frame is shown, in ticks of the file that it comes from.

    Attributes:
        time: since the beginning of the clip.
        length: how long it is shown, as the file says; 0 where it does not. The next frame may come earlier
            or later.
    """

    time: int
    length: int


class Frame(NamedTuple):
    """The planes of a frame as the file holds them, `(H, W)`, uint8 or little-endian uint16; chroma is None
    in video without colour. Where frames are not evenly spaced, each has its moment."""

    y: np.ndarray
    u: np.ndarray | None
    v: np.ndarray | None
    moment: Moment | None = None

    @property
    def planes(self) -> list[np.ndarray]:
        """Those that are there."""
        return [plane for plane in (self.y, self.u, self.v) if plane is not None]


def frame_from_samples(samples: np.ndarray, layout: RawFormat) -> Frame:
    """The frame whose planes lie one after the other in an array of `frame_bytes` bytes, without a copy."""
    samples = samples.view(layout.dtype)
    planes = []
    for height, width in layout.plane_shapes:
        planes.append(samples[: height * width].reshape(height, width))
        samples = samples[height * width :]
    return frame_from_planes(planes)


def frame_from_planes(planes: Sequence[np.ndarray], moment: Moment | None = None) -> Frame:
    """The frame of one plane, or of three."""
    y, u, v = planes if len(planes) == 3 else (planes[0], None, None)
    return Frame(y, u, v, moment)


def planes_of(frame: Frame, layout: RawFormat) -> Planes:
    """Y, U and V of a frame, each `(1, 1, H, W)` float32, brought to full range: luma in [0, 1], chroma
    centred on one half. Chroma has the size that the format gives it; without colour it is one half.

    What lies beyond the limits of limited range falls outside of [0, 1].
    """
    luma, chroma, lowest = _steps(layout.bitdepth, layout.full_range)
    centre = 1 << (layout.bitdepth - 1)
    grey = torch.full((1, 1, layout.height, layout.width), 0.5, dtype=torch.float32, device="cpu")
    return (
        (_tensor(frame.y) - lowest) / luma,
        grey if frame.u is None else (_tensor(frame.u) - centre) / chroma + 0.5,
        grey if frame.v is None else (_tensor(frame.v) - centre) / chroma + 0.5,
    )


def yuv444_of(frame: Frame, layout: RawFormat) -> Tensor:
    """A frame as full-range YUV `(3, H, W)` float32, chroma brought up bilinearly to the size of luma."""
    y, u, v = planes_of(frame, layout)
    return torch.cat((y, _enlarged(u, layout), _enlarged(v, layout)), dim=1)[0]


def rgb_of(frame: Frame, layout: RawFormat, matrix: str) -> Tensor:
    """A frame as RGB `(3, H, W)` float32 in [0, 1].

    Args:
        frame: the planes.
        layout: what they mean.
        matrix: "bt601", "bt709" or "bt2020".
    """
    return ycbcr2rgb(yuv444_of(frame, layout), matrix).clamp_(0, 1)


def frame_of(rgb: Tensor, layout: RawFormat, matrix: str) -> Frame:
    """RGB as a frame, the counterpart of `rgb_of`: samples of chroma are means of those that they stand for.

    Args:
        rgb: `(3, H, W)`; what lies outside of [0, 1] is clamped.
        layout: size, chroma format, depth and range of the frame.
        matrix: "bt601", "bt709" or "bt2020".

    Example:
        >>> layout = RawFormat(4, 2)
        >>> frame = frame_of(torch.ones(3, 2, 4), layout, "bt709")
        >>> frame.y[0].tolist(), frame.u.tolist()
        ([235, 235, 235, 235], [[128, 128]])
    """
    # Symbols of a damaged file can be so large that a network overflows.
    y, u, v = rgb2ycbcr(rgb.detach().float().cpu().nan_to_num(0.0).clamp(0, 1), matrix)[:, None, None]
    luma, chroma, lowest = _steps(layout.bitdepth, layout.full_range)
    centre = 1 << (layout.bitdepth - 1)
    brightness = _integers(y * luma + lowest, layout)
    if layout.format is VideoFormat.YUV400:
        return Frame(brightness, None, None)
    u, v = (_integers((_reduced(plane, layout) - 0.5) * chroma + centre, layout) for plane in (u, v))
    return Frame(brightness, u, v)


def grey_frame(layout: RawFormat) -> Frame:
    """A frame of mid-grey."""
    return frame_of(
        torch.full((3, layout.height, layout.width), 0.5, dtype=torch.float32, device="cpu"), layout, "bt709"
    )


def _tensor(plane: np.ndarray) -> Tensor:
    return torch.from_numpy(plane.astype(np.float32))[None, None]


def _integers(plane: Tensor, layout: RawFormat) -> np.ndarray:
    """`(H, W)` from `(1, 1, H, W)`."""
    rounded = plane[0, 0].round().clamp_(0, (1 << layout.bitdepth) - 1)
    return rounded.numpy().astype(layout.dtype)


def _enlarged(chroma: Tensor, layout: RawFormat) -> Tensor:
    if chroma.shape[-2:] == (layout.height, layout.width):
        return chroma
    across, down = layout.format.subsampling
    full = F.interpolate(chroma, scale_factor=(down, across), mode="bilinear", align_corners=False)
    return full[..., : layout.height, : layout.width]


def _reduced(chroma: Tensor, layout: RawFormat) -> Tensor:
    across, down = layout.format.subsampling
    padded = F.pad(chroma, (0, -layout.width % across, 0, -layout.height % down), mode="replicate")
    return F.avg_pool2d(padded, (down, across))


def _steps(bitdepth: int, full_range: bool) -> tuple[int, int, int]:
    """Steps from black to white and from one end of chroma to the other, and the value of black (ITU-R
    BT.709-6, section 4.6, and BT.2100-2, table 9)."""
    if full_range:
        return (1 << bitdepth) - 1, (1 << bitdepth) - 1, 0
    unit = 1 << (bitdepth - 8)
    return 219 * unit, 224 * unit, 16 * unit
