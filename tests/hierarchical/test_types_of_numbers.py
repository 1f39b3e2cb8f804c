"""Models of any type of number, under autocast or compiled in part, code on the kernels as in float32."""

import copy
import threading
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from small_hierarchies import SMALL_QARV, SMALL_QRES, scrambled

from latentpress.codec.container import read_container
from latentpress.codec.hierarchical import HierarchicalCodec
from latentpress.codec.images import Picture
from latentpress.errors import ConfigurationError
from latentpress.models.compiled import not_compiled
from latentpress.models.hierarchical import QARV, CodingHierarchy, LosslessQResVAE, QResVAE
from latentpress.models.hierarchical.arithmetic import ARITHMETICS, FIXED_POINT, fastest_arithmetic

MODELS = {
    "qres": lambda: QResVAE(SMALL_QRES),
    "qarv": lambda: QARV(SMALL_QARV),
    "lossless": lambda: LosslessQResVAE(SMALL_QRES),
}
TYPES = (torch.float64, torch.float16, torch.bfloat16)
GRID = (1, 2)


@pytest.fixture(params=MODELS)
def model(request: pytest.FixtureRequest) -> CodingHierarchy:
    return scrambled(MODELS[request.param]())


@pytest.fixture
def convolutions(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Names of PyTorch's own operators of networks that are called from here on."""
    called: list[str] = []

    class Watching(torch.utils._python_dispatch.TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
            if any(
                word in func._schema.name
                for word in ("conv", "addmm", "matmul", "linear", "gelu", "layer_norm")
            ):
                called.append(func._schema.name)
            return func(*args, **(kwargs or {}))

    with Watching():
        yield called


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
@pytest.mark.parametrize("number", TYPES)
def test_any_type_of_number_codes_as_its_weights_do_in_float32(
    model, image, number: torch.dtype, arithmetic: str
) -> None:
    model.to(number)
    single = copy.deepcopy(model).float()
    x = image(2)
    strings = single.encode(x, arithmetic=arithmetic)
    decoded = single.decode(strings, GRID, arithmetic=arithmetic)
    assert model.encode(x, arithmetic=arithmetic) == strings
    assert torch.equal(model.decode(strings, GRID, arithmetic=arithmetic), decoded)
    assert {p.dtype for p in model.parameters()} == {number}
    assert model.fastest_arithmetic() == fastest_arithmetic()
    if number == torch.float64:
        assert model.encode(x.double(), arithmetic=arithmetic) == strings


@pytest.mark.parametrize("number", TYPES)
def test_no_operator_of_pytorch_has_a_part_in_it(model, image, number, convolutions) -> None:
    model.to(number)
    model.decode(model.encode(image()), GRID)
    assert not convolutions
    model.to(torch.float32)(image())
    assert convolutions


def test_a_model_with_a_part_of_another_type_codes_in_float32_throughout(model, image) -> None:
    strings = model.encode(image())
    model.encoder.double()
    assert model.encode(image()) == strings


@pytest.mark.parametrize("number", [torch.float16, torch.bfloat16])
def test_weights_that_change_after_coding_are_noticed(model, image, number: torch.dtype) -> None:
    model.to(number)
    before = model.encode(image())
    with torch.no_grad():
        for parameter in model.encoder.parameters():
            parameter.mul_(1.5)
    assert model.encode(image()) != before
    assert model.encode(image()) == copy.deepcopy(model).float().encode(image())


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
def test_autocast_changes_nothing(model, image, arithmetic: str, convolutions) -> None:
    x = image(2)
    strings = model.encode(x, arithmetic=arithmetic)
    decoded = model.decode(strings, GRID, arithmetic=arithmetic)
    with torch.autocast("cpu", torch.bfloat16):
        assert model.encode(x, arithmetic=arithmetic) == strings
        assert torch.equal(model.decode(strings, GRID, arithmetic=arithmetic), decoded)
        assert model.fastest_arithmetic() == fastest_arithmetic()
    assert not convolutions


@pytest.mark.parametrize("number", TYPES)
def test_files_of_lossless_models_of_any_type_give_every_pixel_back(number: torch.dtype) -> None:
    codec = HierarchicalCodec(scrambled(LosslessQResVAE(SMALL_QRES)).to(number))
    pixels = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)
    with torch.autocast("cpu", torch.bfloat16):
        file = codec.encode_picture(Picture(pixels), arithmetic=FIXED_POINT)
    assert np.array_equal(codec.decode_picture(read_container(file)).colour, pixels)


@pytest.mark.parametrize("in_place", [True, False])
def test_compiled_parts_of_a_model_code_as_they_were_written(
    model, image, in_place: bool, convolutions
) -> None:
    x = image()
    strings = model.encode(x)
    decoded = model.decode(strings, GRID)
    if in_place:
        for part in (model.encoder, *model.decoder_blocks()):
            part.compile(backend="eager")
    else:
        model.encoder = torch.compile(model.encoder, backend="eager")
        last = model.decoder_blocks()
        if not hasattr(last[-1], "predict"):
            last[-1] = torch.compile(last[-1], backend="eager")
    assert model.encode(x) == strings
    assert torch.equal(model.decode(strings, GRID), decoded)
    assert not convolutions


@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
@pytest.mark.filterwarnings("ignore:`torch.jit.trace` is deprecated:DeprecationWarning")
def test_coding_from_compiled_or_traced_code_is_refused(model, image) -> None:
    x = image()
    strings = model.encode(x)
    with pytest.raises(ConfigurationError, match="not compiled"):
        torch.compile(model.encode, backend="eager")(x)
    with pytest.raises(ConfigurationError, match="not compiled"):
        torch.compile(model.decode, backend="eager")(strings, GRID)
    with pytest.raises(ConfigurationError, match=r"torch\.jit\.trace"):
        torch.jit.trace(lambda x: model.decode(model.encode(x), GRID), x)


def test_nothing_compiled_runs_while_any_thread_codes() -> None:
    def part(x: torch.Tensor) -> torch.Tensor:
        return x + 1 if torch.compiler.is_compiling() else x

    compiled, x = torch.compile(part, backend="eager"), torch.zeros(1)
    assert float(compiled(x)) == 1
    entered, leave, left = threading.Event(), threading.Event(), threading.Event()

    def first() -> None:
        with not_compiled():
            entered.set()
            leave.wait(60)
        left.set()

    thread = threading.Thread(target=first)
    thread.start()
    entered.wait(60)
    with not_compiled():
        leave.set()
        left.wait(60)
        assert float(compiled(x)) == 0
    thread.join()
    assert float(compiled(x)) == 1
