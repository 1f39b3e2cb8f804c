import copy
import hashlib

import numpy as np
import pytest
import torch
from torch import nn

from latentpress import zoo
from latentpress.models import ScaleHyperprior


@pytest.fixture
def net() -> nn.Module:
    model = ScaleHyperprior(8, 12).eval()
    model.update()
    return model


def test_the_fingerprint_is_eight_bytes_and_repeatable(net):
    assert len(zoo.fingerprint(net)) == 8
    assert zoo.fingerprint(net) == zoo.fingerprint(net) == zoo.fingerprint(copy.deepcopy(net))


def test_the_fingerprint_does_not_depend_on_memory_format_or_mode(net):
    before = zoo.fingerprint(net)
    assert zoo.fingerprint(net.to(memory_format=torch.channels_last)) == before
    assert zoo.fingerprint(net.train().requires_grad_(False)) == before


def test_the_fingerprint_depends_on_values_and_not_on_the_type_they_are_kept_in():
    layer = nn.Conv2d(3, 4, 3)
    exact = zoo.fingerprint(layer)
    rounded = copy.deepcopy(layer).half()
    assert zoo.fingerprint(rounded) != exact
    assert zoo.fingerprint(copy.deepcopy(rounded).float()) == zoo.fingerprint(rounded)


def test_the_smallest_change_of_any_weight_changes_the_fingerprint(net):
    before = zoo.fingerprint(net)
    with torch.no_grad():
        weight = net.g_s[2].weight.view(-1)
        weight[-1] = torch.from_numpy(np.nextafter(weight[-1:].numpy(), np.float32(9)))[0]
    assert zoo.fingerprint(net) != before


def test_the_coders_tables_are_part_of_the_fingerprint(net):
    before = zoo.fingerprint(net)
    net.entropy_bottleneck._quantized_cdf[0, 1] += 1
    assert zoo.fingerprint(net) != before
    assert zoo.fingerprint(ScaleHyperprior(8, 12)) != before


def test_names_and_shapes_are_part_of_the_fingerprint():
    values = torch.arange(6.0)
    prints = set()
    for name, shape in (("a", (2, 3)), ("a", (3, 2)), ("b", (2, 3)), ("a", (6,))):
        module = nn.Module()
        module.register_buffer(name, values.reshape(shape))
        prints.add(zoo.fingerprint(module))
    assert len(prints) == 4


def test_the_fingerprint_is_the_documented_one():
    module = nn.Module()
    module.register_buffer("w", torch.tensor([[1.0, -2.0]], dtype=torch.float16))
    module.register_buffer("t", torch.tensor([3], dtype=torch.int32))
    expected = hashlib.blake2b(digest_size=8)
    expected.update(b"t\0int32\x001\0" + np.array([3], "<i4").tobytes())
    expected.update(b"w\0float32\x001,2\0" + np.array([1, -2], "<f4").tobytes())
    assert zoo.fingerprint(module) == expected.digest()
