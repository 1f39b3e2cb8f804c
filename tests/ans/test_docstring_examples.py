"""The examples in docstrings run and print what they say."""

import doctest
import importlib
import pkgutil

import pytest

import latentpress.ans
import latentpress.entropy_models
import latentpress.ops

PACKAGES = (latentpress.ans, latentpress.entropy_models, latentpress.ops)
MODULES = [
    f"{package.__name__}.{module.name}"
    for package in PACKAGES
    for module in pkgutil.iter_modules(package.__path__)
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_print_what_they_say(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_every_public_class_has_an_example(package) -> None:
    for name in package.__all__:
        item = getattr(package, name)
        if isinstance(item, type) and name != "EntropyModel":
            assert ">>>" in (item.__doc__ or ""), name
