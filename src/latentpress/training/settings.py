"""What a training run depends on: typed settings, kept as JSON beside the run's checkpoints.

Values come from four places, later ones first: flags, a settings file, the recipe of the model
(`latentpress.training.recipes`), the defaults here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, asdict, dataclass, field, fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_type_hints

from latentpress.errors import ConfigurationError

METRICS = ("mse", "ms-ssim")
OPTIMIZERS = ("adam", "adamw", "muon", "soap")
SCHEDULES = ("plateau", "cosine", "linear", "constant")


def setting(default: Any, help: str) -> Any:
    """A field of settings, with the sentence that the command line says of it."""
    return field(default=default, metadata={"help": help})


@dataclass(frozen=True)
class ModelSettings:
    """Which network is trained, from which weights, for which trade-off."""

    model: str = setting("latentpress2026", "Name of a model of the zoo, or package.module:Class.")
    quality: int | None = setting(None, "Which of the model's networks; it implies lambda.")
    metric: str = setting("mse", f"What distortion is measured by: {' or '.join(METRICS)}.")
    lmbda: float | None = setting(None, "Trade-off; a larger value buys quality with bits.")
    arguments: dict[str, Any] = field(
        default_factory=dict, metadata={"help": "Constructor arguments, as JSON."}
    )
    checkpoint: str | None = setting(None, "Start from the weights in this file.")
    pretrained: bool = setting(False, "Start from the weights that the zoo knows.")
    state: str | None = setting(
        None, "Go on from the state of another run in this file: its last.pt, or what a release made of it."
    )
    balance: float = setting(
        0.0, "Variable rate: losses are weighted by lambda^-BALANCE, so that no rate drowns the others."
    )


@dataclass(frozen=True)
class DataSettings:
    """What the network learns from."""

    data: str | None = setting(None, "Folder of training images, or one with train/ and test/ in it.")
    validation: str | None = setting(
        None, "Folder of validation images; by default test/ in the data's, or the test list of sequences."
    )
    validation_limit: int = setting(0, "At most so many validation images or sequences; 0 for all.")
    validation_batch: int = setting(1, "Validation images of the same size that are measured at once.")
    frames: int = setting(0, "Frames of a training sequence, for video models; 0 for images.")
    patch_size: int = setting(256, "Side of the square training crops, in pixels.")
    smallest_scale: float = setting(
        1.0, "Images are scaled down at random, at most to this, which hides the traces of JPEG in them."
    )
    batch_size: int = setting(16, "Crops a step, over all processes and accumulated parts.")
    drawn: float = setting(
        0.0, "Share of crops that are drawn by code: text, charts, flat colours. Needs images in memory."
    )
    in_memory: bool = setting(False, "Keep the training images in memory, decoded, and crop from there.")
    workers: int = setting(2, "Processes that read images, for each training process.")


@dataclass(frozen=True)
class OptimizationSettings:
    """How the weights move."""

    epochs: int = setting(100, "Epochs to train.")
    epoch_steps: int = setting(0, "Steps of an epoch; 0 for one pass over the data.")
    optimizer: str = setting("adam", f"Of the network: {', '.join(OPTIMIZERS)}.")
    lr: float = setting(1e-4, "Learning rate of the network.")
    aux_lr: float = setting(1e-3, "Learning rate of the entropy bottlenecks' quantiles.")
    weight_decay: float = setting(0.0, "Of adamw.")
    schedule: str = setting("plateau", f"How the learning rate falls: {', '.join(SCHEDULES)}.")
    patience: int = setting(20, "plateau: epochs without a better loss before the rate falls.")
    factor: float = setting(0.5, "plateau: what the rate is multiplied by when it falls.")
    fall_start: float = setting(0.0, "cosine, linear: share of the steps, at the start, at the full rate.")
    final_lr: float = setting(0.01, "cosine, linear: share of the rate that is left at the end.")
    warmup: int = setting(0, "Steps over which the rate rises at the start.")
    clip_norm: float = setting(1.0, "Largest norm of the gradient; 0 for any.")
    spike: float = setting(
        0.0,
        "A gradient whose norm is this many times the running median moves the weights a tenth as far, and "
        "their average not at all; 0 for never.",
    )
    frozen: str | None = setting(
        None, "Parts of the network that keep their weights: how their names begin, separated by commas."
    )
    accumulate: int = setting(1, "Parts that a step's batch is worked through in, to save memory.")
    ema: float = setting(0.0, "Decay of averaged weights, which are then validated and exported; 0 for none.")
    ema_warmup: int = setting(1000, "Steps over which that decay rises.")


@dataclass(frozen=True)
class ComputeSettings:
    """Where and how exactly it is computed."""

    device: str = setting("auto", "Torch device; auto takes a GPU if there is one.")
    seed: int = setting(0, "Every random number of the run follows from it.")
    bf16: bool = setting(False, "Compute in bfloat16 where torch's autocast does.")
    channels_last: bool = setting(True, "Keep channels innermost in memory.")
    compile: bool = setting(False, "Compile the network with torch.compile.")
    deterministic: bool = setting(True, "Take algorithms that give the same result each time.")


@dataclass(frozen=True)
class ReportSettings:
    """What is kept of the run and when."""

    run: str = setting("run", "Folder of the run: its settings, checkpoints and logs.")
    save_every: int = setting(1000, "Steps between checkpoints; there is one at the end of each epoch, too.")
    log_every: int = setting(50, "Steps between entries of the log.")
    validate_every: int = setting(1, "Epochs between validations.")
    reconstructions: int = setting(2, "Validation images whose reconstructions are logged.")
    tensorboard: bool = setting(True, "Log for TensorBoard, too, where it is installed.")
    wandb: str | None = setting(None, "Log to this project of Weights & Biases, too.")


@dataclass(frozen=True)
class TrainingSettings:
    """Everything a run depends on.

    Example:
        >>> settings = TrainingSettings().override({"lr": 1e-3, "model": "mbt2018-mean"})
        >>> settings.optimization.lr, settings.model.model
        (0.001, 'mbt2018-mean')
    """

    model: ModelSettings = field(default_factory=ModelSettings)
    data: DataSettings = field(default_factory=DataSettings)
    optimization: OptimizationSettings = field(default_factory=OptimizationSettings)
    compute: ComputeSettings = field(default_factory=ComputeSettings)
    reports: ReportSettings = field(default_factory=ReportSettings)

    def override(self, values: Mapping[str, Any]) -> TrainingSettings:
        """These settings with some values replaced, by their names without the section; checked.

        Raises:
            ConfigurationError: a name or value is not one of the valid ones.
        """
        unknown = next((name for name in values if name not in SETTINGS), None)
        if unknown is not None:
            close = get_close_matches(unknown, SETTINGS, n=1)
            hint = f" (did you mean {close[0]}?)" if close else ""
            raise ConfigurationError(
                f"Expected a setting of training, found {unknown!r}{hint}; valid are {', '.join(SETTINGS)}."
            )
        sections = {}
        for section in fields(self):
            inside = getattr(self, section.name)
            chosen = {
                name: _checked(name, value)
                for name, value in values.items()
                if SETTINGS[name].section == section.name
            }
            sections[section.name] = replace(inside, **chosen)
        return TrainingSettings(**sections)

    def values(self) -> dict[str, Any]:
        """Every value by its name, without the sections."""
        return {name: value for section in asdict(self).values() for name, value in section.items()}

    def save(self, path: Path) -> None:
        """Write the settings as JSON, by section."""
        path.write_text(json.dumps(asdict(self), indent=2) + "\n")


@dataclass(frozen=True)
class Setting:
    """What is known about one setting: its section, type, default and help."""

    name: str
    section: str
    kind: Any
    default: Any
    help: str

    @property
    def type(self) -> type:
        """The type of a value that is not None: bool, int, float, str or dict."""
        return _plain_type(self.kind)


def _all_settings() -> Iterator[Setting]:
    for section, cls in get_type_hints(TrainingSettings).items():
        hints = get_type_hints(cls)
        for entry in fields(cls):
            yield Setting(entry.name, section, hints[entry.name], _default(entry), entry.metadata["help"])


def _default(entry: Field[Any]) -> Any:
    return entry.default_factory() if entry.default_factory is not MISSING else entry.default


def _plain_type(kind: Any) -> type:
    options = [option for option in getattr(kind, "__args__", ()) if option is not type(None)]
    if getattr(kind, "__origin__", None) is dict:
        return dict
    return options[0] if options else kind


SETTINGS: dict[str, Setting] = {entry.name: entry for entry in _all_settings()}
"""Name -> what is known about the setting. Names are unique across sections."""

_CHOICES = {"metric": METRICS, "optimizer": OPTIMIZERS, "schedule": SCHEDULES}
_AT_LEAST_ONE = (
    "patch_size", "batch_size", "validation_batch", "epochs", "accumulate", "save_every", "log_every",
    "validate_every",
)  # fmt: skip
_POSITIVE = ("lmbda", "lr", "aux_lr", "factor", "smallest_scale")
_NOT_NEGATIVE = (
    "frames", "workers", "epoch_steps", "weight_decay", "patience", "warmup", "clip_norm", "spike",
    "ema_warmup", "reconstructions", "validation_limit",
)  # fmt: skip
_SHARES = ("fall_start", "final_lr", "ema")


def _checked(name: str, value: Any) -> Any:
    """The value as its setting's type, or ConfigurationError."""
    known = SETTINGS[name]
    if value is None and type(None) in getattr(known.kind, "__args__", ()):
        return None
    plain = known.type
    if plain is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if isinstance(value, Path) and plain is str:
        value = str(value)
    if not isinstance(value, plain) or (plain is int and isinstance(value, bool)):
        raise ConfigurationError(f"Expected {plain.__name__} for the setting {name}, found {value!r}.")
    _check_range(name, value)
    return value


