"""Codecs to compare with: their real implementations, and the zoo's models as files, behind one interface.

| name | implementation | from |
|---|---|---|
| `jpeg`, `jpeg2000`, `webp`, `avif` | libjpeg-turbo, OpenJPEG, libwebp, libavif | Pillow |
| `jpegxl` | libjxl | the package imagecodecs |
| `heif` | libheif with x265 | the package pillow-heif |
| `bpg` | bpgenc, bpgdec | programs on the path |
| `vtm`, `hm` | the reference software of VVC and HEVC | programs on the path |
| a model of the zoo | `.ltp` files | LatentPress |
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, get_type_hints

from latentpress import zoo
from latentpress.errors import ConfigurationError
from latentpress.evaluation.codecs.base import Codec, CodecSubject, InMemoryCodec, Pixels, RoundTrip
from latentpress.evaluation.codecs.bpg import Bpg
from latentpress.evaluation.codecs.jpegxl import JpegXl
from latentpress.evaluation.codecs.model_files import ModelFiles
from latentpress.evaluation.codecs.pillow import Avif, Heif, Jpeg, Jpeg2000, Webp
from latentpress.evaluation.codecs.programs import ProgramCodec
from latentpress.evaluation.codecs.reference_software import Hm, ReferenceSoftware, Vtm
from latentpress.evaluation.hierarchies import is_hierarchy

__all__ = [
    "CODECS",
    "Avif",
    "Bpg",
    "Codec",
    "CodecSubject",
    "Heif",
    "Hm",
    "InMemoryCodec",
    "Jpeg",
    "Jpeg2000",
    "JpegXl",
    "ModelFiles",
    "Pixels",
    "ProgramCodec",
    "ReferenceSoftware",
    "RoundTrip",
    "Vtm",
    "Webp",
    "find_codec",
    "is_codec_name",
    "settings_of",
    "usable_codecs",
]

CODECS: dict[str, type[Codec]] = {
    "jpeg": Jpeg,
    "jpeg2000": Jpeg2000,
    "webp": Webp,
    "avif": Avif,
    "jpegxl": JpegXl,
    "heif": Heif,
    "bpg": Bpg,
    "vtm": Vtm,
    "hm": Hm,
}
"""Name -> class of every codec that is no model."""

_OTHER_NAMES = {"jpg": "jpeg", "jp2": "jpeg2000", "j2k": "jpeg2000", "jxl": "jpegxl", "heic": "heif"}
_WORDS = {"true": True, "yes": True, "false": False, "no": False}


def find_codec(name: str, settings: Mapping[str, Any] | None = None) -> Codec:
    """A codec or model by name, with settings, after making sure that it can be used here.

    Args:
        name: one of `CODECS`, whatever its case and hyphens, or a model of the zoo.
        settings: name -> value of the fields of its class that are not to be as they are by default; values
            may be text.

    Raises:
        ConfigurationError: there is no such codec, setting or value, or what it needs is not installed.

    Example:
        >>> find_codec("JPEG", {"subsampling": "4:4:4", "optimize": "no"})
        Jpeg(subsampling='4:4:4', optimize=False)
    """
    given = dict(settings or {})
    cls = _class_named(name)
    if cls is ModelFiles:
        given["model"] = name
    codec = cls(**{key: _typed(cls, key, value) for key, value in given.items()})
    codec.check()
    return codec


def is_codec_name(name: str) -> bool:
    """Whether `find_codec` knows a codec or model of this name."""
    try:
        _class_named(name)
    except ConfigurationError:
        return False
    return True


def usable_codecs() -> dict[str, Codec]:
    """The codecs of `CODECS` that can be used here, with their default settings."""
    usable = {}
    for name in CODECS:
        try:
            usable[name] = find_codec(name)
        except ConfigurationError:
            continue
    return usable


def settings_of(name: str) -> tuple[str, ...]:
    """The names of a codec's settings."""
    cls = _class_named(name)
    return tuple(field.name for field in dataclasses.fields(cls) if field.name != "model")  # type: ignore[arg-type]


def _class_named(name: str) -> type[Codec]:
    plain = name.lower().replace("-", "").replace("_", "").replace(" ", "")
    cls = CODECS.get(_OTHER_NAMES.get(plain, plain))
    if cls is not None:
        return cls
    if is_hierarchy(name) or name.replace("_", "-") in zoo.image_models:
        return ModelFiles
    raise ConfigurationError(
        f"Expected a codec, one of {', '.join(CODECS)}, or an image model of the zoo, found {name!r}."
    )


def _typed(cls: type[Codec], key: str, value: Any) -> Any:
    """A setting's value as its field's type, from that type or from text."""
    kinds = {field.name: get_type_hints(cls)[field.name] for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    if key not in kinds:
        raise ConfigurationError(
            f"Expected a setting of {cls.__name__}, one of {', '.join(kinds)}, found {key!r}."
        )
    kind = kinds[key]
    if isinstance(value, kind):
        return value
    try:
        return _WORDS[str(value).lower()] if kind is bool else kind(value)
    except (KeyError, ValueError) as error:
        raise ConfigurationError(
            f"Expected {kind.__name__} for {key} of {cls.__name__}, found {value!r}."
        ) from error
