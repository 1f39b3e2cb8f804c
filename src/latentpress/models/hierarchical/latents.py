"""Latent blocks: where the top-down path predicts a prior, takes in a latent and goes on.

All kinds answer the same four calls, in this order: `front`, `predict`, `infer` (only where there is an image
    to
look at) and `finish`. What z is (a noisy posterior, a rounded one, one read from a stream, a sample of the
prior) is for the caller to say. Submodule names are those of the published checkpoints.
"""

from dataclasses import dataclass

from torch import Tensor, nn

from latentpress.models.hierarchical.blocks import (
    AdaptiveConvNeXtBlock,
    ConvNeXtBlock,
    LatentProjection,
    VDBlock,
    run_block,
)
from latentpress.models.hierarchical.convolutions import Convolution
from latentpress.models.hierarchical.discrete_gaussian import (
    LARGEST_SCALE,
    SCALE_BOUND,
    DiscreteGaussian,
    log_spaced,
)
from latentpress.models.hierarchical.distributions import bound_log_scale, signed_root, softplus_scale


@dataclass(frozen=True)
class Gaussian:
    """Independent Gaussians: `mean` and `scale` (standard deviation), each (N, zdim, H, W)."""

    mean: Tensor
    scale: Tensor


@dataclass(frozen=True)
class DiscretePrior:
    """Gaussians for a quantised latent: `mean`, and the network's `raw` output for the scale."""

    mean: Tensor
    raw: Tensor

    @property
    def log_scale(self) -> Tensor:
        """Logarithm of the scale, bounded smoothly below."""
        return bound_log_scale(self.raw)

    @property
    def scale(self) -> Tensor:
        """Standard deviations."""
        return self.log_scale.exp()


Prior = Gaussian | DiscretePrior


class LatentBlock(nn.Module):
    """What every latent block has: its latent's channels, the stride of its grid, and the four calls."""

    resnet_front: nn.Module
    resnet_end: nn.Module
    z_proj: nn.Module
    prior: nn.Module

    def __init__(self, zdim: int, stride: int) -> None:
        super().__init__()
        self.zdim = zdim
        self.stride = stride

    def front(self, x: Tensor, emb: Tensor | None) -> Tensor:
        """Feature that the prior and the posterior look at."""
        return run_block(self.resnet_front, x, emb)

    def predict(self, x: Tensor) -> Prior:
        """Prior of the latent given the decoder's feature (N, C, H, W)."""
        raise NotImplementedError

    def infer(self, x: Tensor, encoded: Tensor, emb: Tensor | None) -> Tensor:
        """Posterior mean given the decoder's feature and the encoder's feature of the same stride."""
        raise NotImplementedError

    def finish(self, x: Tensor, z: Tensor, emb: Tensor | None) -> Tensor:
        """Feature after the latent `z` has been taken in."""
        return run_block(self.resnet_end, self.z_proj(z, residual=x), emb)


class DiscreteLatentBlock(LatentBlock):
    """A latent block whose latent is quantised: it has integer tables for coding it."""

    discrete_gaussian: DiscreteGaussian

    def predict(self, x: Tensor) -> DiscretePrior:
        return DiscretePrior(*self.prior(x).chunk(2, dim=1))


