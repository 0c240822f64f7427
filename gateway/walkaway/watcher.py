"""Watches jobs: brings cards up to date and lets them ring when something happens, or when nothing does for long."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from board import workspaces
from board.service import Board
from board.views import Whole, whole
from gateway.handoff.travel import Trip
from gateway.jobs import JobPlaces
from gateway.walkaway.deriving import base_mark
from gateway.walkaway.telling import Teller, Told, end_of, is_over
from gateway.walkaway.words import Facts
from kernel.bus import Bus
from kernel.crashpoints import crashpoint
from kernel.errors import HermesError, NotFound
from kernel.events import Event
from kernel.tasks import Workspace
from store import agentwork, artifacts, marks, outbox, tasks, walkaways
from store.units import Query, Unit
from store.walkaways import Walk

log = logging.getLogger(__name__)

CARDS = "walkaway:"
RETRY_MS = 5000


class Watcher:
    """Looks at a job after each event about it, and at its times."""

    def __init__(self, board: Board, teller: Teller, places: JobPlaces) -> None:
        self._board = board
        self._database = board.room.database
        self._clock = board.room.clock
        self._teller = teller
        self._places = places
        self._due: dict[int, int] = {}
        self._dirty: set[int] = set()
        self._known: set[int] = set()
        self._wake = asyncio.Event()

    def listen(self, bus: Bus) -> list[Callable[[], None]]:
        """Hear of tasks, attempts and the delivery of cards; return the functions that end it."""
        return [
            bus.listen("task.", self._heard),
            bus.listen("attempt.", self._heard),
            bus.listen("outbox.confirm", self._delivered),
            bus.listen("outbox.reject", self._delivered),
        ]

    def note(self, walk: Walk) -> None:
        """Begin to watch a job."""
        self._places.note(walk, over=False)
        self._known.add(walk.task_id)
        self.touch(walk.task_id)

    def touch(self, task_id: int) -> None:
        """Look at a job soon."""
        if task_id in self._known:
            self._dirty.add(task_id)
            self._wake.set()

    def _heard(self, event: Event) -> None:
        self.touch(int(event.subject))

    def _delivered(self, event: Event) -> None:
        if self._known:
            self._dirty.add(-int(event.subject))
            self._wake.set()

    async def run(self) -> None:
        """Watch until cancelled; after a start every job is looked at once, and so its card is ours again."""
        for walk in await self._database.read(walkaways.live):
            self._known.add(walk.task_id)
            self._dirty.add(walk.task_id)
        while True:
            self._wake.clear()
            for number in sorted(self._dirty, reverse=True):
                self._dirty.discard(number)
                await self._safely(number)
            try:
                async with asyncio.timeout(self._pause()):
                    await self._wake.wait()
            except TimeoutError:
                now = self._clock.now()
                self._dirty |= {task_id for task_id, due in self._due.items() if due <= now}

    def _pause(self) -> float | None:
        if self._dirty:
            return 0
        due = min(self._due.values(), default=0)
        return max((due - self._clock.now()) / 1000, 0.01) if due else None

    async def _safely(self, number: int) -> None:
        self._due.pop(number, None)
        try:
            await (self.look(number) if number > 0 else self._card_delivered(-number))
        except NotFound:
            self._known.discard(number)
        except HermesError as error:
            # A full disk ends by itself; the card follows then.
            log.warning("Job %s could not be told of: %s", number, error)
            self._due[number] = self._clock.now() + RETRY_MS
        except Exception:
            # A bug in how one job is shown must not silence all the others.
            log.exception("Job %s could not be told of.", number)

    async def _card_delivered(self, row: int) -> None:
        found = await self._database.read(outbox.get, row)
        if found is not None and found.key.startswith(CARDS):
            task_id = int(found.key.split(":")[1])
            self.touch(task_id)

    async def look(self, task_id: int) -> None:
        """Bring one job's card up to date."""
        facts = await self._facts(task_id)
        crashpoint("walkaway.before_tell")
        told = await self._database.write(self._teller.look, task_id, facts)
        crashpoint("walkaway.after_tell")
        self._follow_up(task_id, told)

    def _follow_up(self, task_id: int, told: Told | None) -> None:
        if told is None or told.gone:
            self._known.discard(task_id)
        elif told.due:
            self._due[task_id] = told.due
        if told is not None:
            self._places.note(told.walk, over=told.over)

    async def _facts(self, task_id: int) -> Facts:
        """Return what the message about an end says; nothing while the job goes on or its end was told."""
        found, walk, facts, base = await self._database.read(_read, task_id)
        if walk is None or not is_over(found.task) or walk.over == end_of(found.task) or not found.attempts:
            return facts
        last = found.attempts[0]
        folder, branch = Path(last.workspace), ""
        if found.brief.workspace is Workspace.WORKTREE:
            branch = workspaces.branch_of(task_id, last.epoch)
        if not base:
            return facts
        diffstat, left = await workspaces.changed_since(folder, base), await workspaces.left_over(folder)
        if not diffstat and branch:
            # The worktree of a task that is done goes at about this time; its branch stays.
            diffstat = await workspaces.changed_since(Path(found.brief.project), base, branch)
        return replace(facts, diffstat=diffstat, branch=branch, uncommitted=left)

    def travelled(self, tx: Unit, trip: Trip) -> None:
        """Let a job's card follow its conversation to another place."""
        task = tasks.by_session(tx, trip.session_id)
        walk = walkaways.find(tx, task.id) if task is not None else None
        if task is None or walk is None or is_over(task):
            return
        walkaways.put(tx, self._teller.first_card(tx, replace(walk, place=trip.place)))


def _read(q: Query, task_id: int) -> tuple[Whole, Walk | None, Facts, str]:
    found, walk = whole(q, task_id), walkaways.find(q, task_id)
    if walk is None or not is_over(found.task):
        return found, walk, Facts(), ""
    task = found.task
    base = marks.get(q, base_mark(task)) if task.session_id else ""
    last = found.attempts[0] if found.attempts else None
    said, refused = "", 0
    if last is not None and last.session_id and last.inbox_id:
        turns = agentwork.turns_since(q, last.session_id, last.inbox_id)
        turn = agentwork.turn(q, turns[-1][0]) if turns else None
        said = turn.said.strip() if turn else ""
        refused = agentwork.refused(q, last.session_id, last.inbox_id)
    made = artifacts.of_task(q, task_id)
    facts = Facts(artifacts=made, refused=refused, said=said, end=end_of(task))
    return found, walk, facts, base
