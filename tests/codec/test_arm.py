"""Files that were stored on x86 decode to the same bits on 64-bit ARM, in an emulator."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from latentpress.entropy_models import GaussianConditional
from latentpress.models import get_scale_table
from scripts import load_script

ROOT = Path(__file__).parents[2]
ARM = Path(os.environ.get("LATENTPRESS_ARM_ROOT", ROOT / "build/arm-root"))
NEEDED = ("cmake", "aarch64-linux-gnu-g++", "qemu-aarch64")
PYTHON = "python3.11"


def _run(*command: str | Path) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _skip(reason: str) -> None:
    warnings.warn(f"Nothing was decoded on ARM: {reason}", stacklevel=2)
    pytest.skip(reason)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Folder with the package and its extension, built for ARM."""
    missing = [program for program in NEEDED if shutil.which(program) is None]
    if missing:
        _skip(f"no {', '.join(missing)}; on Debian: apt-get install cmake g++-aarch64-linux-gnu qemu-user")
    if not (ARM / "root/usr/bin" / PYTHON).is_file():
        _skip(f"there is no Python for ARM at {ARM}; make one by ./dev arm-root (900 MB)")
    if f"python{sys.version_info[0]}.{sys.version_info[1]}" != PYTHON:
        _skip(f"the extension is built for {PYTHON} by that version only")
    build, headers = ROOT / "build/arm-python", ARM / "root/usr/include"
    _run(
        "cmake", "-S", ROOT, "-B", build, "-DCMAKE_SYSTEM_NAME=Linux", "-DCMAKE_SYSTEM_PROCESSOR=aarch64",
        "-DCMAKE_CXX_COMPILER=aarch64-linux-gnu-g++", f"-DPython_EXECUTABLE={sys.executable}",
        f"-DPython_INCLUDE_DIR={headers / PYTHON}", f"-DCMAKE_CXX_FLAGS=-isystem {headers}",
    )  # fmt: skip
    _run("cmake", "--build", build, "--parallel", "--target", "_core")
    (built,) = build.glob("_core*.so")
    folder = tmp_path / "latentpress"
    folder.mkdir()
    for path in (ROOT / "src/latentpress").iterdir():
        (folder / path.name).symlink_to(path)
    shutil.copy(built, folder / "_core.so")
    return tmp_path


@pytest.mark.slow
def test_stored_files_decode_on_arm_to_what_they_decode_to_on_x86(package: Path) -> None:
    libraries = [ARM / "root" / folder / "aarch64-linux-gnu" for folder in ("lib", "usr/lib")]
    paths = [package, ARM / "site", *(ROOT / "tests" / folder for folder in ("", "hierarchical", "data"))]
    variables = {
        "LD_LIBRARY_PATH": ":".join(map(str, libraries)),
        "PYTHONPATH": ":".join(map(str, paths)),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "2",
    }
    settings = [part for name, value in variables.items() for part in ("-E", f"{name}={value}")]
    printed = _run(
        "qemu-aarch64", "-L", ARM / "root", *settings, ARM / "root/usr/bin" / PYTHON, "tests/arm/decode.py"
    )
    found = json.loads(printed.splitlines()[-1])
    assert found.pop("machine") == "aarch64"
    default = found.pop("default")
    facts = json.loads(load_script(ROOT / "tests/data/store.py").FACTS.read_text())
    assert default["latents"] == facts["latents"]
    assert default["psnr"] == pytest.approx(facts["psnr"], abs=0.01)
    gaussian = GaussianConditional(get_scale_table())
    gaussian.update()
    assert found.pop("tables") == hashlib.sha256(gaussian.quantized_cdf.numpy()).hexdigest()
    digests = json.loads(load_script(ROOT / "tests/data/store_hierarchy.py").FACTS.read_text())
    assert found == {
        f"{kernels} {arithmetic}": [digest, True]
        for kernels in ("neon", "portable")
        for arithmetic, digest in digests.items()
    }
