"""The watcher: takes requested handoffs up, carries each to its end, and lets none stay half-way.

It is woken by the commit of a request; every two seconds it looks by itself, as a safety net.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from gateway.adapter import FreshChats, Threads, ability
from gateway.handoff import words
from gateway.handoff.service import Moves, tell_origin, withdraw
from gateway.handoff.targets import Surfaces
from gateway.handoff.times import Times
from gateway.handoff.travel import Trip
from gateway.pieces import pieces
from gateway.turns import Turns
from kernel.clock import Clock
from kernel.crashpoints import crashpoint
from kernel.errors import (
    DeliveryDeferred,
    DeliveryError,
    HermesError,
    InvalidInput,
    PlatformError,
    Stale,
    StoreError,
)
from kernel.events import Event
from kernel.messages import Address, Inbound, InboundKind, Outbound, Priority, Sender
from kernel.states import HandoffState
from store import handoffs, outbox
from store.database import Database
from store.handoffs import Handoff, Plan
from store.outbox import Owed
from store.units import Query, Unit

log = logging.getLogger(__name__)

POLL_SECONDS = 2.0
THREAD_SECONDS = 20.0
HALT_SECONDS = 10.0

Named = tuple[str, int]
Split = Callable[[Address, str], list[str]]


class Watcher:
    """Carries handoffs out, each in a task of its own."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        surfaces: Surfaces,
        turns: Turns,
        moves: Moves,
        times: Times,
    ) -> None:
        self._database = database
        self._clock = clock
        self._surfaces = surfaces
        self._turns = turns
        self._moves = moves
        self._times = times
        self._group: asyncio.TaskGroup | None = None
        self._carried: dict[Named, asyncio.Event] = {}
        self._woken = asyncio.Event()
        self._waits_for_idle = False

    def asked(self, event: Event) -> None:
        """Hear of a request (``handoff.request``)."""
        self._begin(event.subject, int(str(event.body["number"])), None)
        self._woken.set()

    def heard(self, event: Event) -> None:
        """Hear of something that a handoff under way may wait for: a delivery, or the end of a turn."""
        for changed in self._carried.values():
            changed.set()
        if self._waits_for_idle and event.kind.startswith("turn."):
            self._woken.set()

    def open(self, group: asyncio.TaskGroup) -> None:
        """Begin to work: on what the last process left, and on what is asked for from now on."""
        self._group = group
        group.create_task(self._run(), name="handoffs")

    def close(self) -> None:
        """Take nothing up any more; what is under way continues with the next start."""
        self._group = None

    async def _run(self) -> None:
        while True:
            self._woken.clear()
            try:
                await self._look()
            except StoreError as error:
                log.warning("Handoffs could not be looked at: %s", error)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):
                    await self._woken.wait()

    async def _look(self) -> None:
        """See to every handoff that is under way."""
        self._waits_for_idle = False
        for known in await self._database.read(handoffs.live):
            if known.state is HandoffState.RUNNING:
                await self._look_at_running(known)
            elif known.deadline <= self._clock.now():
                await self._time_out(known)
            else:
                self._begin(known.session_id, known.number, None)

    async def _look_at_running(self, known: Handoff) -> None:
        if (known.session_id, known.number) not in self._carried:
            self._begin(known.session_id, known.number, known)
        elif known.lease - self._clock.now() < self._times.lease // 2:
            await self._database.write(handoffs.renew, known.session_id, known.number, self._times.lease)

    async def _time_out(self, known: Handoff) -> None:
        """Withdraw a request that nobody could take up; somebody who does so at this moment wins."""
        reason = "Nobody could take it up in time."
        with contextlib.suppress(Stale):
            await self._database.write(withdraw, known, "system", reason)

    def _begin(self, session_id: str, number: int, left: Handoff | None) -> None:
        """Carry a handoff out; ``left`` is one that an earlier process was carrying."""
        if self._group is None or (session_id, number) in self._carried:
            return
        work = self._carry(session_id, number, left)
        try:
            self._group.create_task(work, name=f"handoff {session_id}")
        except RuntimeError:
            # The process is ending; the next start finds the handoff in the store.
            work.close()
        else:
            self._carried[session_id, number] = asyncio.Event()

    async def _carry(self, session_id: str, number: int, left: Handoff | None) -> None:
        try:
            if left is not None:
                await self._guarded(left, self._continue(left))
            elif (claimed := await self._claim(session_id, number)) is not None:
                await self._guarded(claimed, self._take(claimed))
        except StoreError as error:
            log.warning("The handoff of %s stands still: %s", session_id, error)
        finally:
            del self._carried[session_id, number]

    async def _claim(self, session_id: str, number: int) -> Handoff | None:
        try:
            claimed = await self._database.write(
                handoffs.claim,
                session_id,
                number,
                lease=self._times.lease,
                deadline=self._times.deadline,
            )
        except Stale:
            return None
        self._waits_for_idle = self._waits_for_idle or claimed is None
        if claimed is not None:
            crashpoint("handoff.after_claim")
        return claimed

    async def _guarded(self, known: Handoff, work: Awaitable[None]) -> None:
        """Carry on until it is done, or end it: an error of any step is a reason that the person reads."""
        try:
            async with asyncio.timeout(max(0.0, (known.deadline - self._clock.now()) / 1000)):
                await work
        except Stale as error:
            log.info("The handoff of %s is over: %s", known.session_id, error)
        except TimeoutError:
            await self._fail(known, "It took too long.")
        except StoreError:
            raise
        except HermesError as error:
            await self._fail(known, error.message)
        except Exception as error:
            # A bug on the way must not leave the session between two places.
            log.exception("The handoff of %s failed in a way nobody foresaw.", known.session_id)
            await self._fail(known, f"{type(error).__name__}.")

    async def _take(self, claimed: Handoff) -> None:
        """Find the place, move the session there, and see its reply arrive."""
        place, plain = await self._place(claimed)
        crashpoint("handoff.after_thread")
        plan = claimed.asked
        key = self._surfaces.key(place, plan.sender, private=plan.private)
        if key == plan.origin_key:
            raise InvalidInput("The conversation is there already.")
        found = replace(plan, place=place, key=key, plain=plain)
        moved = await self._database.write(
            _move, claimed, found, self._split, self._moves.lines(claimed.session_id)
        )
        crashpoint("handoff.after_move")
        await self._finish(moved)

    def _split(self, address: Address, text: str) -> list[str]:
        return pieces(text, self._surfaces.adapter(address))

    async def _place(self, claimed: Handoff) -> tuple[Address, str]:
        """Return where the conversation goes, and why it has no thread of its own there (empty where it has)."""
        plan = claimed.asked
        if not plan.fresh:
            return plan.to, "" if plan.to.thread else self._plain(plan)
        adapter = self._surfaces.adapter(plan.to)
        threads, chats = ability(adapter, Threads), ability(adapter, FreshChats)
        if threads is None:
            assert chats is not None  # noqa: S101 - a plan is fresh only where one of both is possible
            return await chats.create_chat(words.thread_name(claimed)), ""
        try:
            async with asyncio.timeout(THREAD_SECONDS):
                thread = await self._thread(threads, plan.to, words.thread_name(claimed))
        except TimeoutError:
            raise HermesError(f"{plan.to.platform} did not open a thread in time.") from None
        except PlatformError as error:
            raise HermesError(f"{plan.to.platform} did not open a thread: {error.message}") from None
        except DeliveryError as error:
            return plan.to, f"No thread could be opened ({error.message.rstrip('.')})"
        return (thread, "") if thread else (plan.to, "This chat can have no threads")

    def _plain(self, plan: Plan) -> str:
        """Return why a whole chat is taken; the surfaces of this machine are never anything else."""
        remote = self._surfaces.adapter(plan.to).capabilities.remote
        return "This platform has no threads" if remote else ""

    async def _thread(self, threads: Threads, parent: Address, name: str) -> Address | None:
        """Open a thread, waiting where the platform asks for it."""
        while True:
            try:
                return await threads.create_thread(parent, name)
            except DeliveryDeferred as error:
                await asyncio.sleep(error.retry_after)

    async def _finish(self, moved: Handoff) -> None:
        await self._arrival(moved)
        crashpoint("handoff.after_reply")
        await self._database.write(_complete, moved, self._moves)
        crashpoint("handoff.after_complete")
        await self._moves.moved()

    async def _arrival(self, moved: Handoff) -> None:
        """Wait until the reply was delivered; raise HermesError where it never will be."""
        changed = self._carried[moved.session_id, moved.number]
        while True:
            changed.clear()
            arrived, why = await self._database.read(handoffs.progress, moved)
            if arrived:
                return
            if why:
                raise HermesError(why)
            await changed.wait()

    async def _continue(self, left: Handoff) -> None:
        """Carry on with what an earlier process began: only what had moved and whose lease still holds can arrive."""
        if left.asked.place is None:
            raise HermesError("Hermes stopped in the middle of it.")
        arrived, _ = await self._database.read(handoffs.progress, left)
        if not arrived and left.lease < self._clock.now():
            raise HermesError("Hermes was away for too long.")
        await self._finish(left)

    async def _fail(self, known: Handoff, reason: str) -> None:
        """Give the session back; a turn that runs in the new place ends first."""
        log.warning("The handoff of %s failed: %s", known.session_id, reason)
        await self._halt(known)
        with contextlib.suppress(Stale):
            await self._database.write(_fail, known, reason)
        crashpoint("handoff.after_fail")
        # One that began while the store was being asked is over there already; here it ends too.
        await self._halt(known)
        await self._moves.moved()

    async def _halt(self, known: Handoff) -> None:
        changed = self._carried[known.session_id, known.number]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(HALT_SECONDS):
                while self._turns.halt_arriving(known.session_id, "the handoff"):
                    changed.clear()
                    await changed.wait()


