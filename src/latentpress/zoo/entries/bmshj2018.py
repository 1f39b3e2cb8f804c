"""Factorised prior, with GDN and with ReLU, and scale hyperprior."""

from __future__ import annotations

from latentpress.zoo.published import published_weights
from latentpress.zoo.recipe_parts import sizes, standard_training
from latentpress.zoo.records import Paper, Recipe

PAPER = Paper(
    title="Variational image compression with a scale hyperprior",
    authors="J. Ballé, D. Minnen, S. Singh, S. J. Hwang, N. Johnston",
    venue="ICLR 2018",
    url="https://arxiv.org/abs/1802.01436",
)
_SIZES = {**sizes(range(1, 6), N=128, M=192), **sizes(range(6, 9), N=192, M=320)}


def _recipe(name: str, architecture: str) -> Recipe:
    return Recipe(
        name=name,
        architecture=f"latentpress.models:{architecture}",
        arguments=_SIZES,
        paper=PAPER,
        weights=published_weights(name),
        training=standard_training(range(1, 9)),
    )


RECIPES = (
    _recipe("bmshj2018-factorized", "FactorizedPrior"),
    _recipe("bmshj2018-factorized-relu", "FactorizedPriorReLU"),
    _recipe("bmshj2018-hyperprior", "ScaleHyperprior"),
)
