"""The commands, called in this process."""

import io
import json
import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from latentpress.cli import COMMANDS, main
from latentpress.codec.container import VIDEO_MAGIC

Run = Callable[..., Result]


@pytest.fixture
def run() -> Run:
    """Calls `latentpress` with these arguments; anything but a clean exit fails the test."""

    def call(*arguments: object, stdin: bytes | None = None) -> Result:
        result = CliRunner().invoke(main, [str(argument) for argument in arguments], input=stdin)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return call


@pytest.fixture
def folder(tmp_path: Path, photo: Image.Image) -> Path:
    for name in ("a.png", "b/c.png", "b/d/e.jpg"):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        photo.save(path)
    return tmp_path / "in"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(run: Run, command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert "Usage: " in result.stdout
    assert len(result.stdout.splitlines()) > 5


def test_a_file_goes_there_and_back(run: Run, folder: Path, gained: Path) -> None:
    assert run("compress", folder / "a.png", "--quality", 20, "--checkpoint", gained).exit_code == 0
    result = run("decompress", folder / "a.ltp", "-o", folder / "back.png", "--checkpoint", gained)
    assert result.exit_code == 0
    assert "bpp" in result.stderr
    assert Image.open(folder / "back.png").size == (90, 70)


def test_a_folder_keeps_its_tree_and_is_summed_up(
    run: Run, folder: Path, gained: Path, tmp_path: Path
) -> None:
    result = run("compress", folder, "-o", tmp_path / "out", "--checkpoint", gained)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "3 of 3 files compressed" in result.stderr
    result = run(
        "decompress", tmp_path / "out", "-o", tmp_path / "back", "--format", "webp", "--checkpoint", gained
    )
    assert result.exit_code == 0
    found = sorted(str(p.relative_to(tmp_path / "back")) for p in (tmp_path / "back").rglob("*.webp"))
    assert found == ["a.webp", "b/c.webp", "b/d/e.webp"]


def test_no_picture_of_a_folder_takes_the_place_of_another(
    run: Run, folder: Path, gained: Path, photo: Image.Image, tmp_path: Path
) -> None:
    for name in ("a.jpg", "a.png.png"):
        photo.save(folder / name)
    given = ["-o", tmp_path / "out", "--overwrite", "--checkpoint", gained]
    assert "5 of 5 files compressed" in run("compress", folder, *given).stderr
    assert len([*(tmp_path / "out").rglob("*.ltp")]) == 5


def test_one_failure_does_not_stop_the_others(run: Run, folder: Path, gained: Path) -> None:
    (folder / "b" / "c.png").write_bytes(b"broken")
    result = run("compress", folder, "--checkpoint", gained)
    assert result.exit_code == 1
    assert "2 of 3 files compressed" in result.stderr
    assert f"latentpress: error: {folder / 'b' / 'c.png'}: Expected an image" in result.stderr
    assert sorted(p.name for p in folder.rglob("*.ltp")) == ["a.ltp", "e.ltp"]


def test_a_job_that_is_run_again_does_what_is_left(
    run: Run, folder: Path, gained: Path, photo: Image.Image
) -> None:
    command = ["compress", folder, "--checkpoint", gained]
    run(*command)
    before = {path: path.stat() for path in folder.rglob("*.ltp")}
    again = run(*command, "--jobs", 2)
    assert (again.exit_code, len(again.stderr.splitlines())) == (0, 1)
    assert again.stderr.startswith("0 of 3 files compressed; 3 kept, as they were done already: ")
    assert {path: path.stat() for path in folder.rglob("*.ltp")} == before

    (folder / "b" / "c.ltp").unlink()
    photo.rotate(90).save(folder / "new.png")
    (folder / "broken.png").write_bytes(b"broken")
    again = run(*command)
    assert again.exit_code == 1
    assert "2 of 5 files compressed; 2 kept, as they were done already; 1 failed: " in again.stderr
    assert run("compress", folder / "a.png", "--skip-existing", "--checkpoint", gained).exit_code == 0


@pytest.mark.parametrize("change", ["source", "result", "quality", "checkpoint", "verb", "record"])
def test_a_result_of_something_else_is_not_kept(
    run: Run,
    folder: Path,
    gained: Path,
    other_gained: Path,
    photo: Image.Image,
    change: str,
    own_cache: Path,
) -> None:
    run("compress", folder, "--checkpoint", gained)
    if change == "source":
        photo.rotate(180).save(folder / "a.png")
    if change == "result":
        (folder / "a.ltp").write_bytes(b"precious")
    if change == "record":
        for path in own_cache.rglob("*.jsonl"):
            path.write_text("[]\nbroken")
    command = ["compress", folder, "--checkpoint", other_gained if change == "checkpoint" else gained]
    command += ["--quality", 7] if change == "quality" else []
    if change == "verb":
        command = ["decompress", folder, "--format", "png", "--checkpoint", gained]
    made = (folder / "a.ltp").read_bytes()
    again = run(*command)
    assert again.exit_code == 1
    assert "found one that is not known to be made of this file with these settings" in again.stderr
    assert (folder / "a.ltp").read_bytes() == made
    if change != "verb":
        done = run(*command, "--overwrite", "--skip-existing").stderr
        assert f"{1 if change in ('source', 'result') else 3} of 3 files compressed" in done
        assert run(*command).exit_code == 0


def test_files_are_not_overwritten_unless_told(run: Run, folder: Path, gained: Path) -> None:
    (folder / "a.ltp").write_bytes(b"precious")
    result = run("compress", folder / "a.png", "--checkpoint", gained)
    assert result.exit_code == 1
    assert (folder / "a.ltp").read_bytes() == b"precious"
    assert run("compress", folder / "a.png", "--checkpoint", gained, "--overwrite", "-q").stderr == ""
    assert (folder / "a.ltp").read_bytes() != b"precious"


def test_an_original_is_kept_also_with_overwrite(run: Run, folder: Path, gained: Path) -> None:
    before = (folder / "a.png").read_bytes()
    run("compress", folder / "a.png", "--checkpoint", gained)
    made = (folder / "a.ltp").read_bytes()
    (folder / "same.png").symlink_to(folder / "a.ltp")
    for arguments in (
        ["compress", folder / "a.png", "-o", folder / "a.png"],
        ["decompress", folder / "a.ltp", "-o", folder / "same.png"],
        ["progressive", folder / "a.ltp", "-o", folder / "same.png"],
        ["inpaint", folder / "a.png", "--box", 0, 0, 1, 1, "-o", folder / "a.png"],
        ["interpolate", folder / "b" / "c.png", folder / "a.png", "-o", folder / "a.png"],
    ):
        result = run(*arguments, "--overwrite")
        assert (result.exit_code, "Expected another file to write than the original" in result.stderr) == (
            1,
            True,
        )
    assert ((folder / "a.png").read_bytes(), (folder / "a.ltp").read_bytes()) == (before, made)


def test_a_name_says_what_is_in_the_file(run: Run, folder: Path, gained: Path) -> None:
    for arguments in (
        ["compress", folder / "a.png", "-o", folder / "x.jpg"],
        ["compress", folder / "a.png", "-o", folder / "x.mp4"],
        ["compress", folder / "a.png", "-o", folder / "x.safetensors"],
        ["compress", "-", "-o", folder / "x.png"],
        ["eval", folder, "-o", folder / "x.png"],
        ["bench", "jpeg", folder, "-o", folder / "x.ltp"],
        ["report", "--images", folder, "-o", folder / "x.png"],
        ["leaderboard", folder, "-o", folder / "x.png"],
    ):
        result = run(*arguments, stdin=(folder / "a.png").read_bytes())
        assert (result.exit_code, "Expected another name for" in result.stderr) == (1, True), arguments
    assert not [*folder.glob("x.*")]


def test_no_device_or_folder_is_replaced(run: Run, folder: Path, gained: Path) -> None:
    os.mkfifo(folder / "pipe.ltp")
    for target in (folder / "pipe.ltp", "/dev/null"):
        result = run("compress", folder / "a.png", "-o", target, "--overwrite", "--checkpoint", gained)
        assert (result.exit_code, "found something else" in result.stderr) == (1, True)
    assert (folder / "pipe.ltp").is_fifo()


def test_what_is_compressed_is_not_compressed_again(run: Run, folder: Path, gained: Path) -> None:
    run("compress", folder / "a.png", "--checkpoint", gained)
    data = (folder / "a.ltp").read_bytes()
    (folder / "video.ltp").write_bytes(VIDEO_MAGIC + data)
    for arguments in (
        ["compress", folder / "a.ltp", "-o", folder / "b.ltp"],
        ["compress", folder / "video.ltp", "-o", folder / "b.ltp"],
        ["compress", "-", "-o", folder / "b.ltp"],
    ):
        result = run(*arguments, "--checkpoint", gained, stdin=data)
        assert (result.exit_code, "which is compressed already" in result.stderr) == (1, True)
    assert not (folder / "b.ltp").exists()


def test_an_empty_file_is_called_one(run: Run, tmp_path: Path, photo: Image.Image) -> None:
    photo.save(tmp_path / "photo.png")
    for suffix in ("png", "avif", "y4m", "mp4", "ltp", "json", "pth", "safetensors"):
        (tmp_path / f"x.{suffix}").touch()
    empty = [
        *(["compress", tmp_path / f"x.{suffix}", "-o", "q.ltp"] for suffix in ("png", "avif", "y4m", "mp4")),
        *(
            ["compress", tmp_path / "photo.png", "--checkpoint", tmp_path / f"x.{s}"]
            for s in ("pth", "safetensors")
        ),
        *(["decompress", tmp_path / "x.ltp", "-o", tmp_path / "y.png"], ["info", tmp_path / "x.ltp"]),
        *(["compress", "-"], ["decompress", "-"], ["info", "-"], ["eval", tmp_path / "x.png"]),
        ["plot", tmp_path / "x.json", "-o", tmp_path / "x.pdf"],
    ]
    for arguments in empty:
        result = run(*arguments, stdin=b"")
        assert (result.exit_code, "found an empty" in result.stderr) == (1, True), (arguments, result.stderr)


@pytest.mark.parametrize("output", [[], ["-o", "-"]])
def test_pipes_carry_the_same_bytes_as_files(run: Run, folder: Path, gained: Path, output: list[str]) -> None:
    run("compress", folder / "a.png", "--checkpoint", gained)
    piped = run("compress", "-", *output, "--checkpoint", gained, stdin=(folder / "a.png").read_bytes())
    assert piped.stdout_bytes == (folder / "a.ltp").read_bytes()
    back = run(
        "decompress", "-", "--format", "bmp", *output, "--checkpoint", gained, stdin=piped.stdout_bytes
    )
    assert Image.open(io.BytesIO(back.stdout_bytes)).format == "BMP"
    assert piped.stderr == back.stderr == ""


def test_a_pipe_can_end_in_a_file(run: Run, folder: Path, gained: Path) -> None:
    stdin = (folder / "a.png").read_bytes()
    assert (
        run("compress", "-", "-o", folder / "x.ltp", "--checkpoint", gained, stdin=stdin).stdout_bytes == b""
    )
    assert run("decompress", folder / "x.ltp", "-o", "-", "--checkpoint", gained).stdout_bytes[1:4] == b"PNG"


@pytest.mark.parametrize(("text", "size"), [("900", 900), ("0.9k", 900), ("0.9 kB", 900), ("1KiB", 1024)])
def test_target_sizes_take_units(run: Run, folder: Path, gained: Path, text: str, size: int) -> None:
    assert run("compress", folder / "a.png", "--target-size", text, "--checkpoint", gained).exit_code == 0
    assert (folder / "a.ltp").stat().st_size <= size


def test_other_models_take_their_checkpoint(run: Run, folder: Path, fixed_rate: Path) -> None:
    given = ["--model", "mbt2018_mean", "--quality", 3, "--checkpoint", fixed_rate]
    assert run("compress", folder / "a.png", *given).exit_code == 0
    assert (
        run("decompress", folder / "a.ltp", "-o", folder / "x.png", "--checkpoint", fixed_rate).exit_code == 0
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--quality", "200"], "from 1 to 100"),
        (["--quality", "50", "--target-bpp", "1"], "at most one"),
        (["--target-size", "1"], "takes"),
        (["--model", "nothing-like-it"], "valid are"),
        (["--device", "abacus"], "abacus"),
    ],
)
def test_a_wrong_option_is_one_sentence(
    run: Run, folder: Path, gained: Path, arguments: list[str], message: str
) -> None:
    result = run("compress", folder / "a.png", "--checkpoint", gained, *arguments)
    assert result.exit_code == 1
    assert result.stderr.startswith("latentpress: error: ")
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (folder / "a.ltp").exists()


