"""The processes of a run: one alone, or those that `torchrun` started on one machine or several."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist

from latentpress.errors import ConfigurationError


@dataclass(frozen=True)
class Processes:
    """This process among those of the run.

    Attributes:
        rank: its number, from 0.
        count: how many there are, over all machines.
        device: what it computes on.
    """

    rank: int
    count: int
    device: torch.device

    @property
    def first(self) -> bool:
        """Whether this is the one that writes files and talks to the user."""
        return self.rank == 0

    def means(self, values: Mapping[str, float]) -> dict[str, float]:
        """Means over all processes, which give the same names."""
        if self.count == 1:
            return dict(values)
        numbers = torch.tensor(list(values.values()), dtype=torch.float64, device=self._exchange)
        dist.all_reduce(numbers)
        return dict(zip(values, (numbers / self.count).tolist(), strict=True))

    def largest(self, value: int) -> int:
        """The largest of the numbers that the processes give."""
        if self.count == 1:
            return value
        number = torch.tensor(value, device=self._exchange)
        dist.all_reduce(number, dist.ReduceOp.MAX)
        return int(number)

    def sums(self, values: Mapping[str, float]) -> dict[str, float]:
        """Sums over all processes, which give the same names."""
        return {name: mean * self.count for name, mean in self.means(values).items()}

    @property
    def _exchange(self) -> torch.device:
        # MPS and the like know no float64; gloo exchanges what is on the CPU.
        return self.device if self.device.type == "cuda" else torch.device("cpu")


@contextmanager
def joined(device: str = "auto") -> Iterator[Processes]:
    """Join the processes of the run for as long as the block lasts.

    Args:
        device: torch device; "auto" takes this process's own GPU where there is one.

    Raises:
        ConfigurationError: there is no such device here.
    """
    rank, count = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    place = _device(device, int(os.environ.get("LOCAL_RANK", 0)))
    if place.type == "cuda":
        torch.cuda.set_device(place)
    if count == 1:
        yield Processes(0, 1, place)
        return
    dist.init_process_group("nccl" if place.type == "cuda" else "gloo")
    try:
        yield Processes(rank, count, place)
    finally:
        dist.destroy_process_group()


def _device(name: str, local_rank: int) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        place = torch.device(name)
        if place.type == "cuda" and place.index is None:
            place = torch.device("cuda", local_rank)
        torch.empty(0, device=place)
    except (RuntimeError, AssertionError) as error:  # AssertionError: a torch without that kind of device
        raise ConfigurationError(
            f"Expected a device that torch can use here, such as cpu, found {name!r}."
        ) from error
    return place
