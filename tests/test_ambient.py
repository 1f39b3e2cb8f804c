"""Files and images do not depend on the state that a program around the package has set."""

import locale
import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from small_hierarchies import SMALL_QARV

from latentpress import compress, decompress, zoo
from latentpress.codec.disk import write_file
from latentpress.codec.models import _load_codec
from latentpress.zoo.hierarchical import make_codec_model
from small_models import fixed_rate, gained, photo

sys.path.insert(0, str(Path(__file__).parent / "processors"))
from samples import Sample, fresh_models, samples

__all__ = ["fixed_rate", "gained", "photo"]  # fixtures


@contextmanager
def _set(get: Callable[[], Any], put: Callable[[Any], Any], value: Any) -> Iterator[None]:
    before = get()
    put(value)
    try:
        yield
    finally:
        put(before)


def _default_dtype(dtype: torch.dtype) -> AbstractContextManager[None]:
    return _set(torch.get_default_dtype, torch.set_default_dtype, dtype)


@contextmanager
def _no_working_directory(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    folder.mkdir()
    os.chdir(folder)
    folder.rmdir()
    try:
        yield
    finally:
        os.chdir(before)


@contextmanager
def _commas() -> Iterator[None]:
    before = locale.setlocale(locale.LC_ALL)
    for name in ("de_DE.UTF-8", "fr_FR.UTF-8", "tr_TR.UTF-8"):
        try:
            locale.setlocale(locale.LC_ALL, name)
        except locale.Error:
            continue
        try:
            yield
        finally:
            locale.setlocale(locale.LC_ALL, before)
        return
    pytest.skip("no locale with a comma for a point is installed")


@contextmanager
def _deterministic() -> Iterator[None]:
    with _set(torch.are_deterministic_algorithms_enabled, torch.use_deterministic_algorithms, True):
        yield


@contextmanager
def _warnings_are_errors() -> Iterator[None]:
    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        yield


AMBIENT: dict[str, Callable[[Path], AbstractContextManager[Any]]] = {
    "a default type of float64": lambda _: _default_dtype(torch.float64),
    "a default type of bfloat16": lambda _: _default_dtype(torch.bfloat16),
    "another default device": lambda _: torch.device("meta"),
    "gradients": lambda _: torch.enable_grad(),
    "no gradients": lambda _: torch.no_grad(),
    "inference mode": lambda _: torch.inference_mode(),
    "autocast": lambda _: torch.autocast("cpu", dtype=torch.bfloat16),
    "deterministic algorithms": lambda _: _deterministic(),
    "three threads": lambda _: _set(torch.get_num_threads, torch.set_num_threads, 3),
    "multiplications in bfloat16": lambda _: _set(
        torch.get_float32_matmul_precision, torch.set_float32_matmul_precision, "medium"
    ),
    "commas in numbers": lambda _: _commas(),
    "no working directory": lambda path: _no_working_directory(path / "gone"),
    "a closed umask": lambda _: _set(lambda: os.umask(0), os.umask, 0o777),
    "warnings as errors": lambda _: _warnings_are_errors(),
}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Sample, bytes, str, np.ndarray]]:
    """Everything that is coded, with the file that it becomes, and what that decodes to, in a plain state."""
    folder = tmp_path_factory.mktemp("models")
    torch.save(dict(fresh_models()), folder / "models.pt")
    return {name: (sample, *_there_and_back(sample)) for name, sample in samples(folder)}


def _there_and_back(sample: Sample) -> tuple[bytes, str, np.ndarray]:
    file = sample.write()
    return file, *sample.read(file)


@pytest.mark.parametrize("state", AMBIENT)
def test_files_and_what_they_decode_to_are_the_same_in_any_state(
    plain: Any, state: str, tmp_path: Path
) -> None:
    differing = []
    for name, (sample, *expected) in plain.items():
        with AMBIENT[state](tmp_path):
            found = _there_and_back(sample)
        if found[:2] != tuple(expected[:2]) or np.abs(found[2].astype(int) - expected[2]).max() > 1:
            differing.append(name)
    assert differing == []


