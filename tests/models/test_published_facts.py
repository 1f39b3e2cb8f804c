"""What the papers and their public implementations say about the models without recorded references."""

import pytest
import torch

from latentpress.errors import ConfigurationError
from latentpress.models import (
    Cheng2020Anchor,
    Cheng2020AnchorCheckerboard,
    Elic2022Official,
    JointAutoregressiveHierarchicalPriors,
)


def _parameters(net: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def test_elic_has_the_size_of_its_public_implementation():
    with torch.device("meta"):
        assert _parameters(Elic2022Official()) == 32_074_200


def test_elic_groups_sixteen_sixteen_thirty_two_sixty_four_and_the_rest():
    with torch.device("meta"):
        net = Elic2022Official()
    assert net.groups == (16, 16, 32, 64, 192)


def test_elic_refuses_groups_that_do_not_add_up():
    with pytest.raises(ConfigurationError, match="320"):
        Elic2022Official(groups=[16, 16])


def test_elic_reads_its_groups_off_a_state_dict():
    net = Elic2022Official(8, 12, groups=[4, 2, 6])
    assert Elic2022Official.from_state_dict(net.state_dict()).groups == (4, 2, 6)


@pytest.mark.parametrize("N", [128, 192])
def test_the_checkerboard_model_has_exactly_the_parameters_of_the_raster_one(N):
    with torch.device("meta"):
        assert _parameters(Cheng2020AnchorCheckerboard(N)) == _parameters(Cheng2020Anchor(N))


def test_both_stream_orders_decode_to_the_same_image_from_strings_of_about_the_same_length():
    net = JointAutoregressiveHierarchicalPriors(16, 24).eval()
    with torch.no_grad():
        net.g_a[-1].weight.mul_(3 / net.analyse(torch.rand(1, 3, 64, 64)).std())
    net.update()
    x = torch.rand(2, 3, 128, 64)
    images, sizes = [], []
    for order in net.stream_orders:
        coded = net.compress(x, order=order)
        images.append(net.decompress(**coded, order=order)["x_hat"])
        sizes.append(sum(len(string) for string in coded["strings"][0]))
    assert torch.equal(*images)
    assert abs(sizes[0] - sizes[1]) <= 16
    assert net.compress(x) == net.compress(x, order="raster")


def test_an_unknown_stream_order_is_refused():
    net = JointAutoregressiveHierarchicalPriors(8, 12).eval()
    net.update()
    with pytest.raises(ConfigurationError, match="raster"):
        net.compress(torch.rand(1, 3, 64, 64), order="spiral")
