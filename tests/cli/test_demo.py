"""The demonstration, with a small model in place of the bundled one."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from latentpress.cli import main
from latentpress.codec import api


def test_the_demo_shows_a_photograph_before_and_after(
    tmp_path: Path, gained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compress, decompress = api.compress, api.decompress
    monkeypatch.setattr(api, "compress", lambda image, **given: compress(image, checkpoint=gained, **given))
    monkeypatch.setattr(api, "decompress", lambda data: decompress(data, checkpoint=gained))
    for _ in range(2):  # the second time over its own files
        result = CliRunner().invoke(main, ["demo", "-o", str(tmp_path / "out"), "--quality", "30"])
        assert result.exit_code == 0, result.output
    figures = dict(line.split(maxsplit=1) for line in result.stdout.splitlines())
    assert {"size", "ratio", "PSNR", "MS-SSIM", "encoding", "decoding"} <= set(figures)
    assert figures["PSNR"].endswith(" dB")
    photograph = decompress((tmp_path / "out" / "demo.ltp").read_bytes(), checkpoint=gained)
    with Image.open(tmp_path / "out" / "side-by-side.png") as comparison:
        assert comparison.width > 2 * photograph.width
        assert comparison.height > photograph.height
        right = comparison.crop(
            (comparison.width - photograph.width - 8, 28, comparison.width - 8, 28 + photograph.height)
        )
        assert right.tobytes() == photograph.tobytes()


def test_the_bundled_photograph_is_small_and_has_its_source_beside_it() -> None:
    from importlib.resources import files

    assets = files("latentpress").joinpath("assets")
    assert len(assets.joinpath("demo.png").read_bytes()) < 10**6
    assert "Kodak" in assets.joinpath("README.md").read_text(encoding="utf-8")
