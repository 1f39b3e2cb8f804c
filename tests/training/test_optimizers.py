"""Muon, and optimisers that are taken up where they were left."""

import copy

import pytest
import torch
from torch import nn

from latentpress.errors import ConfigurationError
from latentpress.models import FactorizedPrior, GainedHyperprior
from latentpress.training.checkpoints import compact_state
from latentpress.training.engine import Trainer
from latentpress.training.muon import Muon, orthogonalised, split_parameters
from latentpress.training.optimizers import freeze, restore_optimizer
from latentpress.training.settings import TrainingSettings
from latentpress.training.soap import Soap


def test_orthogonalised_matrices_have_singular_values_near_one() -> None:
    for shape in ((16, 64), (64, 16)):
        values = torch.linalg.svdvals(orthogonalised(torch.randn(shape)))
        assert values.min() > 0.5
        assert values.max() < 1.5


def test_muon_gets_the_kernels_and_nothing_else() -> None:
    model = GainedHyperprior(widths=(16, 16), M=16, N=16, depths=(1, 1, 1))
    kernels, others = split_parameters(model)
    assert {parameter.ndim for parameter in kernels} == {4}
    assert len(kernels) + len(others) == len(list(model.parameters()))
    assert any(parameter is model.g_a.network[0].weight for parameter in others)  # three channels in


@pytest.mark.parametrize("kind", [Muon, Soap])
def test_muon_and_soap_minimise_a_quadratic(kind: type) -> None:
    weight = nn.Parameter(torch.randn(16, 16, 1, 1))
    target = torch.randn(16, 16, 1, 1)
    optimizer = kind([weight], lr=0.1)
    before = (weight - target).square().mean().item()
    for _ in range(100):
        optimizer.zero_grad()
        (weight - target).square().mean().backward()
        optimizer.step()
    assert (weight - target).square().mean().item() < before / 10


@pytest.mark.parametrize(("before", "after"), [(False, True), (True, False)])
def test_an_optimiser_goes_on_from_a_state_in_another_layout_and_way_of_computing(
    before: bool, after: bool
) -> None:
    def trained(optimizer: torch.optim.Optimizer, weight: nn.Parameter) -> None:
        for _ in range(3):
            optimizer.zero_grad()
            (weight * torch.arange(weight.numel()).view_as(weight)).square().sum().backward()
            optimizer.step()

    first = nn.Parameter(torch.ones(2, 3, 4, 5))
    optimizer = torch.optim.Adam([first], lr=0.1, fused=before)
    trained(optimizer, first)
    second = nn.Parameter(first.detach().clone().contiguous(memory_format=torch.channels_last))
    other = torch.optim.Adam([second], lr=0.1, fused=after)
    restore_optimizer(other, copy.deepcopy(optimizer.state_dict()))
    assert other.param_groups[0]["fused"] is after
    trained(optimizer, first)
    trained(other, second)
    torch.testing.assert_close(first, second)


def test_soap_goes_on_from_its_state_as_if_it_had_not_stopped() -> None:
    weights = [nn.Parameter(torch.randn(6, 8, 3, 3)) for _ in range(1)]
    gradients = [torch.randn(6, 8, 3, 3) for _ in range(24)]
    other = [nn.Parameter(weights[0].detach().clone())]
    whole, first = Soap(weights), Soap(other)
    second = None
    for number, gradient in enumerate(gradients):
        weights[0].grad = gradient
        whole.step()
        if number == 12:
            second = Soap(other)
            restore_optimizer(second, copy.deepcopy(first.state_dict()))
        other[0].grad = gradient
        (second or first).step()
    assert torch.equal(weights[0], other[0])


def test_soap_goes_on_from_a_compact_state_nearly_as_from_the_whole_one() -> None:
    weight, gradients = nn.Parameter(torch.randn(6, 8, 3, 3)), torch.randn(31, 6, 8, 3, 3)
    optimizer = Soap([weight])
    for gradient in gradients[:30]:
        weight.grad = gradient
        optimizer.step()
    state = compact_state({"state_dict": {}, "average": None, "optimizers": [optimizer.state_dict()]})
    other = nn.Parameter(weight.detach().clone())
    resumed, before = Soap([other]), weight.detach().clone()
    restore_optimizer(resumed, state["optimizers"][0])
    weight.grad = other.grad = gradients[30]
    optimizer.step()
    resumed.step()
    steps = (weight - before).flatten(), (other - before).flatten()
    assert torch.cosine_similarity(*steps, dim=0) > 0.8
    assert steps[1].norm() < 1.5 * steps[0].norm()
    assert not {"basis", "square"} & state["optimizers"][0]["state"][0].keys()


def test_frozen_parts_keep_their_weights_and_others_do_not() -> None:
    settings = TrainingSettings().override({"lmbda": 0.01, "frozen": "g_a, entropy_bottleneck", "ema": 0.9})
    model = FactorizedPrior(8, 8)
    before = copy.deepcopy(model.state_dict())
    Trainer(model, settings, steps=10).train_step([torch.rand(2, 3, 32, 32)])
    after = model.state_dict()
    changed = {name.split(".")[0] for name, value in before.items() if not value.equal(after[name])}
    assert changed == {"g_s"}


@pytest.mark.parametrize("parts", ["g_x", "g_"])
def test_a_part_to_freeze_that_is_not_there_is_an_error_that_lists_the_parts(parts: str) -> None:
    with pytest.raises(ConfigurationError, match=r"\(g_a, g_s, entropy_bottleneck\)|\(entropy_bottleneck"):
        freeze(FactorizedPrior(8, 8), parts)


def test_freezing_everything_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="something to train"):
        freeze(FactorizedPrior(8, 8), "g_a,g_s,entropy_bottleneck")
