"""Programs that ask and run by themselves: the request, the wait for its decision, its one use, and the report."""

import asyncio
from collections.abc import Callable

from approvals import requests, wording
from approvals.clock import Deadlines
from approvals.execution import Execution
from approvals.policy import raised
from approvals.requests import Asker
from approvals.room import Room, close, conclude
from kernel.approvals import Action, Approval, Runs
from kernel.errors import AccessDenied, Stale
from kernel.events import Event
from kernel.messages import Address
from kernel.people import Principal
from kernel.risk import Tier
from kernel.states import ApprovalState
from store import approvals
from store.units import Query, Unit


class Askers:
    """Requests of programs, and everybody who waits for a decision."""

    def __init__(self, room: Room, execution: Execution, deadlines: Deadlines) -> None:
        self._room = room
        self._execution = execution
        self._deadlines = deadlines
        self._waiting: dict[str, set[asyncio.Event]] = {}

    def heard(self, event: Event) -> None:
        """Wake whoever waits for the request that an event is about."""
        for waiter in self._waiting.get(event.subject, ()):
            waiter.set()

    async def ask(
        self,
        requester: Principal,
        action: Action,
        *,
        risk: Tier = Tier.NONE,
        timeout_ms: int | None = None,
        origin: Address | None = None,
        behalf: str = "",
        also: Callable[[Unit, Approval], None] | None = None,
    ) -> Approval:
        """Store a program's request and return it; the tier is at least ``risk`` and at least medium.

        The program runs the action by itself once it is approved. ``behalf`` is the person (a principal's id) it works
        for, who may decide; ``also`` is part of the unit that stores the request. Raises AccessDenied for what may
        never run, and where the mode refuses everything that would have to be asked.
        """
        assessed = raised(await asyncio.to_thread(self._room.policy.assess, action), max(risk, Tier.MEDIUM))
        if assessed.tier is Tier.DENY:
            raise AccessDenied(wording.refusal(assessed))
        if self._room.settings.mode_at(self._room.clock.now()) == "deny":
            raise AccessDenied("Refused: nothing risky is allowed at present.")
        asker = Asker(requester.id, behalf or requester.id, origin, runs=Runs.ASKER)
        new = requests.draft(self._room, assessed, asker, timeout_ms=timeout_ms)
        return await requests.store(self._room, new, also)

    async def wait(self, id: str, seconds: float, *, over: bool = False) -> Approval:
        """Return a request once it is decided, or with ``over`` once nothing is left to happen, or when time is up."""
        waiter = asyncio.Event()
        self._waiting.setdefault(id, set()).add(waiter)
        try:
            async with asyncio.timeout(seconds):
                while True:
                    found = await self._room.database.read(approvals.get, id)
                    if not found.open and not (over and _moves(found)):
                        return found
                    await waiter.wait()
                    waiter.clear()
        except TimeoutError:
            return await self._room.database.read(approvals.get, id)
        finally:
            self._waiting[id].discard(waiter)
            if not self._waiting[id]:
                del self._waiting[id]

    async def consume(self, id: str, requester: Principal) -> Approval:
        """Use an approval up: its asker runs the action now, once; raise Stale where it is not to be had any more.

        What has changed since it was asked makes it void and is asked anew, as it is for what runs here.
        """
        found = await self._room.database.read(_own, id, requester.id)
        if found.state is ApprovalState.APPROVED and (drift := await self._execution.drifted(found)):
            raise Stale(
                f"Not run: {drift[0]}", remedy="It was asked anew." if drift[1] else "It may not run."
            )
        begun = await self._room.database.write(_consume, id, requester.id)
        # From now on it is waited for how it ends.
        self._deadlines.wake()
        return begun

    async def withdraw(self, id: str, requester: Principal, why: str) -> Approval:
        """Take a request back that its asker no longer wants decided; raise Stale where it is over."""
        await self._room.database.read(_own, id, requester.id)
        return await self._room.database.write(
            close, self._room, id, "cancel", actor=requester.id, reason=why
        )

    async def report(self, id: str, requester: Principal, result: str, exit_code: int | None) -> Approval:
        """Store what came of an action that its asker ran."""
        text = self._room.redact(result)
        return await self._room.database.write(_report, self._room, id, requester.id, text, exit_code)


def _moves(approval: Approval) -> bool:
    """Tell whether something is still going to happen to an approved action."""
    return approval.state in (ApprovalState.APPROVED, ApprovalState.RUNNING, ApprovalState.UNKNOWN)


def _own(tx: Query, id: str, requester: str) -> Approval:
    known = approvals.get(tx, id)
    if known.requester != requester or known.runs is not Runs.ASKER:
        raise AccessDenied("Only the program that asked may carry this out.")
    return known


def _consume(tx: Unit, id: str, requester: str) -> Approval:
    if _own(tx, id, requester).expires_at <= tx.now:
        raise Stale("The approval's time is over.", remedy="Ask again.")
    started = approvals.move(tx, id, "start", actor=requester, started_at=tx.now)
    approvals.note(tx, started, "execution", actor=requester)
    return started


def _report(tx: Unit, room: Room, id: str, requester: str, result: str, exit_code: int | None) -> Approval:
    known = _own(tx, id, requester)
    # A program that was thought lost knows best.
    event = "settle" if known.state is ApprovalState.UNKNOWN else "finish"
    done = approvals.finish(tx, id, event, result, exit_code, actor=requester)
    conclude(tx, room, done)
    return done
