"""Files of a run: whole or as they were."""

import copy
import resource
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from latentpress import zoo
from latentpress.errors import WeightsError
from latentpress.models import FactorizedPrior
from latentpress.training import Trainer, resolve
from latentpress.training.checkpoints import (
    UnwritableError,
    compact_state,
    export_weights,
    load_state,
    remove_leftovers,
    save_state,
)
from latentpress.training.logs import JsonLog


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


def test_a_compact_state_of_the_default_codec_is_small_and_keeps_what_must_be_exact(tmp_path: Path) -> None:
    model = zoo.create("latentpress2026")
    trainer = Trainer(model, resolve({"model": "latentpress2026"}), steps=2)
    trainer.train_step([torch.rand(1, 3, 64, 64)])
    state = copy.deepcopy(trainer.state_dict())
    save_state(state, tmp_path / "whole.pt")
    save_state(compact_state(state), tmp_path / "compact.pt")
    whole, compact = ((tmp_path / f"{name}.pt").stat().st_size for name in ("whole", "compact"))
    assert compact < 0.53 * whole
    assert compact < 60e6
    kept = load_state(tmp_path / "compact.pt")
    quantiles = "entropy_bottleneck.quantiles"
    assert torch.equal(kept["state_dict"][quantiles], state["state_dict"][quantiles])
    trainer.load_state_dict(kept)
    for key, value in trainer.model.state_dict().items():
        torch.testing.assert_close(value, state["state_dict"][key], atol=1e-4, rtol=1e-3)


def test_a_weight_too_large_for_half_precision_stays_as_it_is() -> None:
    state = {"state_dict": {"large": torch.full((5000,), 1e5), "usual": torch.ones(5000)}, "average": None}
    kept = compact_state({**state, "optimizers": []})["state_dict"]
    assert {name: value.dtype for name, value in kept.items()} == {
        "large": torch.float32,
        "usual": torch.float16,
    }


def test_weights_alone_are_no_state_to_go_on_from(tmp_path: Path) -> None:
    torch.save({"weight": torch.zeros(1)}, tmp_path / "weights.pt")
    with pytest.raises(WeightsError, match="checkpoint of training"):
        load_state(tmp_path / "weights.pt")


@pytest.mark.parametrize("limit", [0, 100, 3000, 9000, 20000])
def test_a_full_disk_is_one_sentence_and_leaves_what_was_there(tmp_path: Path, limit: int) -> None:
    for name in ("last.pt", "settings.json", "log.jsonl"):
        (tmp_path / name).write_text('{"step": 0}\n')
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    state = {"step": 1, "state_dict": {str(i): torch.rand(500) for i in range(20)}}
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))  # writing more fails as on a full disk
    try:
        with pytest.raises(UnwritableError, match=r"Expected to write .*last\.pt, found: "):
            save_state(state, tmp_path / "last.pt")
        if limit == 0:
            with pytest.raises(UnwritableError, match=r"log\.jsonl, found: File too large"):
                JsonLog(tmp_path, 1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


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
