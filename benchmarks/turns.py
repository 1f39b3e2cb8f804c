"""Programs in processes of their own that answer questions in turn, so that libraries are timed side by side.

A benchmark starts itself again as a `Worker` with each library's Python, and asks each worker in turn. What
else the machine does then falls on all of them alike.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any


class Worker:
    """A process that answers each line on its standard input with one line of JSON.

    Args:
        python: interpreter to run the script with.
        script: the benchmark itself, which serves when it is given `--serve`.
        *arguments: what follows `--serve`.
    """

    def __init__(self, python: str, script: str, *arguments: str) -> None:
        command = [python, str(Path(script).resolve()), "--serve", *arguments]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, question: str) -> Any:
        """The answer to one line, or None if the process has ended."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(question + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            return None
        return self.read()

    def read(self) -> Any:
        """The next line of the process, or None if it has ended."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        return json.loads(line) if line else None

    def close(self) -> None:
        """End the process."""
        self.process.communicate()
