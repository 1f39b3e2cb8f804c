"""From names to classes and back. Classes are imported when they are first asked for.

Names that come out of files are looked up here and in the registry; they are never imported as paths.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from importlib import import_module
from typing import Any

from latentpress.errors import ConfigurationError
from latentpress.zoo.entries import collect
from latentpress.zoo.records import Recipe

recipes: Mapping[str, Recipe] = collect()


def find_recipe(name: str, also: Iterable[str] = ()) -> Recipe:
    """The recipe called `name`, in which `_` may stand for `-`.

    Args:
        name: of a model.
        also: names that the caller takes besides, for the message.

    Raises:
        ConfigurationError: there is none; the message proposes close names and lists the valid ones.
    """
    recipe = recipes.get(str(name).replace("_", "-"))
    if recipe is None:
        valid = [*recipes, *also]
        close = get_close_matches(str(name).replace("_", "-").lower(), valid, n=1, cutoff=0.6)
        hint = f" (did you mean {close[0]}?)" if close else ""
        raise ConfigurationError(
            f"Expected the name of a model, found {name!r}{hint}; valid are {', '.join(valid)}."
        )
    return recipe


def architecture(recipe: Recipe) -> type[Any]:
    """The class of a recipe.

    Raises:
        ConfigurationError: this installation has no such class.
    """
    module, name = recipe.architecture.split(":")
    found = getattr(import_module(module), name, None)
    if not isinstance(found, type):
        raise ConfigurationError(f"Expected the class {name} of model {recipe.name} in {module}, found none.")
    return found


def architecture_named(name: str) -> type[Any]:
    """The class of the zoo, or else of the registry, that goes by `name`.

    Raises:
        ConfigurationError: neither knows the name.
    """
    from latentpress.registry import MODELS

    registered = None if name in recipes else MODELS.get(name)
    return registered if isinstance(registered, type) else architecture(find_recipe(name))


def name_of(cls: type[Any]) -> str | None:
    """The name by which `architecture_named` finds `cls`; None for a class that nobody registered."""
    from latentpress.registry import MODELS

    for recipe in recipes.values():
        module, name = recipe.architecture.split(":")
        if getattr(import_module(module), name, None) is cls:
            return recipe.name
    return next((name for name, registered in MODELS.items() if registered is cls), None)


def constructor_parameters(cls: type[Any]) -> dict[str, inspect.Parameter]:
    """What the constructor of `cls` takes by name, with what it hands on to the classes it builds on."""
    found: dict[str, inspect.Parameter] = {}
    for base in cls.__mro__:
        if "__init__" not in vars(base):
            continue
        constructor: Callable[..., None] = vars(base)["__init__"]
        parameters = list(inspect.signature(constructor).parameters.values())[1:]
        named = (p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY))
        found.update((p.name, p) for p in named if p.name not in found)
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            break
    return found


class Architectures(Mapping[str, type[Any]]):
    """Model name -> class, imported on the first look."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names

    def __getitem__(self, name: str) -> type[Any]:
        if name not in self._names:
            raise KeyError(name)
        return architecture(recipes[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        return f"Architectures({', '.join(self._names)})"
