"""One image through one model: what it costs and how close the reconstruction is."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from latentpress.errors import ImageError
from latentpress.evaluation.images import to_eight_bits
from latentpress.evaluation.metrics import METRICS
from latentpress.evaluation.stopwatch import Stopwatch
from latentpress.ops import pad_to_multiple

DEFAULT_FACTOR = 64  # of models that do not say what the sides of their images must be multiples of


@dataclass(frozen=True)
class Measurement:
    """What was measured on one image.

    Attributes:
        values: by their names in the field's common form; None where a value does not exist for this image.
        notes: why values do not exist.
    """

    values: Mapping[str, float | None]
    notes: tuple[str, ...] = ()


@torch.inference_mode()
def measure(
    model: Any,
    image: Tensor,
    *,
    quality: float | None = None,
    entropy_estimation: bool = False,
) -> Measurement:
    """Code an image and decode it, or estimate what coding it would cost.

    The image is padded to what the model takes by repeating its edge, and the reconstruction is cropped back
    and rounded to eight bits. Bits are divided by the pixels of the original.

    Args:
        model: an object with `compress` and `decompress`, or for an estimate one to call, as models of
            `latentpress.models` have; in evaluation mode, with coder tables. It is given images on the device
            and in the precision of its parameters.
        image: `(1, 3, H, W)` in [0, 1], of any size.
        quality: handed to a variable-rate model; None for a model of one rate.
        entropy_estimation: take the bits from the likelihoods of the forward pass instead of from real
            strings; there are no times then.

    Returns:
        `bpp`, the metrics (`psnr-rgb`, `ms-ssim-rgb`), and of real coding `encoding_time` and
        `decoding_time` in seconds, and of each the shares of the transforms (`..._transforms`) and of
        entropy coding (`..._entropy_coding`) where the model lets them be told apart.

    Example:
        >>> from latentpress.models import FactorizedPrior
        >>> model = FactorizedPrior(8, 8).eval()
        >>> model.update()
        True
        >>> measurement = measure(model, torch.rand(1, 3, 161, 200))
        >>> 0 < measurement.values["bpp"] < 100
        True
    """
    device, precision = _placement(model)
    factor = int(getattr(model, "downsampling_factor", DEFAULT_FACTOR))
    padded = pad_to_multiple(image, factor).to(device, precision)
    rate = {} if quality is None else {"quality": quality}
    if entropy_estimation:
        output = model(padded, **rate)
        bits, x_hat = _estimated_bits(output["likelihoods"]), output["x_hat"]
        times: dict[str, float | None] = {}
    else:
        bits, x_hat, times = _code(model, padded, rate)
    height, width = image.shape[-2:]
    scores, notes = _scores(to_eight_bits(image), to_eight_bits(x_hat[..., :height, :width]).cpu())
    return Measurement({"bpp": bits / (height * width), **scores, **times}, notes)


def _placement(model: Any) -> tuple[torch.device, torch.dtype]:
    """Device and precision of a model's weights; those of a plain tensor for an object without weights."""
    parameters = model.parameters() if isinstance(model, nn.Module) else iter(())
    weight = next((p for p in parameters if p.is_floating_point()), torch.empty(0))
    return weight.device, weight.dtype


def _code(
    model: Any, padded: Tensor, rate: Mapping[str, float]
) -> tuple[float, Tensor, dict[str, float | None]]:
    with Stopwatch(model, padded.device) as encoding:
        coded = model.compress(padded, **rate)
    with Stopwatch(model, padded.device) as decoding:
        x_hat = model.decompress(coded["strings"], coded["shape"], **rate)["x_hat"]
    times = {**_times("encoding_time", encoding), **_times("decoding_time", decoding)}
    return 8 * _count_bytes(coded["strings"]), x_hat, times


def _times(name: str, watch: Stopwatch) -> dict[str, float | None]:
    transforms = watch.transform_seconds
    return {
        name: watch.seconds,
        f"{name}_transforms": transforms,
        f"{name}_entropy_coding": None if transforms is None else watch.seconds - transforms,
    }


def _count_bytes(strings: bytes | Iterable[Any]) -> int:
    """Of all strings, however they are nested in lists."""
    return len(strings) if isinstance(strings, bytes) else sum(map(_count_bytes, strings))


def _estimated_bits(likelihoods: Tensor | Mapping[str, Any]) -> float:
    if isinstance(likelihoods, Mapping):
        return sum(map(_estimated_bits, likelihoods.values()))
    return -float(likelihoods.double().log2().sum())


def _scores(original: Tensor, reconstruction: Tensor) -> tuple[dict[str, float | None], tuple[str, ...]]:
    scores: dict[str, float | None] = {}
    notes = []
    for name, metric in METRICS.items():
        try:
            score = metric(original, reconstruction)
        except ImageError as error:
            scores[name] = None
            notes.append(f"{name} is null: {error}")
            continue
        scores[name] = score if math.isfinite(score) else None
        if scores[name] is None:
            notes.append(f"{name} is null: it is infinite, because every pixel was restored exactly.")
    return scores, tuple(notes)
