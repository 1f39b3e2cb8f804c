"""The next default codec, in training: a variable-rate hyperprior over lattices. It has no weights yet."""

from __future__ import annotations

from latentpress.zoo.records import Paper, Recipe

RECIPES = (
    Recipe(
        name="latentpress2027",
        architecture="latentpress.models:LatticeHyperprior",
        arguments={None: {}},
        paper=Paper(
            title="Asymmetric Gained Deep Image Compression With Continuous Rate Adaptation",
            authors="Z. Cui, J. Wang, S. Gao, T. Guo, Y. Feng, B. Bai",
            venue="CVPR 2021",
            url="https://arxiv.org/abs/2003.02012",
        ),
        metrics=("mse",),
        quality_range=(1, 100),
        weights=(),
    ),
)