def test_a_wrong_file_is_one_sentence(run: Run, folder: Path, gained: Path) -> None:
    for arguments in (
        ["compress", folder / "missing.png"],
        ["decompress", folder / "a.png", "-o", folder / "b.png"],
        ["info", folder / "a.png"],
        ["info", folder / "missing.ltp"],
        ["compress", "-", folder / "a.png"],
    ):
        result = run(*arguments)
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr.startswith("latentpress: error: ")
        assert len(result.stderr.splitlines()) == 1


def test_wrong_usage_is_told_by_click(run: Run, folder: Path) -> None:
    assert run("compress").exit_code == 2
    assert run("no-such-command").exit_code == 2
    assert run("compress", folder, "--target-size", "ten").exit_code == 2


def test_the_limit_on_pixels_is_an_option(run: Run, folder: Path, gained: Path) -> None:
    run("compress", folder / "a.png", "--checkpoint", gained)
    result = run(
        "decompress", folder / "a.ltp", "--format", "bmp", "--max-pixels", 100, "--checkpoint", gained
    )
    assert result.exit_code == 1
    assert "90x70" in result.stderr


def test_what_is_too_large_to_decompress_is_not_compressed(run: Run, folder: Path, gained: Path) -> None:
    result = run("compress", folder / "a.png", "--max-pixels", 100, "--checkpoint", gained)
    assert (result.exit_code, "90x70" in result.stderr) == (1, True)
    assert run("compress", folder / "a.png", "--max-pixels", 20000, "--checkpoint", gained).exit_code == 0


