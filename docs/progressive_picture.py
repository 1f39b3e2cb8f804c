"""Makes docs/images/progressive.png: an image decoded from its first latents, more and more of them.

    python docs/progressive_picture.py --train FOLDER --image IMAGE [--steps 720] [--run RUN]

The model is a small QRes-VAE, trained here for minutes: it shows what the hierarchy does, not how well the
published models do it.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw

from latentpress.datasets import InMemoryCrops
from latentpress.models.hierarchical import QResConfig, QResDecoderStage, QResEncoderStage, QResVAE
from latentpress.models.hierarchical.files import padded, read_image
from latentpress.training import resolve, train

SMALL = QResConfig(
    encoder=(
        QResEncoderStage(4, 48, blocks=2, kernel_size=7),
        QResEncoderStage(8, 96, blocks=2, kernel_size=5),
        QResEncoderStage(16, 96, blocks=2, kernel_size=3),
        QResEncoderStage(32, 96, blocks=1, kernel_size=3),
        QResEncoderStage(64, 96, blocks=1, kernel_size=1),
    ),
    decoder=(
        QResDecoderStage(64, 96, latents=1, zdim=16, kernel_size=1),
        QResDecoderStage(32, 96, latents=1, zdim=14, kernel_size=3),
        QResDecoderStage(16, 96, latents=1, zdim=12, kernel_size=3),
        QResDecoderStage(8, 96, latents=2, zdim=10, kernel_size=5),
        QResDecoderStage(4, 48, latents=2, zdim=8, kernel_size=7),
    ),
)
LAMBDA = 128
RECIPE = {
    "model": "qres34m",  # whose recipe it is; the network is the small one
    "lmbda": LAMBDA,
    "lr": 1e-3,
    "ema": 0.99,
    "ema_warmup": 100,
    "batch_size": 8,
    "patch_size": 128,
    "workers": 0,
    "log_every": 20,
}


def trained(folder: Path, steps: int, run: Path) -> QResVAE:
    """The small model; one whose run is there already is taken from it, or goes on."""
    torch.manual_seed(0)
    settings = resolve({**RECIPE, "epoch_steps": steps, "epochs": 1, "run": str(run)})
    model = train(settings, model=QResVAE(SMALL, lmb=LAMBDA), dataset=InMemoryCrops(folder, 128))
    assert isinstance(model, QResVAE)
    return model


def picture(model: QResVAE, path: Path) -> Image.Image:
    """The image decoded from its first 1, 2, ... latents, with what each takes; the original last."""
    x = read_image(path)[..., :256, :384]
    framed = padded(x, model.downsampling_factor)
    strings = model.encode(framed)
    panels = []
    for count in range(1, model.num_latents + 1):
        decoded = model.decode(strings[:count], model.grid_of(framed))[..., : x.shape[2], : x.shape[3]]
        size = sum(len(latent[0]) for latent in strings[:count])
        panels.append(labelled(decoded, f"{count} of {model.num_latents} latents, {size} bytes"))
    panels.append(labelled(x, "original"))
    width, height = panels[0].size
    sheet = Image.new("RGB", (4 * width, -(-len(panels) // 4) * height), "white")
    for i, panel in enumerate(panels):
        sheet.paste(panel, (i % 4 * width, i // 4 * height))
    return sheet


def labelled(x: torch.Tensor, text: str) -> Image.Image:
    """An image at half size with a line of text under it."""
    pixels = (x[0].clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
    image = Image.fromarray(np.ascontiguousarray(pixels)).resize((192, 128), Image.Resampling.LANCZOS)
    panel = Image.new("RGB", (198, 146), "white")
    panel.paste(image, (3, 1))
    ImageDraw.Draw(panel).text((4, 131), text, fill="black")
    return panel


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--train", type=Path, required=True, help="folder of photographs")
    parser.add_argument("--image", type=Path, required=True, help="what to decode")
    parser.add_argument("--steps", type=int, default=720)
    parser.add_argument("--run", type=Path, default=Path("runs/progressive"), help="folder of the training")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "images" / "progressive.png")
    given = parser.parse_args()
    model = trained(given.train, given.steps, given.run)
    picture(model, given.image).save(given.output, optimize=True)


if __name__ == "__main__":
    main()
