"""Checkpoints: keys and shapes of every published configuration, and loading."""

import inspect
import json
from pathlib import Path

import pytest
import torch

import latentpress.models
from latentpress.errors import WeightsError
from latentpress.models import CompressionModel, FactorizedPrior, MeanScaleHyperprior, ScaleHyperprior
from latentpress.zoo import fingerprint

ARCHITECTURES = {
    "bmshj2018-factorized": "FactorizedPrior",
    "bmshj2018-factorized-relu": "FactorizedPriorReLU",
    "bmshj2018-hyperprior": "ScaleHyperprior",
    "mbt2018-mean": "MeanScaleHyperprior",
    "mbt2018": "JointAutoregressiveHierarchicalPriors",
    "cheng2020-anchor": "Cheng2020Anchor",
    "cheng2020-attn": "Cheng2020Attention",
}


def _published(interop: Path, name: str) -> dict:
    return json.loads((interop / "state_dicts.json").read_text())[name]


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_keys_and_shapes_are_the_published_ones_at_every_quality(name, interop):
    published = _published(interop, name)
    assert published["class"] == ARCHITECTURES[name]
    assert set(published["configs"]) == {str(tuple(args)) for args in published["quality_to_args"].values()}
    for arguments in {tuple(args) for args in published["quality_to_args"].values()}:
        expected = published["configs"][str(arguments)]
        with torch.device("meta"):
            net = getattr(latentpress.models, ARCHITECTURES[name])(*arguments)
        assert {key: list(value.shape) for key, value in net.state_dict().items()} == expected["state_dict"]
        assert sum(parameter.numel() for parameter in net.parameters()) == expected["parameters"]


def _small(name: str) -> CompressionModel:
    cls = getattr(latentpress.models, ARCHITECTURES[name])
    return cls(*(8, 12)[: len(inspect.signature(cls).parameters) - 1])


def _old_spelling(key: str) -> str:
    for new, old in (("matrices.", "_matrix"), ("biases.", "_bias"), ("factors.", "_factor")):
        key = key.replace(f"entropy_bottleneck.{new}", f"entropy_bottleneck.{old}")
    return f"module.{key.replace('.skip.', '.downsample.')}"


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_model_is_rebuilt_from_its_state_dict_with_its_tables(name):
    net = _small(name).eval()
    net.update()
    rebuilt = type(net).from_state_dict(net.state_dict()).eval()
    x = torch.rand(1, 3, 64, 64)
    coded = net.compress(x)
    assert rebuilt.compress(x) == coded
    assert torch.equal(rebuilt.decompress(**coded)["x_hat"], net.decompress(**coded)["x_hat"])


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_old_spellings_load(name):
    net = _small(name)
    old = {_old_spelling(key): value for key, value in net.state_dict().items()}
    assert set(old).isdisjoint(net.state_dict())
    other = _small(name)
    other.load_state_dict({"epoch": torch.tensor(3), "state_dict": old})
    for key, value in other.state_dict().items():
        assert torch.equal(value, net.state_dict()[key])
    rebuilt = type(net).from_state_dict({"network": old})
    assert rebuilt.state_dict().keys() == net.state_dict().keys()


@pytest.mark.parametrize("prefix", ["_orig_mod.", "module._orig_mod.", "_orig_mod.module.", "module.module."])
def test_keys_of_compiled_and_data_parallel_networks_load(prefix):
    net, other = _small("mbt2018-mean"), _small("mbt2018-mean")
    state_dict = {prefix + key: value for key, value in net.state_dict().items()}
    other.load_state_dict(state_dict)
    assert fingerprint(other) == fingerprint(net)
    assert fingerprint(type(net).from_state_dict(state_dict)) == fingerprint(net)


def test_state_dicts_go_in_and_out_of_networks_with_compiled_parts():
    net, other = _small("mbt2018-mean"), _small("mbt2018-mean")
    other.g_a, other.h_s[0] = torch.compile(other.g_a), torch.compile(other.h_s[0])
    assert set(other.state_dict()) != set(net.state_dict())
    other.load_state_dict(net.state_dict())
    assert fingerprint(other) == fingerprint(net)
    other.load_state_dict({f"module.{key}": value for key, value in other.state_dict().items()})
    third = _small("mbt2018-mean")
    third.load_state_dict(other.state_dict())
    assert fingerprint(third) == fingerprint(net)


def test_loading_resizes_tables_both_ways():
    with_tables, without = ScaleHyperprior(8, 12), ScaleHyperprior(8, 12)
    with_tables.update()
    empty = without.state_dict()
    without.load_state_dict(with_tables.state_dict())
    assert torch.equal(
        without.gaussian_conditional.quantized_cdf, with_tables.gaussian_conditional.quantized_cdf
    )
    without.load_state_dict(empty)
    assert without.gaussian_conditional.quantized_cdf.numel() == 0


def test_the_state_dict_of_another_architecture_is_refused():
    state_dict = FactorizedPrior(8, 12).state_dict()
    with pytest.raises(WeightsError, match=r"Missing key.*h_a"):
        MeanScaleHyperprior.from_state_dict(state_dict)
    with pytest.raises(WeightsError, match=r"g_a\.0\.weight"):
        MeanScaleHyperprior.from_state_dict({"encoder.weight": torch.ones(1)})
    with pytest.raises(WeightsError, match="size mismatch"):
        FactorizedPrior(8, 8).load_state_dict(state_dict)


def test_unknown_keys_can_be_ignored_on_request():
    net = FactorizedPrior(8, 12)
    result = net.load_state_dict({"extra": torch.ones(1)}, strict=False)
    assert result.unexpected_keys == ["extra"]
