"""Milestones nobody names: commits, test runs and changes of a plan, read from what an agent's tools did."""

import asyncio
import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from board import working, workspaces
from board.service import Board
from gateway.walkaway.testing import counts, is_test_run
from kernel.errors import HermesError
from kernel.events import Event
from kernel.tasks import Attempt, Task
from store import attempts, marks, remarks, tasks
from store.units import Query, Unit

log = logging.getLogger(__name__)

# A sign of life is stored this often at most, in milliseconds.
TOUCH_MS = 5000
COMMITS_TOLD = 5
TEXT_LENGTH = 200
COMMAND_LENGTH = 80
PLAN_TOOL = re.compile(r"(^|_)(todos?|plan)(_|$)")
PLAN_FILE = re.compile(r"(^|/)(todo|plan|tasks?|checklist)(\.\w+)?$", re.IGNORECASE)
BOX = re.compile(r"^\s*(?:[-*+]|\d+\.)\s+\[( |x|X)\]\s*(.+)$", re.MULTILINE)
EXIT = re.compile(r"exit code (\d+)", re.IGNORECASE)
FINISHED = ("done", "completed", "complete")
Key = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Noted:
    """A tool call that ended in an attempt's conversation."""

    session_id: str
    tool: str
    arguments: Mapping[str, Any]
    result: str


@dataclass(slots=True)
class Known:
    """What is known of an attempt's conversation: the last commit, the last plan, the last sign of life stored."""

    head: str = ""
    plan: str = ""
    touched: int = 0
    commands: set[str] = field(default_factory=set[str])


class Deriver:
    """Hears of tool calls and stores the milestones they mean; nothing waits for it."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._database = board.room.database
        self._known: dict[Key, Known] = {}
        self._heard: asyncio.Queue[Noted | Key] = asyncio.Queue()

    def noted(self, session_id: str, tool: str, arguments: Mapping[str, Any], result: str) -> None:
        """Hear that a tool call ended; calls of conversations that work on no task cost a look into a dictionary."""
        if self._board.at_work(session_id) is not None:
            self._heard.put_nowait(Noted(session_id, tool, arguments, result))

    def heard(self, event: Event) -> None:
        """Hear of an attempt that begins or ends."""
        key = int(event.subject), int(str(event.body.get("epoch", 0)))
        if event.kind == "attempt.start":
            self._heard.put_nowait(key)
        elif event.kind not in ("attempt.wait", "attempt.resume"):
            self._known.pop(key, None)

    async def run(self) -> None:
        """Look at what was heard, one after the other, until cancelled."""
        for attempt in await self._database.read(attempts.live):
            self._heard.put_nowait((attempt.task_id, attempt.epoch))
        while True:
            item = await self._heard.get()
            try:
                await (self._look(item) if isinstance(item, Noted) else self._begun(item))
            except (HermesError, OSError) as error:
                log.info("A milestone was not stored: %s", error)
            except Exception:
                # What is derived is never owed: a bug here must not end the jobs' pings.
                log.exception("A tool call could not be looked at.")

    async def _begun(self, key: Key) -> None:
        """Learn which commit an attempt starts from; one that goes on after a restart is told what it missed."""
        attempt = await self._database.read(attempts.live_of, key[0])
        if attempt is None or attempt.epoch != key[1] or not attempt.session_id:
            return
        known = self._known.setdefault(key, Known())
        known.head, known.plan = await self._database.read(_remembered, attempt)
        if known.head:
            await self._commits(attempt, known)
        elif head := await workspaces.head(Path(attempt.workspace)):
            known.head = head
            await self._database.write(_based, attempt, head)

    async def _look(self, noted: Noted) -> None:
        key = self._board.at_work(noted.session_id)
        attempt = await self._database.read(attempts.live_of, key[0]) if key else None
        if key is None or attempt is None or attempt.epoch != key[1]:
            return
        known = self._known.setdefault(key, Known())
        await self._touch(key, known)
        command = str(noted.arguments.get("command", ""))
        if command and is_test_run(command):
            await self._board.milestone(*key, _tested(command, noted.result), kind="tests")
        if command or "git" in noted.tool:
            await self._commits(attempt, known)
        if (plan := await asyncio.to_thread(plan_of, noted, Path(attempt.workspace))) and plan != known.plan:
            known.plan = plan
            await self._board.milestone(*key, plan, kind="plan")

    async def _touch(self, key: Key, known: Known) -> None:
        now = self._board.room.clock.now()
        if now - known.touched >= TOUCH_MS:
            known.touched = now
            await self._database.write(attempts.touch, *key)

    async def _commits(self, attempt: Attempt, known: Known) -> None:
        """Tell of the commits since the last one that is known, in the unit that remembers the newest."""
        folder = Path(attempt.workspace)
        head = await workspaces.head(folder)
        if not head or head == known.head:
            return
        lines = await workspaces.commits(folder, known.head, COMMITS_TOLD)
        texts = [f"Commit {self._board.room.redact(line)[:TEXT_LENGTH]}" for line in reversed(lines)]
        known.head = head
        await self._database.write(_committed, attempt, head, texts)


def _mark(attempt: Attempt) -> str:
    return marks.of_session(attempt.session_id, f"head:{attempt.task_id}:{attempt.epoch}")


def base_mark(task: Task) -> str:
    """Return the name under which the commit is kept that a task's first attempt began from."""
    return marks.of_session(task.session_id, f"base:{task.id}")


