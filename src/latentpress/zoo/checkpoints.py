"""Checkpoint files: ours are safetensors, the field's `.pth` files are read, and no file can run code."""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latentpress._files import is_empty, whole_file
from latentpress.errors import ConfigurationError, LatentPressError, WeightsError
from latentpress.zoo.architectures import architecture_named, constructor_parameters, name_of
from latentpress.zoo.defaults import as_in_files

if TYPE_CHECKING:
    from torch import Tensor

    from latentpress.models import CompressionModel

_Path = str | os.PathLike[str]


def load_state_dict(state_dict: Mapping[str, Any]) -> dict[str, Tensor]:
    """A published checkpoint's state dict with every old spelling of a key brought up to date.

    Takes what `torch.load(path, weights_only=True)` or `read_checkpoint` gave: a state dict, alone or wrapped
    under `state_dict` or `network`, with or without the `module.` of data-parallel training and the
    `_orig_mod.` of compiled networks and parts.

    Raises:
        WeightsError: it holds no state dict.

    Example:
        >>> import torch
        >>> from latentpress import zoo
        >>> list(zoo.load_state_dict({"network": {"module.entropy_bottleneck._bias0": torch.zeros(1)}}))
        ['entropy_bottleneck.biases.0']
    """
    from latentpress.models.utils import convert_state_dict

    return convert_state_dict(state_dict)


load_pretrained = load_state_dict


def read_checkpoint(path: _Path) -> tuple[Mapping[str, Any], dict[str, str]]:
    """What a `.safetensors` or `.pth` file holds, on the CPU, and the file's metadata.

    Files of other names than `*.safetensors` are read as PyTorch checkpoints, with `weights_only=True`; these
    have no metadata, and may wrap the state dict and spell its keys in the ways that `load_state_dict` knows.

    Raises:
        WeightsError: the file is missing or damaged, or holds something other than tensors and plain data.
    """
    path = Path(path)
    if not path.is_file():
        raise WeightsError(f"Expected a checkpoint at {path}, found no such file.")
    if is_empty(path):
        raise WeightsError(f"Expected a checkpoint at {path}, found an empty file.")
    if path.suffix == ".safetensors":
        return _read_safetensors(path)
    contents = _read_torch(path)
    if not isinstance(contents, Mapping):
        raise WeightsError(f"Expected a state dict in {path}, found {type(contents).__name__}.")
    return contents, {}


