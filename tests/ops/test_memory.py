"""Memory that is kept between steps."""

import os
import subprocess
import sys

import pytest

PROGRAM = """
import resource, torch
from latentpress.ops import keep_freed_memory
kept = keep_freed_memory()
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(5):
        torch.ones(4_000_000)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
faults()
faults(), faults()  # until the heap has grown
print(kept, faults())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the allocator is glibc's")
def test_tensors_of_the_next_step_take_the_memory_of_those_before() -> None:
    def run(**variables: str) -> list[str]:
        environment = {**os.environ, **variables}
        return subprocess.run(
            [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True
        ).stdout.split()

    kept, faults = run()
    if kept == "False":
        pytest.skip("another C library, or an environment that chooses how to allocate")
    assert int(faults) < 10_000  # pages of 4 KiB; five tensors have 20,000
    assert run(MALLOC_MMAP_MAX_="65536")[0] == "False"
