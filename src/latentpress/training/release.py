"""Turns a finished training run into the weights, the record and the model card that ship with the package.

    python -m latentpress.training.release RUN
    python benchmarks/default_codec.py IMAGES --json curves.json
    python -m latentpress.training.release RUN --curves curves.json

The first call makes weights that can be measured, the last adds what was measured to their record and card.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from latentpress import zoo
from latentpress.models import GainedHyperprior

LICENCE = "Apache-2.0"
DATA = {
    "images": 754,
    "sources": {
        "ImageNet": "one image of each of 420 classes of a public sample, at least 360 pixels a side",
        "BSDS500": "its 300 training and validation images",
        "Debian": "34 photographs of its free-software wallpaper packages",
    },
    "use": "research use of the photographs; none of them is part of the package",
}
EXACT = ("entropy_bottleneck.", "gaussian_conditional.")  # what coder tables are made of is not rounded


def release(run: Path, target: Path, curves: Path | None = None, note: str = "") -> dict[str, Any]:
    """Write the weights of a run, in half precision, and their record beside them.

    Args:
        run: folder of the finished run.
        target: weights file to write.
        curves: what was measured with these weights.
        note: what else there is to say of the training.

    Returns:
        The record.
    """
    model = GainedHyperprior().eval()
    model.load_state_dict(torch.load(run / "weights.pt", map_location="cpu", weights_only=True))
    for name, parameter in model.named_parameters():
        if not name.startswith(EXACT):
            parameter.data = parameter.data.half()
    target.parent.mkdir(parents=True, exist_ok=True)
    zoo.save_checkpoint(model, target)
    record = {
        "sha256": hashlib.sha256(target.read_bytes()).hexdigest(),
        "licence": LICENCE,
        "training": {**_training(run), "note": note},
        "data": DATA,
        "rate_distortion": [] if curves is None else _points(json.loads(curves.read_text()), target.stem),
    }
    target.with_suffix(".json").write_text(json.dumps(record, indent=1) + "\n")
    return record


def _training(run: Path) -> dict[str, Any]:
    settings = json.loads((run / "settings.json").read_text())
    log = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return {
        "command": "python -m latentpress.training.variable_rate PHOTOS --run RUN"
        + "".join(f" --{name.replace('_', '-')} {value}" for name, value in settings.items()),
        "crops_seen": log[-1]["step"] * settings["batch_size"],
        "hours": round(sum(record["seconds"] for record in log) / 3600, 2),
        "hardware": "one or two CPU cores with bfloat16 matrix units, shared with other work",
    }


def _points(curves: Mapping[str, list[dict[str, float]]], codec: str) -> list[dict[str, Any]]:
    return [{"dataset": "kodak", "metric": "mse", **point} for point in curves[codec]]


def card(name: str, record: Mapping[str, Any], curves: Mapping[str, list[dict[str, float]]]) -> str:
    """The model card, in Markdown: what the weights are, what they learned from, and how good they are."""
    training, data = record["training"], record["data"]
    lines = [
        f"# {name}",
        "",
        "The default codec: a variable-rate mean-scale hyperprior (`latentpress.models.GainedHyperprior`),",
        f"licence {record['licence']}, SHA-256 `{record['sha256']}`.",
        "",
        "## Training",
        "",
        f"`{training['command']}`: {training['crops_seen']:,} crops in {training['hours']} hours on",
        f"{training['hardware']}. {training['note']}",
        "",
        f"Data: {data['images']} photographs, never Kodak's.",
        *(f"- {source}: {what}" for source, what in data["sources"].items()),
        "",
        f"For {data['use']}.",
        "",
        "## Measured",
        "",
        "`python benchmarks/default_codec.py KODAK`: means over the 24 images, real file sizes, RGB.",
    ]
    for codec, points in curves.items():
        lines += ["", f"| {codec}: quality | bpp | PSNR (dB) | MS-SSIM |", "|---:|---:|---:|---:|"]
        lines += [
            f"| {p['quality']:g} | {p['bpp']:.3f} | {p['psnr']:.2f} | {p['ms_ssim']:.4f} |" for p in points
        ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """The command line of this module."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, help="folder of a finished run")
    parser.add_argument(
        "--weights", type=Path, default=Path("src/latentpress/zoo/weights/latentpress2026.safetensors")
    )
    parser.add_argument("--curves", type=Path, help="what benchmarks/default_codec.py measured")
    parser.add_argument("--cards", type=Path, default=Path("docs/models"), help="folder of the model cards")
    parser.add_argument("--note", default="", help="what else there is to say of the training")
    arguments = parser.parse_args()
    record = release(arguments.run, arguments.weights, arguments.curves, arguments.note)
    if arguments.curves is not None:
        arguments.cards.mkdir(parents=True, exist_ok=True)
        text = card(arguments.weights.stem, record, json.loads(arguments.curves.read_text()))
        (arguments.cards / f"{arguments.weights.stem}.md").write_text(text)
    print(f"{arguments.weights}: {arguments.weights.stat().st_size} bytes, SHA-256 {record['sha256']}")


if __name__ == "__main__":
    main()
