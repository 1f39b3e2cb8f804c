"""What was made of which file with which settings, so that a job that is run again does only what is left.

Kept in the user's cache directory, one file of JSON lines for each folder that results are in: nothing is put
beside them. What is not known there was not made by these commands, on this machine, as far as they know.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import latentpress
from latentpress._files import cache_directory, whole_file
from latentpress.cli.plan import Job

# These change nothing of a result.
_OF_NO_CONSEQUENCE = ("max_pixels",)
_MOST_LINES_EACH = 2  # of a result, on average, before the older ones are dropped

Stamp = list[int]


class Ledger:
    """Which results there are of which settings.

    Args:
        verb: what is done, such as "compressed".
        options: how, as the command line has it.
    """

    def __init__(self, verb: str, options: Mapping[str, Any]) -> None:
        chosen = {name: value for name, value in options.items() if name not in _OF_NO_CONSEQUENCE}
        if "checkpoint" in chosen:
            chosen["checkpoint"] = _stamp(Path(chosen["checkpoint"]))
        text = json.dumps([latentpress.__version__, verb, chosen], sort_keys=True, default=str)
        self._settings = sha256(text.encode()).hexdigest()[:32]
        self._folders: dict[Path, dict[str, Any]] = {}
        self._sources: dict[Path, Stamp | None] = {}

    def begin(self, job: Job) -> None:
        """Take note of the source as it is now, before it is read."""
        self._sources[job.source] = _stamp(job.source)

    def has(self, job: Job) -> bool:
        """Whether the result is there, unchanged, and was made of the same source with the same settings."""
        kept = self._entries(job.target.parent).get(job.target.name)
        return kept is not None and kept == self._entry(job, _stamp(job.source))

    def note(self, job: Job) -> None:
        """The job was done. That it cannot be noted costs the next run some work, nothing else."""
        entry = self._entry(job, self._sources.get(job.source))
        place = _place_for(job.target.parent)
        with suppress(OSError):
            place.parent.mkdir(parents=True, exist_ok=True)
            with place.open("a", encoding="utf-8") as file:
                file.write(json.dumps([job.target.name, entry]) + "\n")

    def _entry(self, job: Job, source: Stamp | None) -> list[Any] | None:
        made = _stamp(job.target)
        if made is None or source is None:
            return None
        return [made, os.path.realpath(job.source), source, self._settings]

    def _entries(self, folder: Path) -> dict[str, Any]:
        if folder not in self._folders:
            self._folders[folder] = _read(_place_for(folder))
        return self._folders[folder]


def _place_for(folder: Path) -> Path:
    key = sha256(os.fsencode(os.path.realpath(folder))).hexdigest()[:32]
    return cache_directory() / "made" / f"{key}.jsonl"


def _read(place: Path) -> dict[str, Any]:
    """The last entry of each name; lines that are cut or damaged are passed over."""
    entries: dict[str, Any] = {}
    try:
        lines = place.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return entries
    for line in lines:
        with suppress(ValueError, TypeError):
            name, entry = json.loads(line)
            entries[name] = entry
    if len(lines) > _MOST_LINES_EACH * len(entries):
        with suppress(OSError), whole_file(place) as partial:
            kept = (json.dumps([name, entry]) + "\n" for name, entry in entries.items())
            partial.write_text("".join(kept), encoding="utf-8")
    return entries


def _stamp(path: Path) -> Stamp | None:
    """What changes when a file does; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return [status.st_size, status.st_mtime_ns]