def _check_range(name: str, value: Any) -> None:
    valid = {
        _AT_LEAST_ONE: ("at least 1", lambda: value >= 1),
        _POSITIVE: ("a positive number", lambda: 0 < value < float("inf")),
        _NOT_NEGATIVE: ("at least 0", lambda: 0 <= value < float("inf")),
        _SHARES: ("a share from 0 to 1", lambda: 0 <= value <= 1),
    }
    for names, (expected, holds) in valid.items():
        if name in names and not holds():
            raise ConfigurationError(f"Expected {expected} for the setting {name}, found {value!r}.")
    if name in _CHOICES and value not in _CHOICES[name]:
        raise ConfigurationError(
            f"Expected {name} to be one of {', '.join(_CHOICES[name])}, found {value!r}."
        )


def read_settings(path: str | Path) -> dict[str, Any]:
    """The values that a settings file gives, by name; it may give some only.

    Raises:
        ConfigurationError: the file cannot be read, is not JSON, or has an unknown section.
    """
    try:
        contents = json.loads(Path(path).read_text())
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"Expected a settings file of JSON at {path}, found: {error}.") from error
    sections = [entry.name for entry in fields(TrainingSettings)]
    values: dict[str, Any] = {}
    for section, inside in contents.items() if isinstance(contents, dict) else [("", None)]:
        if section not in sections or not isinstance(inside, dict):
            raise ConfigurationError(
                f"Expected the sections {', '.join(sections)} in {path}, found {section!r}."
            )
        values.update(inside)
    return values
