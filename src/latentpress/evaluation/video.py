"""How close reconstructed clips are to their originals, and what they cost."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from latentpress.datasets.clip import Clip, ClipInfo
from latentpress.datasets.frames import Frame, frame_of, rgb_of
from latentpress.errors import ConfigurationError, DataError, ImageError
from latentpress.evaluation.images import to_eight_bits
from latentpress.evaluation.measurement import (
    DEFAULT_FACTOR,
    Measurement,
    count_bytes,
    estimated_bits,
    placement,
)
from latentpress.evaluation.metrics import ms_ssim, psnr
from latentpress.evaluation.stopwatch import Stopwatch
from latentpress.ops import pad_to_multiple

DEFAULT_GOP = 12


@dataclass(frozen=True)
class VideoOptions:
    """How clips are measured.

    Attributes:
        gop: frames from one keyframe to the next of a video model; 0 for one keyframe a clip.
        frames: take so many frames of each clip, from its start; None for all.
    """

    gop: int = DEFAULT_GOP
    frames: int | None = None


@torch.inference_mode()
def measure_clip(
    model: Any,
    clip: Clip,
    *,
    quality: float | None = None,
    options: VideoOptions | None = None,
    entropy_estimation: bool = False,
) -> Measurement:
    """Code a clip frame by frame and decode it, or estimate what coding it would cost.

    Frames are padded to what the model takes, and reconstructions are cropped back. Memory does not depend
    on the length of the clip.

    Args:
        model: for video, with `encode_keyframe`, `encode_inter` and so on of `ScaleSpaceFlow`, or for images,
            with `compress` and `decompress`, which makes every frame a keyframe; in evaluation mode, with
            coder tables.
        clip: from `latentpress.datasets.open_clip`.
        quality: handed to a variable-rate model.
        options: how to measure.
        entropy_estimation: take bits from likelihoods; there are no times then.

    Returns:
        `bpp` (bits per pixel of all frames), `bitrate` (kbit a second) where the frame rate is known, means
        over frames of the values of `Scores`, and `encoding_time` and `decoding_time` in seconds a frame.

    Raises:
        DataError: the clip cannot be read, or has no frames.
        ConfigurationError: the model can do neither.
    """
    options = options or VideoOptions()
    steps = _steps(model, quality)
    scores, bits, encoding, decoding = Scores(clip.info), 0.0, 0.0, 0.0
    reference: Tensor | None = None
    for number, frame in enumerate(first_frames(clip, options.frames)):
        if options.gop and number % options.gop == 0:
            reference = None
        rgb = clip.rgb(frame)
        x = pad_to_multiple(rgb[None], steps.factor).to(*placement(model))
        if entropy_estimation:
            cost, x_hat = steps.estimate(x, reference)
        else:
            with Stopwatch(model, x.device) as watch:
                strings, shape = steps.encode(x, reference)
            encoding += watch.seconds
            with Stopwatch(model, x.device) as watch:
                x_hat = steps.decode(strings, shape, reference)
            decoding += watch.seconds
            parts = list(strings.values()) if isinstance(strings, Mapping) else strings
            cost = 8.0 * count_bytes(parts)
        bits += cost
        reference = x_hat if steps.inter else None
        scores.add(frame, rgb, x_hat[0, :, : rgb.shape[1], : rgb.shape[2]].float().cpu())
    values, notes = scores.means()
    times = {} if entropy_estimation else {"encoding_time": encoding, "decoding_time": decoding}
    per_frame: dict[str, float | None] = {name: seconds / scores.count for name, seconds in times.items()}
    return Measurement({**rates(bits, scores.count, clip.info), **values, **per_frame}, notes)


def rates(bits: float, frames: int, info: ClipInfo) -> dict[str, float | None]:
    """`bpp`, and `bitrate` in kbit a second."""
    layout = info.layout
    rate = None if layout.framerate is None else bits / frames * float(layout.framerate) / 1000
    return {"bpp": bits / (frames * layout.width * layout.height), "bitrate": rate}


@dataclass
class Scores:
    """Collects how close frames are: PSNR in dB of R, G and B together (`psnr-rgb`), of Y, U and V, and of
    these weighted 6:1:1 (`psnr-yuv`), and MS-SSIM of RGB. A value of a clip is the mean over its frames.

    RGB is compared with eight bits a sample, YUV with the depth and the sampling of the original.
    """

    info: ClipInfo
    count: int = 0
    _sums: dict[str, float] = field(default_factory=dict)
    _missing: dict[str, str] = field(default_factory=dict)

    def add(self, original: Frame, rgb: Tensor, rgb_hat: Tensor, reconstruction: Frame | None = None) -> None:
        """Compare a frame with its reconstruction.

        Args:
            original: as the file has it.
            rgb: the same as `(3, H, W)` in [0, 1].
            rgb_hat: of the reconstruction.
            reconstruction: as samples, where they do not follow from `rgb_hat`.
        """
        layout = self.info.layout
        restored = reconstruction or frame_of(rgb_hat, layout, self.info.colour.matrix)
        x, x_hat = to_eight_bits(rgb)[None], to_eight_bits(rgb_hat)[None]
        self.count += 1
        self._add("psnr-rgb", psnr(x, x_hat))
        peak = (1 << layout.bitdepth) - 1
        planes = [_psnr(a, b, peak) for a, b in zip(original.planes, restored.planes, strict=True)]
        for name, value in zip(("psnr-y", "psnr-u", "psnr-v"), planes, strict=False):
            self._add(name, value)
        if len(planes) == 3:
            self._add("psnr-yuv", (6 * planes[0] + planes[1] + planes[2]) / 8)
        try:
            self._add("ms-ssim-rgb", ms_ssim(x, x_hat))
        except ImageError as error:
            self._missing["ms-ssim-rgb"] = str(error)

    def means(self) -> tuple[dict[str, float | None], tuple[str, ...]]:
        """The values, None where there is none, and why there is none.

        Raises:
            DataError: there was no frame.
        """
        if not self.count:
            raise DataError("Expected at least one frame in the clip, found none.")
        names = dict.fromkeys([*self._sums, *self._missing])
        values = {name: None if name in self._missing else self._sums[name] / self.count for name in names}
        return values, tuple(f"{name} is null: {why}" for name, why in self._missing.items())

    def _add(self, name: str, value: float) -> None:
        if not math.isfinite(value):
            self._missing[name] = "it is infinite, because all samples of a frame were restored exactly."
        self._sums[name] = self._sums.get(name, 0.0) + value


def _psnr(a: np.ndarray, b: np.ndarray, peak: int) -> float:
    mse = float(np.mean((a.astype(np.float64) - b.astype(np.float64)) ** 2))
    return math.inf if mse == 0 else 10 * math.log10(peak**2 / mse)


def compare_clips(original: Clip, restored: Clip, frames: int | None = None) -> Scores:
    """How close a clip is to its original.

    Raises:
        DataError: they have different numbers of frames.
    """
    scores = Scores(original.info)
    layout, matrix = original.info.layout, original.info.colour.matrix
    others = iter(restored)
    for frame in first_frames(original, frames):
        other = next(others, None)
        if other is None:
            raise DataError(
                f"Expected as many frames in {restored.path} as there were, found {scores.count}."
            )
        scores.add(frame, original.rgb(frame), rgb_of(other, layout, matrix), other)
    return scores


def first_frames(clip: Clip, count: int | None) -> Iterator[Frame]:
    """The first `count` frames of a clip, or all of them if None."""
    for number, frame in enumerate(clip):
        if number == count:
            return
        yield frame


class _ImageSteps:
    """Frame by frame through an image model."""

    inter = False

    def __init__(self, model: Any, rate: dict[str, float]) -> None:
        self._model, self._rate = model, rate
        self.factor = int(getattr(model, "downsampling_factor", DEFAULT_FACTOR))

    def encode(self, x: Tensor, reference: Tensor | None) -> tuple[Any, Any]:
        coded = self._model.compress(x, **self._rate)
        return coded["strings"], coded["shape"]

    def decode(self, strings: Any, shape: Any, reference: Tensor | None) -> Tensor:
        x_hat: Tensor = self._model.decompress(strings, shape, **self._rate)["x_hat"]
        return x_hat

    def estimate(self, x: Tensor, reference: Tensor | None) -> tuple[float, Tensor]:
        output = self._model(x, **self._rate)
        return estimated_bits(output["likelihoods"]), output["x_hat"]


class _VideoSteps:
    """Frame by frame through a video model."""

    inter = True

    def __init__(self, model: Any) -> None:
        self._model = model
        self.factor = int(getattr(model, "downsampling_factor", 2 * DEFAULT_FACTOR))

    def encode(self, x: Tensor, reference: Tensor | None) -> tuple[Any, Any]:
        if reference is None:
            _, coded = self._model.encode_keyframe(x)
        else:
            _, coded = self._model.encode_inter(x, reference)
        return coded["strings"], coded["shape"]

    def decode(self, strings: Any, shape: Any, reference: Tensor | None) -> Tensor:
        x_hat: Tensor
        if reference is None:
            x_hat = self._model.decode_keyframe(strings, shape)
        else:
            x_hat = self._model.decode_inter(reference, strings, shape)
        return x_hat

    def estimate(self, x: Tensor, reference: Tensor | None) -> tuple[float, Tensor]:
        if reference is None:
            x_hat, likelihoods = self._model.forward_keyframe(x)
        else:
            x_hat, likelihoods = self._model.forward_inter(x, reference)
        return estimated_bits(likelihoods), x_hat


def _steps(model: Any, quality: float | None) -> _ImageSteps | _VideoSteps:
    if hasattr(model, "encode_keyframe"):
        if quality is not None:
            raise ConfigurationError(f"Expected no quality for a video model of one rate, found {quality:g}.")
        return _VideoSteps(model)
    if hasattr(model, "compress"):
        return _ImageSteps(model, {} if quality is None else {"quality": quality})
    raise ConfigurationError(
        f"Expected a model with compress or encode_keyframe, found {type(model).__name__}."
    )
