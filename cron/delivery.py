"""Delivering results: to whom, in which thread, and as messages that are owed like all others.

Whether something was delivered is the outbox's knowledge and kept apart from how the run went: a fire only says whether
its result is owed yet.
"""

import asyncio
import logging
from dataclasses import replace
from pathlib import Path

from cron.room import Room
from cron.sentences import next_words
from cron.taking import quiet_end
from cron.whereabouts import LOCAL, own_chat
from kernel.crashpoints import crashpoint
from kernel.errors import HermesError, NotFound
from kernel.messages import Address, Outbound, OutboundKind, Priority
from kernel.schedules import Fire, JobKind, Quiet, Schedule
from kernel.states import FireState
from store import channels, fires, outbox, schedules, sessions
from store.outbox import Owed
from store.units import Query, Unit

log = logging.getLogger(__name__)

BATCH = 50


def key_of(fire: Fire) -> str:
    """Return what the outbox keys of a fire's messages begin with."""
    return f"cron:{fire.id}:"


class Deliveries:
    """Owes the results of runs to people."""

    def __init__(self, room: Room) -> None:
        self._room = room
        # Two results of a job that come at once must not make two threads for it.
        self._making = asyncio.Lock()

    async def deliver_due(self) -> None:
        """Owe every result whose time has come."""
        room, after = self._room, 0
        while found := await room.database.read(fires.held, room.clock.now(), BATCH):
            await self._all(found)
            if found[-1].id == after:
                # It could not be owed and stays at the head; the next look tries it again.
                return
            after = found[-1].id

    async def _all(self, found: list[Fire]) -> None:
        for fire in found:
            try:
                await self.deliver(fire)
            except HermesError as error:
                log.warning("The result of run %s could not be delivered: %s", fire.id, error)

    async def deliver(self, fire: Fire) -> None:
        """Owe the result of one run, once."""
        room = self._room
        schedule = await room.database.read(_schedule, fire.schedule_id)
        if schedule is None:
            await room.database.write(fires.delivered, fire.id)
            return
        targets = await self.targets(schedule)
        await room.database.write(owe, room, schedule, fire, tuple(targets))
        crashpoint("cron.after_deliver")

    async def targets(self, schedule: Schedule) -> list[Address]:
        """Return where a schedule's results go, each place once; a thread of its own is made the first time."""
        places: list[Address] = []
        for word in schedule.job.deliver:
            places += await self._places(schedule, word)
        if schedule.job.thread and places:
            async with self._making:
                known = await self._room.database.read(_schedule, schedule.id)
                places[0] = await self._thread(known or schedule, places[0])
        return list(dict.fromkeys(places))

    async def _places(self, schedule: Schedule, word: str) -> list[Address]:
        match word:
            case "none":
                return []
            case "origin" if schedule.origin is not None and schedule.origin.platform not in LOCAL:
                return [schedule.origin]
            case "origin" | "home":
                return [await self._home(schedule)]
            case _:
                try:
                    return [await self._room.ports.resolve(word)]
                except HermesError as error:
                    log.warning("Job %s cannot deliver to %s: %s", schedule.name, word, error)
                    return [await self._home(schedule)]

    async def _home(self, schedule: Schedule) -> Address:
        """Return the home channel of the owner's platform, else any, else the job's own chat on the page."""
        homes = await self._room.database.read(channels.homes)
        platform = schedule.owner.partition(":")[0]
        return homes.get(platform) or next(iter(homes.values()), own_chat(schedule))

    async def _thread(self, schedule: Schedule, parent: Address) -> Address:
        """Return the job's own thread in a chat, made where there is none."""
        known = schedule.thread
        if known is not None and known.parent == parent.parent:
            return known
        if parent.thread is not None:
            return parent
        try:
            made = await self._room.ports.thread(parent, f"🗓 {schedule.name}")
        except HermesError as error:
            log.warning("No thread was made for job %s: %s", schedule.name, error)
            return parent
        if made is None:
            return parent
        await self._room.database.write(_keep_thread, schedule.id, made)
        return made


def _schedule(q: Query, id: int) -> Schedule | None:
    try:
        return schedules.get(q, id)
    except NotFound:
        return None


def _keep_thread(tx: Unit, id: int, place: Address) -> None:
    schedules.note(tx, id, thread=schedules.place_text(place))


def owe(tx: Unit, room: Room, schedule: Schedule, fire: Fire, targets: tuple[Address, ...]) -> None:
    """Commit the messages and note that they are owed; what a turn has said in its own chat is not said twice there."""
    if not fires.delivered(tx, fire.id):
        return
    said_in = sessions.get(tx, fire.session_id).address if fire.session_id and _spoke(fire) else None
    silent = schedule.job.quiet is Quiet.SILENT and bool(quiet_end(room.settings, room.zone, tx.now))
    for place in targets:
        if place == said_in:
            continue
        for number, message in enumerate(messages(room, schedule, fire, place)):
            key = f"{key_of(fire)}{place}:{number}"
            outbox.add(tx, Owed(key, replace(message, silent=silent), Priority.REPLY))


def _spoke(fire: Fire) -> bool:
    """Tell whether the turn of a prompt has answered or explained its failure in its chat."""
    return bool(fire.inbox_id)


def messages(room: Room, schedule: Schedule, fire: Fire, place: Address) -> list[Outbound]:
    """Return what is said of a run in one place."""
    text = room.redact(text_of(room, schedule, fire))
    parts = [Outbound(place, part) for part in room.ports.pieces(text, place)] if text else []
    paths = [Path(path) for path in fire.files]
    return [
        *parts,
        *(Outbound(place, "", OutboundKind.FILE, file=path, file_name=path.name) for path in paths),
    ]


def text_of(room: Room, schedule: Schedule, fire: Fire) -> str:
    """Return a run's result as a message."""
    due = next_words(fire.instant, room.zone, room.clock.now())
    late = f" (due {due}, made up now)" if fire.late else ""
    match fire.state:
        case FireState.DONE if not fire.result:
            return ""
        case FireState.DONE if schedule.job.kind is JobKind.REMINDER:
            return f"⏰ {fire.result}{late}"
        case FireState.DONE:
            return f"🗓 **{schedule.name}**{late}\n\n{fire.result}"
        case FireState.LOST:
            return (
                f"⚠️ **{schedule.name}**{late}: Hermes stopped while it ran. What became of it is unknown; "
                f"it is not run again. `/cron run {schedule.id}` runs it now."
            )
        case _:
            more = f"\n\n```\n{fire.result}\n```" if fire.result else ""
            return f"❌ **{schedule.name}**{late} failed: {fire.error}{more}"
