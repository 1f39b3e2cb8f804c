"""What all hierarchies share: the bottom-up encoder, the top-down path and the loss."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from latentpress.errors import ConfigurationError, ImageError
from latentpress.models.hierarchical.blocks import run_block
from latentpress.models.hierarchical.latents import LatentBlock
from latentpress.models.hierarchical.sources import (
    Features,
    LatentSource,
    NoisyPosterior,
    RateSource,
    RoundedPosterior,
)


@dataclass(frozen=True)
class InputScaling:
    """The network sees `(x - shift) * scale` of pixels x in [0, 1]."""

    shift: float = 0.4546259594901961
    scale: float = 3.67572653978347

    def __call__(self, x: Tensor) -> Tensor:
        return (x - self.shift) * self.scale


class BottomUp(nn.Module):
    """Encoder: a chain of blocks, some of whose outputs the decoder looks at.

    Args:
        blocks: the chain.
        taps: stride of the feature to keep, by the number of the block it comes out of.
    """

    def __init__(self, blocks: Iterable[nn.Module], taps: dict[int, int]) -> None:
        super().__init__()
        self.enc_blocks = nn.ModuleList(blocks)
        self._taps = taps

    def forward(self, x: Tensor, emb: Tensor | None = None) -> Features:
        """Features by stride, of an image (N, 3, H, W) already shifted and scaled."""
        features: Features = {}
        for number, block in enumerate(self.enc_blocks):
            x = run_block(block, x, emb)
            if number in self._taps:
                features[self._taps[number]] = x
        return features


class HierarchicalVAE(nn.Module):
    """Base of the hierarchies: bottom-up features, a top-down chain of blocks, a loss.

    Args:
        scaling: what the network does to pixels first.
        downsampling_factor: sides of an image must be multiples of it; the stride of the coarsest grid.

    Attributes:
        lmb_range: lambdas that a variable-rate model takes; None for a model of one rate.
        default_lmb: lambda where the caller names none.
    """

    lmb_range: tuple[float, float] | None = None
    default_lmb: float
    encoder: BottomUp

    def __init__(self, scaling: InputScaling, downsampling_factor: int) -> None:
        super().__init__()
        self.scaling = scaling
        self.downsampling_factor = downsampling_factor

    def decoder_blocks(self) -> nn.ModuleList:
        """The top-down chain, coarse to fine."""
        raise NotImplementedError

    def constant(self) -> Tensor:
        """The learned vector (1, C, 1, 1) that the top-down path starts from."""
        raise NotImplementedError

    def embed(self, lmb: Tensor) -> Tensor | None:
        """Rate embedding (N, 256) of lambdas (N,); None where the model has one rate."""
        return None

    @property
    def latent_blocks(self) -> list[LatentBlock]:
        """The latent blocks, coarse to fine."""
        return [block for block in self.decoder_blocks() if isinstance(block, LatentBlock)]

    @property
    def num_latents(self) -> int:
        """How many latents the hierarchy has."""
        return len(self.latent_blocks)

    def resolve_lmb(self, lmb: "float | Tensor | None", batch: int) -> Tensor:
        """Lambdas (batch,) as float32: those given, or the default; checked against the model's range."""
        value = self.default_lmb if lmb is None else lmb
        values = torch.as_tensor(value, dtype=torch.float32, device=self.constant().device).expand(batch)
        low, high = self.lmb_range or (self.default_lmb, self.default_lmb)
        if bool(((values < low) | (values > high) | ~values.isfinite()).any()):
            valid = (
                f"lambda from {low:g} to {high:g}" if self.lmb_range else f"its own lambda of {low:g} only"
            )
            raise ConfigurationError(
                f"The model takes {valid}, not {values.tolist()}; choose one in that range."
            )
        return values

    def check_image(self, x: Tensor) -> None:
        """Raise ImageError unless `x` is (N, 3, H, W), its sides multiples of the coarsest stride."""
        factor = self.downsampling_factor
        if x.ndim != 4 or x.shape[1] != 3 or x.shape[0] == 0:
            raise ImageError(
                f"Expected images of shape (N, 3, H, W), found {tuple(x.shape)}; add or move axes."
            )
        if x.shape[2] % factor or x.shape[3] % factor or 0 in x.shape:
            raise ImageError(
                f"Expected sides that are multiples of {factor}, found {x.shape[2]}x{x.shape[3]}; "
                "pad the image, or let compress_file do so."
            )

    def bottom_up(self, x: Tensor, emb: Tensor | None) -> Features:
        """Features by stride of images `x` (N, 3, H, W) in [0, 1]."""
        return self.encoder(self.scaling(x), emb)

    def top_down(
        self, source: LatentSource, batch: int, grid: Sequence[int], emb: Tensor | None
    ) -> Tensor | None:
        """Run the top-down path on a coarsest grid of (rows, columns), taking latents from `source`.

        Returns the output on the [-1, 1] scale, unclamped (or the last feature, where an output net follows);
        None where the source stopped the path.
        """
        x = self.constant().expand(batch, -1, grid[0], grid[1])
        index = 0
        for block in self.decoder_blocks():
            if not isinstance(block, LatentBlock):
                x = run_block(block, x, emb)
                continue
            x = block.front(x, emb)
            z = source(index, block, x, block.predict(x), emb)
            if z is None:
                return None
            x = block.finish(x, z, emb)
            index += 1
        return x

    def to_pixels(self, output: Tensor) -> Tensor:
        """Pixels in [0, 1] from the top-down path's output."""
        return output.clamp(-1.0, 1.0) * 0.5 + 0.5

    def grid_of(self, x: Tensor) -> tuple[int, int]:
        """Rows and columns of the coarsest grid under images `x` (N, 3, H, W)."""
        return x.shape[2] // self.downsampling_factor, x.shape[3] // self.downsampling_factor

    def posterior(self, features: Features, noisy: bool = False) -> RateSource:
        """Latents inferred from an image, with their rates; `noisy` as training wants them."""
        return NoisyPosterior(features) if noisy else RoundedPosterior(features)

    def distortion(self, output: Tensor, x: Tensor) -> Tensor:
        """Mean squared error per image, (N,), on the [-1, 1] scale."""
        return (output - (2.0 * x - 1.0)).square().mean(dim=(1, 2, 3))

    def forward(self, x: Tensor, lmb: "float | Tensor | None" = None) -> dict[str, Tensor]:
        """Loss and its parts for images in [0, 1]; noisy latents while training, rounded ones in evaluation.

        Args:
            x: (N, 3, H, W), sides multiples of `downsampling_factor`.
            lmb: lambda, one or one an image; the default where None. In training, a variable-rate model draws
                its own (`sample_lmb`) where None.

        Returns:
            `loss` (mean over images of nats per sub-pixel + lambda * distortion), `kl` (nats per sub-pixel),
            `bpp`, `mse` (of the unclamped output on the [-1, 1] scale), `psnr` (dB, of the clamped output),
            `kl_per_block` (num_latents,) in nats an image, and `x_hat` (N, 3, H, W) in [0, 1].
        """
        self.check_image(x)
        if lmb is None and self.training and self.lmb_range is not None:
            lmb = self.sample_lmb(x.shape[0])
        lmbs = self.resolve_lmb(lmb, x.shape[0])
        emb = self.embed(lmbs)
        posterior = self.posterior(self.bottom_up(x, emb), noisy=self.training)
        output = self.top_down(posterior, x.shape[0], self.grid_of(x), emb)
        assert output is not None
        return self._loss_parts(x, output, posterior.kl, lmbs)

    def _loss_parts(self, x: Tensor, output: Tensor, kl: list[Tensor], lmbs: Tensor) -> dict[str, Tensor]:
        per_block = torch.stack([block.sum(dim=(1, 2, 3)) for block in kl]).float()  # (blocks, N)
        rate = per_block.sum(dim=0) / x[0].numel()
        distortion = self.distortion(output, x)
        x_hat = self.to_pixels(output).detach()
        squared_error = (x_hat - x).square().mean(dim=(1, 2, 3))
        return {
            "loss": (rate + lmbs * distortion).mean(),
            "kl": rate.mean(),
            "bpp": rate.mean() * 3.0 / math.log(2.0),
            "mse": distortion.mean(),
            "psnr": (-10.0 * squared_error.log10()).mean(),
            "kl_per_block": per_block.mean(dim=1),
            "x_hat": x_hat,
        }

    def sample_lmb(self, batch: int) -> Tensor:
        """Lambdas (batch,) drawn the way the model is trained with."""
        raise NotImplementedError
