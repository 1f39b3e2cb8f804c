"""Upper bound on the rate-distortion function of images (arXiv 2309.02574); not a codec."""

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from latentpress.models.hierarchical.blocks import AdaptiveConvNeXtBlock
from latentpress.models.hierarchical.convolutions import PatchDownsample, PatchUpsample
from latentpress.models.hierarchical.embedding import RateEmbedding
from latentpress.models.hierarchical.hierarchy import BottomUp, HierarchicalVAE, InputScaling
from latentpress.models.hierarchical.latents import ContinuousLatentBlock
from latentpress.models.hierarchical.qarv import checked_lmb_range
from latentpress.models.hierarchical.sources import Features, SampledPosterior


@dataclass(frozen=True)
class BoundStage:
    """One scale, used both ways: stride, channels up and down, encoder blocks, latent blocks."""

    stride: int
    encoder_width: int
    decoder_width: int
    encoder_blocks: int
    latents: int


@dataclass(frozen=True)
class BoundConfig:
    """Scales fine to coarse, channels of each latent, and the side of every depthwise kernel."""

    stages: tuple[BoundStage, ...]
    zdim: int = 32
    kernel_size: int = 7
    scaling: InputScaling = field(default_factory=InputScaling)


def _build_encoder(config: BoundConfig) -> BottomUp:
    stages, k = config.stages, config.kernel_size
    blocks: list[nn.Module] = [PatchDownsample(3, stages[0].encoder_width, stages[0].stride)]
    taps: dict[int, int] = {}
    for stage, following in zip(stages, (*stages[1:], None), strict=True):
        blocks += [AdaptiveConvNeXtBlock(stage.encoder_width, k) for _ in range(stage.encoder_blocks)]
        taps[len(blocks) - 1] = stage.stride
        if following is not None:
            downsample = (following.encoder_width, following.stride // stage.stride)
            blocks.append(AdaptiveConvNeXtBlock(stage.encoder_width, k, downsample=downsample))
    return BottomUp(blocks, taps)


def _build_decoder(config: BoundConfig) -> nn.ModuleList:
    blocks: list[nn.Module] = []
    coarse_to_fine = config.stages[::-1]
    for stage, following in zip(coarse_to_fine, (*coarse_to_fine[1:], None), strict=True):
        blocks += [
            ContinuousLatentBlock(
                stage.decoder_width, stage.encoder_width, config.zdim, config.kernel_size, 2.0, stage.stride
            )
            for _ in range(stage.latents)
        ]
        out, rate = (
            (3, stage.stride)
            if following is None
            else (following.decoder_width, stage.stride // following.stride)
        )
        blocks.append(PatchUpsample(stage.decoder_width, out, rate))
    return nn.ModuleList(blocks)


class RateDistortionBound(HierarchicalVAE):
    """Hierarchy with continuous Gaussian posteriors whose loss bounds R(D) from above (arXiv 2309.02574).

    `forward` samples the posteriors, in evaluation mode too, and gives the KL divergences in closed form.
    There is
    no bit stream: no code reaches the bound with finite blocks.

    Args:
        config: widths, depths and scales.
        lmb_range: smallest and largest lambda; training samples uniformly in log between them.
        lmb: lambda where a call names none; the middle of the range in log where None.
    """

    lmb_range: tuple[float, float]

    def __init__(
        self, config: BoundConfig, lmb_range: tuple[float, float] = (4, 2048), lmb: float | None = None
    ) -> None:
        super().__init__(config.scaling, config.stages[-1].stride)
        self.lmb_range, self.default_lmb = checked_lmb_range(lmb_range, lmb)
        self.bias = nn.Parameter(torch.zeros(1, config.stages[-1].decoder_width, 1, 1))
        self.encoder = _build_encoder(config)
        self.dec_blocks = _build_decoder(config)
        self.lmb_embedding = RateEmbedding()

    def decoder_blocks(self) -> nn.ModuleList:
        return self.dec_blocks

    def constant(self) -> Tensor:
        return self.bias

    def embed(self, lmb: Tensor) -> Tensor:
        return self.lmb_embedding(lmb)

    def sample_lmb(self, batch: int) -> Tensor:
        low, high = self.lmb_range
        return low * (high / low) ** torch.rand(batch, device=self.bias.device)

    def posterior(self, features: Features, noisy: bool = False) -> SampledPosterior:
        return SampledPosterior(features)


RD_MODEL_BASE = BoundConfig(
    stages=(
        BoundStage(4, 256, 256, encoder_blocks=6, latents=5),
        BoundStage(8, 512, 512, encoder_blocks=6, latents=4),
        BoundStage(16, 640, 640, encoder_blocks=6, latents=3),
        BoundStage(32, 768, 768, encoder_blocks=4, latents=2),
        BoundStage(64, 768, 768, encoder_blocks=4, latents=1),
    )
)
