"""`latentpress train`: train any model on a folder of images; an option for each setting."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from latentpress.training.settings import SETTINGS

if TYPE_CHECKING:
    from latentpress.training.settings import Setting


_ALIASES = {"lmbda": ("--lambda",)}


class JsonObject(click.ParamType):
    """An object in JSON, such as `{"N": 128}`."""

    name = "JSON"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, Any]:
        try:
            given = value if isinstance(value, dict) else json.loads(value)
        except ValueError as error:
            self.fail(f"expected an object in JSON, found {value!r} ({error})", param, ctx)
        if not isinstance(given, dict):
            self.fail(f"expected an object in JSON, found {value!r}", param, ctx)
        return given


def _option(setting: Setting) -> click.Option:
    flag = setting.name.replace("_", "-")
    default = "" if setting.default in (None, {}) else f" [default: {_shown(setting.default)}]"
    if setting.type is bool:
        declarations, kind = [f"--{flag}/--no-{flag}"], None
    else:
        declarations = [f"--{flag}", *_ALIASES.get(setting.name, ()), setting.name]
        kind = JsonObject() if setting.type is dict else setting.type
    return click.Option(declarations, type=kind, default=None, help=setting.help + default)


def _shown(default: Any) -> str:
    if isinstance(default, bool):
        return "yes" if default else "no"
    return f"{default:g}" if isinstance(default, float) else str(default)


def run(config: Path | None, model_name: str | None, folder: str | None, **given: Any) -> None:
    """Train MODEL on the images in DATA; run the same command again to go on where it was interrupted.

    MODEL and DATA are the same as --model and --data. Values come from the options, the file of --config, the
    recipe of the model, and the defaults shown, in this order. The folder of --run gets settings.json, the
    checkpoints last.pt and best.pt, weights.safetensors (of the best epoch, ready to compress) and the logs.
    A run that is gone on with keeps its settings, so `latentpress train --run FOLDER` is enough.

    Several GPUs: torchrun --nproc-per-node N --no-python -- latentpress train ...
    """
    from latentpress.training import resolve, train
    from latentpress.training.runs import SETTINGS_FILE

    flags = {name: value for name, value in given.items() if value is not None}
    for name, value in (("model", model_name), ("data", folder)):
        if value is not None and flags.setdefault(name, value) != value:
            raise click.UsageError(f"expected one {name}, found {value} and {flags[name]}")
    kept = Path(flags.get("run", SETTINGS["run"].default)) / SETTINGS_FILE
    if config is None and kept.exists():
        config = kept
    train(resolve(flags, None if config is None else str(config)))


command = click.Command(
    "train",
    callback=run,
    help=run.__doc__,
    params=[
        click.Argument(["model_name"], required=False, metavar="[MODEL]"),
        click.Argument(["folder"], required=False, metavar="[DATA]"),
        click.Option(
            ["--config"],
            type=click.Path(path_type=Path, dir_okay=False),
            metavar="FILE",
            help="Settings as JSON, such as the settings.json of another run.",
        ),
        *(_option(setting) for setting in SETTINGS.values()),
    ],
)
