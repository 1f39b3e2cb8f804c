"""The coding tables of hierarchies are the same on every machine, and what files were coded with."""

import hashlib

import numpy as np
import pytest
import torch

from latentpress.models.hierarchical.discrete_gaussian import (
    LARGEST_SCALE,
    SCALE_BOUND,
    DiscreteGaussian,
    log_spaced,
    raw_thresholds,
)

# SHA-256 of scales, integer tables and thresholds, recorded where published streams decode with them.
KINDS = {
    "qres": (
        (0.1, 64, 2.3, 1.0),
        "fa7d1d37d392dbdf623876486fa208818ebd62dd7120ae8088d2041d631e6993",
        "9f88e1c8f074d4029e16a177afd82f3649499975ec40878c0a09dbb0f0472baa",
        "c4fda439edc68ebb3c399e719580d170684b1cc5c536b926a853a809e6c0c38e",
    ),
    "qarv": (
        (SCALE_BOUND, 64, 2.3, 1.0),
        "a561003d05524799a78f084c70f2d17483b29fc843e43a65e2e4282408846a0c",
        "b1b7110fe784c23b22cc69c500896ff0b6014ad23a9b60db9935acdff6a61a29",
        "bcfb4d17fbddb8817f626ad1a6a3758a93b55ab9c68ef6c489aba7a673d69f9d",
    ),
    "residuals": (
        (SCALE_BOUND, 128, 16.0, 1.0 / 127.5),
        "efcfdda46f450f5ba737fbfa9844bb49adbee85f6d6f38fa8b0199c6ffeb468b",
        "5860b0ffc50138ba2aded2c277d5eb0c733c90789b9b32d4fe0a08db3e4f0801",
        "cf4660bc23f16f44e6c720411b7676abedd5f661f241e9377e1dabb44d9e62cd",
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_scales_tables_and_thresholds_are_what_they_always_were(kind: str) -> None:
    (smallest, count, bound, unit), *recorded = KINDS[kind]
    scales = log_spaced(smallest, LARGEST_SCALE, count)
    gaussian = DiscreteGaussian(scales, bound, unit)
    gaussian.make_tables()
    thresholds = raw_thresholds(scales, SCALE_BOUND, bound, unit)
    found = [hashlib.sha256(np.ascontiguousarray(t)) for t in (scales, gaussian.quantized_cdf, thresholds)]
    assert [digest.hexdigest() for digest in found] == recorded


def test_thresholds_are_where_the_scale_is_reached() -> None:
    scales = log_spaced(SCALE_BOUND, LARGEST_SCALE, 64)
    thresholds = raw_thresholds(scales, SCALE_BOUND, 2.3, 1.0)
    scale_at = torch.exp(torch.nn.functional.softplus(thresholds.double() + 2.3) - 2.3)
    assert torch.allclose(scale_at, scales[:-1].double(), rtol=1e-6)
