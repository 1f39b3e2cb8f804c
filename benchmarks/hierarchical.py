"""How fast hierarchical VAEs code an image, against a plain PyTorch rendering of the networks, in one run.

    python benchmarks/hierarchical.py [--image FILE] [--threads 2] [--rounds 3] [--models qres34m qarv_base]

The plain rendering is what one would write first: PyTorch's own operators on NCHW tensors, one after the
other, and an entropy coder that is called with Python lists, as CompressAI's is. Both have the same weights,
random rather than trained. They take turns; times are CPU seconds of the process and wall-clock seconds, the
median of the rounds.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from latentpress import zoo
from latentpress.ans import RansDecoder, RansEncoder
from latentpress.models.hierarchical import CodingHierarchy
from latentpress.models.hierarchical.compiled import eager
from latentpress.models.hierarchical.files import padded, read_image
from latentpress.models.hierarchical.latents import DiscretePrior, LatentBlock
from latentpress.models.hierarchical.sources import quantise_about


class PlainCoder:
    """Codes with the blocks' plain path, indexes out of scales, and lists of symbols."""

    def __init__(self, model: CodingHierarchy, lmb: float | None) -> None:
        self.model, self.lmb = model, lmb
        gaussian = model.latent_blocks[0].discrete_gaussian
        self.gaussian = gaussian
        self.tables = [
            gaussian.quantized_cdf.tolist(), gaussian.cdf_length.tolist(), gaussian.offset.tolist()
        ]  # fmt: skip

    @torch.no_grad()
    def encode(self, image: Tensor) -> list[bytes]:
        strings: list[bytes] = []

        def source(
            index: int, block: LatentBlock, feature: Tensor, prior: DiscretePrior, emb: Tensor
        ) -> Tensor:
            mean = block.infer(feature, features[block.stride], emb)
            symbols = torch.round(mean - prior.mean).int().flatten().tolist()
            indexes = self.gaussian.build_indexes(prior.scale).flatten().tolist()
            strings.append(RansEncoder().encode_with_indexes(symbols, indexes, *self.tables))
            return quantise_about(prior.mean, mean)

        with eager():
            emb = self.model.embed(self.model.resolve_lmb(self.lmb, 1))
            features = self.model.bottom_up(image, emb)
            self.model.top_down(source, 1, self.model.grid_of(image), emb)
        return strings

    @torch.no_grad()
    def decode(self, strings: list[bytes], grid: tuple[int, int]) -> Tensor:
        def source(
            index: int, block: LatentBlock, feature: Tensor, prior: DiscretePrior, emb: Tensor
        ) -> Tensor:
            indexes = self.gaussian.build_indexes(prior.scale)
            symbols = RansDecoder().decode_with_indexes(
                strings[index], indexes.flatten().tolist(), *self.tables
            )
            return torch.tensor(symbols).reshape(prior.mean.shape) + prior.mean

        with eager():
            emb = self.model.embed(self.model.resolve_lmb(self.lmb, 1))
            output = self.model.top_down(source, 1, grid, emb)
        assert output is not None
        return self.model.to_pixels(output)


def fill(model: nn.Module) -> None:
    """Weights that keep activations in range and latents at a usual rate, whatever the key."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if name.endswith("gamma"):
                parameter.copy_(0.3 + 0.05 * noise)
            elif parameter.ndim > 1 and not name.endswith("bias"):
                parameter.copy_(noise / parameter[0].numel() ** 0.5)


def timed(work: Callable[[], object]) -> tuple[float, float, object]:
    """CPU seconds, wall-clock seconds, and what came out."""
    cpu, wall = time.process_time(), time.perf_counter()
    result = work()
    return time.process_time() - cpu, time.perf_counter() - wall, result


def measure(name: str, x: Tensor, rounds: int) -> None:
    model = zoo.get_model(name).eval()
    fill(model)
    model.compress_mode()
    lmb = 256.0 if name == "qarv_base" else None
    plain, grid = PlainCoder(model, lmb), model.grid_of(x)
    times: dict[str, list[tuple[float, float]]] = {}

    def take(label: str, work: Callable[[], object]) -> object:
        cpu, wall, result = timed(work)
        times.setdefault(label, []).append((cpu, wall))
        return result

    for _ in range(rounds + 1):
        ours = take("encode", lambda: model.encode(x, lmb))
        decoded = take("decode", lambda: model.decode(ours, grid, lmb))  # noqa: B023
        theirs = take("plain encode", lambda: plain.encode(x))
        copy = take("plain decode", lambda: plain.decode(theirs, grid))  # noqa: B023
    assert isinstance(decoded, Tensor)
    assert isinstance(copy, Tensor)
    print(f"{name}: {sum(len(latent[0]) for latent in ours)} bytes, plain {sum(map(len, theirs))}")
    for what in ("encode", "decode"):
        (cpu, wall), (plain_cpu, plain_wall) = (
            [
                statistics.median(column) for column in zip(*times[label][1:], strict=True)
            ]  # the first warms up
            for label in (what, f"plain {what}")
        )
        print(
            f"  {what}: {wall:.2f} s ({cpu:.2f} s CPU), plain {plain_wall:.2f} s ({plain_cpu:.2f} s CPU): "
            f"{plain_wall / wall:.2f} times as fast ({plain_cpu / cpu:.2f} by CPU)"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--image", type=Path, help="photograph to code; a synthetic one if left out")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--models", nargs="+", default=["qres34m", "qarv_base"])
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    if given.image is None:
        rng = np.random.default_rng(0)
        coarse = Image.fromarray(rng.integers(0, 256, (32, 48, 3)).astype(np.uint8))
        pixels = np.array(coarse.resize((768, 512), Image.Resampling.BICUBIC))
        x = torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255
    else:
        x = read_image(given.image)
    for name in given.models:
        measure(name, padded(x, 64), given.rounds)


if __name__ == "__main__":
    main()
