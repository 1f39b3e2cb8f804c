"""Lossless QRes-VAE: the hierarchy predicts a Gaussian for every sub-pixel; residuals are coded too."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from latentpress.errors import ImageError
from latentpress.models.hierarchical.convolutions import PatchUpsample
from latentpress.models.hierarchical.discrete_gaussian import (
    LARGEST_SCALE,
    SCALE_BOUND,
    DiscreteGaussian,
    log_spaced,
)
from latentpress.models.hierarchical.distributions import bound_log_scale, log_mass_of_bin
from latentpress.models.hierarchical.qres import QResConfig, QResVAE
from latentpress.models.hierarchical.sources import Decoding, Encoding, Sampling

PIXEL_BIN = 1.0 / 127.5  # one 8-bit level on the [-1, 1] scale
_LOG_SCALE_BOUND = 16.0
_LEVELS = 255.0


class GaussianHead(nn.Module):
    """Mean and scale of every sub-pixel from the last feature.

    Args:
        width: channels of the feature.
        rate: image pixels per feature pixel.
    """

    def __init__(self, width: int, rate: int) -> None:
        super().__init__()
        self.conv_mean = PatchUpsample(width, 3, rate)
        self.conv_scale = PatchUpsample(width, 3, rate)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Means on the [-1, 1] scale and raw log-scales, each (N, 3, H, W)."""
        return self.conv_mean(x), self.conv_scale(x)


class LosslessQResVAE(QResVAE):
    """QRes-VAE that codes 8-bit RGB images without loss (arXiv 2208.13056, section 5.4).

    Decoded pixels are those that went in, bit for bit; the better the prediction, the smaller the file. In
    `forward`, `mse` is not a squared error but the nats per sub-pixel that the pixels cost, given the
    latents.

    Args:
        config: widths, depths and scales.
    """

    name = "qres-lossless"

    def __init__(self, config: QResConfig) -> None:
        super().__init__(config, lmb=1.0, with_output=False)
        last = config.decoder[-1]
        self.out_net = GaussianHead(last.width, last.stride)
        coder = DiscreteGaussian(
            log_spaced(SCALE_BOUND, LARGEST_SCALE, 128), _LOG_SCALE_BOUND, unit=PIXEL_BIN
        )
        self._residuals = (coder,)  # in a tuple, for checkpoints know nothing of it

    @property
    def num_strings(self) -> int:
        return self.num_latents + 1  # the residuals come last

    def update(self, force: bool = False) -> bool:
        residuals = self._residuals[0].make_tables(force)
        return super().update(force) or residuals

    def to_pixels(self, output: Tensor) -> Tensor:
        return super().to_pixels(self.out_net(output)[0])

    def distortion(self, output: Tensor, x: Tensor) -> Tensor:
        """Nats per sub-pixel, (N,), that pixels `x` cost given the last feature."""
        mean, raw = self.out_net(output)
        log_scale = bound_log_scale(raw, _LOG_SCALE_BOUND)
        return -log_mass_of_bin(2.0 * x - 1.0, mean, log_scale, PIXEL_BIN).mean(dim=(1, 2, 3))

    def _predict_levels(self, feature: Tensor) -> tuple[Tensor, Tensor]:
        """Means snapped to the 8-bit grid, so that residuals are integers, and raw log-scales."""
        mean, raw = self.out_net(feature)
        return torch.round((mean * 0.5 + 0.5) * _LEVELS), raw

    def _encode_one(self, image: Tensor, emb: Tensor | None) -> list[bytes]:
        levels = torch.round(image * _LEVELS)
        if bool(((image * _LEVELS - levels).abs() > 1e-3).any()):
            raise ImageError(
                "Expected pixels of 8 bits, i/255 for i from 0 to 255, found others; round them first."
            )
        source = Encoding(self.bottom_up(image, emb), stop_after=None)
        feature = self.top_down(source, 1, self.grid_of(image), emb)
        assert feature is not None
        means, raw = self._predict_levels(feature)
        return [*source.strings, self._residuals[0].encode(levels, means, raw)]

    def _decode_one(
        self, strings: Sequence[bytes], grid: Sequence[int], emb: Tensor | None, rest: Sampling
    ) -> Tensor:
        if len(strings) < self.num_strings:
            return super()._decode_one(strings, grid, emb, rest)
        feature = self.top_down(Decoding(strings), 1, grid, emb)
        assert feature is not None
        means, raw = self._predict_levels(feature)
        return (self._residuals[0].decode(strings[-1], means, raw) / _LEVELS).clamp(0.0, 1.0)
