"""Files of a run: whole or as they were."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from latentpress import zoo
from latentpress.errors import WeightsError
from latentpress.models import FactorizedPrior
from latentpress.training.checkpoints import export_weights, load_state, remove_leftovers, save_state


def test_a_state_that_could_not_be_written_whole_leaves_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "last.pt"
    save_state({"step": 1, "state_dict": {}}, path)

    def half(state: Any, file: Any) -> None:
        file.write(b"half of a file")
        raise OSError("no space left on device")

    monkeypatch.setattr(torch, "save", half)
    with pytest.raises(OSError, match="no space"):
        save_state({"step": 2, "state_dict": {}}, path)
    assert load_state(path)["step"] == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["last.pt"]


def test_weights_alone_are_no_state_to_go_on_from(tmp_path: Path) -> None:
    torch.save({"weight": torch.zeros(1)}, tmp_path / "weights.pt")
    with pytest.raises(WeightsError, match="checkpoint of training"):
        load_state(tmp_path / "weights.pt")


def test_what_a_killed_process_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    for name in (".last.pt.abc.part", "last.pt", ".mine.part"):
        (tmp_path / name).touch()
    remove_leftovers(tmp_path)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [".mine.part", "last.pt"]


def test_export_makes_tables_and_leaves_the_model_as_it_was(tmp_path: Path) -> None:
    model = FactorizedPrior(4, 6).train()
    export_weights(model, tmp_path / "w.safetensors", None)
    assert model.training
    assert model.entropy_bottleneck._offset.numel() == 0
    assert zoo.load_checkpoint(tmp_path / "w.safetensors").entropy_bottleneck._offset.numel() == 6


def test_a_model_with_an_update_of_its_own_is_exported_with_what_it_takes(tmp_path: Path) -> None:
    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("updated", torch.zeros(1))

        def update(self, force: bool = False) -> None:
            self.updated += 1 + force

    export_weights(Own(), tmp_path / "own.safetensors", {})
    contents, _ = zoo.read_checkpoint(tmp_path / "own.safetensors")
    assert contents["updated"].tolist() == [2]
