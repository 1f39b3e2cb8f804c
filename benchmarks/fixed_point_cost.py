"""What fixed point costs a hierarchy in rate and quality, against float32 on the same images.

    python benchmarks/fixed_point_cost.py IMAGE... --train FOLDER [--steps 723] [--run RUN]
    python benchmarks/fixed_point_cost.py IMAGE... --model qarv_base --checkpoint FILE [--lmb 256]

Without `--model`, the network is the small one of `docs/progressive_picture.py`, trained for minutes on the
photographs in FOLDER, or taken from RUN where it has been trained before. Bytes are those of the strings.
"""

import argparse
import math
import sys
from pathlib import Path

import torch

from latentpress.models.hierarchical import FIXED_POINT, FLOAT32, CodingHierarchy
from latentpress.models.hierarchical.files import padded, read_image


def network(given: argparse.Namespace) -> CodingHierarchy:
    """The model to measure."""
    if given.model is not None:
        from latentpress.zoo.hierarchical import make_codec_model

        return make_codec_model(given.model, given.lmb, given.checkpoint)
    sys.path.insert(0, str(Path(__file__).parent.parent / "docs"))
    from progressive_picture import trained

    model: CodingHierarchy = trained(given.train, given.steps, given.run)
    return model


def coded(
    model: CodingHierarchy, path: Path, lmb: float | None, arithmetic: str
) -> tuple[int, float, torch.Tensor]:
    """Bytes, PSNR in dB and reconstruction of an image."""
    x = read_image(path)
    framed = padded(x, model.downsampling_factor)
    strings = model.encode(framed, lmb, arithmetic)
    x_hat = model.decode(strings, model.grid_of(framed), lmb, arithmetic=arithmetic)
    x_hat = x_hat[..., : x.shape[2], : x.shape[3]]
    psnr = -10.0 * math.log10(float((x_hat - x).square().mean()))
    return sum(len(latent[0]) for latent in strings), psnr, x_hat


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("images", type=Path, nargs="+")
    parser.add_argument("--train", type=Path, help="folder of photographs")
    parser.add_argument("--steps", type=int, default=723)
    parser.add_argument("--run", type=Path, default=Path("runs/progressive"), help="folder of the training")
    parser.add_argument("--model", help="a hierarchy of the zoo")
    parser.add_argument("--checkpoint", type=Path, help="its weights; the published ones if left out")
    parser.add_argument("--lmb", type=float, help="lambda")
    given = parser.parse_args()
    if given.model is None and given.train is None:
        parser.error("give --train, or --model")
    model = network(given).compress_mode()
    rates, gains, differences = [], [], []
    for path in given.images:
        single_size, single_psnr, single = coded(model, path, given.lmb, FLOAT32)
        fixed_size, fixed_psnr, fixed = coded(model, path, given.lmb, FIXED_POINT)
        rates.append(fixed_size / single_size - 1.0)
        gains.append(fixed_psnr - single_psnr)
        differences.append(float((fixed - single).abs().max()) * 255.0)
        print(
            f"{path.name}: float32 {single_size} bytes, {single_psnr:.3f} dB; "
            f"fixed point {100 * rates[-1]:+.4f} % of the size, {gains[-1]:+.5f} dB",
            flush=True,
        )
    count = len(rates)
    print(
        f"mean of {count}: {100 * sum(rates) / count:+.4f} % of the size, {sum(gains) / count:+.5f} dB; "
        f"most: {100 * max(map(abs, rates)):.4f} %, {max(map(abs, gains)):.5f} dB, "
        f"{max(differences):.1f} levels in a sub-pixel"
    )


if __name__ == "__main__":
    main()
