"""The dispatcher: takes ready tasks for the workers of this machine, woken by commits, with a safety poll."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from board import lanes
from board.room import Room
from board.settings import BoardSettings
from kernel.crashpoints import crashpoint
from kernel.errors import StoreError
from kernel.events import Event
from store import attempts
from store.attempts import Claim
from store.tasks import Queue, parse_queue
from store.units import Query, Unit

log = logging.getLogger(__name__)

# What may make something ready, or free a place.
WAKING = frozenset(
    {
        "task.create",
        "task.open",
        "task.assign",
        "task.reclaim",
        "task.request_changes",
        "task.change",
        "attempt.wait",
        "attempt.succeeded",
        "attempt.failed",
        "attempt.timed_out",
        "attempt.crashed",
        "attempt.lost",
        "attempt.spawn_failed",
        "attempt.released",
        "attempt.handed_off",
        "attempt.cancelled",
    }
)
Load = Mapping[tuple[str, str], int]
NOBODY: Mapping[str, int] = {}


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at the board found: the queues with something ready, who works, and when more becomes ready."""

    queues: tuple[str, ...]
    load: Load
    next_ripe: int


def look(q: Query) -> Look:
    """Look at the board; costs what there are different queues and live attempts, not what there are tasks."""
    return Look(tuple(attempts.queues(q)), attempts.load(q), attempts.next_ripe(q))


def agent_for(settings: BoardSettings, queue: Queue, load: Load, crew: Mapping[str, int] = NOBODY) -> str:
    """Return who takes the next task of a queue on this machine now, or an empty name.

    ``crew`` are the agents who take only what is given to them, each with how many at once.
    """
    if queue.host not in ("", settings.machine) or not set(queue.needs) <= set(settings.skills):
        return ""
    if sum(load.values()) >= settings.at_once:
        return ""
    places = _places(settings, queue, crew)
    return next((name for name, most in places if _busy(load, name) < most), "")


def _places(settings: BoardSettings, queue: Queue, crew: Mapping[str, int]) -> Sequence[tuple[str, int]]:
    """Return who could take a queue's tasks, each with how many at once."""
    if queue.lane == "agent":
        known = [(name, settings.agent_at_once) for name in settings.agents]
        if queue.assignee and queue.assignee in crew:
            known = [(queue.assignee, crew[queue.assignee])]
    elif queue.lane == "process":
        known = [(name, program.at_once) for name, program in settings.programs.items()]
    elif name := lanes.coder(queue.lane):
        known = [(name, settings.agent_at_once)]
    else:
        return ()
    return [(name, most) for name, most in known if queue.assignee in ("", name)]


def _busy(load: Load, agent: str) -> int:
    return sum(count for (_, name), count in load.items() if name == agent)


@dataclass(frozen=True, slots=True)
class Taken:
    """A task that was taken, and who takes it."""

    id: int
    epoch: int
    agent: str


def claim_ready(
    tx: Unit, settings: BoardSettings, logs: str, crew: Mapping[str, int] = NOBODY
) -> list[Taken]:
    """Take what is ready for the free places of this machine, the most important first."""
    attempts.ripen(tx)
    taken: list[Taken] = []
    load = dict(attempts.load(tx))
    queues = [parse_queue(key) for key in attempts.queues(tx)]
    while queues:
        agents = {queue.key: agent for queue in queues if (agent := agent_for(settings, queue, load, crew))}
        queues = [queue for queue in queues if queue.key in agents]
        if not queues or (claimed := _claim(tx, settings, agents, logs)) is None:
            break
        taken.append(claimed)
        load["taken", claimed.agent] = load.get(("taken", claimed.agent), 0) + 1
    return taken


def _claim(tx: Unit, settings: BoardSettings, agents: Mapping[str, str], logs: str) -> Taken | None:
    """Take the best task of the queues that somebody serves."""
    by_agent: dict[str, list[str]] = {}
    for key, agent in agents.items():
        by_agent.setdefault(agent, []).append(key)
    # Nearly always one agent serves all; several are asked in turn, each for the best of its own.
    for agent, keys in by_agent.items():
        claim = Claim(agent, settings.machine, settings.start_ms, logs)
        task = attempts.claim_next(tx, keys, claim)
        if task is not None:
            return Taken(task.id, task.epoch, agent)
    return None


class Dispatcher:
    """Looks when something was committed that could make work, and now and then by itself."""

    def __init__(self, room: Room, begin: Callable[[Taken], None]) -> None:
        self._room = room
        self._begin = begin
        self._wake = asyncio.Event()
        self._unlisten: list[Callable[[], None]] = []
        self.passes = 0

    def open(self) -> None:
        """Hear of commits from now on."""
        listen = self._room.bus.listen
        self._unlisten = [listen("task.", self._heard), listen("attempt.", self._heard)]
        self._wake.set()

    def close(self) -> None:
        """Take nothing more."""
        for unlisten in self._unlisten:
            unlisten()
        self._unlisten = []

    def wake(self) -> None:
        """Look now."""
        self._wake.set()

    def _heard(self, event: Event) -> None:
        if event.kind in WAKING:
            self._wake.set()

    async def run(self) -> None:
        """Take what is ready until cancelled."""
        while True:
            self._wake.clear()
            pause = await self._safely()
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._wake.wait()

    async def _safely(self) -> float:
        try:
            return await self.once()
        except StoreError as error:
            # A full disk ends by itself, and everything else ends the daemon elsewhere.
            log.warning("The board could not be looked at: %s", error)
            return self._room.settings.poll_seconds

    async def once(self) -> float:
        """Look once, take what is ready, and return the seconds until the next look."""
        self.passes += 1
        settings, now = self._room.settings, self._room.clock.now()
        if not settings.enabled:
            return settings.poll_seconds
        crew = self._room.roster.places(settings.agent_at_once)
        found = await self._room.database.read(look)
        ripe = 0 < found.next_ripe <= now
        if ripe or any(agent_for(settings, parse_queue(key), found.load, crew) for key in found.queues):
            logs = str(self._room.logs)
            for taken in await self._room.database.write(claim_ready, settings, logs, crew):
                crashpoint("task.after_claim")
                self._begin(taken)
            return 0.0 if ripe else settings.poll_seconds
        later = (found.next_ripe - now) / 1000 if found.next_ripe else settings.poll_seconds
        return min(max(later, 0.01), settings.poll_seconds)
