"""What coding tables are made of is right, and does not come from a mathematical library."""

import hashlib
import math

import numpy as np
import pytest
import torch

from latentpress.entropy_models import GaussianConditional
from latentpress.entropy_models.portable import log_spaced, normal_cumulative
from latentpress.models import get_scale_table


def _sha256(x: torch.Tensor) -> str:
    return hashlib.sha256(np.ascontiguousarray(x.numpy())).hexdigest()


def test_the_cumulative_distribution_is_that_of_the_standard_normal() -> None:
    x = torch.cat([torch.linspace(-8, 8, 20_001), torch.tensor([0.0, -13.0, -1e9, 1e9])])
    expected = [0.5 * math.erfc(-value) for value in (float(np.float32(2**-0.5)) * x.double()).tolist()]
    assert torch.allclose(
        normal_cumulative(x).double(), torch.tensor(expected, dtype=torch.float64), rtol=2e-6
    )
    assert normal_cumulative(torch.tensor([[0.0, -1e9], [1e9, 0.0]])).tolist() == [[0.5, 0.0], [1.0, 0.5]]


@pytest.mark.parametrize("bounds", [(0.11, 256.0, 64), (0.1, 20.0, 64), (1.0, 4.0, 3), (0.5, 0.75, 2)])
def test_scales_are_spaced_evenly_in_their_logarithm(bounds: tuple[float, float, int]) -> None:
    low, high, count = bounds
    logs = torch.linspace(math.log(low), math.log(high), count, dtype=torch.float64)
    assert torch.allclose(log_spaced(*bounds).double(), logs.exp(), rtol=1e-6)
    assert log_spaced(low, high, 1).tolist() == pytest.approx([low], rel=1e-6)


@pytest.mark.parametrize("bounds", [(0.05, 512.0, 100), (0.11, 64.0, 40), (0.11, 256.0, 64)])
def test_logarithms_of_scales_are_rounded_as_torch_rounds_them(bounds: tuple[float, float, int]) -> None:
    low, high, count = np.float32(math.log(bounds[0])), np.float32(math.log(bounds[1])), bounds[2]
    step = (high - low) / np.float32(count - 1)
    logs = [
        float(low) + float(step) * i if i < count // 2 else float(high) - float(step) * (count - 1 - i)
        for i in range(count)
    ]
    scales = torch.tensor([math.exp(np.float32(log)) for log in logs], dtype=torch.float64)
    assert torch.allclose(log_spaced(*bounds).double(), scales, rtol=1e-7, atol=0)


def test_the_usual_tables_are_what_they_always_were() -> None:
    gaussian = GaussianConditional(get_scale_table())
    gaussian.update()
    assert _sha256(gaussian.scale_table) == "c8bdaad683932b580eaf8e0cfb2934d4872c4033cb5955af5d75056c85e98e06"
    assert (
        _sha256(gaussian.quantized_cdf) == "482d4620b3eb5802ce87f395fc613344f81fa5e5bfeeedae43cb3416ad9eb947"
    )


def test_a_distribution_of_a_subclass_makes_its_own_tables() -> None:
    class Logistic(GaussianConditional):
        @staticmethod
        def _standardized_cumulative(inputs: torch.Tensor) -> torch.Tensor:
            return torch.sigmoid(1.7 * inputs)

    gaussian, logistic = GaussianConditional([0.5, 1.0, 2.0]), Logistic([0.5, 1.0, 2.0])
    gaussian.update()
    logistic.update()
    assert not torch.equal(gaussian.quantized_cdf, logistic.quantized_cdf)
