"""Designs of the default codec after equal processor time: what they cost, and what they buy.

    python benchmarks/designs.py ../shared/data/train --seconds 600 --only present wide -o designs.json

Every design trains from scratch on the same photographs with the same recipe, on one thread, for as many
steps as fit into the seconds of processor time; other work on the machine therefore changes little. Every
fortieth photograph is held out, and measured at five qualities without coding: rounded latents, and the bits
that the entropy model gives them. BD-rates (PCHIP, PSNR of mean squared errors) are against the first design.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from latentpress.datasets import InMemoryCrops
from latentpress.datasets.reading import IMAGE_SUFFIXES, open_rgb
from latentpress.evaluation.complexity import complexity
from latentpress.latent_codecs import ParameterRefinement
from latentpress.layers import ResidualBlock, ResidualBottleneckBlock
from latentpress.models import GainedHyperprior, LatticeHyperprior
from latentpress.models.gained import WithLinearPath
from latentpress.models.lattice_hyperprior import GROUPS, cosine_transform
from latentpress.report import Curve, bd_rate
from latentpress.training import Trainer, resolve
from latentpress.transforms import ToTensor

QUALITIES = (1, 25, 50, 75, 100)
HELD_OUT_SIDE = 512


class InvertedBlock(nn.Module):
    """A 1x1 convolution to twice the channels, a depthwise 5x5 one and a 1x1 one back, around a skip."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        inside = 2 * channels
        self.layers = nn.Sequential(
            nn.Conv2d(channels, inside, 1),
            nn.LeakyReLU(inplace=True),
            nn.Conv2d(inside, inside, 5, padding=2, groups=inside),
            nn.LeakyReLU(inplace=True),
            nn.Conv2d(inside, channels, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


def repeated(block: Callable[[int], nn.Module], channels: int, count: int) -> list[nn.Module]:
    """`count` blocks one after another."""
    return [block(channels) for _ in range(count)]


def residual(channels: int) -> nn.Module:
    """Two dense 3x3 convolutions around a skip."""
    return ResidualBlock(channels, channels)


def with_synthesis(net: GainedHyperprior, layers: list[nn.Module]) -> GainedHyperprior:
    """A model with other layers in its synthesis, beside the same linear path."""
    net.g_s = WithLinearPath(nn.Sequential(*layers), net.g_s.linear)
    return net


def with_analysis(net: GainedHyperprior, layers: list[nn.Module]) -> GainedHyperprior:
    """A model with other layers in its analysis, beside the same linear path."""
    net.g_a = WithLinearPath(nn.Sequential(*layers), net.g_a.linear)
    return net


def present() -> GainedHyperprior:
    """The default codec as it is."""
    return GainedHyperprior()


def wide() -> GainedHyperprior:
    """320 latent channels, and a synthesis whose work lies at strides 8 and 16."""
    M, b, a = 320, 96, 32
    return with_synthesis(
        GainedHyperprior(M=M),
        [
            nn.Conv2d(M, 192, 1),
            *repeated(ResidualBottleneckBlock, 192, 3),
            nn.ConvTranspose2d(192, b, 4, stride=2, padding=1),
            *repeated(residual, b, 2),
            nn.ConvTranspose2d(b, a, 4, stride=2, padding=1),
            *repeated(residual, a, 1),
            nn.Conv2d(a, 48, 3, padding=1),
            nn.PixelShuffle(4),
        ],
    )


def at_eighth(block: Callable[[int], nn.Module], width: int, counts: tuple[int, int]) -> GainedHyperprior:
    """320 latent channels; nothing is computed at strides below 8, where patches of 8x8 become vectors."""
    M = 320
    shallow, deep = counts
    net = with_synthesis(
        GainedHyperprior(M=M),
        [
            nn.Conv2d(M, 256, 1),
            *repeated(block, 256, deep),
            nn.ConvTranspose2d(256, width, 4, stride=2, padding=1),
            *repeated(block, width, shallow),
            nn.Conv2d(width, 192, 3, padding=1),
            nn.PixelShuffle(8),
        ],
    )
    return with_analysis(
        net,
        [
            nn.Conv2d(3, width, 12, stride=8, padding=2),
            *repeated(block, width, shallow + 2),
            nn.Conv2d(width, 256, 4, stride=2, padding=1),
            *repeated(block, 256, deep + 1),
            nn.Conv2d(256, M, 1),
        ],
    )


def depthwise() -> GainedHyperprior:
    """`at_eighth` of inverted blocks."""
    return at_eighth(InvertedBlock, 128, (4, 4))


def dense() -> GainedHyperprior:
    """`at_eighth` of bottleneck blocks."""
    return at_eighth(ResidualBottleneckBlock, 160, (4, 4))


def light() -> GainedHyperprior:
    """`wide` with an analysis of fewer blocks."""
    net, lean = wide(), GainedHyperprior(M=320, depths=(1, 1, 2))
    net.g_a = lean.g_a
    return net


def far() -> GainedHyperprior:
    """`wide` whose context sees 5x5 positions instead of 3x3."""
    net = wide()
    for index, old in enumerate(net.refinement.contexts):
        assert isinstance(old, nn.Conv2d)
        net.refinement.contexts[index] = nn.Conv2d(old.in_channels, old.out_channels, 5, padding=2)
    return net


def lattice(weight: int = 4) -> GainedHyperprior:
    """`light` with the lowest frequencies of all colours first, in passes over lattices."""
    net = light()
    net.refinement = ParameterRefinement(GROUPS, levels=3)
    basis = cosine_transform(net.M, weight)
    net.g_a.linear.load_state_dict({"weight": basis, "bias": -0.5 * basis.sum((1, 2, 3))})
    net.g_s.linear.load_state_dict({"weight": basis, "bias": torch.full((3,), 0.5)})
    return net


class Design(NamedTuple):
    """A network, and how it is trained."""

    make: Callable[[], GainedHyperprior | LatticeHyperprior]
    side: int = 256
    batch: int = 8
    settings: Mapping[str, Any] = MappingProxyType({})


DESIGNS: dict[str, Design] = {
    "present": Design(present),
    "wide": Design(wide),
    "depthwise": Design(depthwise),
    "dense": Design(dense),
    "light": Design(light),
    "far": Design(far),
    "lattice": Design(lattice),
    "lattice-soap": Design(lattice, settings={"optimizer": "soap"}),
    "next": Design(LatticeHyperprior, settings={"optimizer": "soap"}),
    "wide-128x16": Design(wide, 128, 16),
    "wide-128x32": Design(wide, 128, 32),
    "wide-128x8": Design(wide, 128, 8),
}


def split(folder: Path, into: Path) -> tuple[Path, list[Path]]:
    """A folder of links to the photographs to train on, and the others."""
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)
    held_out = paths[::40]
    for path in set(paths) - set(held_out):
        (into / path.name).symlink_to(path.resolve())
    return into, held_out


def batches(crops: InMemoryCrops, size: int, seed: int) -> Iterator[list[Tensor]]:
    """Random crops without end, the same for every design."""
    torch.manual_seed(seed)
    draw = torch.Generator().manual_seed(seed)
    while True:
        chosen = torch.multinomial(crops.weights, size, replacement=True, generator=draw).tolist()
        yield [torch.stack([crops[index] for index in chosen])]


def train(design: Design, crops: InMemoryCrops, seconds: float) -> tuple[nn.Module, int, float]:
    """Train for so much processor time; the averaged model, the steps, and the seconds that they took."""
    torch.manual_seed(0)
    net = design.make()
    values = {"model": "latentpress2026", "warmup": 30, "fall_start": 0.3, "ema": 0.99, **design.settings}
    settings = resolve(values)
    source = batches(crops, design.batch, 0)
    first = Trainer(net, settings, steps=10**6)
    for _ in range(2):
        first.train_step(next(source))
    begun = time.process_time()
    for _ in range(4):
        first.train_step(next(source))
    steps = max(1, round(seconds / ((time.process_time() - begun) / 4)))
    trainer = Trainer(net, settings, steps=steps)
    begun = time.process_time()
    for _ in range(steps):
        trainer.train_step(next(source))
    return trainer.trained_model.eval(), steps, time.process_time() - begun


@torch.no_grad()
def curve(net: nn.Module, paths: list[Path]) -> list[tuple[float, float]]:
    """Bits a pixel, and PSNR in dB of the mean squared error, at each of the qualities."""
    totals = [[0.0, 0.0] for _ in QUALITIES]
    for path in paths:
        image = ToTensor()(open_rgb(path))[None]
        height, width = (min(side, HELD_OUT_SIDE) // 64 * 64 for side in image.shape[2:])
        x = image[..., :height, :width]
        for total, quality in zip(totals, QUALITIES, strict=True):
            out = net(x, quality=quality)
            bits = -sum(float(p.double().log2().sum()) for p in out["likelihoods"].values())
            total[0] += bits / (height * width) / len(paths)
            total[1] += float((out["x_hat"].clamp(0, 1) - x).square().mean()) / len(paths)
    return [(bpp, -10 * math.log10(mse)) for bpp, mse in totals]


def main() -> None:
    """Train, measure and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("photographs", type=Path)
    parser.add_argument("--seconds", type=float, default=600, help="processor time of each design")
    parser.add_argument("--only", nargs="+", choices=list(DESIGNS), default=list(DESIGNS))
    parser.add_argument("-o", "--output", type=Path, help="write the curves here, as JSON")
    options = parser.parse_args()
    torch.set_num_threads(1)
    found: dict[str, Any] = {}
    with TemporaryDirectory() as into:
        folder, held_out = split(options.photographs, Path(into))
        for name in options.only:
            design = DESIGNS[name]
            cost = complexity(design.make())
            crops = InMemoryCrops(folder, design.side, (0.4, 1.0))
            trained, steps, seconds = train(design, crops, options.seconds)
            points = curve(trained, held_out)
            found[name] = {
                "encoder_kmac": cost.encoding_macs / 1000,
                "decoder_kmac": cost.decoding_macs / 1000,
                "steps": steps,
                "crops": steps * design.batch,
                "side": design.side,
                "seconds": seconds,
                "points": points,
            }
            print(row(name, found), flush=True)
            if options.output:
                options.output.write_text(json.dumps(found, indent=1) + "\n")


def row(name: str, found: dict[str, Any]) -> str:
    """A design's line of the table."""
    own, anchor = found[name], next(iter(found.values()))
    curves = [Curve("PSNR", "psnr-rgb", list(one["points"])) for one in (anchor, own)]
    change = 0.0 if own is anchor else bd_rate(*curves, "pchip").value
    points = "  ".join(f"{bpp:.3f} {psnr:.2f}" for bpp, psnr in own["points"])
    return (
        f"{name:12} {own['encoder_kmac']:5.1f} {own['decoder_kmac']:5.1f} kMAC/px  "
        f"{own['crops']:6} crops of {own['side']}  {own['seconds']:5.0f} s  {change:+6.1f} %  {points}"
    )


if __name__ == "__main__":
    main()
