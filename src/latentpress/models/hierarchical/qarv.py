"""QARV: one model for all rates (arXiv 2302.08899)."""

from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from latentpress.errors import BitstreamError, ConfigurationError
from latentpress.models.hierarchical.blocks import AdaptiveConvNeXtBlock
from latentpress.models.hierarchical.convolutions import PatchDownsample, PatchUpsample
from latentpress.models.hierarchical.discrete import CodingHierarchy
from latentpress.models.hierarchical.embedding import RateEmbedding
from latentpress.models.hierarchical.files import AnyPath, padded, read_image, write_image
from latentpress.models.hierarchical.hierarchy import BottomUp, InputScaling
from latentpress.models.hierarchical.latents import QarvLatentBlock
from latentpress.models.hierarchical.qarv_stream import (
    QarvStream,
    pack_file,
    pack_stream,
    unpack_file,
    unpack_stream,
)


@dataclass(frozen=True)
class QarvEncoderStage:
    """One scale of the encoder: stride, channels, and its ConvNeXt blocks' number and kernel side."""

    stride: int
    width: int
    blocks: int
    kernel_size: int


@dataclass(frozen=True)
class QarvDecoderStage:
    """One scale of the decoder, coarse to fine; `latents` may be 0, and then it is `blocks` ConvNeXt blocks.

    Attributes:
        stride, width: of the grid and its channels.
        latents: number of latent blocks, each of `zdim` channels.
        kernel_size, mlp_ratio: of the ConvNeXt blocks.
        blocks_before, blocks_after: ConvNeXt blocks ahead of and behind the latent blocks.
    """

    stride: int
    width: int
    latents: int
    zdim: int
    kernel_size: int
    mlp_ratio: float
    blocks_before: int
    blocks_after: int


@dataclass(frozen=True)
class QarvConfig:
    """Everything that distinguishes one QARV from another."""

    encoder: tuple[QarvEncoderStage, ...]
    decoder: tuple[QarvDecoderStage, ...]
    scaling: InputScaling = field(default_factory=InputScaling)


