"""Processes that compute as on lesser processors than this one."""

import os
import platform
import subprocess
import sys
from pathlib import Path

# What holds the extension, ATen, oneDNN and MKL down to each level; the first of them is LATENTPRESS_CPU.
_VARIABLES = (
    "LATENTPRESS_CPU",
    "ATEN_CPU_CAPABILITY",
    "ONEDNN_MAX_CPU_ISA",
    "MKL_ENABLE_INSTRUCTIONS",
    "MKL_CBWR",
)
_LEVELS = (
    ("portable", "default", "SSE41", "SSE4_2", "COMPATIBLE"),
    ("sse4.1", "default", "SSE41", "SSE4_2", "SSE4_2"),
    ("avx2", "avx2", "AVX2", "AVX2", "AVX2"),
    ("avx512", "avx512", "AVX512_CORE", "AVX512", "AVX512"),
    ("avx512_vnni", "avx512", "AVX512_CORE_VNNI", "AVX512", "AVX512"),
    ("amx", "avx512", "DEFAULT", "AVX512", "AVX512"),
)
UNHELD = "unheld"  # this machine as it is
LEVELS = tuple(level[0] for level in _LEVELS)


def environment_of(level: str, threads: int | None = None) -> dict[str, str]:
    """The environment of a process at one of `LEVELS` or `UNHELD`, with so many threads or PyTorch's own."""
    held = {level[0]: dict(zip(_VARIABLES, level, strict=True)) for level in _LEVELS} | {UNHELD: {}}
    kept = {name: value for name, value in os.environ.items() if name not in _VARIABLES}
    count = {} if threads is None else {"OMP_NUM_THREADS": str(threads)}
    return kept | held[level] | count | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def levels_here() -> list[str]:
    """Those of `LEVELS` that this machine has, as far as the extension's kernels can tell them apart."""
    program = (
        "from latentpress import _core; print(*_core.autoregressive_kernels(), _core.fixed_point_kernels())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment_of(UNHELD),
        capture_output=True,
        text=True,
        check=True,
    )
    *vectors, fixed_point = done.stdout.split()
    has = {
        "portable": True,
        "sse4.1": platform.machine() in ("x86_64", "AMD64"),
        "avx2": "avx2" in vectors,
        "avx512": "avx512" in vectors,
        "avx512_vnni": fixed_point in ("avx512", "amx"),
        "amx": fixed_point == "amx",
    }
    return [level for level in LEVELS if has[level]]


def run_on_other_processor(*arguments: str | Path, level: str = "portable") -> str:
    """What the interpreter prints when it is given these arguments there; it has to succeed."""
    done = subprocess.run(
        [sys.executable, *arguments],
        env=environment_of(level),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
