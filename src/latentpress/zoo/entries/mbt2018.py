"""Mean-scale hyperprior, alone and with an autoregressive context model."""

from __future__ import annotations

from latentpress.zoo.published import published_weights
from latentpress.zoo.recipe_parts import sizes, standard_training
from latentpress.zoo.records import Paper, Recipe

PAPER = Paper(
    title="Joint Autoregressive and Hierarchical Priors for Learned Image Compression",
    authors="D. Minnen, J. Ballé, G. Toderici",
    venue="NeurIPS 2018",
    url="https://arxiv.org/abs/1809.02736",
)
_WIDE = sizes(range(5, 9), N=192, M=320)

RECIPES = (
    Recipe(
        name="mbt2018-mean",
        architecture="latentpress.models:MeanScaleHyperprior",
        arguments={**sizes(range(1, 5), N=128, M=192), **_WIDE},
        paper=PAPER,
        weights=published_weights("mbt2018-mean"),
        training=standard_training(range(1, 9)),
    ),
    Recipe(
        name="mbt2018",
        architecture="latentpress.models:JointAutoregressiveHierarchicalPriors",
        arguments={**sizes(range(1, 5), N=192, M=192), **_WIDE},
        paper=PAPER,
        weights=published_weights("mbt2018"),
        training=standard_training(range(1, 9)),
    ),
)
