"""Thousands of damaged files: each gives an error of the one family or an image, and nothing else."""

import resource
import subprocess
import sys
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import latentpress
from latentpress.codec.binary import ByteWriter
from latentpress.codec.container import MAGIC, Layout, read_container, write_container
from latentpress.errors import LatentPressError

MAX_PIXELS = 2**18


@pytest.fixture(params=["gained", "fixed_rate"])
def sample(request: pytest.FixtureRequest, photo: Image.Image) -> tuple[bytes, Path]:
    """A valid file with every kind of section, and the checkpoint that made it."""
    checkpoint: Path = request.getfixturevalue(request.param)
    alpha = Image.fromarray(np.random.default_rng(0).integers(0, 2, (70, 90), np.uint8) * 200)
    image = photo.copy()
    image.putalpha(alpha)
    image.info["icc_profile"] = bytes(range(64)) * 4
    model = {"gained": "latentpress2026", "fixed_rate": "mbt2018-mean"}[request.param]
    return latentpress.compress(image, model=model, checkpoint=checkpoint), checkpoint


def with_checksum(data: bytes) -> bytes:
    return data[:-4] + zlib.crc32(data[:-4]).to_bytes(4, "little")


def mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """The bytes with one to four places changed, overwritten, repeated, inserted or taken out."""
    damaged = bytearray(data)
    for _ in range(rng.integers(1, 5)):
        position = int(rng.integers(0, len(damaged)))
        length = int(rng.integers(1, 17))
        kind = rng.integers(0, 6)
        if kind == 0:
            damaged[position] ^= 1 << int(rng.integers(0, 8))
        elif kind == 1:
            damaged[position] = int(rng.integers(0, 256))
        elif kind == 2:
            damaged[position:position] = rng.bytes(length)
        elif kind == 3:
            del damaged[position : position + length]
        elif kind == 4:
            damaged[position : position + length] = bytes([255]) * length
        else:
            damaged += damaged[position : position + length]
        damaged = damaged or bytearray(1)
    return bytes(damaged)


def mutated_parts(data: bytes, rng: np.random.Generator) -> bytes:
    """A well-formed file whose header is right and of whose coded parts one is damaged."""
    container = read_container(data)
    parts = [*container.strings, container.alpha or b"", container.icc or b""]
    chosen = int(rng.integers(0, len(parts)))
    parts[chosen] = mutated(parts[chosen] or b"\0", rng)
    return write_container(replace(container, strings=tuple(parts[:-2]), alpha=parts[-2], icc=parts[-1]))


def attempt(data: bytes, checkpoint: Path) -> bool:
    """Whether the file decodes; every exception but a LatentPressError passes through."""
    try:
        image = latentpress.decompress(data, checkpoint=checkpoint, max_pixels=MAX_PIXELS)
    except LatentPressError:
        return False
    assert image.mode in ("L", "LA", "RGB", "RGBA")
    assert image.width * image.height <= MAX_PIXELS
    return True


def damaged_files(data: bytes, seed: int, count: int) -> Iterator[bytes]:
    rng = np.random.default_rng(seed)
    for _ in range(count):
        yield mutated(data, rng)
        yield with_checksum(mutated(data, rng))
        yield mutated_parts(data, rng)


def test_a_thousand_damaged_files_give_an_error_or_an_image(sample: tuple[bytes, Path]) -> None:
    data, checkpoint = sample
    outcomes = [attempt(damaged, checkpoint) for damaged in damaged_files(data, seed=1, count=350)]
    assert {True, False} == set(outcomes)  # the damage reached the network, and the checks


@pytest.mark.slow
def test_thirty_thousand_damaged_files_give_an_error_or_an_image(sample: tuple[bytes, Path]) -> None:
    data, checkpoint = sample
    outcomes = [attempt(damaged, checkpoint) for damaged in damaged_files(data, seed=2, count=10_000)]
    assert {True, False} == set(outcomes)


def test_no_byte_of_a_damaged_checked_file_brings_down_the_decoder(sample: tuple[bytes, Path]) -> None:
    data, checkpoint = sample
    for position in range(0, len(data) - 4, max(1, len(data) // 120)):
        damaged = bytearray(data)
        damaged[position] ^= 0xFF
        attempt(with_checksum(bytes(damaged)), checkpoint)


def claims(data: bytes, width: int, height: int) -> bytes:
    """A file that says it is a larger image, with everything else in order."""
    writer = ByteWriter()
    writer.uint(width)
    writer.uint(height)
    start = len(MAGIC) + 2
    return with_checksum(data[:start] + writer.getvalue() + data[start + 2 :])  # 90 and 70 take a byte each


HOSTILE_RUN = """
import resource, sys
import latentpress, torch
torch.set_num_threads(1)
paths, checkpoint = sys.argv[1:-1], sys.argv[-1]
latentpress.decompress(open(paths[0], "rb").read(), checkpoint=checkpoint)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path in paths[1:]:
    try:
        latentpress.decompress(open(path, "rb").read(), checkpoint=checkpoint)
    except latentpress.LatentPressError as error:
        print("refused:", error)
print("grew by", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_claims_of_huge_images_take_neither_memory_nor_time(
    sample: tuple[bytes, Path], tmp_path: Path
) -> None:
    data, checkpoint = sample
    container = read_container(data)
    opaque = write_container(
        replace(container, header=replace(container.header, layout=Layout.RGB), alpha=None)
    )
    sizes = [(2**20, 2**20), (2**62, 2**62), (1, 2**40), (11585, 11585), (4096, 2048)]
    files = [opaque, *(claims(opaque, *size) for size in sizes)]
    paths = []
    for i, file in enumerate(files):
        paths.append(tmp_path / f"{i}.ltp")
        paths[-1].write_bytes(file)
    run = subprocess.run(
        [sys.executable, "-c", HOSTILE_RUN, *map(str, paths), str(checkpoint)],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (60, 60)),
    )
    *refusals, growth = run.stdout.splitlines()
    assert len(refusals) == len(sizes)
    assert int(growth.split()[-1]) < 300 * 1024  # KiB
