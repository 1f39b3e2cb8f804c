"""Logs and progress of runs."""

import json
import sys
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from rich.console import Console

from latentpress.errors import ConfigurationError
from latentpress.training.logs import JsonLog, open_logs
from latentpress.training.progress import TrainingProgress


def entries(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]


def test_a_resumed_run_drops_entries_of_steps_that_it_makes_again(tmp_path: Path) -> None:
    log = JsonLog(tmp_path, 0)
    for step in (1, 2, 3):
        log.scalars(step, {"loss": 1.0 / step})
    log.close()
    with (tmp_path / "log.jsonl").open("a") as file:
        file.write('{"step": 1, "lo')  # as a killed process leaves it
    JsonLog(tmp_path, 2).close()
    assert [entry["step"] for entry in entries(tmp_path)] == [1, 2]


def test_figures_that_are_no_numbers_stay_valid_json(tmp_path: Path) -> None:
    log = JsonLog(tmp_path, 0)
    log.scalars(1, {"psnr": float("inf")})
    log.close()
    assert entries(tmp_path) == [{"step": 1, "psnr": None}]


def test_tensorboard_gets_figures_and_pictures(small: Any, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    logs = open_logs(tmp_path, 0, small(tensorboard=True))
    for log in logs:
        log.scalars(5, {"loss": 2.0})
        log.images(5, {"kodim01": torch.rand(3, 8, 8)})
        log.close()
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert [(event.step, event.value) for event in events.Scalars("loss")] == [(5, 2.0)]
    assert events.Images("kodim01")[0].width == 8


def test_weights_and_biases_get_figures_pictures_and_settings(
    small: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[Any] = []
    run = SimpleNamespace(
        log=lambda values, step: calls.append((step, values)), finish=lambda: calls.append("finished")
    )
    init = lambda **given: calls.append(given) or run  # noqa: E731
    monkeypatch.setitem(sys.modules, "wandb", SimpleNamespace(init=init, Image=lambda picture: "picture"))
    log = open_logs(tmp_path, 0, small(wandb="compression"))[1]
    log.scalars(5, {"loss": 2.0})
    log.images(5, {"kodim01": torch.rand(3, 8, 8)})
    log.close()
    assert calls[0]["project"] == "compression"
    assert calls[0]["config"]["lmbda"] == 0.01
    assert calls[1:] == [(5, {"loss": 2.0}), (5, {"kodim01": "picture"}), "finished"]


def test_weights_and_biases_that_are_not_installed_are_an_error(
    small: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(ConfigurationError, match="needs the package wandb"):
        open_logs(tmp_path, 0, small(wandb="compression"))


def test_a_terminal_shows_a_bar_and_anything_else_a_line() -> None:
    figures = {"loss": 1.5, "bpp": 0.25, "psnr": 30.0, "images_per_second": 12.0}
    wanted = "loss 1.5000, bpp 0.2500, PSNR 30.00, 12.0 images/s"
    for terminal in (True, False):
        screen = StringIO()
        console = Console(file=screen, force_terminal=terminal, width=160)
        with TrainingProgress(10, done=3, batch=4, console=console) as progress:
            progress.advance()
            progress.show(1, figures)
        assert wanted in screen.getvalue()
        assert ("epoch 1, step 4/10" in screen.getvalue()) is not terminal
        assert "4/10" in screen.getvalue()


def test_processes_other_than_the_first_are_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    with TrainingProgress(10, done=0, batch=4, shown=False) as progress:
        progress.show(1, {"loss": 1.0})
        progress.say("done")
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""
