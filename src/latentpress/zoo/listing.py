"""What the zoo holds, as records to print: `latentpress models` shows these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from latentpress.zoo.architectures import recipes
from latentpress.zoo.build import construct
from latentpress.zoo.bundled import bundled_record
from latentpress.zoo.cache import is_cached
from latentpress.zoo.records import Paper, RateDistortion, Recipe, Weights

Status = Literal["bundled", "cached", "downloadable"]


@dataclass(frozen=True)
class ModelInfo:
    """One model of the zoo, as `list_models` found it.

    Attributes:
        name: as `create` takes it.
        domain: "image" or "video".
        qualities: qualities that a network is made for; empty for a variable-rate model.
        quality_range: lowest and highest quality of a variable-rate model; None for the others.
        metrics: what weights can be trained for.
        paper: where the architecture comes from.
        weights: (metric, quality) of each known weights file, and whether it comes with the package, lies in
            the cache directory, or would be downloaded.
    """

    recipe: Recipe
    weights: dict[tuple[str, int | str | None], Status]

    @property
    def name(self) -> str:
        return self.recipe.name

    @property
    def domain(self) -> str:
        return self.recipe.domain

    @property
    def qualities(self) -> tuple[int, ...]:
        return self.recipe.qualities

    @property
    def quality_range(self) -> tuple[int, int] | None:
        return self.recipe.quality_range

    @property
    def metrics(self) -> tuple[str, ...]:
        return self.recipe.metrics

    @property
    def paper(self) -> Paper:
        return self.recipe.paper

    @property
    def parameters(self) -> dict[int | None, int]:
        """Quality (None for all) -> number of parameters; imports the class, but allocates no weights."""
        counts: dict[str, int] = {}
        for quality, arguments in self.recipe.arguments.items():
            if repr(arguments) not in counts:
                counts[repr(arguments)] = _count(self.recipe, quality)
        return {quality: counts[repr(arguments)] for quality, arguments in self.recipe.arguments.items()}

    @property
    def rate_distortion(self) -> tuple[RateDistortion, ...]:
        """Measured points, of the recipe or the record beside bundled weights; empty if there are none."""
        if self.recipe.rate_distortion is not None:
            return self.recipe.rate_distortion
        bundled = (weights for weights in self.recipe.weights if weights.bundled)
        return tuple(point for weights in bundled for point in bundled_record(weights).rate_distortion)


def list_models() -> list[ModelInfo]:
    """Every model of the zoo, in the order of their names. Nothing is imported, built or downloaded.

    Example:
        >>> from latentpress import zoo
        >>> [info.name for info in zoo.list_models() if "bundled" in info.weights.values()]
        ['latentpress2026']
    """
    return [
        ModelInfo(recipe, {(weights.metric, weights.quality): _status(weights) for weights in recipe.weights})
        for recipe in recipes.values()
    ]


def _status(weights: Weights) -> Status:
    if weights.bundled:
        return "bundled"
    return "cached" if is_cached(weights) else "downloadable"


def _count(recipe: Recipe, quality: int | None) -> int:
    import torch

    with torch.device("meta"):
        return sum(parameter.numel() for parameter in construct(recipe, quality, {}).parameters())
