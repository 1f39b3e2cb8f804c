import pytest
import torch
from torch import nn

from latentpress.layers import (
    AttentionBlock,
    ResidualBlock,
    ResidualBlockUpsample,
    ResidualBlockWithStride,
    ResidualBottleneckBlock,
    conv1x1,
    conv3x3,
    subpel_conv3x3,
)


@pytest.mark.parametrize(
    ("block", "shape"),
    [
        (ResidualBlock(4, 4), (2, 4, 8, 12)),
        (ResidualBlock(4, 6), (2, 6, 8, 12)),
        (ResidualBlockWithStride(4, 6), (2, 6, 4, 6)),
        (ResidualBlockWithStride(4, 4, stride=1), (2, 4, 8, 12)),
        (ResidualBlockUpsample(4, 6), (2, 6, 16, 24)),
        (ResidualBlockUpsample(4, 4, upsample=3), (2, 4, 24, 36)),
        (ResidualBottleneckBlock(4), (2, 4, 8, 12)),
        (ResidualBottleneckBlock(4, 6), (2, 6, 8, 12)),
        (AttentionBlock(4), (2, 4, 8, 12)),
        (conv1x1(4, 5), (2, 5, 8, 12)),
        (conv1x1(4, 5, stride=2), (2, 5, 4, 6)),
        (conv3x3(4, 5), (2, 5, 8, 12)),
        (conv3x3(4, 5, stride=2), (2, 5, 4, 6)),
        (subpel_conv3x3(4, 5, 2), (2, 5, 16, 24)),
    ],
)
def test_shapes_are_as_documented_and_every_parameter_gets_a_gradient(block: nn.Module, shape):
    out = block(torch.randn(2, 4, 8, 12))
    assert out.shape == shape
    out.square().sum().backward()
    assert all(parameter.grad is not None for parameter in block.parameters())


@pytest.mark.parametrize(
    ("block", "last"),
    [
        (ResidualBottleneckBlock(4), "conv3"),
        (AttentionBlock(4), None),
        (ResidualBlock(4, 4), "conv2"),
    ],
)
def test_a_block_whose_branch_is_zero_is_the_identity(block: nn.Module, last: str | None):
    branch = block.conv_a if last is None else block.get_submodule(last)
    for parameter in branch.parameters():
        nn.init.zeros_(parameter)
    # The attention block's trunk has skip connections of its own: silence its input-independent part only.
    x = torch.randn(1, 4, 6, 6)
    expected = x + x.relu() * block.conv_b(x).sigmoid() if last is None else x
    torch.testing.assert_close(block(x), expected)
