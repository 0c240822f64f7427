"""The gate: every risky action becomes a request, a decision and at most one execution.

For those who build on it:

    service = ApprovalService(database, bus, clock, settings, policy, notifier, caller, redact=…)
    lost, ready = await service.open(group)               # after a start: recovery and clocks; before intake
    service.configure(settings, policy)                   # settings were read again
    await service.drain(seconds)                          # clocks stand, running actions get some time

    await service.check(context, tool, arguments)         # kernel.ports.Gate; passes, raises Held or AccessDenied
    await service.assess(action)      -> Assessed         # what would be asked, bound; nothing is stored
    await service.read(action)        -> Classification   # the verdict on a command's text alone
    await service.ask(requester, action, risk=…, timeout_ms=…, origin=…) -> Approval    # a program asks
    await service.wait(id, seconds)   -> Approval         # decided (with over=True: carried out), or time is up
    await service.consume(id, requester) -> Approval      # a program that runs the action itself uses the approval up
    await service.report(id, requester, result, exit_code) -> Approval

    await service.decide(ref, principal, how, reason=…, edited=…, reach=…, code=…) -> Verdict
    await service.obstacle(approval, principal, how) -> Verdict | None     # why that could not be decided now
    await service.settle(ref, principal, happened=…, note=…) -> Verdict    # an unknown outcome, told by a person
    await service.ask_again(ref, principal) -> Verdict    # what expired or became void, anew
    await service.cancel(session_id, actor) -> int        # /stop, /new
    await service.revoke(grant_id, principal) -> Grant
    await service.viewed(ref, actor)                      # a page or a card was opened
    await service.facts()                                 # for every status

``ref`` is an id or a short name. Reading (lists, filters, export, cards of a request) is in ``store.approvals`` and
``store.grants``; what a person reads about a request is in ``approvals.wording``.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from approvals.askers import Askers
from approvals.clock import Deadlines
from approvals.decisions import Choice, Decisions, cancel_of_session
from approvals.execution import Execution
from approvals.gate import Gate
from approvals.notifier import Notifier
from approvals.policy import Assessed, Policy
from approvals.requests import Asker
from approvals.room import Room
from approvals.settings import ApprovalSettings
from kernel.approvals import Action, Approval, Grant, How, Reach, Verdict
from kernel.bus import Bus
from kernel.clock import Clock, at
from kernel.errors import AccessDenied, NotFound
from kernel.events import Event
from kernel.messages import Address
from kernel.people import Principal, Role
from kernel.ports import ToolCaller
from kernel.risk import Classification, Tier
from kernel.specs import Tool
from kernel.turns import ToolContext
from store import approval_cards, approvals, grants
from store.database import Database
from store.units import Unit


class ApprovalService:
    """The one choke point: tools, programs and people meet here."""

    def __init__(
        self,
        database: Database,
        bus: Bus,
        clock: Clock,
        settings: ApprovalSettings,
        policy: Policy,
        notifier: Notifier,
        caller: ToolCaller,
        *,
        redact: Callable[[str], str] = str,
    ) -> None:
        self._room = Room(database, clock, settings, policy, notifier, caller, redact)
        self._bus = bus
        self._execution = Execution(self._room)
        self._deadlines = Deadlines(self._room, self._execution)
        self._decisions = Decisions(self._room, self._execution, self._deadlines)
        self._gate = Gate(self._room)
        self._askers = Askers(self._room, self._execution, self._deadlines)
        self._timer: asyncio.Task[None] | None = None
        self._unlisten: Sequence[Callable[[], None]] = ()

    # Life

    async def open(self, group: asyncio.TaskGroup) -> tuple[int, int]:
        """Take up what the last process left; return how many outcomes are unknown and how many actions run now."""
        self._unlisten = (
            self._bus.listen("approval.", self._heard),
            self._bus.listen("outbox.", self._deadlines.heard),
        )
        self._execution.open(group)
        await self._deadlines.load()
        found = await self._execution.recover()
        self._timer = group.create_task(self._deadlines.run(), name="approval deadlines")
        return found

    def configure(self, settings: ApprovalSettings, policy: Policy) -> None:
        """Judge and ask by new settings from now on; what is asked already keeps what it was asked with."""
        self._room.settings, self._room.policy = settings, policy
        self._deadlines.wake()

    def granted_until(self) -> int:
        """Return when a permission that is given now would end, in milliseconds."""
        return self._room.clock.now() + self._room.settings.grant_ms

    def wake(self) -> None:
        """Look at the deadlines now."""
        self._deadlines.wake()

    async def drain(self, seconds: float) -> int:
        """Stop the clocks, let running actions end for ``seconds`` at most; return how many did not."""
        if self._timer is not None:
            self._timer.cancel()
            await asyncio.wait((self._timer,))
            await self._deadlines.stand()
        left = await self._execution.idle(seconds)
        for unlisten in self._unlisten:
            unlisten()
        self._unlisten = ()
        return left

    def _heard(self, event: Event) -> None:
        self._deadlines.heard(event)
        self._askers.heard(event)

    # The gate

    async def assess(self, action: Action) -> Assessed:
        """Return an action as it would be asked about, bound as things are now."""
        return await asyncio.to_thread(self._room.policy.assess, action)

    async def read(self, action: Action) -> Classification:
        """Return the verdict on a command's text alone; no file that it names is opened."""
        return await asyncio.to_thread(self._room.policy.read, action)

    async def check(self, context: ToolContext, tool: Tool, arguments: Mapping[str, Any]) -> Action | None:
        """Let a tool's call pass, raise Held when a person must decide, or AccessDenied when it may never run."""
        return await self._gate.check(context, tool, arguments)

    async def attend(
        self, asker: Asker, action: Action, *, refuse: bool, also: Callable[[Unit, Approval], None]
    ) -> Action | Approval:
        """Return an action that may run now, or the request that a person must decide first.

        For what begins by itself, such as a scheduled job: a request is carried out here once it is approved. ``also``
        is part of the unit that stores it. Raises AccessDenied for what may never run, and with ``refuse`` (or where
        the settings refuse what nobody is there for) for what would have to be asked.
        """
        return await self._gate.attend(asker, action, refuse=refuse, also=also)

    # Programs that ask

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
        return await self._askers.ask(
            requester, action, risk=risk, timeout_ms=timeout_ms, origin=origin, behalf=behalf, also=also
        )

    async def wait(self, id: str, seconds: float, *, over: bool = False) -> Approval:
        """Return a request once it is decided, or with ``over`` once nothing is left to happen, or when time is up."""
        return await self._askers.wait(id, seconds, over=over)

    async def consume(self, id: str, requester: Principal) -> Approval:
        """Use an approval up: its asker runs the action now, once; raise Stale where it is not to be had any more.

        What has changed since it was asked makes it void and is asked anew, as it is for what runs here.
        """
        return await self._askers.consume(id, requester)

    async def withdraw(self, id: str, requester: Principal, why: str) -> Approval:
        """Take a request back that its asker no longer wants decided; raise Stale where it is over."""
        return await self._askers.withdraw(id, requester, why)

    async def report(self, id: str, requester: Principal, result: str, exit_code: int | None) -> Approval:
        """Store what came of an action that its asker ran."""
        return await self._askers.report(id, requester, result, exit_code)

    # People

    async def decide(
        self,
        ref: str | Approval,
        principal: Principal,
        how: How,
        *,
        reason: str = "",
        edited: str | None = None,
        reach: Reach = Reach.EXACT,
        code: str = "",
    ) -> Verdict:
        """Decide a request and return the honest answer to the one who decided.

        ``ref`` may be the request as it was just read, which spares another look at the store. ``edited`` is another
        text to approve in place of the one that was shown, ``reach`` how far a permission goes, ``code`` what a second
        channel received.
        """
        return await self._decisions.decide(ref, Choice(principal, how, reason, edited, reach, code))

    async def obstacle(self, approval: Approval, principal: Principal, how: How) -> Verdict | None:
        """Return why somebody could not decide a request in a certain way now, ``None`` where they could."""
        return await self._decisions.obstacle(approval, Choice(principal, how))

    async def settle(self, ref: str, principal: Principal, *, happened: bool, note: str = "") -> Verdict:
        """Store a person's word on an action during which the daemon stopped."""
        return await self._decisions.settle(ref, principal, happened=happened, note=note)

    async def ask_again(self, ref: str, principal: Principal) -> Verdict:
        """Ask anew for what expired or became void; the new request is the verdict's ``replacement``."""
        return await self._decisions.ask_again(ref, principal)

    async def cancel(self, session_id: str, actor: str) -> int:
        """Cancel a session's requests that were not carried out; return how many there were."""
        return await self._room.database.write(cancel_of_session, self._room, session_id, actor)

    async def revoke(self, grant_id: str, principal: Principal) -> Grant:
        """End a standing permission; operators end a session's, owners any."""
        found = await self._room.database.read(grants.get, grant_id)
        if principal.role < (Role.OPERATOR if found.session_id else Role.OWNER):
            raise AccessDenied("Only an owner revokes what was allowed for good.")
        return await self._room.database.write(grants.revoke, grant_id, actor=principal.id)

    async def viewed(self, ref: str, actor: str) -> None:
        """Record that somebody opened a request."""
        found = await self._room.database.read(approvals.by_ref, ref)
        if found is None:
            raise NotFound(f"There is no request {ref}.")
        await self._room.database.write(_view, found, actor)

    async def unshown(self) -> int:
        """Return how many messages that show a waiting request became dead letters."""
        return await self._room.database.read(approval_cards.unshown)

    async def facts(self) -> Mapping[str, Any]:
        """Return what every status says of the gate: how many requests are in which state, and its mode."""
        settings = self._room.settings
        counted = await self._room.database.read(approvals.counts)
        facts: dict[str, Any] = {f"approvals_{state}": count for state, count in counted.items()}
        mode = settings.mode_at(self._room.clock.now())
        if mode == "trust" and settings.trust_until is not None:
            until = at(int(settings.trust_until.timestamp() * 1000))
            facts["approvals_mode"] = f"trust until {until:%Y-%m-%d %H:%M} UTC"
        else:
            facts["approvals_mode"] = mode
        return facts


def _view(tx: Unit, approval: Approval, actor: str) -> None:
    approvals.note(tx, approval, "view", actor=actor)
