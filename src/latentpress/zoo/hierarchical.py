"""Hierarchical VAEs by name: `qres34m(lmb=...)`, `qres17m`, `qres34m_lossless`, `qarv_base`, `rd_model_base`.

They are chosen by lambda rather than by a quality, and so have functions of their own. Published weights come
from where their authors put them; checkpoints of ours are safetensors files.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latentpress.errors import ConfigurationError, WeightsError
from latentpress.zoo.cache import fetch
from latentpress.zoo.defaults import as_in_files
from latentpress.zoo.published import published_weights
from latentpress.zoo.records import Weights

if TYPE_CHECKING:
    from torch import Tensor

    from latentpress.models.hierarchical import (
        QARV,
        CodingHierarchy,
        HierarchicalVAE,
        LosslessQResVAE,
        QResVAE,
        RateDistortionBound,
    )

Pretrained = bool | str | os.PathLike[str]

_WRAPPERS = ("model", "state_dict", "network", "ema")


def qres34m(lmb: float = 32, pretrained: Pretrained = False, progress: bool = True) -> QResVAE:
    """Make QRes-VAE with 34 million parameters, a lossy coder of one rate (arXiv 2208.13056).

    Args:
        lmb: weight of the squared error; published for 16, 32, ... 2048.
        pretrained: True for the published weights of this lambda, or the path of a checkpoint.
        progress: show a bar while downloading.

    Raises:
        ConfigurationError: `lmb` is not positive.
        WeightsError: the weights are not published, cannot be had, or do not fit.
    """
    from latentpress.models.hierarchical import QRES34M, QResVAE

    return _with_weights(lambda: QResVAE(QRES34M, lmb=_positive(lmb)), pretrained, progress, "qres34m", lmb)


def qres17m(lmb: float = 8, pretrained: Pretrained = False, progress: bool = True) -> QResVAE:
    """Make QRes-VAE with 17 million parameters; see `qres34m`. Published for lambda 1, 2, ... 64."""
    from latentpress.models.hierarchical import QRES17M, QResVAE

    return _with_weights(lambda: QResVAE(QRES17M, lmb=_positive(lmb)), pretrained, progress, "qres17m", lmb)


def qres34m_lossless(pretrained: Pretrained = False, progress: bool = True) -> LosslessQResVAE:
    """Make the lossless QRes-VAE; `pretrained` and `progress` as for `qres34m`."""
    from latentpress.models.hierarchical import QRES34M, LosslessQResVAE

    return _with_weights(lambda: LosslessQResVAE(QRES34M), pretrained, progress, "qres34m_lossless")


def qarv_base(
    lmb_range: tuple[float, float] = (16, 2048), pretrained: Pretrained = False, progress: bool = True
) -> QARV:
    """Make QARV, one lossy coder for every lambda of a range (arXiv 2302.08899).

    Args:
        lmb_range: smallest and largest lambda.
        pretrained, progress: as for `qres34m`.
    """
    from latentpress.models.hierarchical import QARV, QARV_BASE

    return _with_weights(lambda: QARV(QARV_BASE, lmb_range), pretrained, progress, "qarv_base")


def rd_model_base(
    lmb_range: tuple[float, float] = (4, 2048), pretrained: Pretrained = False, progress: bool = True
) -> RateDistortionBound:
    """Make the bound on R(D), which is not a codec (arXiv 2309.02574). Arguments as for `qarv_base`."""
    from latentpress.models.hierarchical import RD_MODEL_BASE, RateDistortionBound

    return _with_weights(
        lambda: RateDistortionBound(RD_MODEL_BASE, lmb_range), pretrained, progress, "rd_model_base"
    )


hierarchies = {
    function.__name__: function for function in (qres34m, qres17m, qres34m_lossless, qarv_base, rd_model_base)
}


def make_hierarchy(name: str, **kwargs: Any) -> Any:
    """Make a hierarchy by name, with the arguments of its function.

    Raises:
        ConfigurationError: there is no such hierarchy, or an argument is not one of its own.
    """
    if name not in hierarchies:
        raise ConfigurationError(f"Expected one of {', '.join(hierarchies)}, found {name}.")
    try:
        return hierarchies[name](**kwargs)
    except TypeError as error:
        raise ConfigurationError(f"{name} cannot be made with {kwargs}: {error}") from error


def make_codec_model(name: str, lmb: float | None, checkpoint: Pretrained | None) -> CodingHierarchy:
    """A hierarchy ready to code, with the published weights or those of a checkpoint.

    Args:
        name: one of `hierarchies`.
        lmb: which network of a model of one rate; of no consequence to the others.
        checkpoint: file of weights; the published ones where None.
    """
    from latentpress.models.hierarchical import CodingHierarchy

    function = hierarchies.get(name)
    takes_lmb = function is not None and "lmb" in inspect.signature(function).parameters
    given = {"lmb": _positive(lmb)} if takes_lmb and lmb is not None else {}
    if checkpoint is None and function is not None:  # before there is memory for the network, which is large
        rate = inspect.signature(function).parameters["lmb"].default if takes_lmb else None
        checkpoint = fetch(_published(name, given.get("lmb", rate)))
    with as_in_files():
        model = make_hierarchy(name, pretrained=True if checkpoint is None else checkpoint, **given)
    if not isinstance(model, CodingHierarchy):
        raise ConfigurationError(
            f"{name} bounds the rate and has no bit stream; choose one of {', '.join(codecs())}."
        )
    with as_in_files():
        model.compress_mode()
    return model


def codecs() -> tuple[str, ...]:
    """Names of the hierarchies that code images."""
    return tuple(name for name in hierarchies if name != "rd_model_base")


def save_hierarchy(model: HierarchicalVAE, path: str | os.PathLike[str]) -> None:
    """Write the weights and tables of a hierarchy as a safetensors file, which `pretrained=path` loads."""
    from safetensors.torch import save

    from latentpress._files import whole_file
    from latentpress.zoo.checkpoints import tensors_of, unwrapped

    tensors = tensors_of(unwrapped(model))
    try:
        with whole_file(Path(path)) as partial:
            partial.write_bytes(save(tensors, metadata={"family": "hierarchical"}))
    except OSError as error:
        raise WeightsError(f"The checkpoint {path} cannot be written: {error}") from error


def load_hierarchy_weights(model: HierarchicalVAE, path: str | os.PathLike[str]) -> None:
    """Load a checkpoint, ours or a published one, into a hierarchy.

    Raises:
        WeightsError: the file is missing or damaged, or has other keys or shapes.
    """
    from latentpress.models.utils import convert_state_dict
    from latentpress.zoo.checkpoints import read_checkpoint

    contents, _ = read_checkpoint(path)
    try:
        model.load_state_dict(convert_state_dict(_unwrapped(contents), known=model.state_dict()))
    except (RuntimeError, TypeError, AttributeError) as error:
        reason = " ".join(str(error).split())[:300]
        raise WeightsError(f"{path} does not fit {type(model).__name__}: {reason}") from error


def _unwrapped(contents: Mapping[str, Any]) -> Mapping[str, Tensor]:
    for wrapper in _WRAPPERS:
        inner = contents.get(wrapper)
        if isinstance(inner, Mapping):
            return inner
    return contents


def _with_weights(
    make: Callable[[], Any], pretrained: Pretrained, progress: bool, name: str, lmb: float | None = None
) -> Any:
    with nullcontext() if pretrained is False else as_in_files():
        model = make()
        model.name = name
        if pretrained is not False:
            path = fetch(_published(name, lmb), progress=progress) if pretrained is True else pretrained
            load_hierarchy_weights(model, path)
    return model


def _published(name: str, lmb: float | None) -> Weights:
    """The record of the published weights; `lmb` says which ones of a model of one rate."""
    known = published_weights(name)
    for weights in known:
        if lmb is None or weights.quality == f"lmb={lmb:g}":
            return weights
    valid = ", ".join(str(weights.quality) for weights in known)
    raise WeightsError(
        f"Expected weights of {name} published for {valid}, found lmb={lmb:g}: choose one of these, "
        "or train the model and give the path of your checkpoint."
    )


def _positive(lmb: float) -> float:
    if not 0 < lmb < float("inf"):
        raise ConfigurationError(f"lmb must be a positive number, not {lmb!r}.")
    return float(lmb)
