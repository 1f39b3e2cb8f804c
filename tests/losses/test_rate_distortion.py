import sys

import pytest
import torch

from latentpress.errors import ConfigurationError
from latentpress.losses import RateDistortionLoss
from latentpress.registry import CRITERIONS


def _output(x_hat: torch.Tensor) -> dict:
    count, _, height, width = x_hat.shape
    quarter = torch.full((count, 2, height // 2, width // 2), 0.25)
    half = torch.full((count, 1, height // 4, width // 4), 0.5)
    return {"x_hat": x_hat, "likelihoods": {"y": quarter, "z": half}}


def test_bits_are_counted_per_pixel_of_the_target():
    x = torch.rand(2, 3, 16, 16)
    losses = RateDistortionLoss()(_output(x), x)
    assert losses["bpp_loss"].item() == pytest.approx(2 * 2 / 4 + 1 / 16)


def test_mse_counts_on_the_scale_of_eight_bits():
    x = torch.rand(1, 3, 16, 16)
    losses = RateDistortionLoss(lmbda=0.5)(_output(x + 2 / 255), x)
    assert losses["mse_loss"].item() == pytest.approx((2 / 255) ** 2, rel=1e-3)
    assert losses["loss"].item() == pytest.approx(0.5 * 4 + losses["bpp_loss"].item(), rel=1e-3)


def test_ms_ssim_counts_what_is_missing_to_one():
    pytest.importorskip("pytorch_msssim")
    x = torch.rand(1, 3, 192, 192)
    criterion = RateDistortionLoss(lmbda=4.0, metric="ms-ssim")
    same, other = criterion(_output(x), x), criterion(_output(torch.rand_like(x)), x)
    assert same["ms_ssim_loss"].item() == pytest.approx(0, abs=1e-6)
    assert other["loss"].item() == pytest.approx(
        4 * other["ms_ssim_loss"].item() + other["bpp_loss"].item(), rel=1e-6
    )
    assert other["ms_ssim_loss"] > 0.5


@pytest.mark.parametrize("name", ["loss", "bpp_loss", "mse_loss"])
def test_one_entry_can_be_returned_alone(name):
    x = torch.rand(1, 3, 16, 16)
    output = _output(x + 0.1)
    assert torch.equal(RateDistortionLoss(return_type=name)(output, x), RateDistortionLoss()(output, x)[name])


def test_unknown_metrics_and_return_types_are_refused_with_the_valid_ones():
    with pytest.raises(ConfigurationError, match="mse, ms-ssim"):
        RateDistortionLoss(metric="psnr")
    with pytest.raises(ConfigurationError, match="all, loss, bpp_loss, mse_loss"):
        RateDistortionLoss(return_type="ms_ssim_loss")


def test_a_missing_ms_ssim_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pytorch_msssim", None)
    with pytest.raises(ConfigurationError, match=r"pytorch-msssim.*latentpress\[eval\]"):
        RateDistortionLoss(metric="ms-ssim")


def test_the_loss_is_registered():
    assert CRITERIONS["RateDistortionLoss"] is RateDistortionLoss
