"""The real daemon as a subprocess: started, spoken to, killed, restarted, and its store looked into by a copy."""

import asyncio
import os
import signal
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Self

import yaml

from hermes import audit, daemon
from hermes.daemon import DaemonInfo
from hermes.home import Home
from kernel.clock import SystemClock
from store.connect import open_reader
from store.invariants import Finding
from tests.fakes.changes import Changes
from tests.fakes.telegram_server import TelegramServer

PROGRAM = Path(sys.executable).with_name("hermes")
GREETING = "is running."
START_SECONDS = 30.0
STOP_SECONDS = 30.0
# A loopback server has no rate limits: one test runs with the platform's own.
UNLIMITED = {"telegram": {"per_second": 10_000, "per_chat": 10_000, "per_group_minute": 600_000}}
OWNER = 7


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Lay one tree of settings over another."""
    result = dict(below)
    for name, value in above.items():
        known = result.get(name)
        result[name] = merged(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return result


def quiet_settings(telegram: TelegramServer | None = None, **sections: Any) -> dict[str, Any]:
    """Return settings of a daemon that says nothing by itself, whose owner is user 7, with ``sections`` laid over."""
    base: dict[str, Any] = {
        "web": {"enabled": False},
        "owner": {"timezone": "UTC"},
        "access": {"owners": [f"telegram:{OWNER}"], "messages_per_minute": 10_000},
        "notices": {"start": False, "stop": False},
        "delivery": {"rates": UNLIMITED},
    }
    if telegram is not None:
        base["platforms"] = {"telegram": {"token": telegram.token, "api_base": telegram.url}}
    return merged(base, sections)


class Daemon:
    """One home and, while it runs, its gateway; ``output`` are the lines it wrote, standard error included."""

    def __init__(
        self,
        root: Path,
        settings: Mapping[str, Any] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.home = Home(root)
        self.output: list[str] = []
        self._environment = {"PATH": os.environ["PATH"], "HERMES_HOME": str(root), "HERMES_WEB__PORT": "0"}
        self._environment |= environment or {}
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._changes = Changes()
        if settings is not None:
            self.configure(settings)

    def configure(self, settings: Mapping[str, Any]) -> None:
        """Write ``config.yaml``."""
        self.home.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.home.config.write_text(yaml.safe_dump(dict(settings)), encoding="utf-8")

    @property
    def pid(self) -> int:
        """The process id of the running daemon."""
        return self._running.pid

    @property
    def text(self) -> str:
        """All it has written."""
        return "\n".join(self.output)

    @property
    def info(self) -> DaemonInfo:
        """What ``daemon.json`` tells the commands of this machine."""
        found = daemon.read(self.home)
        assert found is not None, self.text
        return found

    @property
    def _running(self) -> asyncio.subprocess.Process:
        assert self._process is not None, "the daemon was not started"
        return self._process

    async def launch(self, crashpoint: str = "", *arguments: str) -> Self:
        """Start the process, armed to die at a crash point, and wait for nothing."""
        armed = {"HERMES_TEST": "1", "HERMES_CRASHPOINT": crashpoint} if crashpoint else {}
        self.output.clear()
        self._process = await asyncio.create_subprocess_exec(
            PROGRAM,
            *(arguments or ("gateway",)),
            env=self._environment | armed,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        self._reader = asyncio.create_task(self._read())
        return self

    async def start(self, crashpoint: str = "") -> Self:
        """Start the gateway and wait until it serves."""
        await self.launch(crashpoint)
        await self.says(GREETING)
        return self

    async def _read(self) -> None:
        assert self._running.stdout is not None
        async for line in self._running.stdout:
            self.output.append(line.decode(errors="replace").rstrip())
            self._changes.notify()
        await self._running.wait()
        self._changes.notify()

    async def says(self, words: str, *, within: float = START_SECONDS) -> str:
        """Wait until a line of the output contains ``words`` and return it."""

        def found() -> str | None:
            return next((line for line in self.output if words in line), None)

        line = await self.until(lambda: found() or self._running.returncode is not None, within=within)
        assert isinstance(line, str), (
            f"the daemon ended ({self._running.returncode}) before it said {words!r}:\n{self.text}"
        )
        return line

    async def until(self, condition: Callable[[], Any], *, within: float = START_SECONDS) -> Any:
        """Wait for a condition on the process or its output."""
        try:
            return await self._changes.wait_for(condition, within=within)
        except TimeoutError:
            raise TimeoutError(f"not within {within} s; it wrote:\n{self.text}") from None

    async def ended(self, *, within: float = STOP_SECONDS) -> int:
        """Wait for the end of the process and return its exit code, negative for a signal."""
        assert self._reader is not None
        async with asyncio.timeout(within):
            await asyncio.shield(self._reader)
        code = self._running.returncode
        assert code is not None
        return code

    async def died(self) -> None:
        """Wait until the armed crash point has killed the process."""
        code = await self.ended()
        assert code == -signal.SIGKILL, f"the daemon ended with {code}:\n{self.text}"

    async def kill(self) -> None:
        """Kill the process in the middle of whatever it does."""
        self._running.send_signal(signal.SIGKILL)
        await self.died()

    async def stop(self) -> int:
        """Ask the daemon to stop and return its exit code."""
        if self._process is None or self._process.returncode is not None:
            return 0
        self._process.send_signal(signal.SIGTERM)
        return await self.ended()

    def signal(self, number: signal.Signals) -> None:
        """Send the process a signal."""
        self._running.send_signal(number)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Leave no process behind, whatever became of the test."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
        if self._reader is not None:
            await asyncio.wait([self._reader])

    async def command(self, *arguments: str) -> tuple[int, str]:
        """Run ``hermes …`` on this home and return its exit code and output."""
        process = await asyncio.create_subprocess_exec(
            PROGRAM,
            *arguments,
            env=self._environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        assert process.returncode is not None
        return process.returncode, output.decode()

    async def quiet(self, *, within: float = START_SECONDS) -> None:
        """Wait until every message that came in has been dealt with and everything owed was sent."""
        open_work = (
            "SELECT 1 FROM inbox WHERE state IN ('received', 'queued', 'running') UNION ALL "
            "SELECT 1 FROM outbox WHERE state IN ('pending', 'sending', 'uncertain')"
        )
        async with asyncio.timeout(within):
            while await asyncio.to_thread(self.rows, open_work):  # noqa: ASYNC110 - another process has no event for us
                await asyncio.sleep(0.05)

    def findings(self, secrets: Sequence[str] = (), *, grace: float = 0.0) -> list[Finding]:
        """Return what ``hermes audit check`` finds in a copy of the store."""
        return audit.check(self.home, secrets, SystemClock(), grace=grace)

    def dead(self) -> list[str]:
        """Return the texts of the dead letters."""
        return [row["text"] for row in self.rows("SELECT text FROM outbox WHERE state = 'dead'")]

    def rows(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        """Query a copy of the store; the daemon may be running."""
        with tempfile.TemporaryDirectory() as scratch:
            copy = Path(scratch) / "copy.db"
            with closing(open_reader(self.home.database)) as source, closing(sqlite3.connect(copy)) as target:
                source.backup(target)
            with closing(open_reader(copy)) as reader:
                return reader.execute(sql, values).fetchall()
