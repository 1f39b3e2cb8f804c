"""Gaussians as the hierarchies use them: bounded scales, likelihoods of unit bins, divergences.

Everything here is in nats and elementwise; coding tables are in `coding`.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

_LOG_SQRT_2PI = 0.5 * math.log(2.0 * math.pi)
_MASS_FLOOR = 1e-6  # below this the mass of a bin is lost to rounding and the density takes over
_LIKELIHOOD_BOUND = 1e-9
_SOFTPLUS_LINEAR_ABOVE = 12.0
_SIGNED_ROOT_FROM = 6.0


def bound_log_scale(raw: Tensor, bound: float = 2.3) -> Tensor:
    """Smooth lower bound: `softplus(raw + bound) - bound`, above `-bound` everywhere."""
    return F.softplus(raw + bound) - bound


def _standard_normal_cdf(x: Tensor) -> Tensor:
    # erfc keeps the lower tail accurate where 1 + erf would cancel
    return 0.5 * torch.erfc(-x * math.sqrt(0.5))


def log_mass_of_bin(x: Tensor, mean: Tensor, log_scale: Tensor, bin_size: float = 1.0) -> Tensor:
    """Log of the mass that N(mean, exp(log_scale)) puts on the bin of width `bin_size` about `x`, in nats.

    Where the mass is under 1e-6, log density plus log width, which keeps a gradient (arXiv 2208.13056,
    appendix).
    """
    inverse_scale = torch.exp(-log_scale)
    distance = (x - mean).abs()  # both bin edges on the side of the accurate tail
    upper = _standard_normal_cdf((0.5 * bin_size - distance) * inverse_scale)
    lower = _standard_normal_cdf((-0.5 * bin_size - distance) * inverse_scale)
    mass = upper - lower
    log_density = -0.5 * (distance * inverse_scale).square() - log_scale - _LOG_SQRT_2PI
    return torch.where(mass > _MASS_FLOOR, mass.clamp_min(1e-12).log(), log_density + math.log(bin_size))


def evaluated_log_mass(x: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
    """Log-mass of the unit bin about `x` as the published figures have it, in nats.

    There the normal distribution is `0.5 (1 + erf)` in single precision, which leaves its tails on a grid of
    2^-25, and the mass is bounded below by 1e-9. The grid is reproduced here (its rounding is that of the
    common vector library) so that rates compare to the published ones, on any machine.
    """

    def coarse_cdf(v: Tensor) -> Tensor:
        return torch.floor(torch.erfc(v.double() * -math.sqrt(0.5)) * 2.0**24 + 0.527) * 2.0**-25

    distance = (x - mean).abs()
    mass = coarse_cdf((0.5 - distance) / scale) - coarse_cdf((-0.5 - distance) / scale)
    return mass.clamp_min(_LIKELIHOOD_BOUND).log()


def gaussian_kl(mean: Tensor, scale: Tensor, prior_mean: Tensor, prior_scale: Tensor) -> Tensor:
    """KL(N(mean, scale) || N(prior_mean, prior_scale)), elementwise, in nats."""
    ratio = (scale / prior_scale).square()
    shift = ((mean - prior_mean) / prior_scale).square()
    return 0.5 * (ratio + shift - 1.0 - ratio.log())


def softplus_scale(raw: Tensor) -> Tensor:
    """Positive scale `softplus(raw, beta=ln 2)`: 1 at 0, a halving per unit far below, linear above 12."""
    return F.softplus(raw, beta=math.log(2.0), threshold=_SOFTPLUS_LINEAR_ABOVE * math.log(2.0))


def signed_root(raw: Tensor) -> Tensor:
    """Odd function, linear near 0 and a square root beyond: `sign(m) |m|^(1 - tanh(|m|)/2)` up to 6."""
    size = raw.abs()
    near = size.clamp(1e-6, _SIGNED_ROOT_FROM)
    near = torch.where(size < 1e-6, size, near.pow(1.0 - 0.5 * torch.tanh(near)))
    far = torch.sqrt(size + 1e-8)
    return torch.sign(raw) * torch.where(size <= _SIGNED_ROOT_FROM, near, far)