@pytest.mark.parametrize("state", AMBIENT)
def test_weights_are_loaded_the_same_in_any_state(
    state: str, gained: Path, fixed_rate: Path, tmp_path: Path
) -> None:
    for checkpoint in (gained, fixed_rate):
        expected = zoo.load_checkpoint(checkpoint)
        with AMBIENT[state](tmp_path):
            found = zoo.load_checkpoint(checkpoint)
            found.update(force=True)
        tensors = found.state_dict()
        assert tensors.keys() == expected.state_dict().keys()
        for name, value in expected.state_dict().items():
            assert tensors[name].dtype == value.dtype
            assert torch.equal(tensors[name], value), name
        assert all(p.requires_grad and not p.is_inference() for p in found.parameters())


@pytest.mark.parametrize("state", AMBIENT)
def test_images_are_compressed_the_same_in_any_state_from_loading_on(
    state: str, gained: Path, photo: Image.Image, tmp_path: Path
) -> None:
    expected = compress(photo, checkpoint=gained)
    pixels = np.asarray(decompress(expected, checkpoint=gained), int)
    for forget in (_load_codec.cache_clear, lambda: None):
        with AMBIENT[state](tmp_path):
            forget()
            assert compress(photo, checkpoint=gained) == expected
            forget()
            assert np.abs(np.asarray(decompress(expected, checkpoint=gained), int) - pixels).max() <= 1
    _load_codec.cache_clear()


@pytest.mark.parametrize("state", AMBIENT)
def test_hierarchies_are_loaded_the_same_in_any_state(
    state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("latentpress.models.hierarchical.QARV_BASE", SMALL_QARV)
    model = zoo.qarv_base()
    model.compress_mode()
    path = tmp_path / "qarv.safetensors"
    zoo.save_hierarchy(model, path)
    with AMBIENT[state](tmp_path):
        found = make_codec_model("qarv_base", None, path)
    for name, value in model.state_dict().items():
        assert found.state_dict()[name].dtype == value.dtype
        assert torch.equal(found.state_dict()[name], value), name


def test_the_package_is_imported_the_same_in_any_state(
    gained: Path, photo: Image.Image, tmp_path: Path
) -> None:
    program = """
import sys, torch
torch.set_default_dtype(torch.float64)
torch.set_default_device("meta")
torch.set_grad_enabled(False)
torch.use_deterministic_algorithms(True)
import latentpress
from PIL import Image
photo, weights, target = sys.argv[1:]
data = latentpress.compress(Image.open(photo), checkpoint=weights)
latentpress.decompress(data, checkpoint=weights)
open(target, "wb").write(data)
"""
    photo.save(tmp_path / "photo.png")
    target = tmp_path / "photo.ltp"
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    arguments = [str(tmp_path / "photo.png"), str(gained), str(target)]
    subprocess.run([sys.executable, "-c", program, *arguments], check=True, env=environment)
    assert target.read_bytes() == compress(photo, checkpoint=gained)


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_files_get_the_mode_that_the_umask_leaves(tmp_path: Path, umask: int, fixed_rate: Path) -> None:
    with _set(lambda: os.umask(0), os.umask, umask):
        write_file(tmp_path / "x.ltp", b"data")
        zoo.save_checkpoint(zoo.load_checkpoint(fixed_rate), tmp_path / "x.safetensors")
    for path in tmp_path.iterdir():
        assert path.stat().st_mode & 0o777 == 0o666 & ~umask, path.name


def test_coding_leaves_the_state_alone(plain: Any) -> None:
    before = _state()
    for sample, *_ in plain.values():
        _there_and_back(sample)
    after = _state()
    assert all(np.array_equal(after[name], value) for name, value in before.items())


def _state() -> dict[str, Any]:
    return {
        "default type": str(torch.get_default_dtype()),
        "gradients": torch.is_grad_enabled(),
        "autocast": torch.is_autocast_enabled("cpu"),
        "threads": torch.get_num_threads(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "precision": torch.get_float32_matmul_precision(),
        "random numbers": torch.get_rng_state().numpy(),
        "NumPy's random numbers": np.random.get_state()[1],  # noqa: NPY002
        "working directory": str(Path.cwd()),
        "locale": locale.setlocale(locale.LC_ALL),
    }
