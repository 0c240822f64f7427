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
from collections.abc import Callable, Mapping, Sequence
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
        """Type a line and, once it stands there, Enter; only what is shown from then on is looked at."""
        self._shown = b""
        os.write(self._keys, text.encode())
        self._wait_until(lambda: text in self._text(), text)
        self._shown = b""
        os.write(self._keys, b"\r")

    def wait_for(self, wanted: re.Pattern[str]) -> None:
        """Wait until a line is shown that fits; raise AssertionError with the screen after too long."""
        self._wait_until(lambda: any(wanted.search(line) for line in self._lines()), wanted.pattern)

    def _wait_until(self, met: Callable[[], bool], what: str) -> None:
        until = time.monotonic() + PATIENCE
        while not met():
            assert time.monotonic() < until, f"{what} is not in:\n{self._text()}"
            if select.select([self._keys], [], [], 0.2)[0]:
                self._read()

    def _read(self) -> None:
        piece = os.read(self._keys, 65536)
        self._shown += piece
        if CURSOR_QUESTION in piece:
            os.write(self._keys, CURSOR_ANSWER)

    def _text(self) -> str:
        return CONTROL.sub(b"", self._shown).decode("utf-8", "replace")

    def _lines(self) -> list[str]:
        """Return the lines that are no echo of what was typed."""
        return [line for line in re.split(r"[\r\n]+", self._text()) if not line.lstrip().startswith("> ")]
