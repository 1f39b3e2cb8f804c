"""Stores a file made with the bundled weights, and what decodes from it: see README.md."""

import hashlib
import json
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

import latentpress
from latentpress.codec import read_container
from latentpress.codec.models import load_codec

HERE = Path(__file__).parent
FILE, FACTS = HERE / "latentpress2026.ltp", HERE / "latentpress2026.json"
QUALITY = 30


def facts_of(file: bytes) -> dict[str, Any]:
    """What decodes from a file: the latents, to the bit, and how close the picture is to the photograph."""
    latents: list[torch.Tensor] = []
    codec = load_codec()
    hook = codec._model.g_s.register_forward_pre_hook(lambda _, inputs: latents.append(inputs[0]))
    with hook:
        decoded = codec.decode(read_container(file)).colour
    digest = hashlib.sha256(latents[0].contiguous().numpy().astype("<f4").tobytes()).hexdigest()
    error = np.square(decoded.astype(float) - np.asarray(photograph())).mean()
    return {"latents": digest, "psnr": round(float(10 * np.log10(255**2 / error)), 3)}


def photograph() -> Image.Image:
    """The bundled photograph."""
    stored = files("latentpress").joinpath("assets/demo.png").read_bytes()
    return Image.open(BytesIO(stored)).convert("RGB")


if __name__ == "__main__":
    FILE.write_bytes(latentpress.compress(photograph(), quality=QUALITY))
    FACTS.write_text(json.dumps(facts_of(FILE.read_bytes()), indent=1) + "\n")
