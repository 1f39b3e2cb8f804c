"""The promise of the coder-critical path: on one machine, the same numbers however it is called."""

import copy
import threading

import pytest
import torch
from torch import nn

from latentpress.entropy_models import GaussianConditional
from latentpress.latent_codecs import critical
from latentpress.layers import CheckerboardMaskedConv2d, subpel_conv3x3
from latentpress.models.utils import conv, deconv


def _networks() -> dict[str, nn.Module]:
    """One network of each kind that the architectures put on the critical path, at realistic widths."""
    torch.manual_seed(1)
    return {
        "transposed": nn.Sequential(
            deconv(128, 192), nn.LeakyReLU(), deconv(192, 288), nn.LeakyReLU(), conv(288, 384, 3, 1)
        ),
        "small transposed": nn.Sequential(deconv(16, 16), nn.ReLU(inplace=True), deconv(16, 24)),
        "sub-pixel": nn.Sequential(conv(128, 128, 3, 1), nn.LeakyReLU(), subpel_conv3x3(128, 192, 2)),
        "pointwise": nn.Sequential(nn.Conv2d(768, 640, 1), nn.LeakyReLU(), nn.Conv2d(640, 384, 1)),
        "checkerboard": CheckerboardMaskedConv2d(192, 384, 5, padding=2),
    }


NETWORKS = _networks()
CHANNELS = {
    "transposed": 128,
    "small transposed": 16,
    "sub-pixel": 128,
    "pointwise": 768,
    "checkerboard": 192,
}
EXTENTS = [(1, 1), (2, 3), (5, 7), (8, 12)]


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.fixture(params=NETWORKS)
def network(request: pytest.FixtureRequest) -> str:
    return request.param


def _latent(network: str, extent: tuple[int, int], count: int = 1) -> torch.Tensor:
    return torch.randn(count, CHANNELS[network], *extent).round()


@pytest.mark.parametrize("extent", EXTENTS)
def test_the_number_of_threads_changes_nothing(network, extent, threads):
    x = _latent(network, extent)
    threads(1)
    expected = critical.evaluate(NETWORKS[network], x)
    for count in (2, 3):
        threads(count)
        assert torch.equal(critical.evaluate(NETWORKS[network], x), expected)
        assert torch.get_num_threads() == count


@pytest.mark.parametrize("extent", EXTENTS)
def test_the_rest_of_the_batch_changes_nothing(network, extent):
    x = _latent(network, extent, count=3)
    together = critical.evaluate(NETWORKS[network], x)
    for index in range(3):
        alone = critical.evaluate(NETWORKS[network], x[index : index + 1].clone())
        assert torch.equal(together[index : index + 1], alone)


@pytest.mark.parametrize("extent", EXTENTS)
def test_the_layout_of_the_latent_changes_nothing(network, extent):
    x = _latent(network, extent, count=2)
    expected = critical.evaluate(NETWORKS[network], x)
    channels_last = x.to(memory_format=torch.channels_last)
    spread = torch.zeros(2, x.shape[1], extent[0], 2 * extent[1])[..., ::2].copy_(x)
    assert torch.equal(critical.evaluate(NETWORKS[network], channels_last), expected)
    assert torch.equal(critical.evaluate(NETWORKS[network], spread), expected)


@pytest.mark.parametrize("extent", EXTENTS)
def test_the_layout_of_the_weights_changes_nothing(network, extent):
    x = _latent(network, extent)
    expected = critical.evaluate(NETWORKS[network], x)
    relaid = copy.deepcopy(NETWORKS[network]).to(memory_format=torch.channels_last)
    assert torch.equal(critical.evaluate(relaid, x), expected)


def test_autocast_gradients_and_inference_mode_change_nothing():
    x, network = _latent("transposed", (2, 3)), NETWORKS["transposed"]
    expected = critical.evaluate(network, x)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(critical.evaluate(network, x), expected)
    with torch.inference_mode():
        assert torch.equal(critical.evaluate(network, x), expected)
    assert not critical.evaluate(network, x.requires_grad_()).requires_grad


def test_concurrent_callers_leave_the_thread_count_as_it_was(threads):
    threads(1)
    x, network = _latent("small transposed", (5, 7)), NETWORKS["small transposed"]
    expected = critical.evaluate(network, x)
    results: list[torch.Tensor] = []
    callers = [
        threading.Thread(target=lambda: results.append(critical.evaluate(network, x))) for _ in range(4)
    ]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert len(results) == 4
    assert all(torch.equal(result, expected) for result in results)
    assert torch.get_num_threads() == 1


def test_the_thread_count_is_restored_after_an_error(threads):
    threads(1)
    with pytest.raises(RuntimeError):
        critical.evaluate(nn.Conv2d(3, 3, 1), torch.zeros(1, 2, 4, 4))
    assert torch.get_num_threads() == 1


def test_tables_are_those_of_the_next_larger_scale():
    conditional = GaussianConditional([0.5, 1.0, 2.0])
    scales = torch.tensor([0.1, 0.5, 0.51, 1.0, 1.5, 2.0, 9.0]).reshape(1, 7, 1, 1)
    found = critical.coding_parameters(conditional, scales)
    assert found.indexes.flatten().tolist() == [0, 0, 1, 1, 2, 2, 2]
    assert found.indexes.dtype == torch.int32
    assert found.means is None
