"""How each model is trained when nobody says otherwise: the published recipes, as values of settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from latentpress import zoo
from latentpress.errors import ConfigurationError
from latentpress.training.settings import SETTINGS, TrainingSettings, read_settings

FINE_TUNING_LR = 1e-5  # of MS-SSIM, from weights that were trained for squared error

# Duan et al., QRes-VAE (arXiv 2208.13056), QARV (arXiv 2302.08899) and the bound on R(D) (arXiv 2309.02574).
_HIERARCHY = {
    "lr": 2e-4,
    "batch_size": 32,
    "clip_norm": 2.0,
    "spike": 10.0,
    "ema": 0.9999,
    "ema_warmup": 10_000,
    "schedule": "constant",
    "epoch_steps": 5000,
    "epochs": 120,
}
_COSINE = {"schedule": "cosine", "fall_start": 0.5, "final_lr": 0.01, "epochs": 400}
_HIERARCHIES: dict[str, dict[str, Any]] = {
    "qres34m": {**_HIERARCHY, "batch_size": 64},
    "qres17m": {**_HIERARCHY, "batch_size": 64},
    "qres34m_lossless": {**_HIERARCHY, "batch_size": 64},
    "qarv_base": {**_HIERARCHY, **_COSINE},
    "rd_model_base": {**_HIERARCHY, **_COSINE},
}
_VARIABLE_RATE = {
    "optimizer": "muon",
    "lr": 2e-3,
    "aux_lr": 1e-3,
    "schedule": "linear",
    "fall_start": 0.6,
    "final_lr": 0.0,
    "warmup": 500,
    "batch_size": 8,
    "smallest_scale": 0.4,
    "drawn": 0.1,
    "in_memory": True,
    "ema": 0.999,
    "ema_warmup": 100,
    "bf16": True,
    "balance": 0.4,
    "epoch_steps": 500,
}
# Frames and crops of the public reproduction of Agustsson et al. (CVPR 2020); lambda is given by its user.
_VIDEO = {"frames": 3, "patch_size": 256, "batch_size": 16, "validation_limit": 64}


def recipe_values(chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Settings that the model, quality and metric in `chosen` imply.

    Raises:
        ConfigurationError: the zoo has no such model, or its recipe no such quality.

    Example:
        >>> recipe_values({"model": "mbt2018-mean", "quality": 3})["lmbda"]
        0.0067
    """
    model = chosen.get("model", SETTINGS["model"].default)
    metric = chosen.get("metric", SETTINGS["metric"].default)
    name = model.replace("-", "_")
    if name in _HIERARCHIES:
        return _HIERARCHIES[name]
    values = _published(model, chosen.get("quality"), metric, chosen.get("lmbda"))
    if metric == "ms-ssim" and (chosen.get("checkpoint") or chosen.get("pretrained")):
        values["lr"] = FINE_TUNING_LR
    return values


def _published(model: str, quality: int | None, metric: str, lmbda: float | None) -> dict[str, Any]:
    from latentpress.registry import MODELS

    if ":" in model or (model not in zoo.recipes and model in MODELS):
        return {}
    recipe = zoo.find_recipe(model)
    if recipe.domain == "video":
        return dict(_VIDEO)
    if recipe.variable_rate:
        return dict(_VARIABLE_RATE)
    training = recipe.training
    if training is None:
        return {}
    values = {
        "lr": training.learning_rate,
        "aux_lr": training.aux_learning_rate,
        "clip_norm": training.clip_norm,
        "patch_size": training.crop,
        "batch_size": training.batch,
    }
    if lmbda is None and quality is not None:
        values["lmbda"] = _lmbda(recipe.name, training.lmbda, metric, quality)
    return values


def _lmbda(name: str, known: Mapping[str, Mapping[int, float]], metric: str, quality: int) -> float:
    by_quality = known.get(metric, {})
    if quality not in by_quality:
        raise ConfigurationError(
            f"Expected a metric and quality that {name} is trained for "
            f"({', '.join(known)}; {', '.join(map(str, by_quality))}), found {metric} and {quality}: "
            "choose one of these or give lmbda."
        )
    return by_quality[quality]


def resolve(flags: Mapping[str, Any], file: str | None = None) -> TrainingSettings:
    """Full settings from flags, which come first, a settings file, the model's recipe, and defaults.

    Raises:
        ConfigurationError: a name or value is not one of the valid ones.

    Example:
        >>> settings = resolve({"model": "bmshj2018-factorized", "quality": 4, "batch_size": 8})
        >>> settings.model.lmbda, settings.data.batch_size
        (0.013, 8)
    """
    values = {**(read_settings(file) if file is not None else {}), **flags}
    checked = TrainingSettings().override(values)
    names = {name: value for name, value in checked.values().items() if name in values}
    return TrainingSettings().override({**recipe_values(names), **names})
