"""Recorded outputs of the public implementations, and models of ours with the same weights."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

import latentpress.models
from latentpress.models import CompressionModel

# The hyperprior models put two latents into strings, the factorised ones one.
FACTORIZED = ("bmshj2018-factorized", "bmshj2018-factorized-relu")
HYPERPRIOR = ("bmshj2018-hyperprior", "mbt2018-mean")
AUTOREGRESSIVE = ("mbt2018", "cheng2020-anchor", "cheng2020-attn")
NAMES = (*FACTORIZED, *HYPERPRIOR, *AUTOREGRESSIVE)


class Reference:
    """What was recorded for the architecture `name`."""

    def __init__(self, folder: Path, name: str) -> None:
        self.entry: dict[str, Any] = json.loads((folder / "index.json").read_text())[name]
        self.arrays = np.load(folder / f"{name}.npz")

    @property
    def x(self) -> Tensor:
        """The input image, (1, 3, H, W) in [0, 1]."""
        return torch.from_numpy(self.arrays["x"]).permute(2, 0, 1)[None].float() / 255

    def tensor(self, name: str) -> Tensor:
        return torch.from_numpy(self.arrays[name])

    @property
    def strings(self) -> list[list[bytes]]:
        count = len(self.entry["string_bytes"])
        return [[self.arrays[f"string_{index}"].tobytes()] for index in range(count)]

    def model(self) -> CompressionModel:
        """Our model with the weights of the recording, and tables."""
        from seeded import fill_with_seeded_weights

        net = getattr(latentpress.models, self.entry["class"])(*self.entry["args"])
        fill_with_seeded_weights(net, self.entry["gains"])
        net.eval()
        net.update()
        return net


def relative_error(found: Tensor, expected: Tensor) -> float:
    """Largest difference, relative to the largest value of `expected`."""
    return float((found - expected).abs().max() / expected.abs().max())