def _build_encoder(stages: tuple[QarvEncoderStage, ...], strides: set[int]) -> BottomUp:
    blocks: list[nn.Module] = [PatchDownsample(3, stages[0].width, stages[0].stride)]
    taps: dict[int, int] = {}
    for stage, following in zip(stages, (*stages[1:], None), strict=True):
        blocks += [AdaptiveConvNeXtBlock(stage.width, stage.kernel_size) for _ in range(stage.blocks)]
        if stage.stride in strides:
            blocks.append(nn.Identity())  # the published numbering counts the place where a feature is kept
            taps[len(blocks) - 1] = stage.stride
        if following is not None:
            blocks.append(AdaptiveConvNeXtBlock(stage.width, 7))
            blocks.append(PatchDownsample(stage.width, following.width, following.stride // stage.stride))
    return BottomUp(blocks, taps)


def _build_decoder(config: QarvConfig) -> nn.ModuleList:
    encoder_widths = {stage.stride: stage.width for stage in config.encoder}
    last = max(number for number, stage in enumerate(config.decoder) if stage.latents)
    blocks: list[nn.Module] = []
    for number, stage in enumerate(config.decoder):
        plain = (stage.width, stage.kernel_size, stage.mlp_ratio)
        blocks += [AdaptiveConvNeXtBlock(*plain) for _ in range(stage.blocks_before)]
        blocks += [
            QarvLatentBlock(
                stage.width,
                encoder_widths[stage.stride],
                stage.zdim,
                stage.kernel_size,
                stage.mlp_ratio,
                stage.stride,
            )
            for _ in range(stage.latents)
        ]
        if number == last:
            blocks.append(nn.Identity())  # the published numbering counts the place where an encoder may stop
        blocks += [AdaptiveConvNeXtBlock(*plain) for _ in range(stage.blocks_after)]
        following = config.decoder[number + 1] if number + 1 < len(config.decoder) else None
        out, rate = (
            (3, stage.stride) if following is None else (following.width, stage.stride // following.stride)
        )
        blocks.append(PatchUpsample(stage.width, out, rate))
    return nn.ModuleList(blocks)


class QARV(CodingHierarchy):
    """Quantisation-aware ResNet VAE: one lossy coder for every lambda of a range (arXiv 2302.08899).

    Args:
        config: widths, depths and scales.
        lmb_range: smallest and largest lambda; training samples between them, coding refuses others.
        lmb: lambda where a call names none; the middle of the range in log where None.

    Example:
        >>> from latentpress.zoo import qarv_base
        >>> model = qarv_base(lmb_range=(16, 2048)).eval()
        >>> model.lmb_range
        (16.0, 2048.0)
    """

    name = "qarv"
    lmb_range: tuple[float, float]

    def __init__(
        self, config: QarvConfig, lmb_range: tuple[float, float] = (16, 2048), lmb: float | None = None
    ) -> None:
        super().__init__(config.scaling, config.decoder[0].stride)
        self.lmb_range, self.default_lmb = checked_lmb_range(lmb_range, lmb)
        self.bias = nn.Parameter(torch.zeros(1, config.decoder[0].width, 1, 1))
        self.encoder = _build_encoder(
            config.encoder, {stage.stride for stage in config.decoder if stage.latents}
        )
        self.dec_blocks = _build_decoder(config)
        self.lmb_embedding = RateEmbedding()

    def decoder_blocks(self) -> nn.ModuleList:
        return self.dec_blocks

    def constant(self) -> Tensor:
        return self.bias

    def embed(self, lmb: Tensor) -> Tensor:
        return self.lmb_embedding(lmb)

    def compress(self, im: Tensor, lmb: float | None = None) -> bytes:
        """The published stream of images (N, 3, H, W) in [0, 1], sides multiples of `downsampling_factor`.

        Args:
            im: the images, at most 28 with the published model.
            lmb: lambda; the default where None.
        """
        value = float(self.resolve_lmb(lmb, 1))
        return pack_stream(QarvStream(value, self.grid_of(im), self.encode(im, value)))

    def decompress(self, data: bytes) -> Tensor:
        """Images (N, 3, H, W) in [0, 1] from a published stream.

        Raises:
            BitstreamError: the stream is damaged, truncated or another model's.
        """
        stream = unpack_stream(data, self.num_latents)
        low, high = self.lmb_range
        if not low <= stream.lmb <= high:
            raise BitstreamError(
                f"Expected a lambda from {low:g} to {high:g}, found {stream.lmb:g} in the stream."
            )
        return self.decode(stream.strings, stream.grid, stream.lmb)

    def compress_file(self, source: AnyPath, target: AnyPath, lmb: float | None = None) -> None:
        """Compress an image file, of any size, into a file of the published layout (`qarv_stream`).

        Args:
            source: the image, in any format that Pillow reads.
            target: the file to write; one that exists is replaced.
            lmb: lambda; the default where None.
        """
        x = read_image(source)
        size = (x.shape[2], x.shape[3])
        stream = self.compress(padded(x, self.downsampling_factor).to(self.bias.device), lmb)
        Path(target).write_bytes(pack_file(size, stream))

    def decompress_file(self, source: AnyPath, target: AnyPath | None = None) -> Tensor:
        """The image (1, 3, H, W) in [0, 1] of a file of the published layout; also to `target`, if given.

        Raises:
            BitstreamError: the file is damaged, truncated or another model's.
        """
        (height, width), stream = unpack_file(Path(source).read_bytes())
        grid = unpack_stream(stream, self.num_latents).grid
        if (-(-height // self.downsampling_factor), -(-width // self.downsampling_factor)) != grid:
            raise BitstreamError(
                f"Expected a grid for a {height}x{width} image, found {grid}; the file is damaged."
            )
        x = self.decompress(stream)[:1, :, :height, :width]
        if target is not None:
            write_image(x, target)
        return x

    def sample_lmb(self, batch: int) -> Tensor:
        low, high = (bound ** (1 / 3) for bound in self.lmb_range)  # uniform in the cube root
        return torch.empty(batch, device=self.bias.device).uniform_(low, high) ** 3


def checked_lmb_range(lmb_range: tuple[float, float], lmb: float | None) -> tuple[tuple[float, float], float]:
    """The range as floats and the default lambda, checked."""
    low, high = float(lmb_range[0]), float(lmb_range[1])
    if not 0 < low < high < float("inf"):
        raise ConfigurationError(
            f"lmb_range must be two increasing positive numbers, not {tuple(lmb_range)}."
        )
    default = (low * high) ** 0.5 if lmb is None else float(lmb)
    if not low <= default <= high:
        raise ConfigurationError(f"lmb must lie in the range from {low:g} to {high:g}, not at {default:g}.")
    return (low, high), default


QARV_BASE = QarvConfig(
    encoder=(
        QarvEncoderStage(4, 192, blocks=6, kernel_size=7),
        QarvEncoderStage(8, 384, blocks=6, kernel_size=7),
        QarvEncoderStage(16, 512, blocks=6, kernel_size=5),
        QarvEncoderStage(32, 512, blocks=4, kernel_size=3),
        QarvEncoderStage(64, 512, blocks=4, kernel_size=1),
    ),
    decoder=(
        QarvDecoderStage(64, 512, 1, zdim=32, kernel_size=1, mlp_ratio=4, blocks_before=0, blocks_after=1),
        QarvDecoderStage(32, 512, 2, zdim=32, kernel_size=3, mlp_ratio=3, blocks_before=1, blocks_after=1),
        QarvDecoderStage(16, 384, 3, zdim=96, kernel_size=5, mlp_ratio=2, blocks_before=1, blocks_after=1),
        QarvDecoderStage(8, 256, 3, zdim=8, kernel_size=7, mlp_ratio=1.75, blocks_before=1, blocks_after=1),
        QarvDecoderStage(4, 128, 0, zdim=0, kernel_size=7, mlp_ratio=1.5, blocks_before=8, blocks_after=0),
    ),
)
