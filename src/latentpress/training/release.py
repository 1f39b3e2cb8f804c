"""From a finished run to what is published of it: weights, the record beside them, a model card, and the
state that a later run goes on from.

    python -m latentpress.training.release weights RUN FILE [--state FILE] [--calibrate PHOTOS]
                                                            [--facts FACTS]
    python -m latentpress.training.release card FILE [--measure KODAK] [--curves CURVES] [--facts FACTS]

The first writes the run's weights in half precision, and `FILE` with the suffix `.json`: their record. A
synthesis that computes in integers learns from photographs, and from drawings, how large these have to be.
The second makes a card of any weights file, with or without a run: it measures the weights on a folder of
images, takes curves that were measured already (an object of lists of points by name, such as
`benchmarks/default_codec.py --json` writes), and adds what a file of facts says to the record. Facts are an
object with any of `description`, `licence`, `hardware`, `note` and `data`; what is not given is kept from the
record that is there.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from latentpress import zoo
from latentpress.datasets import InMemoryCrops
from latentpress.datasets.graphics import DrawnCrops
from latentpress.errors import ConfigurationError, LatentPressError
from latentpress.evaluation import evaluate, find_images, plan_subjects
from latentpress.training import checkpoints
from latentpress.training.logs import JSON_LOG
from latentpress.training.networks import constructor_arguments, make_model
from latentpress.training.recipes import resolve
from latentpress.training.runs import SETTINGS_FILE
from latentpress.training.settings import SETTINGS, TrainingSettings

EXACT = ("entropy_bottleneck", "gaussian_conditional")  # what coder tables are made of is not rounded
CALIBRATION_SIDE = 256
QUALITIES = (1, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100)  # of a variable-rate model, to measure
FACTS = ("description", "licence", "data")
TRAINING_FACTS = ("hardware", "note")
_OF_A_PLACE = ("model", "data", "run", "device", "workers", "checkpoint", "validation", "wandb")


def release_weights(
    run: Path,
    target: Path,
    state: Path | None = None,
    facts: Mapping[str, Any] | None = None,
    photographs: Path | None = None,
) -> dict[str, Any]:
    """Write the best weights of a run in half precision, and their record beside them.

    Args:
        run: folder of the run.
        target: weights file to write.
        state: file to write the compact state of training to, from which `latentpress train --state` goes on.
        facts: what to say of the weights, see above.
        photographs: folder of images to calibrate a model with that has `calibrate`.

    Returns:
        The record.

    Raises:
        ConfigurationError: the folder is not that of a run.
        WeightsError: its weights or its state are missing or damaged.
    """
    settings = resolve({}, str(run / SETTINGS_FILE))
    model = _trained(run, settings)
    _halve(model)
    if photographs is not None:
        calibrate(model, photographs)
    target.parent.mkdir(parents=True, exist_ok=True)
    checkpoints.export_weights(model, target, constructor_arguments(settings.model, model))
    if state is not None:
        compact = checkpoints.compact_state(checkpoints.load_state(run / checkpoints.LAST))
        checkpoints.save_state(compact, state)
    kept = _kept(target)
    record = {
        **kept,
        "sha256": hashlib.sha256(target.read_bytes()).hexdigest(),
        "model": settings.model.model,
        "quality": settings.model.quality,
        "metric": settings.model.metric,
        "training": {**kept.get("training", {}), **_training(run, settings)},
        "rate_distortion": [],  # of other weights, if there is any
    }
    return _with_facts(record, facts or {}, target)


def _trained(run: Path, settings: TrainingSettings) -> nn.Module:
    best = {"checkpoint": str(run / checkpoints.WEIGHTS), "pretrained": False}
    return make_model(settings.override(best).model).eval()


def calibrate(model: Any, photographs: Path, count: int = 32) -> None:
    """Show a model crops of photographs and as many drawings.

    Args:
        model: with `calibrate(x)` for images (1, 3, H, W).
        photographs: folder of images.
        count: how many of each.

    Raises:
        ConfigurationError: the model has nothing to calibrate.
        ImageError: no image in the folder is large enough.
    """
    if not hasattr(model, "calibrate"):
        raise ConfigurationError(
            "Expected a model whose synthesis computes in integers to calibrate, "
            f"found {type(model).__name__}."
        )
    torch.manual_seed(0)
    crops = InMemoryCrops(photographs, CALIBRATION_SIDE, (1.0, 1.0))
    drawings = DrawnCrops(CALIBRATION_SIDE)
    for index in range(count):
        for image in (crops[index * len(crops) // count], drawings[index % len(drawings)]):
            model.calibrate(image[None].float() / 255)


def _halve(model: nn.Module) -> None:
    """Round large parameters, and leave densities as they are."""
    for name, parameter in model.named_parameters():
        if parameter.numel() > checkpoints.SMALL and not set(name.split(".")) & set(EXACT):
            parameter.data = parameter.data.half()


def _training(run: Path, settings: TrainingSettings) -> dict[str, Any]:
    entries = [json.loads(line) for line in (run / JSON_LOG).read_text().splitlines()]
    steps = max((entry["step"] for entry in entries), default=0)
    return {
        "command": _command(settings),
        "crops_seen": steps * settings.data.batch_size,
        "hours": round(sum(entry.get("seconds", 0.0) for entry in entries) / 3600, 2),
    }


def _command(settings: TrainingSettings) -> str:
    """The command that trains like this, as far as it is not the recipe of the model."""
    named = {"model": settings.model.model, "metric": settings.model.metric}
    usual = {**resolve(named).values(), "metric": SETTINGS["metric"].default}
    words = ["latentpress train", settings.model.model, "DATA"]
    for name, value in settings.values().items():
        if name in _OF_A_PLACE or value == usual[name]:
            continue
        flag = f"--{name.replace('_', '-')}"
        if isinstance(value, bool):
            words.append(flag if value else flag.replace("--", "--no-"))
        elif value is not None and value != {}:
            text = json.dumps(value) if isinstance(value, dict) else str(value)
            words.append(f"{flag} {shlex.quote(text)}")
    return " ".join(words)


def _kept(weights: Path) -> dict[str, Any]:
    path = weights.with_suffix(".json")
    return dict(json.loads(path.read_text())) if path.exists() else {}


def _with_facts(record: dict[str, Any], facts: Mapping[str, Any], weights: Path) -> dict[str, Any]:
    """Add facts to a record, and write it."""
    unknown = set(facts) - {*FACTS, *TRAINING_FACTS}
    if unknown:
        valid = ", ".join((*FACTS, *TRAINING_FACTS))
        raise ConfigurationError(f"Expected facts of {valid}, found {', '.join(sorted(unknown))}.")
    training = {name: facts[name] for name in TRAINING_FACTS if name in facts}
    record = {**record, **{name: facts[name] for name in FACTS if name in facts}}
    record["training"] = {**record.get("training", {}), **training}
    record.setdefault("licence", "not stated")
    weights.with_suffix(".json").write_text(json.dumps(record, indent=1) + "\n")
    return record


def measure(weights: Path, record: Mapping[str, Any], folder: Path) -> list[dict[str, Any]]:
    """What weights reach on the images in a folder: a point for each rate, from real strings.

    Args:
        weights: the file.
        record: its record, which names the model.
        folder: of images; its name is that of the data set.
    """
    model = record.get("model") or zoo.read_checkpoint(weights)[1].get("architecture") or weights.stem
    variable = model in zoo.models and zoo.find_recipe(model).variable_rate
    subjects = plan_subjects(model, qualities=QUALITIES if variable else (), checkpoints=[weights])
    points = evaluate(subjects, find_images([folder]))
    return [
        {
            "dataset": folder.name,
            "metric": record.get("metric", "mse"),
            "quality": subject.quality if subject.quality is not None else record.get("quality"),
            "bpp": means["bpp"],
            "psnr": means["psnr-rgb"],
            "ms_ssim": means["ms-ssim-rgb"],
        }
        for subject, means in ((s, p.means()) for s, p in zip(subjects, points, strict=True))
    ]


def card(name: str, record: Mapping[str, Any], rivals: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """The model card, in Markdown: what the weights are, what they learned from, and how good they are.

    Args:
        name: heading of the card.
        record: of the weights.
        rivals: curves of other codecs on the same images, by name.
    """
    training, data = record.get("training", {}), record.get("data")
    description = record.get("description", f"Weights of `{record.get('model', name)}`.")
    lines = [f"# {name}", "", description, ""]
    lines += [f"Licence {record['licence']}, SHA-256 `{record['sha256']}`.", "", "## Training", ""]
    if "command" in training:
        lines += [f"    {training['command']}", "", f"{training['crops_seen']:,} crops."]
    if "hours" in training:
        lines += [f"{training['hours']} hours on {training.get('hardware', 'hardware that is not stated')}."]
    lines += [training["note"]] if training.get("note") else []
    lines += ["", *_data_lines(data), "", "## Measured", ""]
    dataset = next((point["dataset"] for point in record.get("rate_distortion", ())), None)
    lines += [f"Means over the images of {dataset}." if dataset else "Nothing yet."]
    for curve, points in {name: record.get("rate_distortion", ()), **rivals}.items():
        lines += _table(curve, points) if points else []
    return "\n".join(lines) + "\n"


def _data_lines(data: Any) -> list[str]:
    if not isinstance(data, Mapping):
        return [f"Data: {data or 'not stated'}."]
    sources = data.get("sources", {})
    lines = [f"Data: {data['images']} images." if "images" in data else "Data:", ""]
    lines += [f"- {source}: {what}" for source, what in sources.items()]
    return [*lines, "", f"For {data['use']}."] if "use" in data else lines


def _table(name: str, points: Sequence[Mapping[str, Any]]) -> list[str]:
    rows = [
        f"| {'-' if p['quality'] is None else format(p['quality'], 'g')} | {p['bpp']:.3f} | {p['psnr']:.2f} "
        f"| {'-' if p['ms_ssim'] is None else format(p['ms_ssim'], '.4f')} |"
        for p in points
    ]
    return ["", f"| {name}: quality | bpp | PSNR (dB) | MS-SSIM |", "|---:|---:|---:|---:|", *rows]


def write_card(
    weights: Path,
    target: Path,
    images: Path | None = None,
    curves: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    facts: Mapping[str, Any] | None = None,
) -> None:
    """Write the card of a weights file, and bring its record up to date.

    Args:
        weights: the file; its record lies beside it, or is made now.
        target: of the card.
        images: folder to measure the weights on.
        curves: what was measured already, by name; those that are not called like the weights are rivals.
        facts: what to say of the weights.

    Raises:
        WeightsError: there is no such file.
        ConfigurationError: the record is that of other weights.
    """
    zoo.read_checkpoint(weights)
    record = _kept(weights)
    found = hashlib.sha256(weights.read_bytes()).hexdigest()
    if record.setdefault("sha256", found) != found:
        raise ConfigurationError(f"The record beside {weights} is that of other weights: remove it.")
    rivals = dict(curves or {})
    own = rivals.pop(weights.stem, None)
    if own is not None:
        metric = record.get("metric", "mse")
        record["rate_distortion"] = [{"dataset": "kodak", "metric": metric, **point} for point in own]
    if images is not None:
        record["rate_distortion"] = measure(weights, record, images)
    record = _with_facts(record, facts or {}, weights)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(card(weights.stem, record, rivals))


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line of this module; returns the exit status."""
    given = _parser().parse_args(arguments)
    facts, curves = (
        json.loads(path.read_text()) if path is not None else None
        for path in (given.facts, getattr(given, "curves", None))
    )
    try:
        if given.what == "weights":
            release_weights(given.run, given.file, given.state, facts, given.calibrate)
        else:
            write_card(
                given.file, given.output or given.file.with_suffix(".md"), given.measure, curves, facts
            )
    except LatentPressError as error:
        print(f"release: error: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="what", required=True)
    weights = commands.add_parser("weights", help="write the weights of a run, and their record")
    weights.add_argument("run", type=Path, help="folder of the run")
    weights.add_argument("file", type=Path, help="weights file to write")
    weights.add_argument("--state", type=Path, help="also write the compact state of training here")
    weights.add_argument("--calibrate", type=Path, metavar="PHOTOS", help="for a synthesis in integers")
    cards = commands.add_parser("card", help="write the card of a weights file")
    cards.add_argument("file", type=Path, help="weights file")
    cards.add_argument("--measure", type=Path, metavar="FOLDER", help="measure on the images in this folder")
    cards.add_argument("--curves", type=Path, help="JSON of curves that were measured already")
    cards.add_argument("-o", "--output", type=Path, help="card to write; beside the weights if not given")
    for command in (weights, cards):
        command.add_argument("--facts", type=Path, help="JSON of what to say of the weights")
    return parser


if __name__ == "__main__":
    sys.exit(main())
