"""The tutorial in the documentation, typed as it stands."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

TUTORIAL = Path(__file__).resolve().parents[2] / "docs" / "tutorial.md"


def blocks() -> list[tuple[str, str]]:
    """Language and text of each block of code."""
    return re.findall(r"^```(\w+)\n(.*?)^```", TUTORIAL.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """The folders that the tutorial starts from."""
    rows, columns = np.mgrid[:72, :88]
    for split, count in (("train", 8), ("test", 2)):
        folder = tmp_path / "photos" / split
        folder.mkdir(parents=True)
        for number in range(count):
            planes = [128 + 90 * np.sin(rows / (5 + number) + k) * np.cos(columns / 9) for k in range(3)]
            Image.fromarray(np.stack(planes, axis=2).astype(np.uint8)).save(folder / f"{number}.png")
    return tmp_path


def typed(language: str, text: str) -> str:
    """A block as Python; commands are called in the same process."""
    if language == "python":
        return text
    program, *arguments = shlex.split(text)
    assert program == "latentpress"
    return f"assert not main({arguments}, standalone_mode=False)"


def test_the_tutorial_leads_from_a_model_to_a_file(photos: Path) -> None:
    script = ["from latentpress.cli import main"]
    for language, text in blocks():
        if text.startswith("# mine.py"):
            (photos / "mine.py").write_text(text)
        else:
            script.append(typed(language, text))
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(script)],
        cwd=photos,
        env={**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "200"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    output = done.stdout
    assert done.returncode == 0, output
    assert output.index("epoch 4, validation") < output.index("epoch 6, validation")
    assert "PSNR dB" in output
    assert "psnr-rgb" in output
    assert re.search(r"\d\.\d{3} bits per pixel", output)
    with Image.open(photos / "photo.png") as restored:
        assert restored.size == (88, 72)
