"""Leave for what a coding agent wants to do: from the gate at once, from a person later, or never."""

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from agent.acp.errors import Withdrawn
from agent.acp.ports import Decisions
from agent.tools.terminal import surroundings
from kernel.approvals import Action, Approval, ApprovedCall, CallResult, canonical, digest
from kernel.errors import AccessDenied
from kernel.ports import Gate, Shelf
from kernel.specs import Tool
from kernel.states import ApprovalState
from kernel.turns import Held, ToolContext, TurnIO, TurnRequest

SHELF = "acp.granted"
# A request ends by itself long before; this only bounds one wait.
HOUR = 3600.0
HANDED = "Allowed; the coding agent carries it out."
VOID = (
    "A decision from before the restart was not used: the agent asked for something else, or in another session."
    " What it needs is asked anew."
)


@dataclass(slots=True)
class Leave:
    """Asks the gate for one session and waits for people.

    ``waiting`` are the requests nobody has decided yet, ``judging`` counts what the gate looks at right now, ``heard``
    the decided ones that a turn will be started for; ``foreign`` is the agent's own session, to which an earlier
    decision is bound.
    """

    gate: Gate
    decisions: Decisions
    shelf: Shelf
    changed: Callable[[], None]
    request: TurnRequest
    io: TurnIO
    foreign: str = ""
    waiting: set[str] = field(default_factory=set[str])
    heard: int = 0
    judging: int = 0
    _counts: Counter[str] = field(default_factory=Counter[str])
    _one_by_one: asyncio.Lock = field(default_factory=asyncio.Lock)

    def enter(self, request: TurnRequest, io: TurnIO) -> None:
        """Ask in the name of another turn from now on."""
        if request.id != self.request.id:
            self._counts.clear()
        self.request, self.io = request, io

    def key(self, tool: str, what: str) -> str:
        """Return a call's key: the same for the same call when a turn that a crash interrupted runs again."""
        hashed = hashlib.sha256(f"{tool}\n{what}".encode()).hexdigest()[:20]
        self._counts[hashed] += 1
        return f"acp:{hashed}:{self._counts[hashed]}"

    async def ask(self, action: Action) -> Approval | None:
        """Return once an action may be done; the request where a person decided. Raise AccessDenied or Withdrawn."""
        self.judging += 1
        try:
            branch = await asyncio.to_thread(surroundings.branch, action.cwd) if action.cwd else ""
            held = await self._judged(replace(action, branch=branch))
        finally:
            self.judging -= 1
        return await self.decided(held) if held is not None else None

    async def _judged(self, action: Action) -> Held | None:
        """Return what an action waits for, ``None`` where it may be done; raise AccessDenied."""
        if await self._granted(action):
            return None
        context = ToolContext(self.request, self.key(action.tool, canonical(action.arguments)), self.io)
        try:
            await self.gate.check(context, _tool(action), {})
        except Held as held:
            return held
        return None

    async def decided(self, held: Held) -> Approval:
        """Wait for a person and return the request once it is done; raise AccessDenied or Withdrawn where it is not."""
        self.waiting.add(held.id)
        self.changed()
        try:
            while (found := await self.decisions.wait(held.id, HOUR)).open:
                pass
        finally:
            self.waiting.discard(held.id)
        self.changed()
        if found.state is ApprovalState.CANCELLED:
            raise Withdrawn("It was stopped.")
        self.heard += 1
        if found.state is ApprovalState.DONE:
            return found
        raise AccessDenied(found.reason or "A person refused it, or nobody answered in time.")

    async def still_open(self) -> bool:
        """Tell whether every request that is waited for is really undecided at this moment."""
        found = [await self.decisions.wait(id, 0) for id in tuple(self.waiting)]
        return bool(found) and all(one.open for one in found) and len(found) == len(self.waiting)

    async def _granted(self, action: Action) -> bool:
        """Use up a decision from before a restart: once, for the same action in the same session of the agent."""
        async with self._one_by_one:
            kept = await self.shelf.get(self.request.session_id, SHELF)
            if not kept:
                return False
            grants: list[list[str]] = json.loads(kept)
            bound = await self.decisions.bind(action)
            mine = [digest(bound, f"agent:{self.request.session_id}"), self.foreign]
            if mine not in grants:
                return False
            grants.remove(mine)
            left = json.dumps(grants) if grants else ""
            await self.shelf.put(self.request.session_id, SHELF, left)
            return True

    async def void(self) -> str:
        """Forget the decisions that were not used, and return the sentence that says so; empty where there are none."""
        if not await self.shelf.get(self.request.session_id, SHELF):
            return ""
        await self.shelf.put(self.request.session_id, SHELF, "")
        return VOID


async def keep(shelf: Shelf, call: ApprovedCall, foreign: str) -> CallResult:
    """Keep a decision for the agent's resumed session, because the process that asked is gone."""
    kept = await shelf.get(call.session_id, SHELF)
    grants: list[list[str]] = json.loads(kept) if kept else []
    grants.append([digest(call.action, f"agent:{call.session_id}"), foreign])
    await shelf.put(call.session_id, SHELF, json.dumps(grants))
    return CallResult("Allowed once, when the coding agent asks for exactly this again.")


def _tool(action: Action) -> Tool:
    async def judged(_context: ToolContext, _arguments: object) -> Action:
        return action

    async def unused(_context: ToolContext) -> str:
        raise AccessDenied("The coding agent carries this out itself.")

    return Tool(action.tool, unused, idempotent=True, action=judged)
