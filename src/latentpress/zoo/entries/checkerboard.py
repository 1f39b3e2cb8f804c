"""A context model in two passes over a checkerboard, on the networks of Cheng et al. (2020); no weights are
published."""

from __future__ import annotations

from latentpress.zoo.recipe_parts import sizes, standard_training
from latentpress.zoo.records import Paper, Recipe

PAPER = Paper(
    title="Checkerboard Context Model for Efficient Learned Image Compression",
    authors="D. He, Y. Zheng, B. Sun, Y. Wang, H. Qin",
    venue="CVPR 2021",
    url="https://arxiv.org/abs/2103.15306",
)

RECIPES = (
    Recipe(
        name="cheng2020-anchor-checkerboard",
        architecture="latentpress.models:Cheng2020AnchorCheckerboard",
        arguments={**sizes(range(1, 4), N=128), **sizes(range(4, 7), N=192)},
        paper=PAPER,
        training=standard_training(range(1, 7)),
    ),
)
