"""Hierarchies as the models that are measured: `compress` and `decompress`, with a lambda for the quality."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from latentpress import zoo
from latentpress.errors import ConfigurationError
from latentpress.zoo.hierarchical import make_codec_model
from latentpress.zoo.published import published_weights

POINTS = 8  # of a curve over a range of lambdas


def is_hierarchy(model: str) -> bool:
    """Whether a model's name is that of a hierarchical VAE."""
    return model.replace("-", "_") in zoo.hierarchies


def lambdas_of(model: str, points: int = POINTS) -> tuple[float, ...]:
    """The lambdas that weights of a hierarchy are published for, or points at equal ratios over their range.

    Example:
        >>> lambdas_of("qres34m")
        (16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 2048.0)
        >>> lambdas_of("qarv_base", 2)
        (16.0, 2048.0)
    """
    given = _published_lambdas(model)
    if not has_range(model):
        return tuple(sorted(float(lmb) for lmb, _, _ in given))
    low, high = math.log(float(given[0][0])), math.log(float(given[0][2]))
    return tuple(round(math.exp(low + (high - low) * step / (points - 1)), 4) for step in range(points))


def has_range(model: str) -> bool:
    """Whether one network of a hierarchy serves a range of lambdas."""
    return any(high for _, _, high in _published_lambdas(model))


def _published_lambdas(model: str) -> list[tuple[str, str, str]]:
    """Of every published file: a lambda, or the lowest and the highest with dots between them."""
    published = (str(weights.quality) for weights in published_weights(model.replace("-", "_")))
    return [quality[4:].partition("..") for quality in published if quality.startswith("lmb=")]


class HierarchyAdapter(nn.Module):
    """A hierarchy behind the interface of `latentpress.models`; the quality is its lambda.

    Args:
        name: of a hierarchy that codes images.
        lmb: which network of a model of one rate.
        checkpoint: file of weights; the published ones where None.
    """

    def __init__(self, name: str, lmb: float | None, checkpoint: Path | None) -> None:
        super().__init__()
        self.hierarchy = make_codec_model(name.replace("-", "_"), lmb, checkpoint)
        self.hierarchy.eval()
        self.downsampling_factor = self.hierarchy.downsampling_factor

    def update(self, force: bool = False) -> bool:
        """Its tables are built when it is made."""
        return False

    def compress(self, x: Tensor, quality: float | None = None) -> dict[str, Any]:
        """Strings of `x` `(N, 3, H, W)` in [0, 1], at a lambda."""
        strings = self.hierarchy.encode(x, self._lmb(quality), self._arithmetic())
        return {"strings": strings, "shape": self.hierarchy.grid_of(x)}

    def decompress(
        self, strings: Sequence[Sequence[bytes]], shape: tuple[int, int], quality: float | None = None
    ) -> dict[str, Tensor]:
        """The reconstruction from strings, at the same lambda."""
        x_hat = self.hierarchy.decode(strings, shape, self._lmb(quality), arithmetic=self._arithmetic())
        return {"x_hat": x_hat}

    def forward(self, x: Tensor, quality: float | None = None) -> dict[str, Any]:
        """Hierarchies have no likelihoods of single symbols to estimate from."""
        raise ConfigurationError(
            "Expected a model with likelihoods to estimate from, found a hierarchy: measure it by real "
            "coding, or see `latentpress curve`."
        )

    def _arithmetic(self) -> str:
        """The one that files would be in."""
        return self.hierarchy.fastest_arithmetic()

    def _lmb(self, quality: float | None) -> float | None:
        """The lambda asked for, of a model that has several."""
        return None if self.hierarchy.lmb_range is None else quality
