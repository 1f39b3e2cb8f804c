"""One image through one model: what it costs and how close the reconstruction is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from latentpress.evaluation.images import to_eight_bits
from latentpress.evaluation.metrics import scores
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


@dataclass(frozen=True)
class Coded:
    """What came of coding an image and decoding it.

    Attributes:
        bits: of the code.
        reconstruction: `(1, 3, H, W)`, as large as the original, about [0, 1].
        times: `encoding_time` and `decoding_time` in seconds, and parts of them; empty if nothing was timed.
    """

    bits: float
    reconstruction: Tensor
    times: Mapping[str, float | None] = field(default_factory=dict)


def assess(image: Tensor, coded: Coded, perceptual: Sequence[str] = ()) -> Measurement:
    """What coding an image cost, and how close the reconstruction is after rounding to eight bits.

    Args:
        image: the original, `(1, 3, H, W)` in [0, 1].
        coded: what came of it.
        perceptual: names of the perceptual metrics to take, too; see `latentpress.evaluation.perceptual`.

    Returns:
        `bpp`, the metrics, and the times.
    """
    height, width = image.shape[-2:]
    reconstruction = to_eight_bits(coded.reconstruction).cpu()
    values, notes = scores(to_eight_bits(image), reconstruction, perceptual)
    return Measurement({"bpp": coded.bits / (height * width), **values, **coded.times}, notes)


def measure(
    model: Any,
    image: Tensor,
    *,
    quality: float | None = None,
    entropy_estimation: bool = False,
    perceptual: Sequence[str] = (),
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
        perceptual: names of the perceptual metrics to take, too.

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
    coded = run_model(model, image, quality=quality, entropy_estimation=entropy_estimation)
    return assess(image, coded, perceptual)


@torch.inference_mode()
def run_model(
    model: Any, image: Tensor, *, quality: float | None = None, entropy_estimation: bool = False
) -> Coded:
    """Code an image with a model and decode it, or estimate what coding it would cost; see `measure`."""
    device, precision = placement(model)
    factor = int(getattr(model, "downsampling_factor", DEFAULT_FACTOR))
    padded = pad_to_multiple(image, factor).to(device, precision)
    rate = {} if quality is None else {"quality": quality}
    times: dict[str, float | None] = {}
    if entropy_estimation:
        output = model(padded, **rate)
        bits, x_hat = estimated_bits(output["likelihoods"]), output["x_hat"]
    else:
        bits, x_hat, times = _code(model, padded, rate)
    height, width = image.shape[-2:]
    return Coded(bits, x_hat[..., :height, :width], times)


def placement(model: Any) -> tuple[torch.device, torch.dtype]:
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
    return 8 * count_bytes(coded["strings"]), x_hat, times


def _times(name: str, watch: Stopwatch) -> dict[str, float | None]:
    transforms = watch.transform_seconds
    return {
        name: watch.seconds,
        f"{name}_transforms": transforms,
        f"{name}_entropy_coding": None if transforms is None else watch.seconds - transforms,
    }


def count_bytes(strings: bytes | Iterable[Any]) -> int:
    """Of all strings, however they are nested in lists."""
    return len(strings) if isinstance(strings, bytes) else sum(map(count_bytes, strings))


def estimated_bits(likelihoods: Tensor | Mapping[str, Any]) -> float:
    """Of all likelihoods, however they are nested in dictionaries."""
    if isinstance(likelihoods, Mapping):
        return sum(map(estimated_bits, likelihoods.values()))
    return -float(likelihoods.double().log2().sum())
