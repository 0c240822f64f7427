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
from dataclasses import dataclass
from typing import Any

from approvals import grants as permissions
from approvals import requests, wording
from approvals.clock import Deadlines
from approvals.decisions import Choice, Decisions, cancel_of_session
from approvals.execution import Execution
from approvals.notifier import Notifier
from approvals.policy import Assessed, Policy, raised
from approvals.requests import Asker
from approvals.room import Room, close, conclude
from approvals.settings import ApprovalSettings
from kernel.approvals import Action, Approval, Grant, How, Reach, Runs, Verdict, digest
from kernel.bus import Bus
from kernel.clock import Clock, at
from kernel.crashpoints import crashpoint
from kernel.errors import AccessDenied, NotFound, Stale
from kernel.events import Event, Scalar
from kernel.messages import Address
from kernel.people import Principal, Role
from kernel.ports import ToolCaller
from kernel.risk import Classification, Tier
from kernel.specs import Tool
from kernel.states import ApprovalState
from kernel.turns import Held, ToolContext
from store import approvals, grants, journal
from store.database import Database
from store.units import Query, Unit

# Principals that act without a person who could be asked meanwhile.
UNATTENDED = ("system", "cron:", "board:")


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of a call before anybody is asked: its request, whether it has a result, what lets it pass."""

    approval: Approval | None
    done: bool
    grant: Grant | None


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
        self._waiting: dict[str, set[asyncio.Event]] = {}
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
        for waiter in self._waiting.get(event.subject, ()):
            waiter.set()

    # The gate

    async def assess(self, action: Action) -> Assessed:
        """Return an action as it would be asked about, bound as things are now."""
        return await asyncio.to_thread(self._room.policy.assess, action)

    async def read(self, action: Action) -> Classification:
        """Return the verdict on a command's text alone; no file that it names is opened."""
        return await asyncio.to_thread(self._room.policy.read, action)

    async def check(self, context: ToolContext, tool: Tool, arguments: Mapping[str, Any]) -> Action | None:
        """Let a tool's call pass, raise Held when a person must decide, or AccessDenied when it may never run."""
        if tool.action is None:
            return None
        assessed = await self.assess(await tool.action(context, arguments))
        request = context.request
        if assessed.tier is Tier.NONE and request.attempt == 1:
            return assessed.action
        known = await self._room.database.read(self._known, context, assessed)
        if known.approval is not None:
            return self._answered(known, known.approval)
        if assessed.tier is Tier.NONE:
            return assessed.action
        if assessed.tier is Tier.DENY:
            await self._refuse(context, assessed)
        if await self._passes(context, assessed, known.grant):
            return assessed.action
        await self._hold(context, assessed)
        return None

    def _known(self, q: Query, context: ToolContext, assessed: Assessed) -> _Known:
        request, key = context.request, context.call_key
        grant = None
        if assessed.tier in (Tier.LOW, Tier.MEDIUM):
            keys, now = permissions.keys(assessed.action), self._room.clock.now()
            grant = grants.match(q, keys, assessed.tier, request.session_id, now)
        return _Known(approvals.of_call(q, request.id, key), journal.is_done(q, request.id, key), grant)

    def _answered(self, known: _Known, approval: Approval) -> Action:
        """Answer a call that was asked about before a crash; one with a stored result passes and is replayed."""
        if known.done:
            return approval.action
        if approval.open or approval.granted:
            raise Held(approval.id, wording.held(approval))
        raise AccessDenied(wording.decided(approval))

    async def _refuse(self, context: ToolContext, assessed: Assessed) -> None:
        await self._record(context, assessed, "gate.deny", rule=assessed.classification.reasons[0].rule)
        raise AccessDenied(wording.refusal(assessed))

    async def _passes(self, context: ToolContext, assessed: Assessed, grant: Grant | None) -> bool:
        """Tell whether an action passes unasked: by a standing permission, or while everything is trusted."""
        mode = self._room.settings.mode_at(self._room.clock.now())
        if mode == "deny":
            await self._record(context, assessed, "gate.deny", rule="mode")
            raise AccessDenied(
                f"Refused: {wording.consequence(assessed)} Nothing risky is allowed at present."
            )
        if grant is not None:
            return await self._use(context, assessed, grant)
        if mode == "trust" and assessed.tier <= Tier.MEDIUM:
            await self._record(context, assessed, "gate.trust", tier=str(assessed.tier))
            return True
        return False

    async def _use(self, context: ToolContext, assessed: Assessed, grant: Grant) -> bool:
        request = context.request
        try:
            await self._room.database.write(
                grants.use,
                grant,
                actor=request.principal.id,
                digest=_digest(context, assessed),
                turn_id=request.id,
                call_key=context.call_key,
            )
        except Stale:
            return False
        return True

    async def _record(self, context: ToolContext, assessed: Assessed, kind: str, **body: Scalar) -> None:
        hashed = _digest(context, assessed)
        actor = context.request.principal.id
        await self._room.database.write(
            _emit, kind, context.request.id, actor, digest=hashed, tool=assessed.action.tool, **body
        )

    async def _hold(self, context: ToolContext, assessed: Assessed) -> None:
        request = context.request
        alone = request.principal.id.startswith(UNATTENDED)
        if alone and self._room.settings.unattended == "refuse":
            await self._record(context, assessed, "gate.deny", rule="unattended")
            raise AccessDenied(f"Refused: {wording.consequence(assessed)} Nobody is here to be asked.")
        new = requests.draft(self._room, assessed, _asker(context))
        crashpoint("approval.before_request")
        stored = await self._room.database.write(requests.commit, self._room, new, requests.names())
        crashpoint("approval.after_request")
        raise Held(stored.id, wording.held(stored))

    # What runs without a turn

    async def attend(
        self, asker: Asker, action: Action, *, refuse: bool, also: Callable[[Unit, Approval], None]
    ) -> Action | Approval:
        """Return an action that may run now, or the request that a person must decide first.

        For what begins by itself, such as a scheduled job: a request is carried out here once it is approved. ``also``
        is part of the unit that stores it. Raises AccessDenied for what may never run, and with ``refuse`` (or where
        the settings refuse what nobody is there for) for what would have to be asked.
        """
        assessed = await self.assess(action)
        if assessed.tier is Tier.NONE:
            return assessed.action
        if assessed.tier is Tier.DENY:
            raise AccessDenied(wording.refusal(assessed))
        if await self._attended(asker, assessed):
            return assessed.action
        if refuse or self._room.settings.unattended == "refuse":
            raise AccessDenied(f"Refused: {wording.consequence(assessed)} Nobody is here to be asked.")
        new = requests.draft(self._room, assessed, asker)
        crashpoint("approval.before_request")
        stored = await self._room.database.write(_commit_also, self._room, new, requests.names(), also)
        crashpoint("approval.after_request")
        return stored

    async def _attended(self, asker: Asker, assessed: Assessed) -> bool:
        """Tell whether an action without a turn passes by a standing permission, or while everything is trusted."""
        room, now = self._room, self._room.clock.now()
        mode = room.settings.mode_at(now)
        if mode == "deny":
            raise AccessDenied("Refused: nothing risky is allowed at present.")
        hashed = digest(assessed.action, asker.requester)
        if assessed.tier <= Tier.MEDIUM:
            found = await room.database.read(
                grants.match, permissions.keys(assessed.action), assessed.tier, "", now
            )
            if found is not None:
                return await self._pass_by(found, asker, hashed)
        if mode == "trust" and assessed.tier <= Tier.MEDIUM:
            await room.database.write(
                _emit,
                "gate.trust",
                asker.call_key,
                asker.requester,
                digest=hashed,
                tool=assessed.action.tool,
                tier=str(assessed.tier),
            )
            return True
        return False

    async def _pass_by(self, grant: Grant, asker: Asker, hashed: str) -> bool:
        try:
            await self._room.database.write(
                grants.use, grant, actor=asker.requester, digest=hashed, turn_id="", call_key=asker.call_key
            )
        except Stale:
            return False
        return True

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
        assessed = raised(await self.assess(action), max(risk, Tier.MEDIUM))
        if assessed.tier is Tier.DENY:
            raise AccessDenied(wording.refusal(assessed))
        if self._room.settings.mode_at(self._room.clock.now()) == "deny":
            raise AccessDenied("Refused: nothing risky is allowed at present.")
        asker = Asker(requester.id, behalf or requester.id, origin, runs=Runs.ASKER)
        new = requests.draft(self._room, assessed, asker, timeout_ms=timeout_ms)
        crashpoint("approval.before_request")
        stored = await self._room.database.write(
            _commit_also, self._room, new, requests.names(), also or _nothing_more
        )
        crashpoint("approval.after_request")
        return stored

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
        return await self._room.database.read(approvals.unshown)

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


def _commit_also(
    tx: Unit, room: Room, new: Approval, shorts: tuple[str, ...], also: Callable[[Unit, Approval], None]
) -> Approval:
    stored = requests.commit(tx, room, new, shorts)
    also(tx, stored)
    return stored


def _nothing_more(_tx: Unit, _stored: Approval) -> None:
    """Store nothing beside the request."""


def _asker(context: ToolContext) -> Asker:
    request = context.request
    return Asker(
        f"agent:{request.session_id}",
        request.principal.id,
        request.address,
        request.session_id,
        request.id,
        context.call_key,
    )


def _digest(context: ToolContext, assessed: Assessed) -> str:
    return digest(assessed.action, _asker(context).requester)


def _moves(approval: Approval) -> bool:
    """Tell whether something is still going to happen to an approved action."""
    return approval.state in (ApprovalState.APPROVED, ApprovalState.RUNNING, ApprovalState.UNKNOWN)


def _emit(tx: Unit, kind: str, subject: str, actor: str, **body: Scalar) -> None:
    tx.emit(kind, subject, actor=actor, **body)


def _view(tx: Unit, approval: Approval, actor: str) -> None:
    approvals.note(tx, approval, "view", actor=actor)


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
