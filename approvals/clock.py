"""The gate's deadlines: veto clocks, expiry, escalation; one task sleeps until the next of them.

A veto clock counts on the monotonic clock from the moment a whole card was confirmed by its platform, so that neither a
jump of the wall clock nor the time in which the daemon was down lets anything run. Time never decides for anything
else: expiry is a no.
"""

import asyncio
import contextlib
import logging

from approvals.execution import Execution, lose
from approvals.room import Room, close, show
from kernel.approvals import Approval
from kernel.errors import HermesError, Stale
from kernel.events import Event
from kernel.risk import Tier
from kernel.states import ApprovalState
from store import approval_cards, approvals
from store.units import Query, Unit

log = logging.getLogger(__name__)

# Rows moved by one unit, so that thousands that expire together do not hold the writer.
BATCH = 100
# The wall clock may be set: what hangs on it is looked at again at least this often.
LONGEST_SLEEP = 3600.0
RETRY_SECONDS = 5.0
ENDS_A_CLOCK = frozenset(
    f"approval.{event}" for event in ("approve", "refuse", "hold", "expire", "void", "cancel")
)


class Deadlines:
    """Keeps the clocks; ``heard`` takes the store's events, ``run`` is the task."""

    def __init__(self, room: Room, execution: Execution) -> None:
        self._room = room
        self._execution = execution
        self._woken = asyncio.Event()
        self._standing: set[str] = set()
        self._to_begin: set[str] = set()
        self._to_escalate: set[str] = set()
        self._confirmed: set[int] = set()
        self._rejected: set[int] = set()
        self._ends: dict[str, float] = {}

    async def load(self) -> None:
        """At start, let every veto clock stand, and note which ones there are."""
        await self._room.database.write(approvals.stand_clocks)
        self._standing = set(await self._room.database.read(approvals.clocks))
        self._to_begin = set(self._standing)

    def heard(self, event: Event) -> None:
        """Take note of an event; never blocks."""
        match event.kind:
            case "approval.ask":
                if event.body["tier"] == str(Tier.LOW):
                    self._standing.add(event.subject)
            case "approval.release":
                self._standing.add(event.subject)
                self._to_begin.add(event.subject)
            case "outbox.confirm" if self._standing:
                self._confirmed.add(int(event.subject))
            case "outbox.reject" if self._room.settings.escalation_ms is not None:
                self._rejected.add(int(event.subject))
            case kind if kind in ENDS_A_CLOCK:
                # A deadline that is no more is found out when it comes; nothing has to be looked at now.
                self._forget(event.subject)
                return
            case _:
                return
        self._woken.set()

    def wake(self) -> None:
        """Look at the deadlines now: settings changed, or a test moved the clock."""
        self._to_begin |= self._standing
        self._woken.set()

    def call_next(self, id: str) -> None:
        """Tell the next place of a request's escalation now, because one more person is needed."""
        if self._room.settings.escalation_ms is not None:
            self._to_escalate.add(id)
            self._woken.set()

    def remaining(self, approval: Approval) -> int | None:
        """Return the milliseconds that a request's veto clock still has, ``None`` where it has none."""
        if approval.veto_left is None:
            return None
        end = self._ends.get(approval.id)
        if end is None:
            return approval.veto_left
        return max(0, int((end - self._room.clock.monotonic()) * 1000))

    async def run(self) -> None:
        """Meet every deadline until cancelled."""
        while True:
            self._woken.clear()
            try:
                delay = await self.turn()
            except HermesError as error:
                log.warning("The deadlines of requests could not be looked at: %s", error)
                delay = RETRY_SECONDS
            try:
                async with asyncio.timeout(delay):
                    await self._woken.wait()
            except TimeoutError:
                continue

    async def stand(self) -> None:
        """Before the daemon stops, keep what is left of every running clock."""
        for id, end in list(self._ends.items()):
            left = max(0, int((end - self._room.clock.monotonic()) * 1000))
            await self._room.database.write(approvals.set_clock, id, left, None)
        self._ends.clear()

    async def turn(self) -> float:
        """Do all that is due; return the seconds until the next deadline."""
        await self._sort_deliveries()
        await self._begin_clocks()
        await self._end_clocks()
        await self._expire()
        await self._escalate()
        await self._lose_silent()
        return await self._until_next()

    async def _sort_deliveries(self) -> None:
        """Find out which requests the confirmed and the rejected messages belong to."""
        read = self._room.database.read
        for numbers, wanted in ((self._confirmed, self._to_begin), (self._rejected, self._to_escalate)):
            taken = list(numbers)
            numbers.difference_update(taken)
            if taken:
                wanted.update(await read(_requests_of, taken))

    async def _begin_clocks(self) -> None:
        while self._to_begin & self._standing and self._room.settings.low.clock:
            ids = sorted(self._to_begin & self._standing)[:BATCH]
            self._to_begin.difference_update(ids)
            begun = await self._room.database.write(_begin, self._room, ids)
            now = self._room.clock.monotonic()
            for id, left in begun.items():
                self._standing.discard(id)
                self._ends[id] = now + left / 1000
        self._to_begin.clear()

    async def _end_clocks(self) -> None:
        now = self._room.clock.monotonic()
        for id in [id for id, end in self._ends.items() if end <= now]:
            del self._ends[id]
            await self._run_unasked(id)

    async def _run_unasked(self, id: str) -> None:
        """Carry out a harmless action nobody objected to, if it is still the one that was announced."""
        room = self._room
        approval = await room.database.read(approvals.get, id)
        if approval.state is not ApprovalState.PENDING or not room.settings.low.clock:
            return
        if room.settings.mode_at(room.clock.now()) == "deny" or await self._execution.drifted(approval):
            return
        try:
            approved = await room.database.write(_approve_unasked, room, id)
        except Stale:
            return
        self._execution.spawn(approved, fresh=True)

    async def _expire(self) -> None:
        database, now = self._room.database, self._room.clock.now()
        while ids := await database.read(approvals.expired, now, BATCH):
            await database.write(_expire, self._room, ids)

    async def _escalate(self) -> None:
        database, step = self._room.database, self._room.settings.escalation_ms
        if step is None:
            self._to_escalate.clear()
            return
        now = self._room.clock.now()
        while ids := [*self._to_escalate, *await database.read(approvals.to_escalate, now, BATCH)]:
            self._to_escalate.clear()
            await database.write(_escalate, self._room, ids)

    async def _lose_silent(self) -> None:
        """Ask a person about actions whose programs never said how they ended."""
        room = self._room
        since = room.clock.now() - room.settings.report_ms
        for id in await room.database.read(approvals.silent, since, BATCH):
            with contextlib.suppress(Stale):
                await room.database.write(lose, room, id)

    async def _until_next(self) -> float:
        now = self._room.clock.monotonic()
        delays = [LONGEST_SLEEP, *(end - now for end in self._ends.values())]
        step = self._room.settings.escalation_ms
        due = await self._room.database.read(approvals.deadline, escalates=step is not None)
        if due is not None:
            delays.append((due - self._room.clock.now()) / 1000)
        begun = await self._room.database.read(approvals.longest_silence)
        if begun is not None:
            delays.append((begun + self._room.settings.report_ms - self._room.clock.now()) / 1000)
        return max(0.0, min(delays))

    def _forget(self, id: str) -> None:
        self._ends.pop(id, None)
        self._standing.discard(id)
        self._to_begin.discard(id)


