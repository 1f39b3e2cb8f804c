"""The command as the shell meets it: exit status, streams, signals, several processes."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from PIL import Image

COMMAND = [sys.executable, "-c", "from latentpress.cli import main; main()"]


def run(*arguments: object, **options: Any) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*COMMAND, *map(str, arguments)], capture_output=True, timeout=120, check=False, **options
    )


def test_two_processes_make_the_same_files_and_report_the_failure(
    tmp_path: Path, photo: Image.Image, gained: Path
) -> None:
    (tmp_path / "in").mkdir()
    for i in range(4):
        photo.rotate(90 * i).save(tmp_path / "in" / f"{i}.png")
    (tmp_path / "in" / "broken.png").write_bytes(b"broken")
    shared = ["compress", tmp_path / "in", "--checkpoint", gained]
    several = run(*shared, "-o", tmp_path / "several", "--jobs", 2)
    alone = run(*shared, "-o", tmp_path / "alone")
    assert several.returncode == alone.returncode == 1
    for process in (several, alone):
        assert b"4 of 5 files compressed" in process.stderr
        assert b"broken.png: Expected an image" in process.stderr
        assert b"Traceback" not in process.stderr
    for i in range(4):
        made = [(tmp_path / way / f"{i}.ltp").read_bytes() for way in ("several", "alone")]
        assert made[0] == made[1]


def test_help_and_info_load_no_torch(tmp_path: Path, photo: Image.Image, gained: Path) -> None:
    photo.save(tmp_path / "x.ltp", checkpoint=gained)
    program = (
        "import sys; from latentpress.cli import main; main(sys.argv[1:], standalone_mode=False);"
        "assert not {'torch', 'numpy'} & set(sys.modules)"
    )
    for arguments in (["--help"], ["compress", "--help"], ["info", str(tmp_path / "x.ltp")]):
        subprocess.run([sys.executable, "-c", program, *arguments], check=True, capture_output=True)


def test_a_reader_that_goes_away_is_no_error_worth_a_traceback(
    tmp_path: Path, photo: Image.Image, gained: Path
) -> None:
    photo.resize((900, 900)).save(tmp_path / "x.ltp", checkpoint=gained)
    for command in (
        ["decompress", tmp_path / "x.ltp", "-o", "-", "--format", "bmp", "--checkpoint", gained],
        ["info", *[tmp_path / "x.ltp"] * 500],
    ):
        process = subprocess.Popen(
            [*COMMAND, *map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert process.stdout is not None
        process.stdout.read(10)
        process.stdout.close()
        assert process.stderr is not None
        assert b"Traceback" not in process.stderr.read()
        assert process.wait(timeout=60) == 1


def test_an_interrupt_ends_the_work_without_a_traceback_or_half_a_file(
    tmp_path: Path, photo: Image.Image, gained: Path
) -> None:
    (tmp_path / "in").mkdir()
    photo.resize((1024, 768)).save(tmp_path / "photo.png")
    for i in range(300):  # far more work than can be done before the interrupt
        os.link(tmp_path / "photo.png", tmp_path / "in" / f"{i}.png")
    arguments = ["compress", tmp_path / "in", "-o", tmp_path / "out", "--jobs", 2, "--checkpoint", gained]
    process = subprocess.Popen([*COMMAND, *map(str, arguments)], stderr=subprocess.PIPE)
    while not list(tmp_path.glob("out/*.ltp")):
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    stderr = process.stderr.read()
    assert process.wait(timeout=60) == 1
    assert stderr.strip() == b"Aborted!"
    made = list((tmp_path / "out").iterdir())
    assert 0 < len(made) < 200
    for path in made:
        assert path.suffix == ".ltp"
    assert run("info", *made).returncode == 0
