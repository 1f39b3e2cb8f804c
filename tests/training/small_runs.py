"""What small runs are made of; importable by processes that tests start."""

from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

SMALL: dict[str, Any] = {
    "model": "mbt2018-mean",
    "lmbda": 0.01,
    "arguments": {"N": 4, "M": 6},
    "epochs": 3,
    "batch_size": 4,
    "patch_size": 64,
    "workers": 0,
    "lr": 1e-3,
    "log_every": 1,
    "ema": 0.9,
    "patience": 0,
    "tensorboard": False,
}


class Ramps(Dataset[Tensor]):
    """Smooth pictures (3, 64, 64), with a random brightness each time they are read."""

    def __init__(self, count: int = 12, side: int = 64) -> None:
        self.count, self.side = count, side

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Tensor:
        axis = torch.linspace(0, 1, self.side)
        slope = index / self.count
        picture = slope * axis[:, None] + (1 - slope) * axis
        return picture.expand(3, -1, -1) * torch.rand(3, 1, 1)
