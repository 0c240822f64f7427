"""A terminal window: a program on a pseudo-terminal, what it shows, and what is typed."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

CONTROL = re.compile(rb"\x1b(\[[0-9;?]*[A-Za-z]|\][^\x07]*\x07|[=>])")
CURSOR_QUESTION, CURSOR_ANSWER = b"\x1b[6n", b"\x1b[1;1R"
PATIENCE = 20.0


class Terminal:
    """A program in a window of 100 columns."""

    def __init__(self, command: Sequence[str], environ: Mapping[str, str], folder: Path) -> None:
        self._keys, screen = pty.openpty()
        fcntl.ioctl(screen, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
        self._shown = b""
        self._process = subprocess.Popen(
            command, stdin=screen, stdout=screen, stderr=screen, cwd=folder,
            env={**environ, "TERM": "xterm"}, start_new_session=True,
        )  # fmt: skip
        os.close(screen)

    def __enter__(self) -> Self:
        """Wait for the prompt."""
        self.wait_for(re.compile(r">"))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave by Ctrl-D, and end a program that stays."""
        os.write(self._keys, b"\x04")
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._keys)

    def type(self, text: str) -> None:
        """Type a line and Enter; only what is shown from now on is looked at."""
        self._shown = b""
        os.write(self._keys, text.encode() + b"\r")

    def wait_for(self, wanted: re.Pattern[str]) -> None:
        """Wait until a line is shown that fits; raise AssertionError with the screen after too long."""
        until = time.monotonic() + PATIENCE
        while not any(wanted.search(line) for line in self._lines()):
            assert time.monotonic() < until, f"{wanted.pattern} is not among:\n" + "\n".join(self._lines())
            if select.select([self._keys], [], [], 0.2)[0]:
                self._read()

    def _read(self) -> None:
        piece = os.read(self._keys, 65536)
        self._shown += piece
        if CURSOR_QUESTION in piece:
            os.write(self._keys, CURSOR_ANSWER)

    def _lines(self) -> list[str]:
        """Return the lines that are no echo of what was typed."""
        text = CONTROL.sub(b"", self._shown).decode("utf-8", "replace")
        return [line for line in re.split(r"[\r\n]+", text) if not line.lstrip().startswith("> ")]