def test_files_of_absurd_sizes_are_not_read(run: Run, folder: Path, gained: Path) -> None:
    run("compress", folder / "a.png", "--checkpoint", gained)
    starts = {"zeros.ltp": b"", "real.ltp": (folder / "a.ltp").read_bytes(), "x.png": b"", "x.webp": b"RIFF"}
    for name, start in starts.items():
        (folder / name).write_bytes(start)
        os.truncate(folder / name, 2**32)
    commands = [
        *(["info", folder / name] for name in ("zeros.ltp", "real.ltp")),
        *(["decompress", folder / name, "-o", folder / "y.png"] for name in ("zeros.ltp", "real.ltp")),
        *(["progressive", folder / name, "-o", folder / "y.png"] for name in ("zeros.ltp", "real.ltp")),
        *(["compress", folder / name, "-o", folder / "y.ltp"] for name in ("x.png", "x.webp")),
    ]
    tracemalloc.start()
    try:
        for command in commands:
            assert run(*command).exit_code == 1, command
        assert tracemalloc.get_traced_memory()[1] < 2**26
    finally:
        tracemalloc.stop()


def test_a_pipe_that_nobody_writes_to_is_told_and_one_with_data_is_read(
    run: Run, folder: Path, gained: Path
) -> None:
    run("compress", folder / "a.png", "-o", folder / "b" / "a.ltp", "--checkpoint", gained)
    for name in ("pipe.png", "pipe.ltp", "pipe.mp4"):
        os.mkfifo(folder / name)
    commands = [
        ["compress", folder / "pipe.png"],
        ["compress", folder / "pipe.mp4", "-o", folder / "x.ltp"],
        ["decompress", folder / "pipe.ltp", "-o", folder / "y.png"],
        ["info", folder / "pipe.ltp"],
        ["eval", folder / "pipe.png"],
    ]
    for command in commands:
        result = run(*command)
        assert (result.exit_code, "pipe" in result.stderr) == (1, True), command
    data = (folder / "b" / "a.ltp").read_bytes()
    reading, writing = os.pipe()
    os.write(writing, data)
    os.close(writing)
    assert json.loads(run("info", "--json", f"/dev/fd/{reading}").stdout)[0]["size"] == len(data)
    os.close(reading)


