"""Files of a run, whole or absent whenever the process is killed: its state, and weights to use."""

from __future__ import annotations

import copy
import inspect
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn

from latentpress import zoo
from latentpress._files import whole_file
from latentpress.errors import ConfigurationError, WeightsError
from latentpress.training.soap import DERIVED

LAST = "last.pt"
BEST = "best.pt"
WEIGHTS = "weights.safetensors"  # of the best epoch, ready to compress


_SIGNS_OF_A_FULL_DISK = ("PytorchStreamWriter", "unexpected pos")


class UnwritableError(ConfigurationError, OSError):
    """A file of a run cannot be written.

    Args:
        path: which.
        reason: why.
    """

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"Expected to write {path}, found: {reason}. What was saved before is whole: make room and give "
            "the same command to go on, or choose another folder (--run)."
        )


@contextmanager
def written(path: Path) -> Iterator[Path]:
    """Where to write a file of a run in the block: whole or not at all, and what was there stays until then.

    Raises:
        UnwritableError: it cannot be written, as where the disk is full.
    """
    try:
        with whole_file(path) as partial:
            yield partial
    except OSError as error:
        raise UnwritableError(path, error.strerror or str(error)) from error
    except RuntimeError as error:
        # In the middle of an archive, torch finds that bytes are missing instead of what the system said.
        if not any(sign in str(error) for sign in _SIGNS_OF_A_FULL_DISK):
            raise
        raise UnwritableError(path, "the disk takes no more") from error


def save_state(state: Mapping[str, Any], path: Path) -> None:
    """Write a training state, on the disk before it takes its name.

    Raises:
        UnwritableError: it cannot be written.
    """
    with written(path) as partial, partial.open("wb") as file:
        torch.save(dict(state), file)
        file.flush()
        os.fsync(file.fileno())


SMALL = 4096  # elements up to which a tensor is kept as it is


def compact_state(state: Mapping[str, Any]) -> dict[str, Any]:
    """A training state in less than half of the bytes, from which a run goes on nearly as from the whole one.

    Weights and averages are rounded to float16, by far less than a step moves them; what optimisers remember
    to bfloat16, because squares of gradients need its range. Small tensors, such as the densities that coder
    tables are made of, stay exact.
    """
    weights = {name: _rounded(state[name], torch.float16) for name in ("state_dict", "average")}
    optimizers = [
        {**each, "state": {number: _without_derived(own) for number, own in each["state"].items()}}
        for each in state["optimizers"]
    ]
    return {**state, **weights, "optimizers": _rounded(optimizers, torch.bfloat16)}


def _without_derived(own: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in own.items() if name not in DERIVED}


def _rounded(value: Any, dtype: torch.dtype) -> Any:
    """Nested values with large floating-point tensors rounded."""
    if isinstance(value, torch.Tensor):
        rounded = value.to(dtype) if value.is_floating_point() and value.numel() > SMALL else value
        return rounded if rounded.isfinite().all() or not value.isfinite().all() else value
    if isinstance(value, Mapping):
        return {key: _rounded(inside, dtype) for key, inside in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(inside, dtype) for inside in value]
    return value


def load_state(path: Path) -> dict[str, Any]:
    """Read what `save_state` wrote, on the CPU and without running code.

    Raises:
        WeightsError: the file is not such a state.
    """
    contents, _ = zoo.read_checkpoint(path)
    if "step" not in contents or "state_dict" not in contents:
        raise WeightsError(
            f"Expected a checkpoint of training in {path}, found {', '.join(map(str, contents))[:200]}: "
            "give weights alone as the model's checkpoint instead."
        )
    return dict(contents)


def remove_leftovers(run: Path) -> None:
    """Remove the unfinished files of a process that was killed while it wrote."""
    for name in (LAST, BEST, WEIGHTS):
        for leftover in run.glob(f".{name}.*part"):
            leftover.unlink(missing_ok=True)


def export_weights(model: nn.Module, path: Path, arguments: Mapping[str, Any] | None) -> None:
    """Write a copy of the model with up-to-date coder tables, from which it can be made again.

    Args:
        model: in any mode; it is left as it is.
        path: safetensors file to write.
        arguments: what its constructor was given; None where the model keeps them as attributes.
    """
    from latentpress.models.hierarchical import HierarchicalVAE

    model = copy.deepcopy(model).eval().cpu()
    _update(model)
    if isinstance(model, HierarchicalVAE):
        zoo.save_hierarchy(model, path)
    else:
        zoo.save_checkpoint(model, path, arguments=arguments)  # type: ignore[arg-type]


def _update(model: nn.Module) -> None:
    """Build coder tables, of quantiles that are exact rather than nearly trained where the model can."""
    update: Callable[..., Any] | None = getattr(model, "update", None)
    if update is None:
        return
    valid = inspect.signature(update).parameters
    wanted = {"force": True, "update_quantiles": True}
    update(**{name: value for name, value in wanted.items() if name in valid})
