"""QRes-VAE and QARV as a paper's repository would have them: what `hierarchical.py` compares with.

PyTorch's own operators, one after the other, on NCHW tensors, LayerNorm between two permutations, and
CompressAI's `GaussianConditional`, which codes one latent of one image a call from Python lists. Needs
nothing but torch and compressai. The modules have the names of the published checkpoints, so that both sides
of the comparison have the same weights.
"""

import math
from collections.abc import Iterable
from typing import Any

import torch
import torch.nn.functional as F
from compressai.entropy_models import GaussianConditional
from torch import Tensor, nn

Embedding = Tensor | None
INPUT_SHIFT, INPUT_SCALE = 0.4546259594901961, 3.67572653978347
STAGES_QRES = (  # stride, width, latents, their channels, kernel
    (64, 384, 1, 16, 1),
    (32, 384, 2, 14, 3),
    (16, 384, 3, 12, 5),
    (8, 384, 3, 10, 7),
    (4, 192, 3, 8, 7),
)
STAGES_QARV = (  # stride, width, latents, their channels, kernel, MLP ratio, blocks before and after
    (64, 512, 1, 32, 1, 4.0, 0, 1),
    (32, 512, 2, 32, 3, 3.0, 1, 1),
    (16, 384, 3, 96, 5, 2.0, 1, 1),
    (8, 256, 3, 8, 7, 1.75, 1, 1),
    (4, 128, 0, 0, 7, 1.5, 8, 0),
)


class ConvNeXt(nn.Module):
    """ConvNeXt block; an adaptive one takes the shift and scale of its LayerNorm from the rate embedding."""

    def __init__(
        self, width: int, side: int, ratio: float = 2.0, adaptive: bool = False, down: int | None = None
    ) -> None:
        super().__init__()
        hidden = int(width * ratio)
        self.width, self.adaptive = width, adaptive
        self.conv_dw = nn.Conv2d(width, width, side, padding=side // 2, groups=width)
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(width, hidden), "fc2": nn.Linear(hidden, width)})
        self.gamma = nn.Parameter(torch.zeros((1, width, 1, 1) if adaptive else width))
        if adaptive:
            self.embedding_layer = nn.Sequential(nn.GELU(), nn.Linear(256, 2 * width))
        else:
            self.norm = nn.LayerNorm(width, eps=1e-6)
        self.downsapmle = None if down is None else nn.Conv2d(width, down, 2, stride=2)

    def forward(self, x: Tensor, emb: Embedding = None) -> Tensor:
        y = self.conv_dw(x).permute(0, 2, 3, 1)
        if self.adaptive:
            shift, scale = self.embedding_layer(emb)[:, None, None, :].chunk(2, dim=3)
            y = F.layer_norm(y, (self.width,), eps=1e-6) * (1 + scale) + shift
        else:
            y = self.norm(y)
        y = self.mlp["fc2"](F.gelu(self.mlp["fc1"](y))).permute(0, 3, 1, 2)
        x = x + y * self.gamma.view(1, -1, 1, 1)
        return x if self.downsapmle is None else self.downsapmle(x)


