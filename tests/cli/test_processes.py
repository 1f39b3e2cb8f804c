"""The command as the shell meets it: exit status, streams, signals, several processes."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import latentpress

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


@pytest.fixture
def long_job(tmp_path: Path, photo: Image.Image, gained: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A job of two processes that has begun, far longer than a test."""
    (tmp_path / "in").mkdir()
    photo.resize((1024, 768)).save(tmp_path / "photo.png")
    for i in range(300):
        os.link(tmp_path / "photo.png", tmp_path / "in" / f"{i}.png")
    arguments = ["compress", tmp_path / "in", "-o", tmp_path / "out", "--jobs", 2, "--checkpoint", gained]
    with subprocess.Popen([*COMMAND, *map(str, arguments)], stderr=subprocess.PIPE) as process:
        while not list(tmp_path.glob("out/*.ltp")):
            assert process.poll() is None
        yield process
        process.kill()


def children_of(process: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def is_running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupt_ends_the_work_without_a_traceback_or_half_a_file(
    tmp_path: Path, long_job: subprocess.Popen[bytes], number: signal.Signals
) -> None:
    process = long_job
    process.send_signal(number)
    assert process.stderr is not None
    stderr = process.stderr.read()
    assert process.wait(timeout=60) == 128 + number
    assert len(stderr.splitlines()) == 2, stderr.decode()
    summary, last = stderr.splitlines()
    assert re.match(rb"\d+ of 300 files compressed; \d+ not begun or not finished: ", summary)
    assert last == b"latentpress: interrupted."
    made = list((tmp_path / "out").iterdir())
    assert 0 < len(made) < 200
    for path in made:
        assert path.suffix == ".ltp"
    assert run("info", *made).returncode == 0


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs Linux to see processes")
def test_processes_end_with_the_one_that_is_killed(tmp_path: Path, long_job: subprocess.Popen[bytes]) -> None:
    children = children_of(long_job.pid)
    assert len(children) >= 2
    long_job.kill()
    long_job.wait(timeout=60)
    deadline = time.monotonic() + 60
    while any(is_running(child) for child in children) and time.monotonic() < deadline:
        pass
    assert not [child for child in children if is_running(child)]
    assert {path.suffix for path in (tmp_path / "out").iterdir()} == {".ltp"}


def test_a_process_that_the_system_ends_takes_one_file_along(tmp_path: Path) -> None:
    program = (
        "import os, signal\n"
        "from latentpress._processes import outcomes\n"
        "def work(item):\n"
        "    if item == 3: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    if item == 5: raise MemoryError\n"
        "    return item * item\n"
        "if __name__ == '__main__':\n"
        "    for item, outcome in sorted(outcomes(range(8), work, 2), key=lambda pair: pair[0]):\n"
        "        print(item, outcome if isinstance(outcome, int) else type(outcome).__name__)\n"
    )
    (tmp_path / "program.py").write_text(program)
    done = subprocess.run(
        [sys.executable, tmp_path / "program.py"], capture_output=True, check=True, text=True
    )
    short = "OutOfMemoryError"
    assert done.stdout.split() == f"0 0 1 1 2 4 3 {short} 4 16 5 {short} 6 36 7 49".split()


@pytest.mark.parametrize("arguments", [["--version"], ["compress", "--help"], ["data", "list"]])
def test_an_output_that_takes_nothing_is_one_sentence(arguments: list[str]) -> None:
    for target, reason in ((">&-", b"it is closed"), (">/dev/full", b"No space left on device")):
        done = subprocess.run(
            ["sh", "-c", f'exec "$@" {target}', "sh", *COMMAND, *arguments], capture_output=True, check=False
        )
        expected = b"latentpress: error: Expected to write to the standard output, found: " + reason + b".\n"
        assert (done.returncode, done.stderr) == (1, expected)


def test_bytes_for_an_output_that_takes_none_are_one_sentence(
    tmp_path: Path, photo: Image.Image, gained: Path
) -> None:
    photo.save(tmp_path / "x.png")
    latentpress.compress_file(tmp_path / "x.png", tmp_path / "x.ltp", checkpoint=gained)
    commands = [
        ["compress", tmp_path / "x.png", "-o", "-", "--checkpoint", gained],
        ["info", "--json", tmp_path / "x.ltp"],
    ]
    for command in commands:
        with open("/dev/full", "wb") as full:
            done = subprocess.run(
                [*COMMAND, *map(str, command)], stdout=full, stderr=subprocess.PIPE, check=False
            )
        assert done.returncode == 1
        assert done.stderr.startswith(b"latentpress: error: Expected to write to the standard output")
        assert len(done.stderr.splitlines()) == 1


def test_closed_streams_keep_nobody_from_work(tmp_path: Path, photo: Image.Image, gained: Path) -> None:
    photo.save(tmp_path / "x.png")
    shell = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *COMMAND]
    made = [*map(str, ("compress", tmp_path / "x.png", "--checkpoint", gained))]
    assert subprocess.run([*shell, *made], check=False).returncode == 0
    assert run("info", tmp_path / "x.ltp").returncode == 0
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" <&-', "sh", *COMMAND, "info", "-"], capture_output=True, check=False
    )
    assert (done.returncode, done.stderr.count(b"\n")) == (1, 1)
    assert b"found it closed" in done.stderr
