"""Weights that come with the package: a safetensors file and, beside it, a JSON record that says what it is.

The record of `weights/NAME.safetensors` is `weights/NAME.json`: an object with `sha256` (of the weights file,
in full) and `licence`, and where known `training` and `data` (objects or text) and `rate_distortion` (a list
of objects with the fields of `latentpress.zoo.RateDistortion`). Further fields are for people to read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from latentpress.errors import WeightsError
from latentpress.zoo.files import check_hash
from latentpress.zoo.records import RateDistortion, Weights


@dataclass(frozen=True)
class BundledRecord:
    """What the JSON file beside bundled weights says.

    Attributes:
        sha256: of the weights file, 64 hexadecimal digits.
        licence: what the weights may be used under.
        training: how they were trained.
        data: what they were trained on.
        rate_distortion: what was measured with them.
    """

    sha256: str
    licence: str
    training: Mapping[str, Any] | str | None = None
    data: Mapping[str, Any] | str | None = None
    rate_distortion: tuple[RateDistortion, ...] = ()


def bundled_record(weights: Weights) -> BundledRecord:
    """The record of bundled weights.

    Raises:
        WeightsError: there is no record, or it does not say what it must.
    """
    path = _directory() / Path(weights.file).with_suffix(".json").name
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        return BundledRecord(
            sha256=_full_hash(fields["sha256"]),
            licence=str(fields["licence"]),
            training=fields.get("training"),
            data=fields.get("data"),
            rate_distortion=tuple(RateDistortion(**point) for point in fields.get("rate_distortion", ())),
        )
    except FileNotFoundError:
        raise WeightsError(
            f"Expected the record of the bundled weights {weights.file} at {path}, found none: "
            "reinstall latentpress."
        ) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsError(
            f"The record of the bundled weights at {path} cannot be read ({error!r}): reinstall latentpress."
        ) from error


def bundled_file(weights: Weights) -> Path:
    """Path of a bundled weights file, after its hash was checked against its record.

    Raises:
        WeightsError: the file or its record is missing, or they do not belong together.
    """
    path = _directory() / weights.file
    check_hash(path, bundled_record(weights).sha256, "reinstall latentpress")
    return path


def _full_hash(value: object) -> str:
    if not isinstance(value, str) or re.fullmatch("[0-9a-f]{64}", value) is None:
        raise ValueError(f"sha256 is {value!r} and not 64 hexadecimal digits")
    return value


def _directory() -> Path:
    return Path(str(files("latentpress.zoo"))) / "weights"
