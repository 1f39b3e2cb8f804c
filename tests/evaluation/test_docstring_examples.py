"""The examples in docstrings run and print what they say."""

import doctest
import importlib
import pkgutil

import pytest

import latentpress.evaluation
import latentpress.leaderboard

MODULES = [
    module.name
    for package in (latentpress.evaluation, latentpress.leaderboard)
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_print_what_they_say(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0