def _requests_of(q: Query, outbox_ids: list[int]) -> set[str]:
    return {id for number in outbox_ids if (id := approval_cards.request_of(q, number))}


def _begin(tx: Unit, room: Room, ids: list[str]) -> dict[str, int]:
    """Let the clocks of delivered requests run; return what each has left."""
    begun: dict[str, int] = {}
    for id in ids:
        known = approvals.get(tx, id)
        if known.veto_left is None or not approval_cards.delivered(tx, id):
            continue
        if approvals.set_clock(tx, id, known.veto_left, tx.now):
            begun[id] = known.veto_left
            show(tx, room, approvals.get(tx, id))
    return begun


def _approve_unasked(tx: Unit, room: Room, id: str) -> Approval:
    approved = approvals.move(tx, id, "approve", decided_by="system", decided_how="auto", decided_at=tx.now)
    approvals.note(tx, approved, "decision", how="auto", tier=str(approved.tier))
    show(tx, room, approved)
    return approved


def _expire(tx: Unit, room: Room, ids: list[str]) -> None:
    for id in ids:
        if approvals.get(tx, id).state in (ApprovalState.PENDING, ApprovalState.HELD, ApprovalState.APPROVED):
            close(tx, room, id, "expire")


def _escalate(tx: Unit, room: Room, ids: list[str]) -> None:
    """Tell the next place of each request; the last place ends the escalation."""
    step, places = room.settings.escalation_ms or 0, len(room.settings.escalation.places)
    for id in dict.fromkeys(ids):
        steps = approvals.get(tx, id).escalation + 1
        if steps > places:
            approvals.end_escalation(tx, id)
            continue
        told = approvals.escalate(tx, id, tx.now + step if steps < places else None)
        if told is not None:
            approval_cards.add(tx, id, room.notifier.escalated(tx, told))
