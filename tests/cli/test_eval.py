"""`latentpress eval`."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from latentpress.cli import main
from latentpress.utils import eval_model

Run = Callable[..., Result]


@pytest.fixture
def run() -> Run:
    """Calls `latentpress eval` with these arguments; anything but a clean exit fails the test."""

    def call(*arguments: object) -> Result:
        result = CliRunner().invoke(main, ["eval", *(str(argument) for argument in arguments)])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return call


@pytest.fixture
def folder(tmp_path: Path, photo: Image.Image) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    photo.save(folder / "a.png")
    (folder / "broken.png").write_bytes(b"broken")
    return folder


def test_the_default_model_is_measured_at_the_qualities_asked_for(
    run: Run, folder: Path, gained: Path
) -> None:
    result = run(folder, "--checkpoint", gained, "--quality", "20,50", "--quality", 80, "--json")
    record = json.loads(result.stdout)
    assert result.exit_code == 0
    assert record["name"] == "latentpress2026-mse"
    assert [label.split(", ")[1] for label in record["points"]] == ["quality 20", "quality 50", "quality 80"]
    assert {len(values) for values in record["results"].values()} == {3}
    assert result.stderr.count("broken.png") == 2  # named once, with the reason
    assert list(record["skipped"]) == [str(folder / "broken.png")]


def test_a_table_shows_means_and_on_request_each_image(run: Run, folder: Path, fixed_rate: Path) -> None:
    given = [folder / "a.png", "--model", "mbt2018-mean", "--checkpoint", fixed_rate]
    means, images = run(*given).stdout, run(*given, "--per-image").stdout
    assert "mbt2018-mean-mse, real coding, means over 1 image" in means
    assert "PSNR dB" in means
    assert "161" in means  # why there is no MS-SSIM
    assert "\n a " not in means
    assert "\n a " in images


def test_it_measures_what_the_tutorials_command_measures(
    run: Run, folder: Path, fixed_rate: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = run(folder, "--model", "mbt2018-mean", "--checkpoint", fixed_rate, "--json")
    arguments = ["checkpoint", str(folder), "-a", "mbt2018-mean", "-p", str(fixed_rate)]
    assert eval_model.main(arguments) == 0
    ours, theirs = (json.loads(text)["results"] for text in (result.stdout, capsys.readouterr().out))
    assert set(ours) == set(theirs)
    assert [ours[key] for key in ("bpp", "psnr")] == [theirs[key] for key in ("bpp", "psnr")]


def test_json_goes_into_a_file_beside_the_table(run: Run, folder: Path, fixed_rate: Path) -> None:
    model = ["--model", "latentpress.models:MeanScaleHyperprior", "--checkpoint", fixed_rate]
    result = run(folder, *model, "--entropy-estimation", "-o", folder / "new" / "x.json")
    assert "bpp" in result.stdout
    record = json.loads((folder / "new" / "x.json").read_text())
    assert (record["name"], record["description"]) == ("MeanScaleHyperprior", "entropy estimation")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--quality", "200"], "from 1 to 100"),
        (["--model", "nothing-like-it"], "valid are"),
        (["--model", "torch:nothing"], "torch:nothing"),
        (["--device", "abacus"], "abacus"),
    ],
)
def test_a_wrong_option_is_one_sentence(
    run: Run, folder: Path, gained: Path, arguments: list[str], message: str
) -> None:
    result = run(folder / "a.png", "--checkpoint", gained, *arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("latentpress: error: ")
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_wrong_usage_is_told_by_click(run: Run, folder: Path) -> None:
    assert run().exit_code == 2
    assert run(folder, "--quality", "one").exit_code == 2