class QResLatentBlock(DiscreteLatentBlock):
    """Latent block of QRes-VAE: prior and posterior are VD blocks (arXiv 2208.13056, figure 3).

    Args:
        width: channels of the decoder's feature.
        encoder_width: channels of the encoder's feature of the same stride.
        zdim: channels of the latent.
        kernel_size: side of the ConvNeXt blocks' kernels.
        stride: image pixels per latent pixel.
    """

    def __init__(self, width: int, encoder_width: int, zdim: int, kernel_size: int, stride: int) -> None:
        super().__init__(zdim, stride)
        hidden = max(width, encoder_width) // 4
        k = 3 if kernel_size > 1 else 1
        self.resnet_front = ConvNeXtBlock(width, kernel_size)
        self.resnet_end = ConvNeXtBlock(width, kernel_size)
        self.posterior = VDBlock(width + encoder_width, hidden, zdim, k)
        self.prior = VDBlock(width, hidden, 2 * zdim, k, zero_last=True)
        self.z_proj = LatentProjection(zdim, hidden // 2, width, k)
        self.discrete_gaussian = DiscreteGaussian(log_spaced(0.1, LARGEST_SCALE, 64))

    def infer(self, x: Tensor, encoded: Tensor, emb: Tensor | None) -> Tensor:
        return self.posterior(x, encoded)


class AdaptiveLatentBlock(LatentBlock):
    """Latent block of QARV (arXiv 2302.08899, figure 4): adaptive ConvNeXt blocks merge the two features.

    Args:
        width: channels of the decoder's feature.
        encoder_width: channels of the encoder's feature of the same stride.
        zdim: channels of the latent.
        kernel_size: side of the ConvNeXt blocks' kernels.
        mlp_ratio: hidden width over width, in the blocks that the decoder runs; 2 in the posterior's.
        stride: image pixels per latent pixel.
    """

    posterior_channels = 1

    def __init__(
        self, width: int, encoder_width: int, zdim: int, kernel_size: int, mlp_ratio: float, stride: int
    ) -> None:
        super().__init__(zdim, stride)
        self.resnet_front = AdaptiveConvNeXtBlock(width, kernel_size, mlp_ratio)
        self.resnet_end = AdaptiveConvNeXtBlock(width, kernel_size, mlp_ratio)
        self.posterior0 = AdaptiveConvNeXtBlock(encoder_width, kernel_size)
        self.posterior1 = AdaptiveConvNeXtBlock(width, kernel_size)
        self.posterior2 = AdaptiveConvNeXtBlock(width, kernel_size)
        self.post_merge = Convolution(width + encoder_width, width)
        self.posterior = Convolution(width, self.posterior_channels * zdim, 3)
        self.z_proj = Convolution(zdim, width)
        self.prior = Convolution(width, 2 * zdim)

    def _posterior_parameters(self, x: Tensor, encoded: Tensor, emb: Tensor | None) -> Tensor:
        encoded = run_block(self.posterior0, encoded, emb)
        x = run_block(self.posterior1, x, emb)
        merged = self.post_merge(x, encoded)
        return self.posterior(run_block(self.posterior2, merged, emb))


class QarvLatentBlock(AdaptiveLatentBlock, DiscreteLatentBlock):
    """Adaptive latent block whose latent is quantised and coded."""

    def __init__(
        self, width: int, encoder_width: int, zdim: int, kernel_size: int, mlp_ratio: float, stride: int
    ) -> None:
        super().__init__(width, encoder_width, zdim, kernel_size, mlp_ratio, stride)
        self.discrete_gaussian = DiscreteGaussian(
            log_spaced(SCALE_BOUND, LARGEST_SCALE, 64), not_saved=("scale_table", "scale_bound")
        )

    def infer(self, x: Tensor, encoded: Tensor, emb: Tensor | None) -> Tensor:
        return self._posterior_parameters(x, encoded, emb)


class ContinuousLatentBlock(AdaptiveLatentBlock):
    """Adaptive latent block with a continuous Gaussian posterior, for bounds on R(D) (arXiv 2309.02574)."""

    posterior_channels = 2

    @staticmethod
    def _gaussian(parameters: Tensor) -> Gaussian:
        mean, raw = parameters.chunk(2, dim=1)
        return Gaussian(signed_root(mean), softplus_scale(raw))

    def predict(self, x: Tensor) -> Gaussian:
        return self._gaussian(self.prior(x))

    def infer_distribution(self, x: Tensor, encoded: Tensor, emb: Tensor | None) -> Gaussian:
        """Posterior given both features."""
        return self._gaussian(self._posterior_parameters(x, encoded, emb))

    def infer(self, x: Tensor, encoded: Tensor, emb: Tensor | None) -> Tensor:
        return self.infer_distribution(x, encoded, emb).mean
