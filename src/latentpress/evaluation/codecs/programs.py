"""Codecs that are programs: found on the path, run on files in a scratch folder, timed from start to end."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path

from latentpress.errors import ConfigurationError
from latentpress.evaluation.codecs.base import Codec, Pixels, RoundTrip


class ProgramCodec(Codec):
    """A codec in two programs. Their times include starting them and reading and writing their files."""

    @property
    @abstractmethod
    def programs(self) -> tuple[str, str]:
        """Encoder and decoder, by name or path."""

    @property
    @abstractmethod
    def source(self) -> str:
        """Where to get the programs, as the end of a sentence."""

    @abstractmethod
    def write_input(self, pixels: Pixels, folder: Path) -> None:
        """Write what the encoder reads."""

    @abstractmethod
    def encoder_command(self, size: tuple[int, int], quality: float, folder: Path) -> list[str]:
        """What to run to get `code_path`; `size` is (width, height)."""

    @abstractmethod
    def decoder_command(self, folder: Path) -> list[str]:
        """What to run on `code_path`."""

    @abstractmethod
    def read_output(self, size: tuple[int, int], folder: Path) -> Pixels:
        """What the decoder wrote."""

    def code_path(self, folder: Path) -> Path:
        """The coded image, whose size counts."""
        return folder / "code.bin"

    def check(self) -> None:
        for program in self.programs:
            self.find(program)

    def find(self, program: str) -> str:
        """The full path of a program.

        Raises:
            ConfigurationError: it is not there; the message says how to get it.
        """
        found = shutil.which(program)
        if found is None:
            raise ConfigurationError(
                f"Expected the program {program} for {self.name}, found none on the path: {self.source}"
            )
        return found

    def round_trip(self, pixels: Pixels, quality: float) -> RoundTrip:
        self.check_quality(quality)
        size = (pixels.shape[1], pixels.shape[0])
        with tempfile.TemporaryDirectory(prefix="latentpress-") as scratch:
            folder = Path(scratch)
            self.write_input(pixels, folder)
            encoding_time = run_program(self.encoder_command(size, quality, folder))
            code = self.code_path(folder)
            if not code.is_file():
                raise ConfigurationError(f"Expected {self.programs[0]} to write a file, found none.")
            decoding_time = run_program(self.decoder_command(folder))
            return RoundTrip(
                code.stat().st_size, self.read_output(size, folder), encoding_time, decoding_time
            )


def run_program(command: Sequence[str]) -> float:
    """Run a program to its end; the seconds that it took.

    Raises:
        ConfigurationError: it failed; the message has the last line that it printed.
    """
    started = time.perf_counter()
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
        )
    except OSError as error:
        raise ConfigurationError(
            f"Expected to run {command[0]}, found: {error.strerror or error}."
        ) from error
    seconds = time.perf_counter() - started
    if done.returncode != 0:
        lines = done.stdout.decode("utf-8", "replace").strip().splitlines() or ["nothing"]
        raise ConfigurationError(
            f"Expected {Path(command[0]).name} to succeed, found exit status {done.returncode}; "
            f"it printed: {lines[-1].strip()}"
        )
    return seconds
