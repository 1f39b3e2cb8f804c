"""Scale space and its sampling against a plain reference written from the formulas."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from latentpress.errors import ConfigurationError
from latentpress.models.compiled import eager
from latentpress.models.video import gaussian_volume, warp_volume
from latentpress.models.video.scale_space import gaussian_blur, gaussian_kernel, warp


def _blurred(image: np.ndarray, sigma: float) -> np.ndarray:
    """(H, W) blurred, in double precision, by a sum over all taps of a two-dimensional Gaussian."""
    reach = math.ceil(3 * sigma)
    padded = np.pad(image, reach, mode="edge")
    total, weights = np.zeros_like(image), 0.0
    for dy in range(-reach, reach + 1):
        for dx in range(-reach, reach + 1):
            weight = math.exp(-(dx * dx + dy * dy) / (2 * sigma * sigma))
            shifted = padded[reach + dy :, reach + dx :][: image.shape[0], : image.shape[1]]
            total, weights = total + weight * shifted, weights + weight
    return total / weights


def _doubled(image: np.ndarray) -> np.ndarray:
    """(H, W) to (2 H, 2 W): each new pixel lies a quarter of the way to its neighbour."""
    for axis in (0, 1):
        padded = np.pad(image, [(1, 1) if a == axis else (0, 0) for a in (0, 1)], mode="edge")
        before, here, after = (np.take(padded, range(k, k + image.shape[axis]), axis=axis) for k in range(3))
        pair = np.stack([0.75 * here + 0.25 * before, 0.75 * here + 0.25 * after], axis=axis + 1)
        shape = [2 * n if a == axis else n for a, n in enumerate(image.shape)]
        image = pair.reshape(shape)
    return image


def _volume(image: np.ndarray, sigma: float, num_levels: int) -> np.ndarray:
    slices, level = [image], _blurred(image, sigma)
    for index in range(num_levels):
        if index > 0:
            height, width = level.shape
            level = _blurred(level.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3)), sigma)
        full = level
        for _ in range(index):
            full = _doubled(full)
        slices.append(full)
    return np.stack(slices)


def _sampled(volume: np.ndarray, flow: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """(D, H, W) sampled at every pixel's own place plus flow (2, H, W), at depth `scale` (H, W)."""
    depth, height, width = volume.shape
    out = np.zeros((height, width))
    for y in range(height):
        for x in range(width):
            at = (
                (scale[y, x] + 1) * depth / 2 - 0.5,
                y + flow[1, y, x] * height / 2,
                x + flow[0, y, x] * width / 2,
            )
            at = tuple(min(max(p, 0), n - 1) for p, n in zip(at, volume.shape, strict=True))
            low = [math.floor(p) for p in at]
            for corner in np.ndindex(2, 2, 2):
                index = [min(a + c, n - 1) for a, c, n in zip(low, corner, volume.shape, strict=True)]
                weight = math.prod(
                    p - a if c else 1 - (p - a) for p, a, c in zip(at, low, corner, strict=True)
                )
                out[y, x] += weight * volume[tuple(index)]
    return out


def _image(height: int, width: int) -> Tensor:
    return torch.rand(2, 3, height, width)


