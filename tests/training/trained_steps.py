"""A program that takes two steps with small models: `python trained_steps.py float32|bfloat16`.

It prints the name of each model that trained. It ends with an error where a loss is not finite or torch was
asked for the operator that damages memory, and with a signal where memory was damaged and it shows.
"""

import math
import sys
from collections.abc import Callable
from typing import Any

import torch
from small_hierarchies import SMALL_BOUND, SMALL_QARV, SMALL_QRES
from torch import Tensor, nn

from latentpress import zoo
from latentpress.layers import AttentionBlock, ResidualBlockUpsample, ResidualBlockWithStride, conv1x1
from latentpress.models import CompressionModel
from latentpress.models.hierarchical import QARV, LosslessQResVAE, QResVAE, RateDistortionBound
from latentpress.training import Trainer, resolve
from latentpress.zoo.architectures import architecture_named
from strided_pointwise import StridedPointwise

# As few channels as there may be: torch's fault shows with 2 to 15 of them.
SMALL: dict[str, dict[str, Any]] = {
    **{f"cheng2020-{kind}": {"N": 8} for kind in ("anchor", "anchor-checkerboard", "attn")},
    "elic2022-official": {"N": 8, "M": 12, "groups": (2, 4, 6)},
    "latentpress2027": {"M": 12, "N": 8, "num_rates": 3},
    "latentpress2026": {"widths": (8, 8), "M": 12, "N": 8, "depths": (1, 1, 1), "num_rates": 3},
}
SMALL_HIERARCHIES: dict[str, Callable[[], nn.Module]] = {
    "qres34m": lambda: QResVAE(SMALL_QRES, lmb=64),
    "qres17m": lambda: QResVAE(SMALL_QRES, lmb=1),
    "qres34m_lossless": lambda: LosslessQResVAE(SMALL_QRES),
    "qarv_base": lambda: QARV(SMALL_QARV),
    "rd_model_base": lambda: RateDistortionBound(SMALL_BOUND),
}
CUSTOM = "custom"
NAMES = (*zoo.models, *zoo.hierarchies, CUSTOM)
SIDE = 64


class Custom(CompressionModel):
    """A user's model, of the package's layers, that downsamples in every way that they know."""

    def __init__(self) -> None:
        super().__init__(entropy_bottleneck_channels=8)
        self.g_a = nn.Sequential(
            conv1x1(3, 6, stride=2),
            ResidualBlockWithStride(6, 8, stride=2),
            AttentionBlock(8),
            conv1x1(8, 8, 3),
        )
        self.g_s = nn.Sequential(ResidualBlockUpsample(8, 8, 3), ResidualBlockUpsample(8, 3, 4))

    def forward(self, x: Tensor) -> dict[str, Any]:
        y_hat, likelihoods = self.entropy_bottleneck(self.g_a(x))
        x_hat = self.g_s(y_hat)[..., : x.shape[2], : x.shape[3]]
        return {"x_hat": x_hat, "likelihoods": {"y": likelihoods}}


def small_model(name: str) -> nn.Module:
    """The architecture called `name` with few channels."""
    if name == CUSTOM:
        return Custom()
    if name in SMALL_HIERARCHIES:
        return SMALL_HIERARCHIES[name]()
    model: nn.Module = architecture_named(name)(**SMALL.get(name, {"N": 8, "M": 12}))
    return model


def train(name: str, bf16: bool) -> None:
    """Two steps of the engine, with the settings that a model of this name is trained with."""
    model = "mbt2018-mean" if name == CUSTOM else name
    settings = resolve({"model": model, "lmbda": 0.01, "bf16": bf16, "workers": 0})
    trainer = Trainer(small_model(name), settings, steps=2)
    frames = (2,) if name == "ssf2020" else ()
    side = 128 if name == "ssf2020" else SIDE
    x = torch.rand(2, *frames, 3, side, side)
    with StridedPointwise() as asked:
        losses = [trainer.train_step([x])["loss"] for _ in range(2)]
    if not all(map(math.isfinite, losses)):
        raise ArithmeticError(f"{name}: the losses are {losses}")
    if asked.count:
        raise RuntimeError(f"{name}: torch was asked for {asked.count} strided 1x1 convolutions")


if __name__ == "__main__":
    torch.manual_seed(0)
    for trained in NAMES:
        train(trained, bf16=sys.argv[1] == "bfloat16")
        print(trained, flush=True)
