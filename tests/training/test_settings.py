"""Settings: where values come from, which are valid, and what recipes say."""

import json
from pathlib import Path
from typing import Any

import pytest

from latentpress.errors import ConfigurationError
from latentpress.training import SETTINGS, TrainingSettings, read_settings, resolve


def test_flags_come_before_the_file_and_the_file_before_the_recipe(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_text(json.dumps({"model": {"model": "mbt2018", "quality": 2}, "data": {"batch_size": 4}}))
    assert resolve({}, str(file)).data.batch_size == 4
    settings = resolve({"batch_size": 2}, str(file))
    assert settings.data.batch_size == 2
    assert settings.model.lmbda == 0.0035
    assert settings.data.patch_size == 256


def test_saved_settings_are_read_back_as_they_were(tmp_path: Path) -> None:
    settings = resolve({"model": "cheng2020-attn", "quality": 6, "arguments": {"N": 8}, "bf16": True})
    settings.save(tmp_path / "settings.json")
    assert TrainingSettings().override(read_settings(tmp_path / "settings.json")) == settings
    assert resolve({}, str(tmp_path / "settings.json")) == settings


def test_every_quality_of_the_zoo_has_the_published_trade_off() -> None:
    published = (0.0018, 0.0035, 0.0067, 0.0130, 0.0250, 0.0483, 0.0932, 0.1800)
    for quality, lmbda in enumerate(published, start=1):
        assert resolve({"model": "bmshj2018-hyperprior", "quality": quality}).model.lmbda == lmbda
    settings = resolve({"model": "bmshj2018-hyperprior", "quality": 8, "metric": "ms-ssim"})
    assert settings.model.lmbda == 220.0
    assert settings.optimization.lr == 1e-4
    tuned = resolve({"model": "mbt2018", "quality": 8, "metric": "ms-ssim", "checkpoint": "mse.pt"})
    assert tuned.optimization.lr == 1e-5


def test_the_recipe_of_qarv_is_that_of_its_paper() -> None:
    settings = resolve({"model": "qarv_base"})
    optimization = settings.optimization
    assert (optimization.lr, optimization.clip_norm, optimization.ema) == (2e-4, 2.0, 0.9999)
    assert (optimization.schedule, optimization.fall_start, optimization.final_lr) == ("cosine", 0.5, 0.01)
    assert optimization.epochs * optimization.epoch_steps == 2_000_000
    assert settings.data.batch_size == 32


def test_a_class_of_ones_own_has_the_defaults() -> None:
    assert resolve({"model": "mine:Net", "lmbda": 0.02}).override({}) == TrainingSettings().override(
        {"model": "mine:Net", "lmbda": 0.02}
    )


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"learning_rate": 1}, "found 'learning_rate'"),
        ({"epoch": 1}, "did you mean epochs"),
        ({"epochs": "many"}, "Expected int for the setting epochs"),
        ({"epochs": True}, "Expected int for the setting epochs"),
        ({"epochs": 0}, "at least 1 for the setting epochs"),
        ({"lr": float("nan")}, "a positive number for the setting lr"),
        ({"ema": 2.0}, "a share from 0 to 1"),
        ({"schedule": "sine"}, "plateau, cosine, linear, constant"),
        ({"clip_norm": -1.0}, "at least 0"),
    ],
)
def test_an_invalid_value_is_refused_with_what_is_valid(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        TrainingSettings().override(values)


@pytest.mark.parametrize("text", ["{", "[]", '{"sizes": {}}', '{"model": 3}'])
def test_a_broken_settings_file_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_text(text)
    with pytest.raises(ConfigurationError, match=r"settings\.json"):
        read_settings(tmp_path / "settings.json")


def test_a_quality_without_a_recipe_is_refused_unless_a_trade_off_is_given() -> None:
    with pytest.raises(ConfigurationError, match="choose one of these or give lmbda"):
        resolve({"model": "cheng2020-anchor", "quality": 7})
    assert resolve({"model": "cheng2020-anchor", "quality": 7, "lmbda": 0.1}).model.lmbda == 0.1


def test_every_setting_says_what_it_is() -> None:
    assert all(setting.help.endswith(".") for setting in SETTINGS.values())
