"""Output of a command: a beginning and an end in memory, all of it in a file once it is too long to be shown."""

import asyncio
import re
from pathlib import Path

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_]|[()][0-9A-B])")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_BINARY_SAMPLE = 8192
# Written to the file in pieces of this size, so that a flood does not wait for the disk with every line.
_WRITE = 1 << 20
LONGEST_LINE = 120


class Output:
    """Takes the bytes of one command; ``limit`` are the bytes shown, ``keep`` the bytes that ``file`` may get."""

    def __init__(self, file: Path, limit: int, keep: int) -> None:
        self.file = file
        self.size = 0
        self.problem = ""
        self._limit = limit
        self._keep = keep
        self._head = bytearray()
        self._tail = bytearray()
        self._unwritten = bytearray()
        self._kept = 0
        self._spilled = False

    async def take(self, chunk: bytes) -> None:
        """Take the next bytes."""
        self.size += len(chunk)
        if not self._spilled and self.size <= self._limit:
            self._head += chunk
            return
        self._unwritten += chunk if self._spilled else self._head + chunk
        if self._spilled:
            self._tail += chunk
        else:
            self._spill(chunk)
        if len(self._tail) > 2 * self._limit:
            del self._tail[: -self._limit]
        if len(self._unwritten) >= _WRITE:
            await self._write()

    def _spill(self, chunk: bytes) -> None:
        """Keep a third as the beginning; the rest belongs to the end."""
        whole, border = self._head + chunk, self._limit // 3
        self._head, self._tail = whole[:border], whole[border:]
        self._spilled = True

    async def close(self) -> None:
        """Bring the rest to the file."""
        if self._unwritten:
            await self._write()

    async def _write(self) -> None:
        data = bytes(self._unwritten[: max(0, self._keep - self._kept)])
        self._unwritten.clear()
        if not data or self.problem:
            return
        try:
            await asyncio.to_thread(_append, self.file, data)
        except OSError as error:
            self.problem = error.strerror or type(error).__name__
            return
        self._kept += len(data)

    @property
    def last_line(self) -> str:
        """The last line with something in it, for a status."""
        recent = bytes((self._tail or self._head)[-2000:])
        lines = [line.strip() for line in readable(recent).splitlines()]
        return next((line for line in reversed(lines) if line), "")[:LONGEST_LINE]

    def text(self) -> str:
        """Return what is shown: everything, or the beginning and the end with a note about what is between."""
        if b"\0" in self._head[:_BINARY_SAMPLE]:
            return f"[{self.size:,} bytes that are not text{self._where()}]"
        if not self._spilled:
            return readable(bytes(self._head))
        end = bytes(self._tail[-(self._limit - len(self._head)) :])
        missing = self.size - len(self._head) - len(end)
        between = f"\n[… {missing:,} of {self.size:,} bytes left out{self._where()} …]\n"
        return readable(bytes(self._head)) + between + readable(end)

    def since(self, size: int) -> str:
        """Return what was written after the first ``size`` bytes, or all that is shown where that is longer."""
        fresh, recent = self.size - size, self._tail if self._spilled else self._head
        if size == 0 or fresh > min(len(recent), self._limit):
            return self.text()
        return readable(bytes(recent[len(recent) - fresh :]))

    def _where(self) -> str:
        if self.problem:
            return f"; they could not be kept: {self.problem}"
        if not self._kept:
            return ""
        whole = "all of it" if self._kept == self.size else f"the first {self._kept:,} bytes"
        return f"; {whole} in {self.file}"


def readable(data: bytes) -> str:
    """Return bytes as text without escape sequences, control characters and what a carriage return overwrote."""
    text = _ESCAPES.sub("", data.decode(errors="replace").replace("\r\n", "\n"))
    lines = (line.rstrip("\r").rpartition("\r")[2] if "\r" in line else line for line in text.split("\n"))
    return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", "\n".join(lines))


def _append(file: Path, data: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with file.open("ab") as stream:
        if stream.tell() == 0:
            file.chmod(0o600)
        stream.write(data)
