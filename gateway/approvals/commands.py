"""Commands about approvals: list, decide by a short name, edit, and the standing permissions."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from approvals.service import ApprovalService
from gateway.approvals import text
from gateway.approvals.batches import offers
from gateway.approvals.lengthy import shown
from gateway.approvals.scenery import Scenery
from kernel.approvals import Approval, How
from kernel.clock import Clock, short_time
from kernel.errors import InvalidInput
from kernel.people import Principal, Role
from kernel.risk import Tier
from kernel.specs import Command, CommandCall, CommandReply
from store import approvals, grants
from store.database import Database

LISTED = 20
CODE = re.compile(r"\d{6}")
TIERS = ("low", "medium", "high")


@dataclass(frozen=True, slots=True)
class Parts:
    """What the commands work with."""

    database: Database
    service: ApprovalService
    clock: Clock
    scenery: Scenery


class ApprovalCommands:
    """``/approvals /approve /deny /edit /grants``."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._service = parts.service

    def commands(self) -> Sequence[Command]:
        """Return the commands in the order of the help."""
        operator = Role.OPERATOR
        return (
            Command("approvals", "List what waits for a decision.", self.list, "[tier | ID]", role=operator),
            Command(
                "approve",
                "Approve a request.",
                self.approve,
                "ID [session | always | CODE | reason]",
                role=operator,
            ),
            Command(
                "deny", "Refuse a request.", self.deny, "ID [reason]", aliases=("refuse",), role=operator
            ),
            Command("edit", "Approve another text than was asked.", self.edit, "ID new text", role=operator),
            Command(
                "grants", "List or revoke standing permissions.", self.grants, "[revoke ID]", role=operator
            ),
        )

    async def list(self, call: CommandCall) -> CommandReply:
        """List what waits, with buttons for each tier that has several; or show the whole of one request."""
        word = call.args.strip()
        if word and word.lower() not in TIERS:
            return await self._shown(word, call)
        waiting = await self._parts.database.read(approvals.waiting, LISTED)
        if word:
            waiting = [item for item in waiting if str(item.tier) == word.lower()]
        if not waiting:
            return CommandReply("Nothing waits for a decision.")
        listed = text.digest(waiting, self._parts.scenery.zone, self._parts.clock.now())
        return CommandReply(self._parts.scenery.redact(listed), offers(waiting))

    async def _shown(self, ref: str, call: CommandCall) -> CommandReply:
        approval = await self._request(ref)
        await self._service.viewed(approval.id, call.principal.id)
        scenery, now = self._parts.scenery, self._parts.clock.now()
        if not approval.open:
            return CommandReply(scenery.redact(text.ended(approval, scenery.zone, now)))
        decide = f"/approve {approval.short} or /deny {approval.short} decides."
        whole = scenery.redact(text.asking(approval, scenery.zone, now, ""))
        terms = scenery.redact(text.terms(approval, scenery.zone, now, ""))
        about = f"{text.head(approval)}\n\n{terms}\n\n{decide}"
        parts = shown(approval, f"{whole}\n\n{decide}", about, call.address, scenery)
        return CommandReply(parts[-1].text, before=tuple(parts[:-1]))

    async def _request(self, ref: str) -> Approval:
        if not ref:
            raise InvalidInput(
                "Which request? Its name stands behind the command.", remedy="/approvals lists what waits."
            )
        found = await self._parts.database.read(approvals.by_ref, ref)
        if found is None:
            raise InvalidInput(f"There is no request {ref!r}.", remedy="/approvals lists what waits.")
        return found

    async def approve(self, call: CommandCall) -> CommandReply:
        """Approve by a short name; ``session`` approves for the session, a number is the code of a second step."""
        ref, _, rest = call.args.partition(" ")
        approval = await self._request(ref)
        word = rest.strip()
        how = {"session": How.SESSION, "always": How.ALWAYS}.get(word, How.ONCE)
        if approval.tier is Tier.LOW and approval.veto_left is not None:
            how = How.RUN_NOW
        code = word if CODE.fullmatch(word) else ""
        reason = "" if code or word in ("session", "always") else word
        verdict = await self._service.decide(approval, call.principal, how, reason=reason, code=code)
        return CommandReply(verdict.sentence)

    async def deny(self, call: CommandCall) -> CommandReply:
        """Refuse by a short name; the reason reaches the agent."""
        ref, _, reason = call.args.partition(" ")
        approval = await self._request(ref)
        verdict = await self._service.decide(approval, call.principal, How.REFUSE, reason=reason.strip())
        return CommandReply(verdict.sentence)

    async def edit(self, call: CommandCall) -> CommandReply:
        """Approve an edited text, which is judged afresh."""
        ref, _, wanted = call.args.partition(" ")
        approval = await self._request(ref)
        if not wanted.strip():
            raise InvalidInput("There is no new text.", remedy=f"Write /edit {approval.short} and the text.")
        if not approval.action.editable:
            raise InvalidInput("This request cannot be edited.", remedy="Refuse it with a reason instead.")
        verdict = await self._service.decide(approval, call.principal, How.ONCE, edited=wanted.strip())
        return CommandReply(verdict.sentence)

    async def grants(self, call: CommandCall) -> CommandReply:
        """List or revoke standing permissions."""
        verb, _, id = call.args.partition(" ")
        if verb == "revoke" and id.strip():
            return await self._revoke(id.strip(), call.principal)
        now = self._parts.clock.now()
        found = await self._parts.database.read(grants.listed, now)
        if not found:
            return CommandReply("There are no standing permissions.")
        lines = [
            f"- `{item.id}` {'this session' if item.session_id else 'everywhere'}: "
            f"{text.code(self._parts.scenery.redact(item.pattern))} until "
            f"{short_time(item.expires_at, self._parts.scenery.zone, now)}, used {item.uses} times"
            for item in found
        ]
        return CommandReply("\n".join((*lines, "", "/grants revoke ID ends one.")))

    async def _revoke(self, id: str, principal: Principal) -> CommandReply:
        revoked = await self._service.revoke(id, principal)
        return CommandReply(f"Revoked: {text.code(self._parts.scenery.redact(revoked.pattern))}.")
