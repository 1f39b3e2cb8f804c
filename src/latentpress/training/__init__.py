"""Training: one engine for every model of the zoo and for classes of one's own. See docs/training.md.

Example:
    >>> from latentpress.training import resolve
    >>> settings = resolve({"model": "mbt2018-mean", "quality": 3, "data": "photos", "run": "runs/mean-3"})
    >>> settings.model.lmbda, settings.optimization.schedule
    (0.0067, 'plateau')

`train(settings)` then trains, and goes on where it was when it is called again.
"""

from typing import TYPE_CHECKING

from latentpress._lazy import lazy_attributes

if TYPE_CHECKING:
    from latentpress.training.engine import Trainer, TrainingDiverged
    from latentpress.training.networks import make_model
    from latentpress.training.objectives import Objective
    from latentpress.training.recipes import resolve
    from latentpress.training.runs import train
    from latentpress.training.settings import SETTINGS, TrainingSettings, read_settings

__all__ = [
    "SETTINGS",
    "Objective",
    "Trainer",
    "TrainingDiverged",
    "TrainingSettings",
    "make_model",
    "read_settings",
    "resolve",
    "train",
]

_HOMES = {
    "engine": ["Trainer", "TrainingDiverged"],
    "networks": ["make_model"],
    "objectives": ["Objective"],
    "recipes": ["resolve"],
    "runs": ["train"],
    "settings": ["SETTINGS", "TrainingSettings", "read_settings"],
}
__getattr__, __dir__ = lazy_attributes(
    __name__, {name: f"{__name__}.{home}" for home, names in _HOMES.items() for name in names}
)
