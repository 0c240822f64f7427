"""The lane ``process``: an attempt is a program in a process group of its own, which outlives a crash of the daemon.

A shell around the program leaves its process id and, at the end, its exit code in a folder of the attempt, so that
another daemon can find out both. Whatever the program has started is ended with it.
"""

import asyncio
import contextlib
import json
import logging
import os
import shutil
import signal
from collections.abc import Coroutine
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from agent.settings import TerminalSettings
from agent.tools.terminal.child import Child
from agent.tools.terminal.surroundings import pinned
from agent.tools.terminal.sweep import MARK, end_group, sweep
from board import working
from board.room import Room
from board.settings import ProgramSettings
from board.workers.marks import mark_of
from kernel.crashpoints import crashpoint
from kernel.errors import HermesError, SpawnFailed, Stale
from kernel.states import AttemptState
from kernel.tasks import Alive, Attempt, AttemptOutcome, Ended, Job, Reports
from store import remarks

log = logging.getLogger(__name__)

GRACE = 2.0
# EX_TEMPFAIL of sysexits.h: the program asks to be started again later.
EXIT_LATER = 75
LATER_SECONDS = 60.0
NOT_EXECUTABLE, NOT_FOUND = 126, 127
SIGNALLED = 128
TAIL_BYTES = 2000
RESULT_BYTES = 100_000
PIDFD_POLL = 0.2
# What a program writes at the beginning of a line to name something it has reached, and how often its log is read.
MILESTONE = b"::milestone "
MILESTONE_SECONDS = 1.0
MILESTONE_LENGTH = 500
LOG_BYTES = 1_000_000
MOST_MILESTONES = 10_000

# $1 is the folder of the attempt; the rest is the program.
WRAPPER = """\
folder=$1; shift
echo $$ >"$folder/pid.new" && mv "$folder/pid.new" "$folder/pid"
"$@" <"$folder/task.json"
code=$?
echo $code >"$folder/exit.new" && mv "$folder/exit.new" "$folder/exit"
exit $code
"""


@dataclass(slots=True)
class Running:
    """A process that executes an attempt, started here or by a daemon before this one."""

    pid: int
    mark: str
    life: asyncio.Task[None]
    stopped: str = ""


@dataclass(slots=True)
class Reading:
    """How far a log was read, and how many of its milestones are stored already and still have to be passed over."""

    offset: int = 0
    known: int = 0


