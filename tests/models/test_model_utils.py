import pytest
import torch
from torch import nn

from latentpress.entropy_models import EntropyBottleneck
from latentpress.errors import ConfigurationError, WeightsError
from latentpress.models.utils import (
    conv,
    convert_state_dict,
    deconv,
    find_named_buffer,
    find_named_module,
    remap_old_keys,
    update_registered_buffers,
)

ONE = torch.ones(1)


@pytest.mark.parametrize(("kernel_size", "stride"), [(5, 2), (3, 1), (5, 4), (3, 2)])
def test_deconv_restores_the_extent_that_conv_reduced(kernel_size, stride):
    x = torch.randn(1, 3, 16, 24)
    y = conv(3, 8, kernel_size, stride)(x)
    assert y.shape == (1, 8, 16 // stride, 24 // stride)
    assert deconv(8, 3, kernel_size, stride)(y).shape == x.shape


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("module.g_a.0.weight", "g_a.0.weight"),
        ("g_a.0.downsample.weight", "g_a.0.skip.weight"),
        ("entropy_bottleneck._matrix0", "entropy_bottleneck.matrices.0"),
        ("entropy_bottleneck._bias12", "entropy_bottleneck.biases.12"),
        ("entropy_bottleneck._factor3", "entropy_bottleneck.factors.3"),
        ("entropy_bottleneck._matrices.0", "entropy_bottleneck.matrices.0"),
        ("entropy_bottleneck._biases.1", "entropy_bottleneck.biases.1"),
        ("entropy_bottleneck._factors.2", "entropy_bottleneck.factors.2"),
        ("module.img_hyperprior.entropy_bottleneck._matrix4", "img_hyperprior.entropy_bottleneck.matrices.4"),
        ("entropy_bottleneck.matrices.0", "entropy_bottleneck.matrices.0"),
        ("g_a.0.bias", "g_a.0.bias"),
        ("entropy_bottleneck._offset", "entropy_bottleneck._offset"),
    ],
)
def test_old_spellings_become_the_present_ones(old, new):
    assert list(convert_state_dict({old: ONE})) == [new]


@pytest.mark.parametrize("wrapper", ["state_dict", "network"])
def test_wrapped_state_dicts_are_found_beside_other_things(wrapper):
    checkpoint = {"epoch": 3, wrapper: {"g_a.0.bias": ONE}, "optimizer": {"state": {}}}
    assert convert_state_dict(checkpoint) == {"g_a.0.bias": ONE}


def test_keys_that_the_model_has_are_left_alone():
    assert list(convert_state_dict({"a.downsample.weight": ONE}, known={"a.downsample.weight"})) == [
        "a.downsample.weight"
    ]


def test_what_is_no_state_dict_is_refused():
    with pytest.raises(WeightsError, match="'epoch'"):
        convert_state_dict({"epoch": 3})


def test_remapping_touches_only_the_module_that_is_named():
    state = {"first._matrix0": ONE, "second._matrix0": ONE, "first.other": ONE}
    assert set(remap_old_keys("first", state)) == {"first.matrices.0", "second._matrix0", "first.other"}


def test_modules_and_buffers_are_found_by_name():
    net = nn.Sequential(EntropyBottleneck(2))
    assert find_named_module(net, "0") is net[0]
    assert find_named_module(net, "1") is None
    assert find_named_buffer(net, "0.target") is net[0].target
    assert find_named_buffer(net, "0.quantiles") is None


class Holder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("table", torch.empty(0))


def test_empty_buffers_take_the_size_in_the_state_dict():
    holder, state = Holder(), {"holder.table": torch.ones(3)}
    update_registered_buffers(holder, "holder", ["table"], state)
    assert holder.table.shape == (3,)
    update_registered_buffers(holder, "holder", ["table"], {"holder.table": torch.ones(5)})
    assert holder.table.shape == (3,)
    update_registered_buffers(holder, "holder", ["table"], {"holder.table": torch.ones(5)}, policy="resize")
    assert holder.table.shape == (5,)


def test_buffers_can_be_registered():
    holder = Holder()
    state = {"holder.new": torch.ones(2)}
    update_registered_buffers(holder, "holder", ["new"], state, policy="register", dtype=torch.int32)
    assert holder.new.dtype == torch.int32
    assert holder.new.tolist() == [0, 0]
    with pytest.raises(WeightsError, match="registered already"):
        update_registered_buffers(holder, "holder", ["new"], state, policy="register")


def test_unknown_policies_and_buffers_are_refused():
    with pytest.raises(ConfigurationError, match="resize_if_empty, resize, register"):
        update_registered_buffers(Holder(), "holder", [], {}, policy="grow")
    with pytest.raises(WeightsError, match="no buffer 'absent'"):
        update_registered_buffers(Holder(), "holder", ["absent"], {"holder.absent": ONE})
