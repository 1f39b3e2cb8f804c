"""One variable holds all kernels down to what a lesser processor has."""

import os
import subprocess
import sys

import pytest

from other_processor import LEVELS, environment_of, levels_here, run_on_other_processor

KERNELS = (
    "from latentpress import _core;"
    "print(_core.autoregressive_kernels()[0], _core.fixed_point_kernels(), _core.strided_kernels())"
)
FASTEST = {  # kernels that sum floats, fixed-point ones, those of strided networks
    "portable": "portable portable portable",
    "sse4.1": "portable portable portable",
    "avx2": "avx2 avx2 portable",
    "avx512": "avx512 avx2 portable",
    "avx512_vnni": "avx512 avx512 portable",
}


@pytest.mark.parametrize("level", FASTEST)
def test_the_fastest_kernels_are_those_of_the_level(level: str) -> None:
    if level not in levels_here():
        pytest.skip(f"this machine has no {level}")
    assert run_on_other_processor("-c", KERNELS, level=level).strip() == FASTEST[level]


def test_a_level_that_the_machine_lacks_leaves_what_it_has() -> None:
    most = levels_here()[-1]
    expected = run_on_other_processor("-c", KERNELS, level=most)
    assert run_on_other_processor("-c", KERNELS, level=LEVELS[-1]) == expected


def test_an_unknown_level_is_an_error_that_names_the_known_ones() -> None:
    done = subprocess.run(
        [sys.executable, "-c", KERNELS],
        env={**environment_of("portable"), "LATENTPRESS_CPU": "abacus", "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "ConfigurationError" in done.stderr
    assert "portable, sse4.1, avx2, avx512, avx512_vnni, amx" in done.stderr
    assert "'abacus'" in done.stderr
