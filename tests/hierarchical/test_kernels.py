"""The compiled path computes what the plain path does, the same on every CPU, thread count and batch."""

import pytest
import torch
from small_hierarchies import scrambled
from torch import nn

from latentpress.errors import ConfigurationError
from latentpress.models.hierarchical.arithmetic import (
    ARITHMETICS,
    FIXED_POINT,
    computing_in,
    kernel_version,
)
from latentpress.models.hierarchical.blocks import AdaptiveConvNeXtBlock, ConvNeXtBlock, VDBlock
from latentpress.models.hierarchical.compiled import eager
from latentpress.models.hierarchical.convolutions import (
    Convolution,
    PatchDownsample,
    PatchUpsample,
    TransposedUpsample,
)

BLOCKS = {
    "block 7x7": lambda: ConvNeXtBlock(32, 7),
    "block 5x5": lambda: ConvNeXtBlock(48, 5, mlp_ratio=1.75),
    "block 3x3 with downsample": lambda: ConvNeXtBlock(16, 3, downsample=(24, 2)),
    "block 1x1": lambda: ConvNeXtBlock(16, 1),
    "block of odd width": lambda: ConvNeXtBlock(20, 3),
    "block of one channel less": lambda: ConvNeXtBlock(31, 5, mlp_ratio=1.3),
    "block of one channel": lambda: ConvNeXtBlock(1, 3, mlp_ratio=4),
    "block 9x9": lambda: ConvNeXtBlock(32, 9),
    "block 11x11 of odd width": lambda: ConvNeXtBlock(17, 11, downsample=(5, 2)),
    "VD block": lambda: VDBlock(16, 12, 10, 3),
    "convolution": lambda: Convolution(16, 40, 3),
    "patch downsample": lambda: PatchDownsample(3, 18, 4),
    "patch upsample": lambda: PatchUpsample(16, 3, 4),
    "transposed 3x3": lambda: TransposedUpsample(8, 6, 3),
    "transposed 5x5": lambda: TransposedUpsample(8, 6, 5),
}


def inputs_of(block: nn.Module, batch: int = 2) -> torch.Tensor:
    first = next(p for name, p in block.named_parameters() if name.endswith("weight") and p.ndim == 4)
    transposed = isinstance(block, TransposedUpsample)
    channels = first.shape[0] if transposed or first.shape[1] == 1 else first.shape[1]
    return torch.randn(batch, channels, 12, 20)


@pytest.mark.parametrize("name", BLOCKS)
def test_the_compiled_path_agrees_with_the_plain_one(name: str) -> None:
    block = scrambled(BLOCKS[name]())
    x = inputs_of(block)
    with torch.no_grad():
        fast = block(x)
        with eager():
            plain = block(x)
    assert fast.shape == plain.shape
    assert torch.allclose(fast, plain, atol=2e-6 * float(plain.abs().max()) + 1e-6)


@pytest.mark.parametrize("name", BLOCKS)
@torch.no_grad()
def test_fixed_point_is_close_and_not_the_same(name: str) -> None:
    block = scrambled(BLOCKS[name]())
    x = inputs_of(block)
    plain = block(x)
    with computing_in(FIXED_POINT):
        fixed = block(x)
    assert torch.allclose(fixed, plain, atol=3e-4 * float(plain.abs().max()))
    assert not torch.equal(fixed, plain)
    assert torch.equal(block(x), plain)


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
@pytest.mark.parametrize("name", BLOCKS)
@torch.no_grad()
def test_every_kernel_version_thread_count_and_batch_gives_the_same_bits(name: str, arithmetic: str) -> None:
    block = scrambled(BLOCKS[name]())
    x = inputs_of(block)
    threads = torch.get_num_threads()
    with computing_in(arithmetic):
        expected = block(x)
        try:
            for version in available_versions():
                for count in (1, 2, 3):
                    torch.set_num_threads(count)
                    with kernel_version(version):
                        assert torch.equal(block(x), expected), (version, count)
                        assert torch.equal(block(x[1:]), expected[1:]), (version, count)
        finally:
            torch.set_num_threads(threads)
        channels_last = x.to(memory_format=torch.channels_last)
        assert torch.equal(block(channels_last), expected)


def available_versions() -> list[str]:
    found = []
    for version in ("amx", "avx512", "avx2", "neon", "portable"):
        try:
            with torch.no_grad(), kernel_version(version):
                Convolution(1, 1)(torch.zeros(1, 1, 1, 1))
        except ConfigurationError:
            continue
        found.append(version)
    assert "portable" in found
    return found