def save_checkpoint(
    model: CompressionModel,
    path: _Path,
    *,
    arguments: Mapping[str, Any] | None = None,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write a model as a safetensors file from which `load_checkpoint` makes it again.

    The file says which architecture it holds and what its constructor was given; the same model gives the
    same bytes. It is written under a temporary name and renamed, so a reader never sees half of it. Call
    `model.update()` before, so that the coder's tables are saved too: files are then decoded with the same
    tables everywhere.

    Args:
        model: what to save; one that is compiled or in data-parallel training gives the same file as without.
        path: file to write, by convention `*.safetensors`.
        arguments: constructor arguments; without them, each is read from the model's attribute of the same
            name.
        metadata: further entries for the file's metadata.

    Raises:
        ConfigurationError: a constructor argument is neither given nor an attribute, or is not plain data.
        WeightsError: the file cannot be written.

    Example:
        >>> import os, tempfile
        >>> from latentpress import zoo
        >>> from latentpress.models import MeanScaleHyperprior
        >>> net = MeanScaleHyperprior(N=8, M=12)
        >>> path = os.path.join(tempfile.mkdtemp(), "net.safetensors")
        >>> zoo.save_checkpoint(net, path)
        >>> zoo.load_checkpoint(path).M
        12
    """
    from safetensors.torch import save

    model = unwrapped(model)
    cls = type(model)
    entries = {
        **(metadata or {}),
        "architecture": name_of(cls) or f"{cls.__module__}.{cls.__qualname__}",
        "arguments": _encoded(cls, _kept_arguments(model) if arguments is None else arguments),
    }
    tensors = tensors_of(model)
    try:
        with whole_file(Path(path)) as partial:
            partial.write_bytes(_reproducible(save(tensors, metadata=entries)))
    except OSError as error:
        raise WeightsError(f"The checkpoint {path} cannot be written: {_one_line(error)}") from error


def unwrapped(model: Any) -> Any:
    """The model inside of what `torch.compile` or data-parallel training made of it."""
    from torch.nn import DataParallel
    from torch.nn.parallel import DistributedDataParallel

    while True:
        if isinstance(model, (DataParallel, DistributedDataParallel)):
            model = model.module
        elif hasattr(model, "_orig_mod"):
            model = model._orig_mod
        else:
            return model


def tensors_of(model: Any) -> dict[str, Tensor]:
    """Copies of what a model's file holds, on the CPU, by sorted keys without the marks of compiled parts."""
    from latentpress.models.utils import plain_key

    state = {plain_key(key): value for key, value in model.state_dict().items()}
    return {key: value.detach().cpu().clone().contiguous() for key, value in sorted(state.items())}


def load_checkpoint(
    path: _Path, *, architecture: str | type[Any] | None = None, update: bool = True
) -> CompressionModel:
    """Make a model from a checkpoint file, in evaluation mode and with coder tables.

    Args:
        path: a file of `save_checkpoint`, or a `.pth` file, read with `weights_only=True`.
        architecture: name or class. Files of `save_checkpoint` name their own; the others need one, and have
            their sizes read off the shapes of the weights. Given for a file that names another, it is an
            error.
        update: build the coder tables that the file lacks; without them a model cannot compress.

    Raises:
        WeightsError: the file is missing, damaged, or does not fit the architecture.
        ConfigurationError: the architecture is unknown, or neither given nor named in the file.
    """
    contents, metadata = read_checkpoint(path)
    cls = _chosen_class(Path(path), architecture, metadata.get("architecture"))
    with _fitting(path, cls), as_in_files():
        if "arguments" in metadata:
            model: CompressionModel = cls(**json.loads(metadata["arguments"]))
            model.load_state_dict(contents)
        else:
            model = cls.from_state_dict(load_state_dict(contents))
        return ready(model) if update else model.eval()


def fit(model: CompressionModel, path: _Path) -> None:
    """Load the weights of a file into a model that was made for them.

    Raises:
        WeightsError: the file is damaged, or has other keys or shapes.
    """
    contents, _ = read_checkpoint(path)
    with _fitting(path, type(model)):
        model.load_state_dict(contents)


def ready(model: CompressionModel) -> CompressionModel:
    """The model in evaluation mode, with coder tables; tables that it has already are kept as they are."""
    model.eval()
    model.update()
    return model


@contextmanager
def _fitting(path: _Path, cls: type[Any]) -> Iterator[None]:
    """Whatever a network has against a file's contents becomes an error that names the file."""
    try:
        yield
    except (LatentPressError, RuntimeError, LookupError, AttributeError, TypeError, ValueError) as error:
        raise WeightsError(f"{path} does not fit {cls.__name__}: {_one_line(error)}") from error


def _chosen_class(path: Path, asked: str | type[Any] | None, named: str | None) -> type[Any]:
    if asked is None and named is None:
        raise ConfigurationError(f"{path} does not name its architecture: say which one with architecture=.")
    if asked is None:
        return architecture_named(str(named))
    cls = architecture_named(asked) if isinstance(asked, str) else asked
    if named not in (None, name_of(cls), f"{cls.__module__}.{cls.__qualname__}"):
        raise WeightsError(
            f"Expected a checkpoint of {name_of(cls) or cls.__name__}, found one of {named} in {path}."
        )
    return cls


def _kept_arguments(model: CompressionModel) -> dict[str, Any]:
    """Constructor arguments out of attributes; those that only base classes take may be absent."""
    cls = type(model)
    own = inspect.signature(cls).parameters
    names = constructor_parameters(cls)
    lost = [name for name in names if name in own and not hasattr(model, name)]
    if lost:
        raise ConfigurationError(
            f"{cls.__name__} does not keep its constructor argument {lost[0]!r} as an attribute: "
            "say what it was given with arguments=."
        )
    kept = {name: getattr(model, name) for name in names if hasattr(model, name)}
    return kept if _takes(cls, kept) else {name: kept[name] for name in kept if name in own}


def _takes(cls: type[Any], arguments: Mapping[str, Any]) -> bool:
    """Whether the constructor takes all of these; one that sets an argument of its base class does not."""
    import torch

    try:
        with torch.device("meta"):
            cls(**arguments)
    except TypeError:
        return False
    except (NotImplementedError, RuntimeError):  # it cannot be made without memory, which says nothing
        return True
    return True


def _encoded(cls: type[Any], arguments: Mapping[str, Any]) -> str:
    try:
        return json.dumps(dict(arguments), sort_keys=True)
    except TypeError as error:
        raise ConfigurationError(
            f"The constructor arguments of {cls.__name__} cannot be saved ({error}): "
            "give plain ones with arguments=."
        ) from error


def _reproducible(data: bytes) -> bytes:
    """A safetensors file with its metadata sorted; the library writes them in an order that varies from run
    to run, but the same model is to give the same file."""
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    encoded = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    encoded = encoded.ljust(-(-len(encoded) // 8) * 8)  # tensors start at a multiple of 8
    return len(encoded).to_bytes(8, "little") + encoded + data[8 + size :]


def _read_safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            return {key: file.get_tensor(key) for key in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise WeightsError(f"{path} is not a whole safetensors file: {_one_line(error)}") from error


def _read_torch(path: Path) -> Any:
    import torch

    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # on a damaged file the unpickler raises nearly anything
        raise WeightsError(
            f"Expected a PyTorch checkpoint of tensors and plain data in {path}, the only kind that is read: "
            f"{_one_line(error)}"
        ) from error


def _one_line(error: Exception) -> str:
    return (" ".join(str(error).split())[:300] or type(error).__name__).rstrip(".") + "."
