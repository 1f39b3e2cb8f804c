"""What a file says about the model that made it: its name, a fingerprint of its weights, and what the model
has to be told to decode. Images and video have this part in common; it is specified in docs/file-format.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from latentpress.codec.binary import ByteReader, ByteWriter
from latentpress.errors import BitstreamError, ConfigurationError, WeightsError

FINGERPRINT_SIZE = 8

Parameter = int | float | str

# Parameters that need no name in the file, by code; code 0 means that the name is spelled out.
_PARAMETER_NAMES = {1: "quality", 2: "metric", 3: "lmbda", 4: "order", 5: "arithmetic"}
_PARAMETER_CODES = {name: code for code, name in _PARAMETER_NAMES.items()}
_UINT, _FLOAT64, _TEXT = 0, 1, 2
_MOST_PARAMETERS = 32


class Maker(NamedTuple):
    """The model that made a file.

    Attributes:
        model: its name in the zoo.
        fingerprint: 8 bytes that identify its weights and coder tables.
        parameters: what it needs to be told to decode, such as its quality.
    """

    model: str
    fingerprint: bytes
    parameters: Mapping[str, Parameter]


def check_maker(maker: Maker) -> None:
    """Refuse what does not fit the format.

    Raises:
        ConfigurationError: the fingerprint has another length, or there are too many parameters.
    """
    if len(maker.fingerprint) != FINGERPRINT_SIZE:
        raise ConfigurationError(
            f"Expected a fingerprint of {FINGERPRINT_SIZE} bytes, found {len(maker.fingerprint)}."
        )
    if len(maker.parameters) > _MOST_PARAMETERS:
        raise ConfigurationError(
            f"Expected at most {_MOST_PARAMETERS} parameters, found {len(maker.parameters)}."
        )


def expect_maker(found: Maker, expected: Maker, free: Iterable[str] = ()) -> None:
    """Refuse a file that another model, or other weights, made.

    Args:
        found: what the file says.
        expected: the model that is to decode it; the file has to have the same parameters.
        free: names of further parameters that the file has to have, whatever their values.

    Raises:
        WeightsError: another model or other weights made the file.
        BitstreamError: it has other parameters.
    """
    if found.model != expected.model:
        raise WeightsError(f"Expected a file made by {expected.model}, found one made by {found.model}.")
    names = {*expected.parameters, *free}
    if set(found.parameters) != names:
        raise BitstreamError(
            f"Expected the parameters {sorted(names)} for {expected.model}, "
            f"found {sorted(found.parameters)}: the file is damaged or needs a newer LatentPress."
        )
    differing = [name for name, value in expected.parameters.items() if found.parameters[name] != value]
    if differing or found.fingerprint != expected.fingerprint:
        raise WeightsError(
            f"Expected weights of {expected.model} with fingerprint {found.fingerprint.hex()}, found "
            f"{expected.fingerprint.hex()}: give the checkpoint that made the file."
        )


def write_maker(writer: ByteWriter, maker: Maker) -> None:
    """The model's name, the fingerprint, and the parameters."""
    writer.name(maker.model)
    writer.raw(maker.fingerprint)
    writer.uint(len(maker.parameters))
    for name, value in maker.parameters.items():
        _write_parameter(writer, name, value)


def read_maker(reader: ByteReader) -> Maker:
    """What `write_maker` wrote.

    Raises:
        BitstreamError: the bytes end too early, or are malformed.
    """
    model = reader.name("the model name")
    fingerprint = reader.raw(FINGERPRINT_SIZE, "the fingerprint of the weights")
    count = reader.uint("the number of parameters")
    if count > _MOST_PARAMETERS:
        raise BitstreamError(
            f"Expected at most {_MOST_PARAMETERS} parameters, found {count}: the file is damaged."
        )
    parameters: dict[str, Parameter] = {}
    for _ in range(count):
        name, value = _read_parameter(reader)
        if name in parameters:
            raise BitstreamError(f"Expected each parameter once, found {name} twice: the file is damaged.")
        parameters[name] = value
    return Maker(model, fingerprint, parameters)


def _write_parameter(writer: ByteWriter, name: str, value: Parameter) -> None:
    kind = _TEXT if isinstance(value, str) else _FLOAT64 if isinstance(value, float) else _UINT
    code = _PARAMETER_CODES.get(name, 0)
    writer.byte(code << 2 | kind)
    if code == 0:
        writer.name(name)
    if isinstance(value, str):
        writer.text(value)
    elif isinstance(value, float):
        writer.float64(value)
    else:
        writer.uint(value)


def _read_parameter(reader: ByteReader) -> tuple[str, Parameter]:
    tag = reader.byte("the tag of a parameter")
    code, kind = tag >> 2, tag & 3
    if code != 0 and code not in _PARAMETER_NAMES:
        raise BitstreamError(f"Expected a known parameter, found code {code}: the file is damaged.")
    name = _PARAMETER_NAMES[code] if code else reader.name("the name of a parameter")
    if kind == _TEXT:
        return name, reader.text(f"the parameter {name}")
    if kind == _FLOAT64:
        return name, reader.float64(f"the parameter {name}")
    if kind == _UINT:
        return name, reader.uint(f"the parameter {name}")
    raise BitstreamError(
        f"Expected a known type for the parameter {name}, found {kind}: the file is damaged."
    )
