"""Scale-space flow, for video."""

from __future__ import annotations

from latentpress.zoo.published import published_weights
from latentpress.zoo.recipe_parts import sizes
from latentpress.zoo.records import Paper, Recipe

PAPER = Paper(
    title="Scale-Space Flow for End-to-End Optimized Video Compression",
    authors="E. Agustsson, D. Minnen, N. Johnston, J. Ballé, S. J. Hwang, G. Toderici",
    venue="CVPR 2020",
    url="https://openaccess.thecvf.com/content_CVPR_2020/html/Agustsson_Scale-Space_Flow_for_End-to-End_Optimized_Video_Compression_CVPR_2020_paper.html",
)

RECIPES = (
    Recipe(
        name="ssf2020",
        architecture="latentpress.models.video:ScaleSpaceFlow",
        arguments=sizes(range(1, 10)),
        paper=PAPER,
        domain="video",
        weights=published_weights("ssf2020"),
    ),
)
