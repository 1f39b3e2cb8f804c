"""Entropy models against recorded outputs: keys, tables, likelihoods and strings."""

import json

import numpy as np
import pytest
import torch

from latentpress.entropy_models import EntropyBottleneck, GaussianConditional

WITH_BOTTLENECK = {
    "bmshj2018-factorized": 24,
    "bmshj2018-factorized-relu": 24,
    "bmshj2018-hyperprior": 16,
    "mbt2018-mean": 16,
    "mbt2018": 16,
    "cheng2020-anchor": 16,
    "cheng2020-attn": 16,
}
FACTORIZED = ("bmshj2018-factorized", "bmshj2018-factorized-relu")
WITH_GAUSSIAN = tuple(name for name in WITH_BOTTLENECK if name not in FACTORIZED)
BUFFERS = ("quantized_cdf", "cdf_length", "offset")


@pytest.mark.parametrize(
    ("model", "prefix"),
    [(EntropyBottleneck(128), "entropy_bottleneck."), (GaussianConditional(None), "gaussian_conditional.")],
    ids=["bottleneck", "gaussian"],
)
def test_state_dict_keys_and_shapes_are_those_of_published_checkpoints(interop, model, prefix: str) -> None:
    configurations = json.loads((interop / "state_dicts.json").read_text())["mbt2018-mean"]["configs"]
    keys = configurations["(128, 192)"]["state_dict"]
    expected = {key[len(prefix) :]: tuple(shape) for key, shape in keys.items() if key.startswith(prefix)}
    assert {key: tuple(value.shape) for key, value in model.state_dict().items()} == expected


@pytest.mark.parametrize(("name", "channels"), WITH_BOTTLENECK.items())
def test_tables_of_the_bottleneck_are_exact(interop, reference_bottleneck, name: str, channels: int) -> None:
    recorded = np.load(interop / f"{name}.npz")
    bottleneck = reference_bottleneck(channels)
    assert bottleneck.update()
    for buffer in BUFFERS:
        expected = recorded[f"entropy_bottleneck.{buffer}"]
        assert np.array_equal(getattr(bottleneck, buffer).numpy(), expected), buffer


@pytest.mark.parametrize("name", WITH_GAUSSIAN)
def test_tables_of_the_gaussian_are_exact(interop, scale_table, name: str) -> None:
    recorded = np.load(interop / f"{name}.npz")
    gaussian = GaussianConditional(None)
    assert gaussian.update_scale_table(scale_table)
    for buffer in BUFFERS:
        expected = recorded[f"gaussian_conditional.{buffer}"]
        assert np.array_equal(getattr(gaussian, buffer).numpy(), expected), buffer


@pytest.mark.parametrize("name", FACTORIZED)
def test_bits_of_the_bottleneck_agree(interop, reference_bottleneck, name: str) -> None:
    recorded = np.load(interop / f"{name}.npz")
    _, likelihoods = reference_bottleneck(24)(torch.from_numpy(recorded["y"]))
    assert -likelihoods.log2().sum().item() == pytest.approx(recorded["bits_y"].item(), rel=1e-4)


@pytest.mark.parametrize("name", FACTORIZED)
def test_strings_of_the_bottleneck_are_exact_both_ways(interop, reference_bottleneck, name: str) -> None:
    recorded = np.load(interop / f"{name}.npz")
    y, string = torch.from_numpy(recorded["y"]), recorded["string_0"].tobytes()
    bottleneck = reference_bottleneck(24)
    bottleneck.update()
    assert bottleneck.compress(y) == [string]
    assert torch.equal(bottleneck.decompress([string], y.shape[2:]), bottleneck(y)[0])


@pytest.mark.parametrize("name", WITH_GAUSSIAN)
def test_strings_of_hyper_latents_survive_decoding_and_coding(
    interop, reference_bottleneck, name: str
) -> None:
    recorded = np.load(interop / f"{name}.npz")
    index = json.loads((interop / "index.json").read_text())[name]
    string = recorded["string_1"].tobytes()
    bottleneck = reference_bottleneck(16)
    bottleneck.update()
    z_hat = bottleneck.decompress([string], index["shape"])
    assert bottleneck.compress(z_hat) == [string]
