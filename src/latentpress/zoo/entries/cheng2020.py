"""Residual networks with sub-pixel upsampling and a context model, plain and with attention."""

from __future__ import annotations

from latentpress.zoo.published import published_weights
from latentpress.zoo.recipe_parts import sizes, standard_training
from latentpress.zoo.records import Paper, Recipe

PAPER = Paper(
    title="Learned Image Compression with Discretized Gaussian Mixture Likelihoods and Attention Modules",
    authors="Z. Cheng, H. Sun, M. Takeuchi, J. Katto",
    venue="CVPR 2020",
    url="https://arxiv.org/abs/2001.01568",
)
_SIZES = {**sizes(range(1, 4), N=128), **sizes(range(4, 7), N=192)}


def _recipe(name: str, architecture: str) -> Recipe:
    return Recipe(
        name=name,
        architecture=f"latentpress.models:{architecture}",
        arguments=_SIZES,
        paper=PAPER,
        weights=published_weights(name),
        training=standard_training(range(1, 7)),
    )


RECIPES = (
    _recipe("cheng2020-anchor", "Cheng2020Anchor"),
    _recipe("cheng2020-attn", "Cheng2020Attention"),
)