def test_a_kernel_adds_up_to_one_and_reaches_three_sigma():
    for sigma, taps in ((0.5, 5), (1.0, 7), (1.5, 11), (2.0, 13)):
        kernel = gaussian_kernel(sigma)
        assert len(kernel) == taps
        assert kernel.sum().item() == pytest.approx(1)
        assert kernel[0] / kernel[taps // 2] == pytest.approx(math.exp(-(((taps // 2) / sigma) ** 2) / 2))


@pytest.mark.parametrize(("sigma", "levels"), [(1.5, 5), (0.8, 3), (1.5, 1)])
def test_a_volume_is_that_of_the_formulas(sigma, levels):
    x = _image(32, 48)
    volume = gaussian_volume(x, sigma, levels)
    assert volume.shape == (2, 3, levels + 1, 32, 48)
    for image in range(2):
        for channel in range(3):
            expected = _volume(x[image, channel].double().numpy(), sigma, levels)
            assert np.abs(volume[image, channel].numpy() - expected).max() < 1e-5


def test_edges_go_on_outside():
    x = torch.full((1, 1, 16, 16), 0.25)
    assert torch.allclose(gaussian_blur(x, 1.5), x)


def test_sampling_is_that_of_the_formulas_inside_and_outside_of_the_volume():
    volume = torch.rand(2, 3, 6, 16, 24)
    flow, scale = torch.randn(2, 2, 16, 24) * 0.4, torch.randn(2, 1, 16, 24)
    warped = warp_volume(volume, flow, scale)
    for image in range(2):
        for channel in range(3):
            expected = _sampled(
                volume[image, channel].double().numpy(),
                flow[image].double().numpy(),
                scale[image, 0].double().numpy(),
            )
            assert np.abs(warped[image, channel].numpy() - expected).max() < 1e-5


def test_a_shift_by_whole_pixels_moves_the_image():
    x = _image(32, 32)
    flow = torch.zeros(2, 2, 32, 32)
    flow[:, 0] = 2 * 3 / 32
    sharp = torch.full((2, 1, 32, 32), -1.0)
    warped = warp_volume(gaussian_volume(x, 1.5, 2), flow, sharp)
    assert torch.allclose(warped[..., :-3], x[..., 3:], atol=1e-4)


def test_both_have_exact_gradients():
    x = torch.rand(1, 1, 4, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: gaussian_volume(x, 1.0, 2), (x,))
    flow = (torch.rand(1, 2, 4, 4, dtype=torch.float64) * 0.2).requires_grad_()
    scale = (torch.rand(1, 1, 4, 4, dtype=torch.float64) - 0.5).requires_grad_()
    volume = torch.rand(1, 1, 3, 4, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(warp_volume, (volume, flow, scale))


def test_arguments_that_do_not_fit_are_refused():
    with pytest.raises(ConfigurationError, match="multiples of 16"):
        gaussian_volume(torch.rand(1, 3, 24, 32), 1.5, 5)
    with pytest.raises(ConfigurationError, match="at least 1 level"):
        gaussian_volume(torch.rand(1, 3, 32, 32), 1.5, 0)
    with pytest.raises(ConfigurationError, match="positive sigma"):
        gaussian_volume(torch.rand(1, 3, 32, 32), 0.0, 2)
    volume = torch.rand(1, 3, 6, 32, 32)
    with pytest.raises(ConfigurationError, match=r"scale field \(1, 1, 32, 32\)"):
        warp_volume(volume, torch.zeros(1, 2, 32, 32), torch.zeros(1, 1, 16, 32))


@pytest.mark.parametrize(
    ("sigma", "levels", "sides"), [(1.5, 5, (48, 80)), (0.7, 1, (5, 33)), (3.0, 3, (4, 4))]
)
def test_warping_in_one_go_is_the_same(sigma, levels, sides):
    x, motion = torch.rand(2, 3, *sides), torch.randn(2, 3, *sides) * 0.5
    expected = warp_volume(gaussian_volume(x, sigma, levels), *motion.split([2, 1], dim=1))
    with torch.no_grad():
        found = warp(x, motion, sigma, levels)
        with eager():
            assert torch.equal(warp(x, motion, sigma, levels), expected)
    assert torch.allclose(found, expected, atol=5e-5)


def test_warping_in_one_go_is_the_same_in_any_number_of_threads():
    x, motion = torch.rand(1, 3, 80, 48), torch.randn(1, 3, 80, 48)
    before = torch.get_num_threads()
    try:
        results = []
        for threads in (1, 3):
            torch.set_num_threads(threads)
            with torch.no_grad():
                results.append(warp(x, motion, 1.5, 5))
    finally:
        torch.set_num_threads(before)
    assert torch.equal(*results)


def test_motion_that_is_no_number_stays_inside():
    x, motion = torch.rand(1, 3, 16, 16), torch.zeros(1, 3, 16, 16)
    for row, value in enumerate((math.nan, math.inf, -math.inf, 1e30)):
        motion[:, :, row] = value
    with torch.no_grad():
        warped = warp(x, motion, 1.5, 2)
    assert warped.isfinite().all()
    assert warped.min() >= x.min()
    assert warped.max() <= x.max()


def test_warping_in_one_go_refuses_what_does_not_fit():
    with torch.no_grad():
        with pytest.raises(ConfigurationError, match="multiples of 16"):
            warp(torch.rand(1, 3, 24, 32), torch.zeros(1, 3, 24, 32), 1.5, 5)
        with pytest.raises(ConfigurationError, match="scale field"):
            warp(torch.rand(1, 3, 32, 32), torch.zeros(1, 3, 32, 16), 1.5, 5)
