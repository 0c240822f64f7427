"""The gate proper: what passes, what is refused, and what a person is asked about first."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from approvals import grants as permissions
from approvals import requests, wording
from approvals.policy import Assessed
from approvals.requests import Asker
from approvals.room import Room
from kernel.approvals import Action, Approval, Grant, digest
from kernel.errors import AccessDenied, Stale
from kernel.events import Scalar
from kernel.risk import Tier
from kernel.specs import Tool
from kernel.turns import Held, ToolContext
from store import approvals, grants, journal
from store.units import Query, Unit

# Principals that act without a person who could be asked meanwhile.
UNATTENDED = ("system", "cron:", "board:")


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of a call before anybody is asked: its request, whether it has a result, what lets it pass."""

    approval: Approval | None
    done: bool
    grant: Grant | None


class Gate:
    """Judges what tools and scheduled work are about to do, and stores the request where somebody must decide."""

    def __init__(self, room: Room) -> None:
        self._room = room

    async def _assess(self, action: Action) -> Assessed:
        return await asyncio.to_thread(self._room.policy.assess, action)

    async def check(self, context: ToolContext, tool: Tool, arguments: Mapping[str, Any]) -> Action | None:
        """Let a tool's call pass, raise Held when a person must decide, or AccessDenied when it may never run."""
        if tool.action is None:
            return None
        assessed = await self._assess(await tool.action(context, arguments))
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
        stored = await requests.store(self._room, new)
        raise Held(stored.id, wording.held(stored))

    async def attend(
        self, asker: Asker, action: Action, *, refuse: bool, also: Callable[[Unit, Approval], None]
    ) -> Action | Approval:
        """Return an action that may run now, or the request that a person must decide first.

        For what begins by itself, such as a scheduled job: a request is carried out here once it is approved. ``also``
        is part of the unit that stores it. Raises AccessDenied for what may never run, and with ``refuse`` (or where
        the settings refuse what nobody is there for) for what would have to be asked.
        """
        assessed = await self._assess(action)
        if assessed.tier is Tier.NONE:
            return assessed.action
        if assessed.tier is Tier.DENY:
            raise AccessDenied(wording.refusal(assessed))
        if await self._attended(asker, assessed):
            return assessed.action
        if refuse or self._room.settings.unattended == "refuse":
            raise AccessDenied(f"Refused: {wording.consequence(assessed)} Nobody is here to be asked.")
        new = requests.draft(self._room, assessed, asker)
        return await requests.store(self._room, new, also)

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


def _emit(tx: Unit, kind: str, subject: str, actor: str, **body: Scalar) -> None:
    tx.emit(kind, subject, actor=actor, **body)
