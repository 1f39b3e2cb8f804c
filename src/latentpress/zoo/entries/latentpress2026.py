"""The default codec: a compact variable-rate hyperprior whose weights come with the package.

Its training, data and measured figures are in the record beside the weights, `weights/latentpress2026.json`.
"""

from __future__ import annotations

from latentpress.zoo.records import Paper, Recipe, Weights

RECIPES = (
    Recipe(
        name="latentpress2026",
        architecture="latentpress.models:GainedHyperprior",
        arguments={None: {}},
        paper=Paper(
            title="Asymmetric Gained Deep Image Compression With Continuous Rate Adaptation",
            authors="Z. Cui, J. Wang, S. Gao, T. Guo, Y. Feng, B. Bai",
            venue="CVPR 2021",
            url="https://arxiv.org/abs/2003.02012",
        ),
        metrics=("mse",),
        quality_range=(1, 100),
        weights=(
            Weights(
                metric="mse",
                quality=None,
                file="latentpress2026.safetensors",
                url=None,
                sha256=None,
                licence="Apache-2.0",
                origin="latentpress",
            ),
        ),
    ),
)