class VDBlock(nn.Module):
    """Four convolutions with a GELU ahead of each."""

    def __init__(self, width: int, hidden: int, out: int, side: int) -> None:
        super().__init__()
        self.c1 = nn.Conv2d(width, hidden, 1)
        self.c2 = nn.Conv2d(hidden, hidden, side, padding=side // 2)
        self.c3 = nn.Conv2d(hidden, hidden, side, padding=side // 2)
        self.c4 = nn.Conv2d(hidden, out, 1)

    def forward(self, x: Tensor) -> Tensor:
        for convolution in (self.c1, self.c2, self.c3, self.c4):
            x = convolution(F.gelu(x))
        return x


class Latent(nn.Module):
    """What the latent blocks of both networks have in common: coding with a predicted Gaussian."""

    resnet_front: ConvNeXt
    resnet_end: ConvNeXt
    prior: nn.Module
    z_proj: nn.Module

    def __init__(self, smallest: float) -> None:
        super().__init__()
        scales = torch.exp(torch.linspace(math.log(smallest), math.log(20.0), 64))
        coder = GaussianConditional(None, scale_bound=0.11)
        coder.update_scale_table(scales)
        self.coder = [coder]  # in a list, for weights do not include it

    def infer(self, x: Tensor, encoded: Tensor, emb: Embedding) -> Tensor:
        """Mean of the posterior."""
        raise NotImplementedError

    def _predict(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mean, raw = self.prior(x).chunk(2, dim=1)
        return mean, self.coder[0].build_indexes(torch.exp(F.softplus(raw + 2.3) - 2.3))

    def encode(self, x: Tensor, encoded: Tensor, emb: Embedding) -> tuple[Tensor, list[bytes]]:
        x = self.resnet_front(x, emb)
        mean, indexes = self._predict(x)
        value = self.infer(x, encoded, emb)
        strings = self.coder[0].compress(value, indexes, means=mean)
        z = self.coder[0].quantize(value, mode="dequantize", means=mean)
        return self.resnet_end(x + self.z_proj(z), emb), strings

    def decode(self, x: Tensor, strings: list[bytes], emb: Embedding) -> Tensor:
        x = self.resnet_front(x, emb)
        mean, indexes = self._predict(x)
        z = self.coder[0].decompress(strings, indexes, means=mean)
        return self.resnet_end(x + self.z_proj(z), emb)


class QResLatent(Latent):
    def __init__(self, width: int, encoder_width: int, zdim: int, side: int, stride: int) -> None:
        super().__init__(smallest=0.1)
        hidden, k = max(width, encoder_width) // 4, 3 if side > 1 else 1
        self.stride = stride
        self.resnet_front = ConvNeXt(width, side)
        self.resnet_end = ConvNeXt(width, side)
        self.posterior = VDBlock(width + encoder_width, hidden, zdim, k)
        self.prior = VDBlock(width, hidden, 2 * zdim, k)
        self.z_proj = nn.Sequential(
            nn.Conv2d(zdim, hidden // 2, k, padding=k // 2), nn.GELU(), nn.Conv2d(hidden // 2, width, 1)
        )

    def infer(self, x: Tensor, encoded: Tensor, emb: Embedding) -> Tensor:
        return self.posterior(torch.cat([x, encoded], dim=1))


class QarvLatent(Latent):
    def __init__(
        self, width: int, encoder_width: int, zdim: int, side: int, ratio: float, stride: int
    ) -> None:
        super().__init__(smallest=0.11)
        self.stride = stride
        self.resnet_front = ConvNeXt(width, side, ratio, adaptive=True)
        self.resnet_end = ConvNeXt(width, side, ratio, adaptive=True)
        self.posterior0 = ConvNeXt(encoder_width, side, adaptive=True)
        self.posterior1 = ConvNeXt(width, side, adaptive=True)
        self.posterior2 = ConvNeXt(width, side, adaptive=True)
        self.post_merge = nn.Conv2d(width + encoder_width, width, 1)
        self.posterior = nn.Conv2d(width, zdim, 3, padding=1)
        self.z_proj = nn.Conv2d(zdim, width, 1)
        self.prior = nn.Conv2d(width, 2 * zdim, 1)

    def infer(self, x: Tensor, encoded: Tensor, emb: Embedding) -> Tensor:
        both = torch.cat([self.posterior1(x, emb), self.posterior0(encoded, emb)], dim=1)
        return self.posterior(self.posterior2(self.post_merge(both), emb))


class StopHere(nn.Identity):
    """Nothing after this is an encoder's business: the published QARV marks the place."""


class KeepFeature(nn.Identity):
    """The feature here is one that the decoder looks at."""


def upsample(width: int, out: int, rate: int) -> nn.Module:
    return nn.Sequential(nn.Conv2d(width, out * rate**2, 1), nn.PixelShuffle(rate))


class Plain(nn.Module):
    """Either network: a chain of blocks up, a chain of blocks down.

    Args:
        encoder: the chain up.
        taps: stride of the feature to keep, by the number of the block it comes out of.
        decoder: the chain down.
        width: channels that it starts with.
    """

    def __init__(
        self, encoder: Iterable[nn.Module], taps: dict[int, int], decoder: Iterable[nn.Module], width: int
    ) -> None:
        super().__init__()
        self.enc_blocks, self.dec_blocks = nn.ModuleList(encoder), nn.ModuleList(decoder)
        self.taps = taps
        self.bias = nn.Parameter(torch.zeros(1, width, 1, 1))

    def embed(self, lmb: float) -> Embedding:
        return None

    @torch.no_grad()
    def encode(self, image: Tensor, lmb: float) -> list[list[bytes]]:
        """Strings by latent of an image (1, 3, H, W) in [0, 1]."""
        emb = self.embed(lmb)
        x, features = (image - INPUT_SHIFT) * INPUT_SCALE, {}
        for number, block in enumerate(self.enc_blocks):
            x = block(x, emb) if isinstance(block, ConvNeXt) else block(x)
            if number in self.taps:
                features[self.taps[number]] = x
        x = self.bias.expand(1, -1, image.shape[2] // 64, image.shape[3] // 64)
        strings = []
        for block in self.dec_blocks:
            if isinstance(block, StopHere):
                break
            if isinstance(block, Latent):
                x, coded = block.encode(x, features[block.stride], emb)
                strings.append(coded)
            else:
                x = block(x, emb) if isinstance(block, ConvNeXt) else block(x)
        return strings

    @torch.no_grad()
    def decode(self, strings: list[list[bytes]], grid: tuple[int, int], lmb: float) -> Tensor:
        """The image (1, 3, H, W) in [0, 1] of a coarsest grid of (rows, columns)."""
        emb = self.embed(lmb)
        x = self.bias.expand(1, -1, *grid)
        waiting = iter(strings)
        for block in self.dec_blocks:
            if isinstance(block, Latent):
                x = block.decode(x, next(waiting), emb)
            else:
                x = block(x, emb) if isinstance(block, ConvNeXt) else block(x)
        return x.clamp(-1.0, 1.0) * 0.5 + 0.5


class PlainQRes(Plain):
    """qres34m."""

    def __init__(self) -> None:
        widths = {4: 192, 8: 384, 16: 384, 32: 384, 64: 384}
        kernels, counts = (7, 7, 5, 3, 1), (6, 6, 6, 4, 2)
        encoder: list[nn.Module] = [nn.Conv2d(3, 192, 4, stride=4)]
        taps = {}
        for (stride, width), side, count in zip(widths.items(), kernels, counts, strict=True):
            encoder += [ConvNeXt(width, side) for _ in range(count)]
            taps[len(encoder) - 1] = stride
            if stride < 64:
                encoder.append(ConvNeXt(width, 7, down=widths[2 * stride]))
        decoder: list[nn.Module] = []
        for stride, width, latents, zdim, side in STAGES_QRES:
            decoder += [QResLatent(width, widths[stride], zdim, side, stride) for _ in range(latents)]
            decoder.append(upsample(width, widths[stride // 2], 2) if stride > 4 else upsample(width, 3, 4))
        super().__init__(encoder, taps, decoder, 384)

    def load(self, weights: dict[str, Tensor]) -> None:
        """Take the weights of the published names."""
        load(self, {key.removeprefix("encoder.").removeprefix("decoder."): w for key, w in weights.items()})


class PlainQarv(Plain):
    """qarv_base."""

    def __init__(self) -> None:
        widths = {4: 192, 8: 384, 16: 512, 32: 512, 64: 512}
        kernels, counts = (7, 7, 5, 3, 1), (6, 6, 6, 4, 4)
        encoder: list[nn.Module] = [nn.Conv2d(3, 192, 4, stride=4)]
        taps = {}
        for (stride, width), side, count in zip(widths.items(), kernels, counts, strict=True):
            encoder += [ConvNeXt(width, side, adaptive=True) for _ in range(count)]
            if stride > 4:
                encoder.append(KeepFeature())
                taps[len(encoder) - 1] = stride
            if stride < 64:
                encoder.append(ConvNeXt(width, 7, adaptive=True))
                encoder.append(nn.Conv2d(width, widths[2 * stride], 2, stride=2))
        decoder: list[nn.Module] = []
        for (stride, width, latents, zdim, side, ratio, before, after), following in zip(
            STAGES_QARV, (*STAGES_QARV[1:], None), strict=True
        ):
            decoder += [ConvNeXt(width, side, ratio, adaptive=True) for _ in range(before)]
            decoder += [QarvLatent(width, widths[stride], zdim, side, ratio, stride) for _ in range(latents)]
            if stride == 8:
                decoder.append(StopHere())
            decoder += [ConvNeXt(width, side, ratio, adaptive=True) for _ in range(after)]
            decoder.append(upsample(width, following[1], 2) if following else upsample(width, 3, 4))
        super().__init__(encoder, taps, decoder, 512)
        self.lmb_embedding = nn.Sequential(nn.Linear(256, 256), nn.GELU(), nn.Linear(256, 256))

    def embed(self, lmb: float) -> Embedding:
        position = math.log(lmb) * 64 / math.log(8192)
        angles = position * 64 ** -torch.linspace(0, 1, 128)
        return self.lmb_embedding(torch.cat([angles.cos(), angles.sin()])[None])

    def load(self, weights: dict[str, Tensor]) -> None:
        """Take the weights of the published names."""
        load(self, {key.removeprefix("encoder."): w for key, w in weights.items()})


def load(model: nn.Module, weights: dict[str, Any]) -> None:
    """Load weights, all of them; tables for coding are made afresh."""
    model.load_state_dict({key: w for key, w in weights.items() if ".discrete_gaussian." not in key})


PLAIN = {"qres34m": PlainQRes, "qarv_base": PlainQarv}
