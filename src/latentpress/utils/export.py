"""A training checkpoint becomes a file of weights to publish: coder tables built, named by its hash."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import Any, Literal, get_args

from latentpress import zoo
from latentpress.errors import ConfigurationError, WeightsError
from latentpress.evaluation.networks import import_named, is_import_path, load_own

Format = Literal["safetensors", "pth.tar"]
FORMATS: tuple[Format, ...] = get_args(Format)
HASH_DIGITS = 8


def export_checkpoint(
    checkpoint: str | os.PathLike[str],
    architecture: str | None = None,
    *,
    name: str | None = None,
    directory: str | os.PathLike[str] = ".",
    update: bool = True,
    format: Format = "safetensors",
) -> Path:
    """Write a checkpoint's model alone, with fresh coder tables, as `NAME-HASH.FORMAT`.

    HASH is the first 8 hexadecimal digits of the file's SHA-256, which readers of such names check. The same
    weights give the same file. It appears under its name only when it is complete.

    Args:
        checkpoint: what training saved: `.safetensors`, or a PyTorch file, read with `weights_only=True`,
            whose state dict may be wrapped and spelled in the ways that `zoo.load_state_dict` knows.
        architecture: name of a model of the zoo or the registry, or `package.module:Class`. A file that names
            its own needs none.
        name: of the new file; by default that of the checkpoint without its suffixes.
        directory: where the new file goes; it is made if need be.
        update: rebuild the coder tables from the weights; if not, tables stay as the checkpoint has them.
        format: "safetensors", which names its architecture, or "pth.tar", a state dict that `torch.load` and
            CompressAI's scripts read.

    Returns:
        The path of the new file.

    Raises:
        WeightsError: the checkpoint is missing, damaged or does not fit, or the new file cannot be written.
        ConfigurationError: the architecture is unknown or missing, or the name or format is not a valid one.

    Example:
        >>> import re
        >>> from latentpress.models import MeanScaleHyperprior
        >>> folder = Path(tempfile.mkdtemp())
        >>> zoo.save_checkpoint(MeanScaleHyperprior(N=8, M=12), folder / "net.safetensors")
        >>> exported = export_checkpoint(folder / "net.safetensors", directory=folder)
        >>> re.fullmatch("net-[0-9a-f]{8}.safetensors", exported.name) is not None
        True
    """
    source, folder = Path(checkpoint), Path(directory)
    if format not in FORMATS:
        raise ConfigurationError(f"Expected format {' or '.join(FORMATS)}, found {format!r}.")
    stem = _stem(source) if name is None else name
    if Path(stem).name != stem or not stem:
        raise ConfigurationError(f"Expected the name of a file without folders, found {stem!r}.")
    model = _load(source, architecture)
    if update:
        model.update(force=True)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=f".{stem[:100]}.") as scratch:
            written = Path(scratch) / f"model.{format}"
            _write(model, written)
            digest = hashlib.sha256(written.read_bytes()).hexdigest()
            return written.replace(folder / f"{stem}-{digest[:HASH_DIGITS]}.{format}")
    except OSError as error:
        raise WeightsError(f"Expected to write into {folder}, found: {error.strerror or error}.") from error


def _load(source: Path, architecture: str | None) -> Any:
    if architecture is not None and is_import_path(architecture):
        return load_own(import_named(architecture), source, update=False)
    return zoo.load_checkpoint(source, architecture=architecture, update=False)


def _write(model: Any, path: Path) -> None:
    if path.suffix == ".safetensors":
        zoo.save_checkpoint(model, path)
        return
    import torch

    torch.save({key: value.detach().cpu().clone() for key, value in model.state_dict().items()}, path)


def _stem(path: Path) -> str:
    """The file's name without `.pth.tar` and other suffixes of checkpoints."""
    name = path.name
    for suffix in (".tar", ".pth", ".pt", ".safetensors"):
        name = name.removesuffix(suffix)
    return name