def _move(tx: Unit, claimed: Handoff, plan: Plan, split: Split, more: Sequence[str]) -> Handoff:
    """Bind the session to its new place; a chat that had to take it without a thread is told so."""
    moved = handoffs.place(tx, claimed, plan, lambda q, found: _notice(q, claimed, found, more))
    assert plan.place is not None  # noqa: S101 - it was found just now
    if plan.plain:
        told = split(plan.place, words.arrived_plainly(claimed.title, plan.plain))
        outbox.add_all(
            tx,
            [
                Owed(f"{claimed.key}:here:{number}", Outbound(plan.place, part, silent=True), Priority.REPLY)
                for number, part in enumerate(told)
            ],
        )
    return moved


def _notice(q: Query, claimed: Handoff, plan: Plan, more: Sequence[str]) -> Inbound:
    assert plan.place is not None  # noqa: S101 - the session is moving there
    text = words.notice(q, claimed, plan, more)
    return Inbound(plan.place, claimed.key, "", Sender(plan.sender), InboundKind.INTERNAL, text, plan.private)


def _complete(tx: Unit, moved: Handoff, moves: Moves) -> None:
    plan = moved.asked
    assert plan.place is not None  # noqa: S101 - it has arrived
    assert plan.origin is not None  # noqa: S101 - a request knows where it was
    done = handoffs.complete(tx, moved)
    person = f"{plan.place.platform}:{plan.sender}"
    moves.carry(tx, Trip(moved.session_id, plan.origin, plan.place, person))
    told = Outbound(plan.origin, words.left(done, plan.place), buttons=words.button())
    outbox.add(tx, Owed(f"{moved.key}:left", told, Priority.NOTICE))


def _fail(tx: Unit, known: Handoff, reason: str) -> None:
    over = handoffs.fail(tx, handoffs.get(tx, known.session_id), reason)
    tell_origin(tx, over, words.failed(over))
