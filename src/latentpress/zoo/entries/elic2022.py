"""ELIC: uneven channel groups with a checkerboard in each; no weights are published."""

from __future__ import annotations

from latentpress.zoo.recipe_parts import sizes
from latentpress.zoo.records import Paper, Recipe, Training

PAPER = Paper(
    title=(
        "ELIC: Efficient Learned Image Compression with Unevenly Grouped Space-Channel Contextual Adaptive "
        "Coding"
    ),
    authors="D. He, Z. Yang, W. Peng, R. Ma, H. Qin, Y. Wang",
    venue="CVPR 2022",
    url="https://arxiv.org/abs/2203.10886",
)
_LMBDA = (0.0004, 0.0008, 0.0016, 0.0032, 0.0075, 0.015, 0.03, 0.045)  # as the paper gives them

RECIPES = (
    Recipe(
        name="elic2022-official",
        architecture="latentpress.models:Elic2022Official",
        arguments=sizes(range(1, 9), N=192, M=320),
        paper=PAPER,
        metrics=("mse",),
        training=Training(lmbda={"mse": dict(enumerate(_LMBDA, start=1))}),
    ),
)