def test_info_tells_what_a_file_holds(run: Run, folder: Path, gained: Path, photo: Image.Image) -> None:
    photo.putalpha(128)
    photo.save(folder / "a.png", icc_profile=b"a profile")
    run("compress", folder / "a.png", "--quality", 40, "--checkpoint", gained)
    (record,) = json.loads(run("info", "--json", folder / "a.ltp").stdout)
    assert record["size"] == (folder / "a.ltp").stat().st_size
    assert (record["width"], record["height"], record["layout"]) == (90, 70, "RGBA")
    assert (record["model"], record["parameters"]) == ("latentpress2026", {"quality": 40})
    assert list(record["sections"]) == ["icc", "alpha", "string 0", "string 1"]
    assert record["sections"]["alpha"] == 1
    table = run("info", folder / "a.ltp").stdout
    assert "90x70 RGBA" in table
    assert record["fingerprint"] in table
    assert "the standard input" in run("info", "-", stdin=(folder / "a.ltp").read_bytes()).stdout


def test_models_lists_the_zoo(run: Run) -> None:
    records = {record["name"]: record for record in json.loads(run("models", "--json").stdout)}
    assert records["latentpress2026"]["quality_range"] == [1, 100]
    assert records["mbt2018-mean"]["qualities"] == list(range(1, 9))
    assert records["mbt2018-mean"]["parameters"][0] == 7028003
    assert records["qarv_base"]["weights"] == {"downloadable": 1}
    assert (records["qres34m"]["qualities"][0], len(records["qres34m"]["qualities"])) == ("lmb=16", 8)
    table = run("models").stdout
    assert "…" not in table
    assert all(name in table for name in records)
