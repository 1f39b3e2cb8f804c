"""Models with known weights against the recorded outputs of the public implementations."""

from pathlib import Path

import pytest
import torch
from model_references import NAMES, Reference, relative_error

CLOSE = 1e-4


@pytest.fixture(scope="module", params=NAMES)
def reference(request: pytest.FixtureRequest, interop: Path) -> Reference:
    return Reference(interop, request.param)


@pytest.fixture(scope="module")
def net(reference: Reference) -> torch.nn.Module:
    return reference.model()


def test_the_forward_pass_agrees(reference, net):
    with torch.no_grad():
        out = net(reference.x)
        y = net.g_a(reference.x)
    assert relative_error(y, reference.tensor("y")) < CLOSE
    assert relative_error(out["x_hat"], reference.tensor("forward_x_hat")) < CLOSE


def test_the_bits_of_each_latent_agree(reference, net):
    with torch.no_grad():
        likelihoods = net(reference.x)["likelihoods"]
    bits = {name: -values.double().log2().sum().item() for name, values in likelihoods.items()}
    assert bits == pytest.approx(reference.entry["bits"], rel=CLOSE)


def test_the_coder_tables_are_the_same(reference, net):
    names = [name for name in reference.arrays.files if name.endswith(("_cdf", "cdf_length", "offset"))]
    assert len(names) in (3, 6)
    for name in names:
        model, buffer = name.split(".")
        found = getattr(net.get_submodule(model), f"_{buffer}")
        assert torch.equal(found, reference.tensor(name))


def test_recorded_strings_decode_to_the_recorded_image(reference, net):
    found = net.decompress(reference.strings, reference.entry["shape"])["x_hat"]
    assert relative_error(found, reference.tensor("decompress_x_hat")) < CLOSE


def test_our_strings_are_as_long_and_have_the_same_shape(reference, net):
    coded = net.compress(reference.x)
    assert list(coded["shape"]) == reference.entry["shape"]
    lengths = [len(string) for (string,) in coded["strings"]]
    assert lengths == pytest.approx(reference.entry["string_bytes"], abs=8)
