"""QRes-VAE: one model a rate (arXiv 2208.13056), and its lossless variant."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from latentpress.errors import BitstreamError
from latentpress.models.hierarchical.blocks import ConvNeXtBlock
from latentpress.models.hierarchical.convolutions import PatchDownsample, PatchUpsample, TransposedUpsample
from latentpress.models.hierarchical.discrete import CodingHierarchy
from latentpress.models.hierarchical.hierarchy import BottomUp, InputScaling
from latentpress.models.hierarchical.latents import QResLatentBlock


@dataclass(frozen=True)
class QResEncoderStage:
    """One scale of the encoder: stride, channels, and its ConvNeXt blocks' number and kernel side."""

    stride: int
    width: int
    blocks: int
    kernel_size: int


@dataclass(frozen=True)
class QResDecoderStage:
    """One scale of the decoder, coarse to fine.

    Attributes:
        stride, width: of the grid and its channels.
        latents: number of latent blocks.
        zdim: channels of each latent.
        kernel_size: side of the ConvNeXt kernels.
        upsample: how the next scale is reached: "patch", "nearest" or "deconv3" / "deconv5" (transposed,
            stride 2).
    """

    stride: int
    width: int
    latents: int
    zdim: int
    kernel_size: int
    upsample: str = "patch"


@dataclass(frozen=True)
class QResConfig:
    """Everything that distinguishes one QRes-VAE from another."""

    encoder: tuple[QResEncoderStage, ...]
    decoder: tuple[QResDecoderStage, ...]
    scaling: InputScaling = field(default_factory=InputScaling)


def _build_encoder(stages: tuple[QResEncoderStage, ...]) -> BottomUp:
    blocks: list[nn.Module] = [PatchDownsample(3, stages[0].width, stages[0].stride)]
    taps: dict[int, int] = {}
    for stage, following in zip(stages, (*stages[1:], None), strict=True):
        blocks += [ConvNeXtBlock(stage.width, stage.kernel_size) for _ in range(stage.blocks)]
        taps[len(blocks) - 1] = stage.stride
        if following is not None:
            downsample = (following.width, following.stride // stage.stride)
            blocks.append(ConvNeXtBlock(stage.width, 7, downsample=downsample))
    return BottomUp(blocks, taps)


def _upsample(kind: str, width: int, out: int, rate: int) -> nn.Module:
    if kind == "patch":
        return PatchUpsample(width, out, rate)
    if kind == "nearest":
        return nn.Upsample(scale_factor=rate)
    return TransposedUpsample(width, out, int(kind.removeprefix("deconv")))


class _TopDown(nn.Module):
    """The decoder's parameters under the names of the published checkpoints."""

    def __init__(self, config: QResConfig, with_output: bool) -> None:
        super().__init__()
        encoder_widths = {stage.stride: stage.width for stage in config.encoder}
        blocks: list[nn.Module] = []
        for stage, following in zip(config.decoder, (*config.decoder[1:], None), strict=True):
            blocks += [
                QResLatentBlock(
                    stage.width, encoder_widths[stage.stride], stage.zdim, stage.kernel_size, stage.stride
                )
                for _ in range(stage.latents)
            ]
            if following is not None:
                rate = stage.stride // following.stride
                blocks.append(_upsample(stage.upsample, stage.width, following.width, rate))
            elif with_output:
                blocks.append(PatchUpsample(stage.width, 3, stage.stride))
        self.dec_blocks = nn.ModuleList(blocks)
        self.bias = nn.Parameter(torch.zeros(1, config.decoder[0].width, 1, 1))


class QResVAE(CodingHierarchy):
    """Quantised ResNet VAE: lossy coder of one rate (arXiv 2208.13056).

    Args:
        config: widths, depths and scales.
        lmb: weight of the mean squared error (on the [-1, 1] scale) against nats per sub-pixel.
        with_output: whether the top-down chain ends in pixels, rather than in a feature.

    Example:
        >>> from latentpress.zoo import qres34m
        >>> model = qres34m(lmb=32).eval()
        >>> sum(p.numel() for p in model.parameters())
        34036602
    """

    name = "qres"

    def __init__(self, config: QResConfig, lmb: float = 32, with_output: bool = True) -> None:
        super().__init__(config.scaling, config.decoder[0].stride)
        self.default_lmb = float(lmb)
        self.encoder = _build_encoder(config.encoder)
        self.decoder = _TopDown(config, with_output)

    def decoder_blocks(self) -> nn.ModuleList:
        return self.decoder.dec_blocks

    def constant(self) -> Tensor:
        return self.decoder.bias

    def compress(self, im: Tensor) -> list[Any]:
        """Code images (N, 3, H, W) in [0, 1], sides multiples of `downsampling_factor`.

        Returns one list of N strings per latent block, coarse to fine, then the shape (N, C, rows, columns)
        of the coarsest feature (and then, from a lossless model, the list of pixel strings).
        """
        strings: list[Any] = list(self.encode(im))
        shape = (im.shape[0], self.constant().shape[1], *self.grid_of(im))
        strings.insert(self.num_latents, shape)
        return strings

    def decompress(self, compressed: Sequence[Any]) -> Tensor:
        """Images (N, 3, H, W) in [0, 1] from what `compress` returned.

        Raises:
            BitstreamError: a part is missing, or a string is damaged.
        """
        if len(compressed) != self.num_strings + 1:
            raise BitstreamError(
                f"Expected {self.num_strings} lists of strings and a shape, found {len(compressed)} things."
            )
        parts = list(compressed)
        shape = parts.pop(self.num_latents)
        return self.decode(parts, tuple(shape)[-2:])


# Widths, depths and scales of the published models.
_DECODER_34M = (
    QResDecoderStage(64, 384, latents=1, zdim=16, kernel_size=1),
    QResDecoderStage(32, 384, latents=2, zdim=14, kernel_size=3),
    QResDecoderStage(16, 384, latents=3, zdim=12, kernel_size=5),
    QResDecoderStage(8, 384, latents=3, zdim=10, kernel_size=7),
    QResDecoderStage(4, 192, latents=3, zdim=8, kernel_size=7),
)
QRES34M = QResConfig(
    encoder=(
        QResEncoderStage(4, 192, blocks=6, kernel_size=7),
        QResEncoderStage(8, 384, blocks=6, kernel_size=7),
        QResEncoderStage(16, 384, blocks=6, kernel_size=5),
        QResEncoderStage(32, 384, blocks=4, kernel_size=3),
        QResEncoderStage(64, 384, blocks=2, kernel_size=1),
    ),
    decoder=_DECODER_34M,
)
QRES17M = QResConfig(
    encoder=(
        QResEncoderStage(4, 144, blocks=6, kernel_size=7),
        QResEncoderStage(8, 288, blocks=6, kernel_size=5),
        QResEncoderStage(16, 288, blocks=4, kernel_size=3),
        QResEncoderStage(64, 288, blocks=2, kernel_size=1),
    ),
    decoder=(
        QResDecoderStage(64, 288, latents=1, zdim=16, kernel_size=1, upsample="nearest"),
        QResDecoderStage(16, 288, latents=2, zdim=8, kernel_size=3, upsample="deconv3"),
        QResDecoderStage(8, 288, latents=4, zdim=6, kernel_size=5, upsample="deconv5"),
        QResDecoderStage(4, 144, latents=5, zdim=4, kernel_size=7),
    ),
    scaling=InputScaling(0.4356, 3.397893306150187),
)
