"""What competes: every model whose weights are on this machine, and every codec that can be run on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from latentpress import zoo
from latentpress.errors import ConfigurationError
from latentpress.evaluation.codecs import Codec, ModelFiles, usable_codecs
from latentpress.evaluation.complexity import Complexity, complexity
from latentpress.zoo.cache import is_cached
from latentpress.zoo.hierarchical import codecs as hierarchical_codecs
from latentpress.zoo.published import published_weights


@dataclass(frozen=True)
class Contender:
    """A codec or model, and the qualities that its curve is made of.

    Attributes:
        key: what it is called on the command line.
        codec: what codes.
        qualities: in the codec's own measure.
    """

    key: str
    codec: Codec
    qualities: tuple[float, ...]

    @property
    def is_model(self) -> bool:
        """Whether it is learned."""
        return isinstance(self.codec, ModelFiles)

    def complexity(self) -> Complexity | None:
        """What the model takes to run, with the network of its best quality if it has several; None for a
        codec."""
        if not isinstance(self.codec, ModelFiles):
            return None
        if self.codec.hierarchical:
            return complexity(zoo.get_model(self.codec.model))
        recipe = zoo.find_recipe(self.codec.model)
        return complexity(zoo.create(recipe.name, quality=max(recipe.qualities, default=None)))


def contenders(only: Sequence[str] = ()) -> list[Contender]:
    """Everything that can be run here, models first.

    Args:
        only: keys of those that are wanted; all if empty.

    Raises:
        ConfigurationError: a wanted one cannot be run here; the message lists those that can.

    Example:
        >>> [contender.key for contender in contenders(only=["jpeg", "latentpress2026"])]
        ['latentpress2026', 'jpeg']
    """
    found = [*_models(), *_hierarchies()]
    found += [Contender(name, codec, tuple(codec.qualities)) for name, codec in usable_codecs().items()]
    keys = [contender.key for contender in found]
    missing = next((name for name in only if name not in keys), None)
    if missing is not None:
        raise ConfigurationError(
            f"Expected something that can be run here, one of {', '.join(keys)}, found {missing!r}."
        )
    return [contender for contender in found if not only or contender.key in only]


def _models() -> list[Contender]:
    """Image models, by what they were trained for, at the qualities that there are weights of."""
    found = []
    for info in zoo.list_models():
        here = [key for key, status in info.weights.items() if status != "downloadable"]
        for metric in dict.fromkeys(metric for metric, _ in here if info.domain == "image"):
            codec = ModelFiles(info.name, metric)
            qualities = [quality for quality in codec.qualities if _has_weights(info, metric, quality)]
            found.append(Contender(codec.name, codec, tuple(qualities)))
    return found


def _has_weights(info: zoo.ModelInfo, metric: str, quality: float) -> bool:
    if info.quality_range is not None:
        return True
    return info.weights.get((metric, int(quality)), "downloadable") != "downloadable"


def _hierarchies() -> list[Contender]:
    found = []
    for name in hierarchical_codecs():
        codec = ModelFiles(name)
        here = [weights.quality for weights in published_weights(name) if is_cached(weights)]
        if codec.scale and here:
            fixed = [quality for quality in codec.qualities if f"lmb={quality:g}" in here]
            found.append(Contender(name, codec, tuple(fixed or codec.qualities)))
    return found
