"""Runs in processes of their own: killed at any moment, and several sharing one batch."""

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from latentpress import zoo
from latentpress.training.checkpoints import load_state

PROGRAM = Path(__file__).with_name("trained_elsewhere.py")
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


def start(values: dict[str, Any], *launcher: str) -> "subprocess.Popen[str]":
    command = [sys.executable, *launcher, str(PROGRAM), json.dumps(values)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=ENVIRONMENT, stdout=pipe, stderr=pipe, text=True)


def finish(process: "subprocess.Popen[str]") -> str:
    output, errors = process.communicate()
    assert process.returncode == 0, errors
    return output


@pytest.mark.slow
def test_a_run_killed_at_random_points_leaves_whole_checkpoints_and_ends_as_if_never_killed(
    tmp_path: Path,
) -> None:
    whole = {"run": str(tmp_path / "whole"), "save_every": 1, "epochs": 4, "count_calls": True}
    killed = {**whole, "run": str(tmp_path / "killed")}
    calls = int(finish(start(whole)))
    chance = random.Random(0)
    for _ in range(4):
        process = start({**killed, "kill_at": chance.randrange(calls // 4, calls)})
        process.communicate()
        assert process.returncode in (0, -signal.SIGKILL)
        for name in ("last.pt", "best.pt"):
            if (path := tmp_path / "killed" / name).exists():
                load_state(path)
        if (weights := tmp_path / "killed" / "weights.safetensors").exists():
            zoo.load_checkpoint(weights)
    finish(start(killed))
    for name in ("weights.safetensors", "log.jsonl"):
        a, b = (comparable(tmp_path / run / name) for run in ("whole", "killed"))
        assert a == b
    assert not list((tmp_path / "killed").glob(".*.part"))


def comparable(path: Path) -> Any:
    """A file's contents, without the speeds that a log has."""
    if path.suffix != ".jsonl":
        return path.read_bytes()
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    times = ("images_per_second", "seconds")
    return [{name: v for name, v in entry.items() if name not in times} for entry in entries]


TWO_PROCESSES = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("two", "one"),
    [
        pytest.param({}, {"accumulate": 2}, id="the same noise"),
        pytest.param({"without_noise": True}, {"without_noise": True}, id="no noise"),
    ],
)
def test_two_processes_equal_one_with_the_same_batch(
    two: dict[str, Any], one: dict[str, Any], tmp_path: Path
) -> None:
    finish(start({**two, "run": str(tmp_path / "two")}, *TWO_PROCESSES))
    finish(start({**one, "run": str(tmp_path / "one")}))
    a, b = (load_state(tmp_path / run / "last.pt") for run in ("one", "two"))
    assert a["step"] == b["step"] == 9
    before = a["state_dict"]["entropy_bottleneck.quantiles"].new_tensor([-10.0, 0.0, 10.0])
    assert (a["state_dict"]["entropy_bottleneck.quantiles"] - before).abs().max() > 1e-3
    for key, value in a["state_dict"].items():
        torch.testing.assert_close(value, b["state_dict"][key], atol=2e-5, rtol=1e-4, msg=key)
    assert a["loss_sum"] == b["loss_sum"] == 0
    assert a["best"] == pytest.approx(b["best"], rel=1e-5)
