"""DataLoaders for images."""

import pytest
import torch
from torch.utils.data import Dataset

from latentpress.datasets import make_loader
from latentpress.datasets.loading import usable_cores
from latentpress.errors import ConfigurationError


class Threads(Dataset):
    """Items are numbers of threads that torch uses where they are read."""

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> int:
        return torch.get_num_threads()


def test_workers_compute_on_one_thread_and_outlive_a_pass() -> None:
    loader = make_loader(Threads(), 2, workers=1)
    assert [batch.tolist() for batch in loader] == [[1, 1], [1, 1]]
    assert loader.persistent_workers


def test_there_is_a_worker_for_every_core_unless_told_otherwise() -> None:
    assert make_loader(Threads(), 2).num_workers == usable_cores() >= 1
    assert make_loader(Threads(), 2, workers=0).num_workers == 0


def test_the_order_follows_from_the_seed() -> None:
    runs = [torch.cat(list(make_loader(range(50), 7, shuffle=True, workers=0, seed=s))) for s in (1, 1, 2)]
    assert torch.equal(runs[0], runs[1])
    assert not torch.equal(runs[0], runs[2])
    assert sorted(runs[0].tolist()) == list(range(50))
    assert len(list(make_loader(range(50), 7, drop_last=True, workers=0))) == 7


@pytest.mark.parametrize("options", [{"batch_size": 0}, {"batch_size": 2, "workers": -1}])
def test_senseless_numbers_are_an_error(options) -> None:
    with pytest.raises(ConfigurationError, match="Expected"):
        make_loader(Threads(), **options)
