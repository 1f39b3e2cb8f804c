"""Names that are imported when they are first used, so that importing a package stays fast, and the few
functions of a higher layer that a lower one reaches, so that all other imports point downward.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any

# Methods of models that read and write files hand their work to the layer that knows files.
_HIGHER = {
    "compress_file_of": "latentpress.codec.hierarchical_files",
    "decompress_file_of": "latentpress.codec.hierarchical_files",
}


def higher(name: str) -> Callable[..., Any]:
    """A function of a layer above the caller's: one of `_HIGHER`, the only ones for which there is cause."""
    return getattr(import_module(_HIGHER[name]), name)


def lazy_attributes(
    package: str, exports: Mapping[str, str], submodules: Iterable[str] = ()
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The `__getattr__` and `__dir__` of a package whose names are imported on first use.

    Args:
        package: full name of the package.
        exports: name -> full name of the module that defines it.
        submodules: modules of the package that are attributes of it without having been imported.
    """
    known_submodules = frozenset(submodules)

    def __getattr__(name: str) -> Any:
        if name in exports:
            value = getattr(import_module(exports[name]), name)
            setattr(sys.modules[package], name, value)
            return value
        if name in known_submodules:
            return import_module(f"{package}.{name}")
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted({*vars(sys.modules[package]), *exports, *known_submodules})

    return __getattr__, __dir__
