"""Alpha planes and side data come back bit for bit, and damage is noticed before it costs memory."""

import lzma
import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from latentpress.codec.alpha import decode_alpha, encode_alpha
from latentpress.codec.packing import pack, unpack
from latentpress.errors import BitstreamError


@given(arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=40)))
def test_any_plane_comes_back_exactly(plane: np.ndarray) -> None:
    assert np.array_equal(decode_alpha(encode_alpha(plane), *plane.shape), plane)


@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_constant_plane_takes_one_byte(value: int) -> None:
    assert encode_alpha(np.full((300, 200), value, np.uint8)) == bytes([value])


@pytest.mark.parametrize("name", ["ramp across", "ramp down", "disc", "noise"])
def test_every_filter_finds_its_use_and_undoes_itself(name: str) -> None:
    rows, columns = np.mgrid[:120, :160]
    plane = {
        "ramp across": columns,
        "ramp down": 2 * rows,
        "disc": 255 * (np.hypot(rows - 60, columns - 80) < 50),
        "noise": np.random.default_rng(0).integers(0, 256, rows.shape),
    }[name].astype(np.uint8)
    coded = encode_alpha(plane)
    assert np.array_equal(decode_alpha(coded, 120, 160), plane)
    assert len(coded) < {"noise": plane.size + 10}.get(name, plane.size // 20)


@pytest.mark.parametrize(
    "data", [b"", b"\x04\0abcd", b"\0\0abc", b"\0\0abcde", b"\0\x07abcd", b"\0\x01\xff", b"\0\x02\xff"]
)
def test_a_malformed_plane_is_refused(data: bytes) -> None:
    with pytest.raises(BitstreamError):
        decode_alpha(data, 2, 2)


@given(st.binary(max_size=300))
def test_packed_bytes_come_back_exactly(data: bytes) -> None:
    assert unpack(pack(data), len(data)) == data


def raw_deflate(data: bytes) -> bytes:
    coder = zlib.compressobj(9, zlib.DEFLATED, -15)
    return coder.compress(data) + coder.flush()


def raw_lzma(data: bytes) -> bytes:
    return lzma.compress(data, lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 2**22}])


BOMB = bytes(64 * 2**20)


@pytest.mark.parametrize("packed", [b"\x01" + raw_deflate(BOMB), b"\x02" + raw_lzma(BOMB)])
def test_a_decompression_bomb_is_refused_within_the_limit(packed: bytes) -> None:
    tracemalloc.start()
    with pytest.raises(BitstreamError, match="at most 1000"):
        unpack(packed, 1000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**23  # LZMA keeps a window of 2**22 bytes


@pytest.mark.parametrize("method", [b"\x01" + raw_deflate(b"x" * 50), b"\x02" + raw_lzma(b"x" * 50)])
def test_packed_bytes_that_are_cut_or_go_on_are_refused(method: bytes) -> None:
    assert unpack(method, 50) == b"x" * 50
    for damaged in (method[:-1], method + b"\0"):
        with pytest.raises(BitstreamError):
            unpack(damaged, 50)
