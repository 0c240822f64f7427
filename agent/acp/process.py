"""The process of a coding agent: started in its workspace, read frame by frame within bounds, ended with its group."""

import asyncio
import contextlib
import json
import logging
import os
import shutil
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from agent.acp.errors import AgentBroke
from agent.acp.words import MISSING
from agent.settings import AcpAgentSettings
from agent.tools.terminal.sweep import MARK, end_group, sweep
from kernel.ids import new_id

log = logging.getLogger("hermes.agent.acp")

LONGEST_FRAME = 16 * 1024 * 1024
# A program that prints a banner is forgiven; one that speaks no JSON is not.
MOST_MALFORMED = 50
# What may be read in one prompt: a program that repeats itself without end is stopped.
MOST_FRAMES = 200_000
MOST_BYTES = 256 * 1024 * 1024
# The loop is given to others after so many frames, so that a flood of them holds nothing up.
BREATH = 50
TAIL = 2000
GRACE = 2.0


class Frames:
    """The transport of a connection: one JSON object a line, and the reason why it ended in ``broken``.

    ``signs`` counts what was read, so that a silence can be told from work.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._malformed = 0
        self._sending = asyncio.Lock()
        self._read = 0
        self.signs = 0
        self.broken = ""

    def refresh(self) -> None:
        """Begin to count anew: another prompt has its own bounds."""
        self.signs = self._read = self._malformed = 0

    async def send(self, message: dict[str, Any]) -> None:
        """Write one frame; raise ConnectionError when nobody reads any more."""
        if self.broken:
            raise ConnectionError(self.broken)
        async with self._sending:
            self._writer.write(json.dumps(message, ensure_ascii=False).encode() + b"\n")
            await self._writer.drain()

    async def receive(self) -> dict[str, Any] | None:
        """Return the next frame, ``None`` at the end or where the program has gone too far."""
        while not self.broken:
            try:
                line = await self._reader.readuntil(b"\n")
            except asyncio.IncompleteReadError:
                return None
            except asyncio.LimitOverrunError:
                return self._break(f"it sent a frame of more than {LONGEST_FRAME:,} bytes")
            except ConnectionError:
                return None
            self.signs += 1
            self._read += len(line)
            if self.signs > MOST_FRAMES or self._read > MOST_BYTES:
                return self._break("it flooded the connection")
            if self.signs % BREATH == 0:
                await asyncio.sleep(0)
            if (frame := self._frame(line)) is not None:
                return frame
        return None

    def _frame(self, line: bytes) -> dict[str, Any] | None:
        if not line.strip():
            return None
        try:
            found: object = json.loads(line)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, dict) and _is_message(cast("dict[str, Any]", found)):
            return cast("dict[str, Any]", found)
        self._malformed += 1
        log.warning("A coding agent sent what is no message: %r", line[:200])
        if self._malformed > MOST_MALFORMED:
            self._break("it sent frames that are no messages of the protocol")
        return None

    def _break(self, why: str) -> None:
        self.broken = self.broken or why

    async def close(self) -> None:
        """Send nothing more."""
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()


def _is_message(frame: Mapping[str, Any]) -> bool:
    """Tell whether a frame is one that the library can take: a method is a text, an id is plain."""
    method, id = frame.get("method"), frame.get("id")
    if not isinstance(id, str | int | None):
        return False
    if method is not None:
        return isinstance(method, str)
    error = frame.get("error")
    return id is not None and (error is None or isinstance(error, dict))


class AgentProcess:
    """A started coding agent; ``frames`` is the way to speak to it, ``gone`` is set once it has ended."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, mark: str) -> None:
        assert process.stdin is not None  # noqa: S101 - all three are pipes
        assert process.stdout is not None  # noqa: S101
        assert process.stderr is not None  # noqa: S101
        self.name = name
        self.frames = Frames(process.stdout, process.stdin)
        self.gone = asyncio.Event()
        self._process = process
        self._mark = mark
        self._tail = ""
        self._tasks = {
            asyncio.create_task(self._listen(process.stderr)),  # noqa: TID251 - kept, ended by close
            asyncio.create_task(self._wait()),  # noqa: TID251 - kept, ended by close
        }

    @classmethod
    async def start(
        cls, name: str, settings: AcpAgentSettings, environment: Mapping[str, str], folder: Path
    ) -> "AgentProcess":
        """Start the program in ``folder`` with exactly ``environment``; raise AgentBroke when it cannot be started."""
        program = found(settings, environment)
        if program is None:
            raise AgentBroke(f"{name} {MISSING}: there is no {settings.command}.", remedy=hint(settings))
        mark = new_id("c", 20)
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
        try:
            process = await asyncio.create_subprocess_exec(
                program,
                *settings.args,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                cwd=folder,
                env={**environment, MARK: mark},
                limit=LONGEST_FRAME,
                start_new_session=True,
            )
        except OSError as error:
            raise AgentBroke(
                f"{name} could not be started: {error.strerror}.", remedy=hint(settings)
            ) from error
        return cls(name, process, mark)

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        while chunk := await reader.read(65536):
            self._tail = (self._tail + chunk.decode(errors="replace"))[-TAIL:]

    async def _wait(self) -> None:
        await self._process.wait()
        self.gone.set()

    @property
    def last_words(self) -> str:
        """What it wrote last to its standard error, in one line."""
        lines = [line.strip() for line in self._tail.splitlines() if line.strip()]
        return lines[-1][:200] if lines else ""

    def ending(self) -> str:
        """Return why it is not there any more, as the end of a sentence."""
        if self.frames.broken:
            return self.frames.broken
        code = self._process.returncode
        words = f" It said last: {self.last_words}" if self.last_words else ""
        if code is None:
            return f"it closed the connection.{words}"
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        return f"its process ended ({how}).{words}"

    async def close(self) -> None:
        """End it and everything it has started."""
        await self.frames.close()
        if not await self._gone(GRACE / 4):
            end_group(self._process.pid, signal.SIGTERM)
            if not await self._gone(GRACE):
                end_group(self._process.pid, signal.SIGKILL)
                await self._gone(GRACE)
        await asyncio.to_thread(sweep, self._process.pid, self._mark)
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)

    async def _gone(self, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.gone.wait()
        return self.gone.is_set()


def found(settings: AcpAgentSettings, environment: Mapping[str, str]) -> str | None:
    """Return the program's absolute path, ``None`` where it is not there."""
    command = str(Path(settings.command).expanduser())
    if os.sep in command and not Path(command).is_absolute():
        return None
    return shutil.which(command, path=environment.get("PATH", os.defpath))


def hint(settings: AcpAgentSettings) -> str:
    """Return the sentence that says how to get the program."""
    return f"Install it with: {settings.install}" if settings.install else ""
