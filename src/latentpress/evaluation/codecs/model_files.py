"""Models as codecs: images to `.ltp` files and back, headers and all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

import latentpress
from latentpress import zoo
from latentpress.errors import ConfigurationError
from latentpress.evaluation.codecs.base import InMemoryCodec, Pixels
from latentpress.evaluation.hierarchies import is_hierarchy, lambdas_of

_STEPS = 199


@dataclass(frozen=True)
class ModelFiles(InMemoryCodec):
    """A model of the zoo. A quality is the model's own: from 1 to 100 if its rate is variable, the number of
    one of its networks if not, and of a hierarchy the lambda.

    Attributes:
        model: name of an image model or a hierarchy.
        metric: what the weights were trained for.
        checkpoint: file of weights to use instead of the published ones; empty for those.
        device: torch device.

    Example:
        >>> ModelFiles().qualities[0], ModelFiles("mbt2018-mean").scale
        (1, (1, 2, 3, 4, 5, 6, 7, 8))
    """

    model: str = zoo.DEFAULT_MODEL
    metric: str = "mse"
    checkpoint: str = ""
    device: str = "cpu"

    @property
    def hierarchical(self) -> bool:
        """Whether the model is chosen by a lambda."""
        return is_hierarchy(self.model)

    @property
    def name(self) -> str:
        if self.hierarchical or self.metric == "mse":
            return self.model
        return f"{self.model}-{self.metric}"

    @property
    def description(self) -> str:
        return f"LatentPress {latentpress.__version__}, .ltp files"

    @property
    def scale(self) -> Sequence[float]:
        if self.hierarchical:
            return lambdas_of(self.model, _STEPS)
        recipe = zoo.find_recipe(self.model)
        if recipe.quality_range is None:
            return recipe.qualities
        low, high = recipe.quality_range
        return tuple(low + (high - low) * step / (4 * _STEPS) for step in range(4 * _STEPS + 1))

    @property
    def qualities(self) -> Sequence[float]:
        if self.hierarchical:
            return lambdas_of(self.model)
        recipe = zoo.find_recipe(self.model)
        if recipe.quality_range is None:
            return recipe.qualities
        low, high = recipe.quality_range
        return (low, *(high * step // 10 for step in range(1, 11)))

    @property
    def whole(self) -> bool:
        return not self.hierarchical and zoo.find_recipe(self.model).quality_range is None

    def check(self) -> None:
        if self.hierarchical:
            if not self.scale:
                raise ConfigurationError(
                    f"Expected a lossy codec with lambdas to choose from, found {self.model}: "
                    "`latentpress eval` measures it."
                )
        elif zoo.find_recipe(self.model).domain != "image":
            raise ConfigurationError(f"Expected an image model, found {self.model}, which is for video.")

    def encode(self, pixels: Pixels, quality: float) -> bytes:
        rate: dict[str, Any] = {"lmb": quality} if self.hierarchical else {"quality": quality}
        return latentpress.compress(
            Image.fromarray(pixels),
            model=self.model,
            metric=self.metric,
            checkpoint=self.checkpoint or None,
            device=self.device,
            **rate,
        )

    def decode(self, data: bytes) -> Pixels:
        image = latentpress.decompress(
            data, max_pixels=None, checkpoint=self.checkpoint or None, device=self.device
        )
        return np.asarray(image.convert("RGB"))
