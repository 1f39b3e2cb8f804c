"""Figures have the curves that were asked for, and come out as files that printers take."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from latentpress.cli import main
from latentpress.errors import ConfigurationError
from latentpress.report import Layout, parse_result, read_results
from latentpress.report.figure import draw, save
from latentpress.report.selection import select
from latentpress.utils import plot as utils_plot


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(main, ["plot", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def texts(svg: Path) -> str:
    return svg.read_text(encoding="utf-8")


@pytest.mark.parametrize(("suffix", "start"), [("png", b"\x89PNG"), ("pdf", b"%PDF"), ("svg", b"<?xml")])
def test_a_figure_is_written_in_the_format_of_its_suffix(
    suffix: str, start: bytes, results_file: Path, tmp_path: Path
) -> None:
    path = tmp_path / "new" / f"figure.{suffix}"
    assert run(results_file, "-o", path).exit_code == 0
    assert path.read_bytes().startswith(start)


def test_the_size_in_inches_and_the_resolution_give_the_pixels(results_file: Path, tmp_path: Path) -> None:
    run(results_file, "-o", tmp_path / "a.png", "--figsize", 5, 3, "--dpi", 100)
    assert Image.open(tmp_path / "a.png").size == (500, 300)


def test_text_of_svg_stays_text_and_names_what_is_drawn(results_file: Path, tmp_path: Path) -> None:
    run(results_file, "-o", tmp_path / "a.svg", "--published", "VTM, ELIC paper", "-t", "On & on")
    svg = texts(tmp_path / "a.svg")
    for text in ("mine", "VTM", "ELIC paper", "On &amp; on", "Rate [bits per pixel]", "PSNR [dB]"):
        assert f">{text}<" in svg
    assert ">BPG<" not in svg


def test_ms_ssim_is_drawn_in_decibels(results_file: Path) -> None:
    curves = select(read_results([results_file]), published=[], metric="ms-ssim-rgb")
    axes = draw(curves, "ms-ssim-rgb").axes[0]
    assert axes.get_ylabel() == "MS-SSIM [dB]"
    assert next(iter(axes.lines[0].get_ydata())) == pytest.approx(10.969, abs=1e-3)  # of 0.92


def test_what_was_measured_is_in_view_and_on_top(results_file: Path) -> None:
    axes = draw(select(read_results([results_file])), "psnr-rgb").axes[0]
    (low, high), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    assert axes.lines[-1].get_label() == "mine"
    assert all(low <= x <= high for x in axes.lines[-1].get_xdata())
    assert all(bottom <= y <= top for y in axes.lines[-1].get_ydata())
    assert high < 1.5  # though published curves go on to 4 bits per pixel


def test_axes_can_be_set(results_file: Path) -> None:
    layout = Layout(axes=(0.1, 1, 20, 40), log=True)
    axes = draw(select(read_results([results_file])), "psnr-rgb", layout).axes[0]
    assert (*axes.get_xlim(), *axes.get_ylim()) == (0.1, 1, 20, 40)
    assert axes.get_xscale() == "log"


def test_the_same_curves_give_the_same_file(results_file: Path, tmp_path: Path) -> None:
    for suffix in ("svg", "pdf"):
        paths = [tmp_path / f"{name}.{suffix}" for name in "ab"]
        for path in paths:
            save(draw(select(read_results([results_file])), "psnr-rgb"), path)
        assert paths[0].read_bytes() == paths[1].read_bytes()


def test_published_curves_can_be_drawn_alone(tmp_path: Path) -> None:
    assert run("--published", "codecs", "-o", tmp_path / "a.svg").exit_code == 0
    assert ">JPEG 2000<" in texts(tmp_path / "a.svg")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["-o", "a.bmp"], ".png, .pdf, .svg"),
        (["-o", "a.png", "--published", "VTN"], "found 'VTN'"),
        (["missing.json", "-o", "a.png"], "missing.json"),
        (["-o", "a.png", "--published", "none"], "at least one point"),
    ],
)
def test_mistakes_are_answered_in_a_sentence(arguments: list[str], reason: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 1
    assert result.stderr.startswith("latentpress: error: Expected")
    assert reason in result.stderr


def test_a_figure_that_goes_nowhere_is_wrong_usage(results_file: Path) -> None:
    result = run(results_file)
    assert result.exit_code == 2
    assert "--show" in result.stderr


def test_a_curve_without_the_metric_is_left_out_and_none_at_all_is_an_error() -> None:
    only_psnr = parse_result({"name": "x", "results": {"bpp": [1], "psnr": [33]}}, "x")
    assert select([only_psnr], published=[], metric="ms-ssim-rgb") == []
    with pytest.raises(ConfigurationError, match="MS-SSIM"):
        draw([], "ms-ssim-rgb")


def test_the_tutorials_command_draws_the_files_and_nothing_else(results_file: Path, tmp_path: Path) -> None:
    flags = ["-m", "psnr", "-t", "Mine", "--figsize", "5", "3", "--axes", "0", "1", "20", "40"]
    status = utils_plot.main(["-f", str(results_file), "-o", str(tmp_path / "a.svg"), *flags])
    svg = texts(tmp_path / "a.svg")
    assert status == 0
    assert ">mine<" in svg
    assert ">Mine<" in svg
    assert ">VTM<" not in svg


def test_the_tutorials_command_answers_mistakes_in_a_sentence(
    results_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["-f", str(results_file), "-o", "a.png"]
    assert utils_plot.main([*given, "--backend", "plotly"]) == 1
    assert "plot: error: Expected the backend matplotlib" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        utils_plot.main(given[:2])


def test_a_window_without_a_display_is_an_error(results_file: Path) -> None:
    command = [sys.executable, "-m", "latentpress.utils.plot", "-f", str(results_file), "--show"]
    done = subprocess.run(command, capture_output=True, text=True, env={"MPLBACKEND": "agg"}, check=False)
    assert done.returncode == 1
    assert "a display" in done.stderr
