"""How close a reconstruction is to its original, for images with values in [0, 1]."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from latentpress.errors import ImageError
from latentpress.evaluation.perceptual import perceptual_distance

_MS_SSIM_WINDOW = 11
_MS_SSIM_HALVINGS = 4
SMALLEST_MS_SSIM_SIDE = (_MS_SSIM_WINDOW - 1) * 2**_MS_SSIM_HALVINGS + 1


def psnr(a: Tensor, b: Tensor) -> float:
    """Peak signal-to-noise ratio over all elements, in dB; infinite for equal images.

    Args:
        a, b: the same shape, values in [0, 1].

    Raises:
        ImageError: the shapes differ.

    Example:
        >>> round(psnr(torch.zeros(1, 3, 8, 8), torch.full((1, 3, 8, 8), 0.1)), 6)
        20.0
    """
    _check_same_shape(a, b)
    mse = float(torch.mean((a.double() - b.double()) ** 2))
    return math.inf if mse == 0 else -10 * math.log10(mse)


def ms_ssim(a: Tensor, b: Tensor) -> float:
    """Multi-scale structural similarity, 1 for equal images; the mean over images and channels.

    Wang, Simoncelli and Bovik, "Multi-scale structural similarity for image quality assessment", Asilomar
    2003, with five scales and an 11x11 window.

    Args:
        a, b: `(N, C, H, W)`, values in [0, 1], sides of at least 161.

    Raises:
        ImageError: the shapes differ, or a side is too short for five scales.

    Example:
        >>> image = torch.rand(1, 3, 192, 256)
        >>> ms_ssim(image, image)
        1.0
    """
    import pytorch_msssim

    _check_same_shape(a, b)
    if min(a.shape[-2:]) < SMALLEST_MS_SSIM_SIDE:
        raise ImageError(
            f"Expected sides of at least {SMALLEST_MS_SSIM_SIDE} for MS-SSIM, "
            f"found {a.shape[-1]}x{a.shape[-2]}."
        )
    return float(pytorch_msssim.ms_ssim(a.float(), b.float(), data_range=1.0))


def _check_same_shape(a: Tensor, b: Tensor) -> None:
    if a.shape != b.shape:
        raise ImageError(
            f"Expected two images of the same shape, found {tuple(a.shape)} and {tuple(b.shape)}."
        )


METRICS: dict[str, Callable[[Tensor, Tensor], float]] = {"psnr-rgb": psnr, "ms-ssim-rgb": ms_ssim}
"""What is reported of every reconstruction, by the names of the field's common form."""


def scores(
    original: Tensor, reconstruction: Tensor, perceptual: Sequence[str] = ()
) -> tuple[dict[str, float | None], tuple[str, ...]]:
    """Every metric of `METRICS`, and these perceptual ones: values by name, None where one does not exist,
    and sentences that say why.

    Example:
        >>> image = torch.rand(1, 3, 64, 64)
        >>> values, notes = scores(image, image + 0.1)
        >>> round(values["psnr-rgb"], 3), values["ms-ssim-rgb"]
        (20.0, None)
        >>> notes
        ('ms-ssim-rgb is null: Expected sides of at least 161 for MS-SSIM, found 64x64.',)
    """
    metrics = {**METRICS, **{name: perceptual_distance(name) for name in perceptual}}
    values: dict[str, float | None] = {}
    notes = []
    for name, metric in metrics.items():
        values[name] = None
        try:
            score = metric(original, reconstruction)
        except ImageError as error:
            notes.append(f"{name} is null: {error}")
            continue
        if math.isfinite(score):
            values[name] = score
        else:
            notes.append(f"{name} is null: it is infinite, because every pixel was restored exactly.")
    return values, tuple(notes)
