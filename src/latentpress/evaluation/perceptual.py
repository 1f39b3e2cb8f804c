"""Perceptual metrics, from the packages of their authors where those are installed: smaller is closer.

LPIPS is version 0.1 on AlexNet (Zhang et al., CVPR 2018), DISTS is that of Ding et al. (TPAMI 2020). Both
look at images through a network for classification, whose weights torchvision downloads on first use.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor

from latentpress.errors import ConfigurationError, LatentPressError, WeightsError

Distance = Callable[[Tensor, Tensor], float]

# Metric -> the module that has it, and what to install for that.
_MODULES = {"lpips": ("lpips", "lpips"), "dists": ("DISTS_pytorch", "DISTS-pytorch torchvision")}
PERCEPTUAL = tuple(_MODULES)


def available() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The perceptual metrics that can be taken here, and sentences on those that are installed and cannot."""
    usable, problems = [], []
    for name, (module, _) in _MODULES.items():
        if find_spec(module) is None:
            continue
        try:
            perceptual_distance(name)
            usable.append(name)
        except LatentPressError as error:
            problems.append(str(error))
    return tuple(usable), tuple(problems)


def check_perceptual(names: Sequence[str]) -> tuple[str, ...]:
    """These names, after all of their metrics were loaded.

    Raises:
        ConfigurationError: there is no such metric, or its package is not installed.
        WeightsError: its weights cannot be had.
    """
    for name in names:
        perceptual_distance(name)
    return tuple(names)


@lru_cache
def perceptual_distance(name: str) -> Distance:
    """A perceptual metric as a function of two images `(1, 3, H, W)` in [0, 1], on the CPU.

    Raises:
        ConfigurationError: there is no such metric, or its package is not installed.
        WeightsError: its weights cannot be had.
    """
    if name not in _MODULES:
        raise ConfigurationError(f"Expected a perceptual metric of {', '.join(PERCEPTUAL)}, found {name!r}.")
    module, packages = _MODULES[name]
    try:
        package = import_module(module)
    except (ImportError, RuntimeError) as error:  # RuntimeError: a torchvision built for another torch
        raise ConfigurationError(
            f"Expected the package for {name}, found: {error}: pip install {packages}."
        ) from error
    try:
        network = _lpips(package) if name == "lpips" else package.DISTS().eval()
    except (OSError, RuntimeError) as error:
        raise WeightsError(
            f"Expected the weights of the network under {name}, which torchvision downloads, "
            f"found: {' '.join(str(error).split())}: put the file into {torch.hub.get_dir()}/checkpoints."
        ) from error

    @torch.inference_mode()
    def distance(a: Tensor, b: Tensor) -> float:
        return float(network(a.float(), b.float()))

    return distance


def _lpips(package: Any) -> Distance:
    network = package.LPIPS(net="alex", verbose=False).eval()
    distance: Distance = lambda a, b: network(2 * a - 1, 2 * b - 1)  # noqa: E731 - it takes [-1, 1]
    return distance
