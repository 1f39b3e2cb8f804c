"""Operations and parameters, against counts by hand."""

import pytest
import torch
from torch import Tensor, nn

from latentpress import zoo
from latentpress.evaluation import complexity


class Small(nn.Module):
    """One convolution to encode, one for both, one to decode."""

    def __init__(self) -> None:
        super().__init__()
        self.g_a = nn.Conv2d(3, 8, 5, stride=2, padding=2)
        self.h_s = nn.Conv2d(8, 8, 1)
        self.g_s = nn.ConvTranspose2d(8, 3, 4, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.g_s(self.h_s(self.g_a(x)))
        return result


def test_multiplications_are_those_of_the_convolutions() -> None:
    model = Small()
    counted = complexity(model)
    analysis, shared, synthesis = 5 * 5 * 3 * 8 / 4, 8 * 8 / 4, 4 * 4 * 8 * 3 / 4
    assert counted.encoding_macs == analysis + shared
    assert counted.decoding_macs == synthesis + shared
    assert counted.parameters == sum(p.numel() for p in model.parameters())


def test_a_model_is_left_as_it_was() -> None:
    model = zoo.bmshj2018_hyperprior(quality=1).train()
    complexity(model)
    assert model.training
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


def test_the_analysis_of_the_hyperprior_is_the_encoders_alone() -> None:
    counted = complexity(zoo.bmshj2018_hyperprior(quality=1))
    hyper_analysis = 9 * 192 * 128 / 256 + 25 * 128 * 128 / 1024 + 25 * 128 * 128 / 4096
    assert counted.encoding_macs - counted.decoding_macs == pytest.approx(hyper_analysis)


def test_a_hierarchy_costs_the_encoder_more() -> None:
    torch.manual_seed(0)
    counted = complexity(zoo.get_model("qres17m"))
    assert 0 < counted.decoding_macs < counted.encoding_macs
