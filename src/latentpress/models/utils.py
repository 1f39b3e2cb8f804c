"""What architectures share: two convolutions, buffers that grow on loading, old spellings of checkpoints."""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Literal

import torch
from torch import Tensor, nn

from latentpress.errors import ConfigurationError, WeightsError
from latentpress.layers.convolutions import TransposedConv2d

__all__ = [
    "conv",
    "convert_state_dict",
    "deconv",
    "find_named_buffer",
    "find_named_module",
    "plain_key",
    "remap_old_keys",
    "update_registered_buffers",
]


def conv(in_channels: int, out_channels: int, kernel_size: int = 5, stride: int = 2) -> nn.Conv2d:
    """Convolution that keeps the extent up to its stride: (N, C, H, W) to (N, C', H / stride, W / stride)."""
    return nn.Conv2d(
        in_channels,
        out_channels,
        kernel_size=kernel_size,
        stride=stride,
        padding=kernel_size // 2,
    )


def deconv(in_channels: int, out_channels: int, kernel_size: int = 5, stride: int = 2) -> nn.ConvTranspose2d:
    """Transposed convolution, the shape inverse of `conv`: (N, C, H, W) to (N, C', stride H, stride W)."""
    return TransposedConv2d(
        in_channels,
        out_channels,
        kernel_size=kernel_size,
        stride=stride,
        padding=kernel_size // 2,
        output_padding=stride - 1,
    )


def find_named_module(module: nn.Module, query: str) -> nn.Module | None:
    """The submodule of `module` whose dotted name is `query`, or None."""
    return next((found for name, found in module.named_modules() if name == query), None)


def find_named_buffer(module: nn.Module, query: str) -> Tensor | None:
    """The buffer of `module` whose dotted name is `query`, or None."""
    return next((found for name, found in module.named_buffers() if name == query), None)


def update_registered_buffers(
    module: nn.Module,
    module_name: str,
    buffer_names: Iterable[str],
    state_dict: Mapping[str, Tensor],
    policy: Literal["resize_if_empty", "resize", "register"] = "resize_if_empty",
    dtype: torch.dtype = torch.int,
) -> None:
    """Give buffers of `module` the sizes they have in `state_dict`, so that it can be loaded.

    Args:
        module: module that owns the buffers.
        module_name: name of the module in the state dict.
        buffer_names: names of the buffers, without the module's.
        state_dict: the state dict about to be loaded.
        policy: `"resize_if_empty"` resizes buffers without elements, `"resize"` resizes them all, and
            `"register"` adds buffers that `module` must not have yet.
        dtype: type of the buffers that `"register"` adds.

    Raises:
        ConfigurationError: `policy` is none of the three.
        WeightsError: a buffer to be resized does not exist, or one to be registered does.
    """
    policies = ("resize_if_empty", "resize", "register")
    if policy not in policies:
        raise ConfigurationError(f"policy must be one of {', '.join(policies)}, not {policy!r}.")
    own = dict(module.named_buffers())
    for name in buffer_names:
        key = f"{module_name}.{name}"
        if key not in state_dict:
            continue
        size = state_dict[key].size()
        if policy == "register":
            if name in own:
                raise WeightsError(f"Buffer {name!r} of {module_name!r} is registered already.")
            module.register_buffer(name, torch.empty(size, dtype=dtype).fill_(0))
        elif name not in own:
            raise WeightsError(f"Module {module_name!r} has no buffer {name!r} to load {key!r} into.")
        elif policy == "resize" or own[name].numel() == 0:
            own[name].resize_(size)


# `_matrix0`, `_matrices.0` or `matrices.0` at the end of a key, and likewise for biases and factors.
_BOTTLENECK_KEY = re.compile(
    r"(?P<head>^|.*\.)(?:_(?P<old>matrix|bias|factor)|_?(?P<new>matrices|biases|factors)\.)(?P<index>\d+)"
)
_PRESENT_NAME = {"matrix": "matrices", "bias": "biases", "factor": "factors"}

# What PyTorch's wrappers call the module inside: torch.compile, sharded data parallel and checkpointed
# activations, which may wrap any part of a network, and data parallel, which wraps the whole.
_WRAPPED = re.compile(r"(?<![^.])(?:_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)\.")
_DATA_PARALLEL = re.compile(r"^(?:module\.)+")


def plain_key(key: str) -> str:
    """A state-dict key as it is where no part of the network is compiled, sharded or checkpointed.

    Example:
        >>> plain_key("_orig_mod.g_a._orig_mod.0.weight")
        'g_a.0.weight'
    """
    return _WRAPPED.sub("", key)


def _present_key(key: str) -> str:
    """The present spelling of one state-dict key."""
    key = _DATA_PARALLEL.sub("", plain_key(key)).replace(".downsample.", ".skip.")
    match = _BOTTLENECK_KEY.fullmatch(key)
    if match is None:
        return key
    return f"{match['head']}{match['new'] or _PRESENT_NAME[match['old']]}.{match['index']}"


def _own_key(key: str, own: Mapping[str, str]) -> str:
    """A key of a checkpoint as the model that is to be loaded spells it, of whose keys `own` has all
    spellings; in its present spelling where the model has none."""
    plain, present = plain_key(key), _present_key(key)
    spellings = (key, plain, _DATA_PARALLEL.sub("", plain), present)
    return next((own[spelling] for spelling in spellings if spelling in own), present)


def remap_old_keys(module_name: str, state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A copy of `state_dict` in which the entropy bottleneck `module_name` has present-day keys.

    `_matrix0` and `_matrices.0` become `matrices.0`, and likewise for biases and factors.
    """
    prefix = f"{module_name}."
    return {
        (prefix + _present_key(key[len(prefix) :]) if key.startswith(prefix) else key): value
        for key, value in state_dict.items()
    }


def convert_state_dict(checkpoint: Mapping[str, Any], known: Collection[str] = ()) -> dict[str, Tensor]:
    """The state dict inside `checkpoint`, with every older spelling of a key brought up to date.

    Takes off a wrapping `"state_dict"` or `"network"`, the `module.` prefix of data-parallel training and the
    `_orig_mod.` of compiled networks and parts; renames `.downsample.` to `.skip.`; and spells the parameters
    of entropy bottlenecks `matrices.0`, `biases.0`, `factors.0`. Tensors are passed on, not copied.

    Args:
        checkpoint: what `torch.load` or `safetensors` read.
        known: the keys of the model to be loaded: those are left as they are, and so spelled where parts of
            this model are compiled or otherwise wrapped.

    Raises:
        WeightsError: `checkpoint` does not hold a state dict.

    Example:
        >>> list(convert_state_dict({"state_dict": {"module.entropy_bottleneck._matrix0": torch.ones(1)}}))
        ['entropy_bottleneck.matrices.0']
    """
    for wrapper in ("state_dict", "network"):
        inner = checkpoint.get(wrapper)
        if isinstance(inner, Mapping):
            checkpoint = inner
    foreign = next((key for key, value in checkpoint.items() if not isinstance(value, Tensor)), None)
    if foreign is not None:
        raise WeightsError(
            "Expected a state dict of tensors, alone or under 'state_dict' or 'network', "
            f"but the value of {foreign!r} is not a tensor."
        )
    own = {plain_key(key): key for key in known} | {key: key for key in known}
    return {_own_key(key, own): value for key, value in checkpoint.items()}
