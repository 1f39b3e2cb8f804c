"""Hyperprior models of which one network serves every rate, by gains; no weights are published."""

from __future__ import annotations

from latentpress.zoo.records import Paper, Recipe

PAPER = Paper(
    title="Asymmetric Gained Deep Image Compression With Continuous Rate Adaptation",
    authors="Z. Cui, J. Wang, S. Gao, T. Guo, Y. Feng, B. Bai",
    venue="CVPR 2021",
    url="https://arxiv.org/abs/2003.02012",
)


def _recipe(name: str, architecture: str) -> Recipe:
    return Recipe(
        name=name,
        architecture=f"latentpress.models:{architecture}",
        arguments={None: {"N": 192, "M": 320}},
        paper=PAPER,
        quality_range=(1, 100),
    )


RECIPES = (
    _recipe("bmshj2018-hyperprior-vbr", "ScaleHyperpriorVbr"),
    _recipe("mbt2018-mean-vbr", "MeanScaleHyperpriorVbr"),
    _recipe("mbt2018-vbr", "JointAutoregressiveHierarchicalPriorsVbr"),
)
