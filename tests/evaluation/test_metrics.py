"""The metrics agree with their definitions."""

import math

import pytest
import torch

from latentpress.errors import ImageError
from latentpress.evaluation.metrics import ms_ssim, psnr


def test_psnr_is_ten_times_the_logarithm_of_the_inverse_error() -> None:
    a = torch.rand(2, 3, 16, 16)
    assert psnr(a, a + 0.01) == pytest.approx(40, abs=1e-3)
    assert psnr(torch.zeros(1, 1, 2, 2), torch.ones(1, 1, 2, 2)) == 0


def test_equal_images_have_infinite_psnr_and_ms_ssim_one() -> None:
    image = torch.rand(1, 3, 161, 161)
    assert psnr(image, image) == math.inf
    assert ms_ssim(image, image) == pytest.approx(1)


def test_ms_ssim_falls_as_noise_grows() -> None:
    rows = torch.linspace(0, 20, 200)
    image = (0.5 + 0.4 * torch.sin(rows)[:, None] * torch.cos(rows)[None, :]).expand(1, 3, 200, 200)
    noise = torch.randn_like(image)
    values = [ms_ssim(image, (image + strength * noise).clamp(0, 1)) for strength in (0.02, 0.1, 0.3)]
    assert 1 > values[0] > values[1] > values[2] > 0


def test_images_that_cannot_be_compared_are_refused() -> None:
    with pytest.raises(ImageError, match="same shape"):
        psnr(torch.zeros(1, 3, 8, 8), torch.zeros(1, 3, 8, 9))
    with pytest.raises(ImageError, match="at least 161"):
        ms_ssim(torch.zeros(1, 3, 160, 300), torch.zeros(1, 3, 160, 300))
