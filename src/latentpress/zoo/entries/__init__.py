"""One file a model family, each with its recipes in `RECIPES`. A new file here is a new model in the zoo."""

from __future__ import annotations

import pkgutil
from importlib import import_module

from latentpress.zoo.records import Recipe


def collect() -> dict[str, Recipe]:
    """Recipes of every file of this folder, by name."""
    found: dict[str, Recipe] = {}
    for module in pkgutil.iter_modules(__path__):
        recipes: tuple[Recipe, ...] = import_module(f"{__name__}.{module.name}").RECIPES
        found.update((recipe.name, recipe) for recipe in recipes)
    return dict(sorted(found.items()))
