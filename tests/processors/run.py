"""Proves on one machine that files do not depend on the processor: see `./dev test-processors`.

Processes held down to each level that this machine has write files of every kind, and each of them decodes
all of these. Then the tests of kernels and of exactness run at each level. Anything that differs is
named; the last line counts.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
TESTS = HERE.parent
sys.path[:0] = [str(TESTS), str(TESTS / "hierarchical")]
from other_processor import LEVELS, UNHELD, environment_of, levels_here  # noqa: E402

THREADS = (1, 2, 3)
TEST_FILES = (
    "ans/test_coding_tables.py",
    "ans/test_rans.py",
    "codec/test_stored_files.py",
    "entropy_models/test_portable.py",
    "hierarchical/test_kernels.py",
    "hierarchical/test_tables.py",
    "latent_codecs/test_autoregressive.py",
    "latent_codecs/test_critical.py",
    "latent_codecs/test_exact.py",
    "models/video/test_portability.py",
    "models/video/test_scale_space.py",
    "models/video/test_strided.py",
)
# Levels by which pixels may differ where only latents are promised.
MOST_OFF = 1
LONGEST = 600  # seconds that one process may take


def threads_for(number: int, level: str) -> list[int]:
    """Each level gets one of the numbers of threads, and the machine as it is all of them."""
    return list(THREADS) if level == UNHELD else [THREADS[number % len(THREADS)]]


def child(level: str, threads: int | None, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A Python process at a level, run to its end."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=TESTS.parent,
        env=environment_of(level, threads),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LONGEST,
        check=False,
    )


def in_parallel(work: Callable[..., Any], jobs: Iterable[tuple[Any, ...]]) -> list[Any]:
    """What `work` returns for each job, as many at a time as there are cores."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return [future.result() for future in [pool.submit(work, *job) for job in jobs]]


def sample_step(level: str, threads: int | None, step: str, *arguments: str) -> None:
    """One step of samples.py; nothing can be said without it, so that its failure ends the run."""
    done = child(level, threads, str(HERE / "samples.py"), step, *arguments)
    if done.returncode != 0:
        raise SystemExit(f"To {step} files at level {level} failed:\n{done.stdout}")


def cross_decode(folder: Path, levels: list[str]) -> Counter[str]:
    """Every level writes, every level reads: prints who differs from what the writer itself decodes."""
    for level in levels:
        (folder / level).mkdir()
    sample_step(UNHELD, 1, "make", str(folder))
    in_parallel(
        sample_step, [(at, threads_for(i, at)[-1], "write", str(folder), at) for i, at in enumerate(levels)]
    )
    jobs = []
    for i, reader in enumerate(levels):
        writers = {writer: threads_for(i + j, reader) for j, writer in enumerate(levels)}
        jobs.append((reader, None, "read", str(folder), reader, json.dumps(writers)))
    in_parallel(sample_step, jobs)
    digests = {level: json.loads((folder / level / "digests.json").read_text()) for level in levels}
    pixels = {level: dict(np.load(folder / level / "pixels.npz")) for level in levels}
    expected = {}
    for writer in levels:
        for key in digests[writer]:
            _, made_by, kind = key.split("/")
            if made_by == writer:
                expected[writer, kind] = digests[writer][key], pixels[writer][key]
    counts: Counter[str] = Counter()
    wrong: dict[tuple[str, str], list[str]] = {}
    for reader in levels:
        for key, digest in digests[reader].items():
            threads, writer, kind = key.split("/")
            bits, shown = expected[writer, kind]
            off = int(np.abs(pixels[reader][key].astype(int) - shown.astype(int)).max())
            good = digest == bits and off <= MOST_OFF
            counts["passed" if good else "failed"] += 1
            if not good:
                what = "bits differ" if digest != bits else "bits are equal"
                wrong.setdefault((writer, reader), []).append(
                    f"{kind}, read with {threads} threads: {what}, pixels by up to {off}"
                )
    print_table(levels, wrong)
    return counts


def print_table(levels: list[str], wrong: dict[tuple[str, str], list[str]]) -> None:
    """Rows are writers and columns readers; below, what differs."""
    width = max(map(len, levels)) + 2
    print(
        "Written at (rows), read at (columns):\n"
        + " " * width
        + "".join(level.ljust(width) for level in levels)
    )
    for writer in levels:
        cells = ("differs" if (writer, reader) in wrong else "=" for reader in levels)
        print(writer.ljust(width) + "".join(cell.ljust(width) for cell in cells))
    for (writer, reader), lines in wrong.items():
        for line in lines:
            print(f"FAILED written at {writer}, read at {reader}: {line}")


def run_tests(level: str, threads: int) -> Counter[str]:
    """The tests of kernels and of exactness in one process at a level; prints how they went."""
    files = [str(TESTS / name) for name in TEST_FILES]
    done = child(level, threads, "-m", "pytest", "-p", "no:cacheprovider", "--tb=short", *files)
    last = done.stdout.strip().splitlines()[-1] if done.stdout.strip() else "no output"
    counts = Counter({what: int(n) for n, what in re.findall(r"(\d+) (passed|failed|skipped)", last)})
    counts["failed"] += sum(int(n) for n in re.findall(r"(\d+) errors?", last))
    if done.returncode != 0:
        counts["failed"] = max(counts["failed"], 1)
        print(done.stdout)
    print(f"tests at level {level} with {threads} threads: {last}", flush=True)
    return counts


def main() -> int:
    """Everything at every level; 1 if anything differs or fails."""
    levels = [*levels_here(), UNHELD]
    with tempfile.TemporaryDirectory() as folder:
        counts = cross_decode(Path(folder), levels)
    jobs = [(level, count) for i, level in enumerate(levels) for count in threads_for(i, level)]
    for found in in_parallel(run_tests, jobs):
        counts += found
    lacking = [level for level in LEVELS if level not in levels]
    for level in lacking:
        print(f"SKIPPED level {level}: this machine does not have it.")
    skipped = counts["skipped"] + len(lacking)
    print(f"{counts['passed']} passed, {counts['failed']} failed, {skipped} skipped")
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