class ProcessWorker:
    """Executes attempts as programs (``kernel.tasks.Worker``)."""

    def __init__(self, room: Room, reports: Reports) -> None:
        self._room = room
        self._reports = reports
        self._running: dict[tuple[int, int], Running] = {}

    def _folder(self, task_id: int, epoch: int) -> Path:
        return self._room.runs / f"{task_id}-{epoch}"

    async def start(self, job: Job) -> None:
        """Start the program of the attempt's agent."""
        program = self._room.settings.programs.get(job.agent)
        if program is None or not program.command:
            raise SpawnFailed(f"There is no program {job.agent!r} in the settings.", lasting=True)
        environment = self._environment(job, program)
        found = shutil.which(program.command[0], path=environment["PATH"])
        if found is None:
            raise SpawnFailed(f"There is no program {program.command[0]!r} on this machine.", lasting=True)
        try:
            await asyncio.to_thread(self._files, job)
            child = self._spawn(job, program, environment, found)
        except OSError as error:
            raise SpawnFailed(f"{program.command[0]} could not be started: {error}.") from error
        crashpoint("task.after_spawn")
        mark = mark_of(child.pid)
        try:
            await self._reports.started(
                job.task.id, job.epoch, pid=child.pid, pid_mark=mark, workspace=str(job.workspace)
            )
        except HermesError:
            await _end(child.pid, _mark(job.task.id, job.epoch))
            raise
        self._watch((job.task.id, job.epoch), child.pid, child)

    def _environment(self, job: Job, program: ProgramSettings) -> dict[str, str]:
        folder = self._folder(job.task.id, job.epoch)
        return {
            **pinned(TerminalSettings()),
            **program.environment,
            "HERMES_TASK_ID": str(job.task.id),
            "HERMES_TASK_EPOCH": str(job.epoch),
            "HERMES_TASK_RESULT": str(folder / "result"),
            MARK: _mark(job.task.id, job.epoch),
        }

    def _files(self, job: Job) -> None:
        """Write what the program reads."""
        folder = self._folder(job.task.id, job.epoch)
        folder.mkdir(parents=True, exist_ok=True)
        job.log.parent.mkdir(parents=True, exist_ok=True)
        task = {
            "id": job.task.id,
            "epoch": job.epoch,
            "title": job.task.title,
            "revision": job.task.revision,
            **asdict(job.brief),
        }
        (folder / "task.json").write_text(json.dumps(task, ensure_ascii=False), encoding="utf-8")

    def _spawn(self, job: Job, program: ProgramSettings, environment: dict[str, str], found: str) -> Child:
        folder = str(self._folder(job.task.id, job.epoch))
        argv = ("/bin/sh", "-c", WRAPPER, "hermes-attempt", folder, found, *program.command[1:])
        descriptor = os.open(job.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            return Child.start(
                argv, program="/bin/sh", cwd=str(job.workspace), environment=environment, output=descriptor
            )
        finally:
            os.close(descriptor)

    def _watch(self, key: tuple[int, int], pid: int, child: Child | None) -> None:
        waiting = self._live(key, pid, child)
        life = asyncio.create_task(waiting)  # noqa: TID251 - kept in _running until it is done
        self._running[key] = Running(pid, _mark(*key), life)

    async def _live(self, key: tuple[int, int], pid: int, child: Child | None) -> None:
        """Wait for the end of a process, end what it left, and report."""
        try:
            await self._until_gone(key, child.wait() if child is not None else _gone(pid))
            await asyncio.to_thread(sweep, pid, _mark(*key))
            running = self._running.get(key)
            if running is None or not running.stopped:
                code = child.returncode if child is not None else None
                await self._report(key, code)
        except Stale:
            log.info("Attempt %s of task %s was over before its process.", key[1], key[0])
        except HermesError as error:
            log.warning("The end of attempt %s of task %s was not stored: %s", key[1], key[0], error)
        finally:
            self._running.pop(key, None)

    async def _until_gone(self, key: tuple[int, int], end: Coroutine[Any, Any, object]) -> None:
        """Wait for the end of a process, and store the milestones that it names meanwhile."""
        stored = await self._room.database.read(remarks.milestones, key[0], MOST_MILESTONES)
        reading = Reading(known=sum(one.epoch == key[1] and one.kind == "named" for one in stored))
        over = asyncio.ensure_future(end)  # noqa: TID251 - awaited right below
        try:
            while not over.done():
                await asyncio.wait((over,), timeout=MILESTONE_SECONDS)
                await self._told(key, reading)
            await over
        finally:
            over.cancel()

    async def _told(self, key: tuple[int, int], reading: Reading) -> None:
        path = self._room.logs / f"{key[0]}-{key[1]}.log"
        for text in await asyncio.to_thread(_named, path, reading):
            try:
                await self._room.database.write(
                    working.milestone, *key, self._room.redact(text), actor="process"
                )
            except HermesError as error:
                # The end of the process matters more than what it said on the way.
                log.info("A milestone of task %s was not stored: %s", key[0], error)

    async def _report(self, key: tuple[int, int], code: int | None) -> None:
        ended = await asyncio.to_thread(self._ended, key, code)
        await self._reports.ended(*key, ended)
        # Until its end is stored, another daemon may have to read it here.
        await asyncio.to_thread(shutil.rmtree, self._folder(*key), ignore_errors=True)

    def _ended(self, key: tuple[int, int], code: int | None) -> Ended:
        folder = self._folder(*key)
        written = _read(folder / "exit", 20).strip()
        if written.isdigit():
            code = int(written)
        tail = _tail(self._room.logs / f"{key[0]}-{key[1]}.log")
        if code == 0:
            return Ended(AttemptOutcome.SUCCEEDED, result=_read(folder / "result", RESULT_BYTES) or tail)
        return _failed(code, tail)

    async def stop(self, attempt: Attempt, why: str) -> None:
        """End the process group of an attempt with everything it has started."""
        running = self._running.get((attempt.task_id, attempt.epoch))
        if running is None:
            return
        running.stopped = why
        await _end(running.pid, running.mark)
        await asyncio.wait((running.life,), timeout=GRACE)

    async def adopt(self, attempt: Attempt) -> Alive:
        """Go on watching a process that a daemon before this one started, or report how it ended."""
        key = (attempt.task_id, attempt.epoch)
        if attempt.state is AttemptState.CLAIMED:
            # It may have been spawned and not stored; nobody would ever look after it.
            left = _read(self._folder(*key) / "pid", 20).strip()
            if left.isdigit() and mark_of(int(left)):
                await _end(int(left), _mark(*key))
            return Alive.NO
        if attempt.pid and attempt.pid_mark and mark_of(attempt.pid) == attempt.pid_mark:
            self._watch(key, attempt.pid, None)
            return Alive.YES
        await asyncio.to_thread(sweep, attempt.pid, _mark(*key))
        if (self._folder(*key) / "exit").exists():
            await self._report(key, None)
            return Alive.TOLD
        return Alive.NO

    def breathes(self, attempt: Attempt) -> bool:
        """Tell whether the process of an attempt lives; its log is kept in bounds meanwhile."""
        running = self._running.get((attempt.task_id, attempt.epoch))
        if running is None:
            return False
        _bound(Path(attempt.log), int(self._room.settings.log_megabytes * 1_000_000))
        return True

    async def drain(self) -> None:
        """End every process; the attempts are given back and count as nobody's failure."""
        for key, running in list(self._running.items()):
            running.stopped = "Hermes stopped"
            await _end(running.pid, running.mark)
            with contextlib.suppress(HermesError):
                await self._reports.ended(*key, Ended(AttemptOutcome.RELEASED, "Hermes was stopped."))
        lives = [running.life for running in self._running.values()]
        if lives:
            await asyncio.wait(lives, timeout=GRACE)


def _mark(task_id: int, epoch: int) -> str:
    return f"task-{task_id}-{epoch}"


def _failed(code: int | None, tail: str) -> Ended:
    last = tail.strip().rpartition("\n")[2]
    said = f": {last}" if last else "."
    if code is None:
        return Ended(AttemptOutcome.CRASHED, f"The process is gone without an exit code{said}")
    if code < 0 or code > SIGNALLED:
        number = -code if code < 0 else code - SIGNALLED
        return Ended(AttemptOutcome.CRASHED, f"Ended by signal {number}{said}")
    if code == EXIT_LATER:
        return Ended(
            AttemptOutcome.RELEASED, f"Asks to be started again later{said}", retry_after=LATER_SECONDS
        )
    return Ended(
        AttemptOutcome.FAILED, f"Exit code {code}{said}", lasting=code in (NOT_EXECUTABLE, NOT_FOUND)
    )


async def _end(pid: int, mark: str) -> None:
    """Ask a process group to end, and kill what is left of it, wherever it has gone."""
    end_group(pid, signal.SIGTERM)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(GRACE):
            await _gone(pid)
    await asyncio.to_thread(sweep, pid, mark)


async def _gone(pid: int) -> None:
    """Wait until a process, which need not be our child, has ended."""
    try:
        descriptor = os.pidfd_open(pid)
    except (AttributeError, OSError):
        while mark_of(pid):  # noqa: ASYNC110 - without pidfd there is no event to wait for
            await asyncio.sleep(PIDFD_POLL)
        return
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(descriptor, over.set)
    try:
        await over.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


def _read(path: Path, limit: int) -> str:
    try:
        with path.open("rb") as file:
            return file.read(limit).decode(errors="replace")
    except OSError:
        return ""


def _tail(path: Path) -> str:
    try:
        with path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - TAIL_BYTES))
            return file.read().decode(errors="replace").strip()
    except OSError:
        return ""


def _named(path: Path, reading: Reading) -> list[str]:
    """Return the milestones of the whole lines that a log has got since it was last read."""
    try:
        with path.open("rb") as file:
            if file.seek(0, os.SEEK_END) < reading.offset:
                # It had become too long and begins anew.
                reading.offset = 0
            file.seek(reading.offset)
            data = file.read(LOG_BYTES)
    except OSError:
        return []
    whole = data[: data.rfind(b"\n") + 1] or (data if len(data) == LOG_BYTES else b"")
    reading.offset += len(whole)
    lines = [line.removeprefix(MILESTONE) for line in whole.splitlines() if line.startswith(MILESTONE)]
    texts = [line.decode(errors="replace").strip()[:MILESTONE_LENGTH] for line in lines]
    fresh = texts[reading.known :]
    reading.known = max(0, reading.known - len(texts))
    return [text for text in fresh if text]


def _bound(path: Path, limit: int) -> None:
    """Let a log begin anew that has become too long; its writer appends, so nothing tears."""
    try:
        if path.stat().st_size > limit:
            os.truncate(path, 0)
    except OSError:
        return
