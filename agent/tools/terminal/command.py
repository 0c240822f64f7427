"""One running command: started as it was approved, read until its end, and ended with everything it started."""

import asyncio
import contextlib
import os
import resource
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from agent.tools.terminal.child import Child
from agent.tools.terminal.output import Output
from agent.tools.terminal.sweep import MARK, end_group, sweep
from kernel.ids import new_id

# Between a request to end (SIGTERM) and the end (SIGKILL).
GRACE = 2.0
# What a command still writes in the moment after its first process has ended.
DRAIN = 0.2
# A process that the kernel does not let go of is not waited for.
UNKILLABLE = 5.0
SHOW_EVERY = 0.5
CHUNK = 65536


@dataclass(frozen=True, slots=True)
class Plan:
    """What is started: the exact words, the absolute program, its folder and its whole environment."""

    argv: tuple[str, ...]
    program: str
    cwd: str
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Ending:
    """How a command ended: its exit code (128 and more for a signal), whether its time was over, and whether something
    it had ``left`` running was ended after it.
    """

    code: int
    timed_out: bool = False
    left: bool = False


class Command:
    """A started command; ``live`` must be awaited once, and ``stop`` makes it return soon."""

    def __init__(self, process: Child, mark: str, output: Output, tell: Callable[[str], None]) -> None:
        self.output = output
        self._process = process
        self._mark = mark
        self._tell = tell
        self._stop = asyncio.Event()
        self._showing: asyncio.TimerHandle | None = None
        self._pipe: asyncio.ReadTransport | None = None
        self._reading: asyncio.Task[None] | None = None

    @classmethod
    async def start(cls, plan: Plan, output: Output, tell: Callable[[str], None]) -> "Command":
        """Start a command in a session and process group of its own; ``tell`` hears its last line now and then.

        Raises OSError when the program cannot be started.
        """
        mark = new_id("c", 20)
        read_end, write_end = os.pipe()
        source = os.fdopen(read_end, "rb", 0)
        try:
            process = Child.start(
                plan.argv,
                program=plan.program,
                cwd=plan.cwd,
                environment={**plan.environment, MARK: mark},
                output=write_end,
            )
        except BaseException:
            source.close()
            raise
        finally:
            os.close(write_end)
        command = cls(process, mark, output, tell)
        command._limit()
        await command._listen(source)
        return command

    def _limit(self) -> None:
        """Leave no core files behind, and let the kernel, when memory runs out, take the command before the daemon."""
        if sys.platform != "linux":
            return
        with contextlib.suppress(OSError):
            resource.prlimit(self._process.pid, resource.RLIMIT_CORE, (0, 0))
            with open(f"/proc/{self._process.pid}/oom_score_adj", "w") as file:  # noqa: PTH123 - no file on a disk
                file.write("500")

    async def _listen(self, source: BinaryIO) -> None:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=4 * CHUNK)
        self._pipe, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), source)
        self._reading = loop.create_task(self._read(reader))

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while chunk := await reader.read(CHUNK):
            await self.output.take(chunk)
            if self._showing is None:
                self._showing = asyncio.get_running_loop().call_later(SHOW_EVERY, self._show)

    def _show(self) -> None:
        self._showing = None
        self._tell(self.output.last_line)

    def stop(self) -> None:
        """Ask for its end; it comes with everything that the command has started."""
        self._stop.set()

    async def live(self, seconds: float | None) -> Ending:
        """Wait until it ends, is stopped or its ``seconds`` are over; then end what is left of it."""
        timed_out = await self._over(seconds)
        if self._process.returncode is None:
            await self._terminate()
        left = await self._close()
        return Ending(self._code(), timed_out, left)

    async def _over(self, seconds: float | None) -> bool:
        """Wait for the end of the first process or a stop; tell whether the time was over first."""
        loop = asyncio.get_running_loop()
        waits = {loop.create_task(self._process.wait()), loop.create_task(self._stop.wait())}
        try:
            done, _ = await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        return not done

    def _code(self) -> int:
        code = self._process.returncode
        if code is None:
            return -1
        return code if code >= 0 else 128 - code

    async def _terminate(self) -> None:
        """Ask the whole group to end and, where it does not, kill it."""
        end_group(self._process.pid, signal.SIGTERM)
        if not await self._gone(GRACE):
            end_group(self._process.pid, signal.SIGKILL)
            await self._gone(UNKILLABLE)

    async def _gone(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._process.wait()
        except TimeoutError:
            return False
        return True

    async def _close(self) -> bool:
        """End what is left of the command and close its output; tell whether anything was left."""
        await self._drained(DRAIN)
        left = await asyncio.to_thread(sweep, self._process.pid, self._mark)
        await self._drained(GRACE)
        if self._pipe is not None:
            self._pipe.close()
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait((self._reading,))
        if self._showing is not None:
            self._showing.cancel()
        await self.output.close()
        return left

    async def _drained(self, seconds: float) -> None:
        if self._reading is not None and not self._reading.done():
            await asyncio.wait((self._reading,), timeout=seconds)