@torch.no_grad()
def test_adaptive_blocks_follow_their_embedding_image_by_image() -> None:
    block = scrambled(AdaptiveConvNeXtBlock(32, 3))
    x, emb = torch.randn(2, 32, 6, 6), torch.randn(2, 256)
    both = block(x, emb)
    assert torch.equal(both[:1], block(x[:1], emb[:1]))
    assert torch.equal(both[1:], block(x[1:], emb[1:]))
    with eager():
        assert torch.allclose(block(x, emb), both, atol=1e-5)


@torch.no_grad()
def test_a_known_modulation_belongs_to_the_arithmetic_that_it_was_computed_in() -> None:
    block = scrambled(AdaptiveConvNeXtBlock(32, 3))
    x, emb = torch.randn(1, 32, 6, 6), torch.randn(1, 256)
    with computing_in(FIXED_POINT):
        fixed = block(x, emb)
    single = block(x, emb)
    block.embedding_layer[1].weight.add_(0.0)  # makes all that is known anew
    assert torch.equal(block(x, emb), single)
    with computing_in(FIXED_POINT):
        assert torch.equal(block(x, emb), fixed)


@torch.no_grad()
def test_changed_weights_are_noticed() -> None:
    block = scrambled(ConvNeXtBlock(16, 3))
    x = torch.randn(1, 16, 4, 4)
    before = block(x)
    block.mlp.fc1.weight.mul_(1.5)
    after = block(x)
    assert not torch.equal(before, after)
    with eager():
        assert torch.allclose(block(x), after, atol=1e-5)


@torch.no_grad()
def test_a_modulation_that_is_known_follows_the_rate_and_the_weights() -> None:
    block = scrambled(AdaptiveConvNeXtBlock(32, 3))
    x, emb = torch.randn(1, 32, 6, 6), torch.randn(2, 256)
    first = block(x, emb[:1])
    assert torch.equal(block(x, emb[:1]), first)
    assert not torch.equal(block(x, emb[1:]), first)
    assert torch.equal(block(x, emb[:1]), first)
    block.embedding_layer[1].weight.mul_(1.5)
    changed = block(x, emb[:1])
    assert not torch.equal(changed, first)
    with eager():
        assert torch.allclose(block(x, emb[:1]), changed, atol=1e-5)


def test_gradients_flow_through_the_plain_path() -> None:
    block = scrambled(ConvNeXtBlock(16, 3))
    block(torch.randn(1, 16, 4, 4)).sum().backward()
    assert float(block.conv_dw.weight.grad.abs().sum()) > 0


@pytest.mark.parametrize("make", [ConvNeXtBlock, AdaptiveConvNeXtBlock])
@pytest.mark.parametrize("size", [0, 2, 4])
def test_blocks_with_kernels_of_an_even_side_are_refused(make: type[nn.Module], size: int) -> None:
    with pytest.raises(ConfigurationError, match=f"odd and positive, found {size}"):
        make(16, size)


@pytest.mark.parametrize("make", [Convolution, TransposedUpsample])
def test_convolutions_with_kernels_of_an_even_side_are_refused(make: type[nn.Module]) -> None:
    with pytest.raises(ConfigurationError, match="odd and positive, found 4"):
        make(8, 8, 4)


@torch.no_grad()
def test_adaptive_blocks_of_any_width_give_the_same_in_any_batch_on_any_number_of_threads() -> None:
    block = scrambled(AdaptiveConvNeXtBlock(21, 3))
    x, emb = torch.randn(3, 21, 9, 14), torch.randn(3, 256)
    expected = block(x, emb)
    with eager():
        assert torch.allclose(block(x, emb), expected, atol=1e-5)
    threads = torch.get_num_threads()
    try:
        for count in (1, 2, 3):
            torch.set_num_threads(count)
            for i in range(3):
                assert torch.equal(block(x[i : i + 1], emb[i : i + 1]), expected[i : i + 1])
    finally:
        torch.set_num_threads(threads)


def test_a_kernel_version_this_cpu_lacks_is_refused() -> None:
    with torch.no_grad(), kernel_version("abacus"), pytest.raises(ConfigurationError, match="abacus"):
        ConvNeXtBlock(16, 3)(torch.zeros(1, 16, 4, 4))
