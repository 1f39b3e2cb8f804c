import math

import pytest
import torch

from latentpress.layers import QReLU


def test_the_output_is_clipped_to_the_bit_depth_and_not_rounded():
    x = torch.tensor([-1.0, 0.0, 3.25, 15.0, 16.0])
    assert QReLU.apply(x, 4, 100).tolist() == [0.0, 0.0, 3.25, 15.0, 15.0]


@pytest.mark.parametrize(("bit_depth", "beta"), [(8, 100), (4, 2)])
def test_the_gradient_is_one_inside_and_a_generalised_gaussian_tail_outside(bit_depth, beta):
    largest = 2**bit_depth - 1
    x = torch.tensor([-1000.0, -0.5, 0.0, 3.0, largest, largest + 0.5], requires_grad=True)
    QReLU.apply(x, bit_depth, beta).sum().backward()
    alpha = math.gamma(1 + 1 / beta)
    tail = math.exp(-((alpha * (1 + 1 / largest)) ** beta))
    torch.testing.assert_close(x.grad, torch.tensor([0.0, tail, 1.0, 1.0, 1.0, tail]))
