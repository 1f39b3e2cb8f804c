"""Models and images for the tests of the hierarchies."""

from collections.abc import Callable

import pytest
import torch
from small_hierarchies import SMALL_BOUND, SMALL_QARV, SMALL_QRES, scrambled

from latentpress.models.hierarchical import QARV, LosslessQResVAE, QResVAE, RateDistortionBound


@pytest.fixture(scope="session")
def qres() -> QResVAE:
    return scrambled(QResVAE(SMALL_QRES))


@pytest.fixture(scope="session")
def lossless() -> LosslessQResVAE:
    return scrambled(LosslessQResVAE(SMALL_QRES))


@pytest.fixture(scope="session")
def qarv() -> QARV:
    return scrambled(QARV(SMALL_QARV))


@pytest.fixture(scope="session")
def bound() -> RateDistortionBound:
    return scrambled(RateDistortionBound(SMALL_BOUND))


@pytest.fixture
def image() -> Callable[..., torch.Tensor]:
    """8-bit images (N, 3, H, W) in [0, 1]: a gradient and some noise."""

    def make(batch: int = 1, height: int = 64, width: int = 128, seed: int = 0) -> torch.Tensor:
        generator = torch.Generator().manual_seed(seed)
        ramp = torch.linspace(0, 1, width).expand(batch, 3, height, width)
        noise = 0.2 * torch.rand(batch, 3, height, width, generator=generator)
        return ((0.8 * ramp + noise) * 255).round() / 255

    return make