def _based(tx: Unit, attempt: Attempt, head: str) -> None:
    marks.put(tx, _mark(attempt), head)
    task = tasks.get(tx, attempt.task_id)
    if not marks.get(tx, base_mark(task)):
        marks.put(tx, base_mark(task), head)


def _remembered(q: Query, attempt: Attempt) -> tuple[str, str]:
    plans = [one.text for one in remarks.milestones(q, attempt.task_id) if one.kind == "plan"]
    return marks.get(q, _mark(attempt)), plans[-1] if plans else ""


def _committed(tx: Unit, attempt: Attempt, head: str, texts: list[str]) -> None:
    marks.put(tx, _mark(attempt), head)
    for text in texts:
        working.milestone(tx, attempt.task_id, attempt.epoch, text, kind="commit", actor="system")


def _tested(command: str, result: str) -> str:
    """Return a test run as a milestone."""
    found = EXIT.search(result.rpartition("\n")[2]) or EXIT.search(result)
    ended = "ran" if found is None else "passed" if found[1] == "0" else f"failed (exit code {found[1]})"
    said = counts(result)
    short = " ".join(command.split())
    short = short if len(short) <= COMMAND_LENGTH else short[: COMMAND_LENGTH - 1] + "…"
    return f"Tests {ended}: {short}{f' ({said})' if said else ''}"


def plan_of(noted: Noted, folder: Path) -> str:
    """Return what a call says of the plan, such as ``"Plan: 2 of 5 done, next: the importer"``, or nothing."""
    if PLAN_TOOL.search(noted.tool):
        steps = next((one for one in noted.arguments.values() if isinstance(one, list)), None)
        return _counted([_step(one) for one in steps]) if steps else ""
    name = str(noted.arguments.get("path", ""))
    if not name or not PLAN_FILE.search(name):
        return ""
    try:
        text = (folder / name).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return _counted([(mark in "xX", words.strip()) for mark, words in BOX.findall(text)])


def _step(given: Any) -> tuple[bool, str]:
    if not isinstance(given, Mapping):
        return False, str(given)
    step = {str(name): str(value) for name, value in given.items()}
    words = next((step[name] for name in ("content", "title", "text", "step") if name in step), "")
    return step.get("status", step.get("state", "")).lower() in FINISHED, words


def _counted(steps: list[tuple[bool, str]]) -> str:
    if not steps:
        return ""
    done = sum(ready for ready, _ in steps)
    ahead = next((words for ready, words in steps if not ready), "")
    return f"Plan: {done} of {len(steps)} done" + (f", next: {ahead[:COMMAND_LENGTH]}" if ahead else "")


def dumped(arguments: str) -> Mapping[str, Any]:
    """Read the arguments of a call as the journal was given them."""
    try:
        read = json.loads(arguments)
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}
