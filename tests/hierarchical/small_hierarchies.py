"""Small hierarchies, with weights large enough for every part to matter, so that tests take seconds."""

from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from torch import nn

from latentpress.codec.container import read_container
from latentpress.codec.hierarchical import HierarchicalCodec
from latentpress.models.hierarchical import (
    BoundConfig,
    BoundStage,
    QarvConfig,
    QarvDecoderStage,
    QarvEncoderStage,
    QResConfig,
    QResDecoderStage,
    QResEncoderStage,
)

SMALL_QRES = QResConfig(
    encoder=(
        QResEncoderStage(4, 16, blocks=1, kernel_size=7),
        QResEncoderStage(8, 32, blocks=1, kernel_size=5),
        QResEncoderStage(16, 32, blocks=1, kernel_size=3),
        QResEncoderStage(64, 32, blocks=1, kernel_size=1),
    ),
    decoder=(
        QResDecoderStage(64, 32, latents=1, zdim=4, kernel_size=1, upsample="nearest"),
        QResDecoderStage(16, 32, latents=1, zdim=3, kernel_size=3, upsample="deconv3"),
        QResDecoderStage(8, 32, latents=1, zdim=2, kernel_size=5, upsample="patch"),
        QResDecoderStage(4, 16, latents=1, zdim=2, kernel_size=7),
    ),
)
SMALL_QARV = QarvConfig(
    encoder=(
        QarvEncoderStage(4, 16, blocks=1, kernel_size=7),
        QarvEncoderStage(8, 32, blocks=1, kernel_size=5),
        QarvEncoderStage(64, 32, blocks=1, kernel_size=1),
    ),
    decoder=(
        QarvDecoderStage(64, 32, 1, zdim=4, kernel_size=1, mlp_ratio=2, blocks_before=0, blocks_after=1),
        QarvDecoderStage(8, 32, 2, zdim=3, kernel_size=7, mlp_ratio=1.75, blocks_before=1, blocks_after=1),
        QarvDecoderStage(4, 16, 0, zdim=0, kernel_size=7, mlp_ratio=1.5, blocks_before=1, blocks_after=0),
    ),
)
SMALL_BOUND = BoundConfig(
    stages=(
        BoundStage(4, 16, 16, encoder_blocks=1, latents=1),
        BoundStage(64, 32, 32, encoder_blocks=1, latents=1),
    ),
    zdim=4,
)


def scrambled(model: nn.Module) -> Any:
    """The model with weights large enough for every part to matter, in evaluation mode."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, parameter in sorted(model.named_parameters()):
            noise = torch.randn(parameter.shape, generator=generator)
            fan_in = parameter[0].numel() if parameter.ndim > 1 else 1
            parameter.copy_(0.3 + 0.05 * noise if name.endswith("gamma") else noise / max(fan_in, 4) ** 0.5)
    return model.eval()


def output_of(codec: HierarchicalCodec, file: bytes) -> np.ndarray:
    """What the top-down path gives as a codec decodes a file: pixels, or the feature that predicts them."""
    seen: list[Any] = []
    top_down = codec.model.top_down

    def watched(*arguments: Any) -> Any:
        seen.append(top_down(*arguments))
        return seen[-1]

    with patch.object(codec.model, "top_down", watched):
        codec.decode_picture(read_container(file))
    (output,) = seen
    return output.contiguous().numpy()
