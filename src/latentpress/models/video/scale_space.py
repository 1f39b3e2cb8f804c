"""Scale space: an image with ever blurrier copies of itself behind it, and sampling from it along a flow.

From Agustsson et al., "Scale-space flow for end-to-end optimized video compression" (CVPR 2020), section 3.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from latentpress import _core
from latentpress.errors import ConfigurationError
from latentpress.models.compiled import usable_for

__all__ = ["gaussian_blur", "gaussian_kernel", "gaussian_volume", "warp", "warp_volume"]


def gaussian_kernel(sigma: float) -> Tensor:
    """The taps of a Gaussian of standard deviation `sigma` pixels, which add up to 1; float32.

    There are `2 ceil(3 sigma) + 1` of them.

    Raises:
        ConfigurationError: `sigma` is not positive.

    Example:
        >>> gaussian_kernel(1.5).shape
        torch.Size([11])
    """
    if not sigma > 0:
        raise ConfigurationError(f"Expected a positive sigma, in pixels, found {sigma}.")
    reach = math.ceil(3 * sigma)
    taps = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, dtype=torch.float32, device="cpu") / sigma) ** 2)
    return taps / taps.sum()


def gaussian_blur(x: Tensor, sigma: float) -> Tensor:
    """`x` (N, C, H, W) blurred by `sigma` pixels, as if its edge pixels went on outside."""
    kernel = gaussian_kernel(sigma).to(x)
    channels, reach = x.shape[1], len(kernel) // 2
    padded = F.pad(x, (reach, reach, reach, reach), mode="replicate")
    across = F.conv2d(padded, kernel.reshape(1, 1, 1, -1).expand(channels, 1, 1, -1), groups=channels)
    return F.conv2d(across, kernel.reshape(1, 1, -1, 1).expand(channels, 1, -1, 1), groups=channels)


def gaussian_volume(x: Tensor, sigma: float, num_levels: int) -> Tensor:
    """The scale space of images: `num_levels + 1` slices, from `x` itself to the blurriest.

    Slice 1 is `x` blurred. Each further slice starts from the one before at its own resolution, halved by
    2x2 averages and blurred by the same `sigma` again, and is brought back up bilinearly, a factor of two at
    a time.

    Args:
        x: images (N, C, H, W) with sides that are multiples of `2 ** (num_levels - 1)`.
        sigma: standard deviation of each blur, in pixels of the slice's own resolution.
        num_levels: number of blurred slices, from 1.

    Returns:
        (N, C, num_levels + 1, H, W).

    Raises:
        ConfigurationError: an argument is out of its range.

    Example:
        >>> gaussian_volume(torch.rand(1, 3, 64, 32), sigma=1.5, num_levels=5).shape
        torch.Size([1, 3, 6, 64, 32])
    """
    check_levels(x, num_levels)
    slices = [x]
    blurred = gaussian_blur(x, sigma)
    for level in range(num_levels):
        if level > 0:
            blurred = gaussian_blur(F.avg_pool2d(blurred, 2), sigma)
        full = blurred
        for _ in range(level):
            full = F.interpolate(full, scale_factor=2, mode="bilinear", align_corners=False)
        slices.append(full)
    return torch.stack(slices, dim=2)


def warp_volume(volume: Tensor, flow: Tensor, scale_field: Tensor, padding_mode: str = "border") -> Tensor:
    """Sample a scale space trilinearly where a flow points to, and as blurred as a scale field says.

    Coordinates are normalised as in `torch.nn.functional.grid_sample` without aligned corners: an axis runs
    from -1, the outer edge of its first element, to 1, that of its last.

    Args:
        volume: scale space (N, C, D, H, W), as `gaussian_volume` makes it.
        flow: (N, 2, H, W), what is added to each pixel's own position: across, then down.
        scale_field: (N, 1, H, W), the position among the slices, from -1 (sharp) to 1 (blurry).
        padding_mode: what lies outside the volume, as for `grid_sample`.

    Returns:
        (N, C, H, W).

    Raises:
        ConfigurationError: the shapes do not fit.

    Example:
        >>> x = torch.rand(1, 3, 32, 32)
        >>> still, sharp = torch.zeros(1, 2, 32, 32), torch.full((1, 1, 32, 32), -1.0)
        >>> warped = warp_volume(gaussian_volume(x, 1.5, 5), still, sharp)
        >>> torch.allclose(warped, x, atol=1e-5)
        True
    """
    check_fields(volume, flow, scale_field)
    identity = torch.eye(2, 3, dtype=flow.dtype, device=flow.device).expand(len(flow), 2, 3)
    own = F.affine_grid(identity, [len(flow), 1, *flow.shape[-2:]], align_corners=False)
    plane = own + flow.permute(0, 2, 3, 1)
    grid = torch.cat([plane, scale_field.permute(0, 2, 3, 1)], dim=-1).unsqueeze(1)
    warped = F.grid_sample(volume, grid, mode="bilinear", padding_mode=padding_mode, align_corners=False)
    return warped.squeeze(2)


def warp(x: Tensor, motion: Tensor, sigma: float, num_levels: int) -> Tensor:
    """`warp_volume` of the `gaussian_volume` of `x`, in inference on CPUs without the way through memory.

    Args:
        x: images (N, C, H, W).
        motion: (N, 3, H, W), the flow across and down, and the scale field.
        sigma, num_levels: of the scale space.

    Returns:
        (N, C, H, W).

    Raises:
        ConfigurationError: an argument is out of its range, or the shapes do not fit.
    """
    flow, scale_field = motion.split([2, 1], dim=1)
    if x.shape[1:2] != (_core.WARP_CHANNELS,) or not usable_for(x) or not usable_for(motion):
        return warp_volume(gaussian_volume(x, sigma, num_levels), flow, scale_field)
    check_levels(x, num_levels)
    check_fields(x, flow, scale_field)
    taps, threads = gaussian_kernel(sigma), torch.get_num_threads()
    warped = torch.empty_like(x, memory_format=torch.contiguous_format)
    for image, its_motion, out in zip(x.contiguous(), motion.contiguous(), warped, strict=True):
        _core.warp_frame(image, its_motion, taps, num_levels, out, threads)
    return warped


def check_levels(x: Tensor, num_levels: int) -> None:
    """Raise ConfigurationError unless `x` can be halved often enough for so many levels."""
    if num_levels < 1:
        raise ConfigurationError(f"Expected at least 1 level of blur, found {num_levels}.")
    factor = 2 ** (num_levels - 1)
    if x.ndim != 4 or x.shape[-2] % factor or x.shape[-1] % factor or 0 in x.shape:
        raise ConfigurationError(
            f"Expected images (N, C, H, W) with sides that are multiples of {factor}, found {tuple(x.shape)}."
        )


def check_fields(volume: Tensor, flow: Tensor, scale_field: Tensor) -> None:
    """Raise ConfigurationError unless flow and scale field have a value for each pixel of the volume."""
    images, height, width = len(volume), *volume.shape[-2:]
    if flow.shape != (images, 2, height, width) or scale_field.shape != (images, 1, height, width):
        raise ConfigurationError(
            f"Expected a flow {(images, 2, height, width)} and a scale field {(images, 1, height, width)} "
            f"for a volume {tuple(volume.shape)}, found {tuple(flow.shape)} and {tuple(scale_field.shape)}."
        )
