"""Batches: several requests of one tier decided together, after a preview of all of them."""

import hashlib
import hmac
from collections.abc import Sequence
from zoneinfo import ZoneInfo

from approvals.service import ApprovalService
from gateway.approvals import text
from kernel.approvals import Approval, How, Outcome
from kernel.clock import Clock
from kernel.messages import Address, Button, Outbound, Priority
from kernel.people import Principal
from kernel.risk import Tier
from kernel.specs import CommandReply
from store import approvals, outbox
from store.database import Database
from store.inbox import InboxRow
from store.outbox import Owed

TAP = "b"
LISTED = 50
FINGERPRINT_LENGTH = 16


def fingerprint(waiting: Sequence[Approval]) -> str:
    """Return a short hash of exactly these requests with exactly these actions."""
    joined = "\n".join(f"{item.id} {item.digest}" for item in waiting)
    return hashlib.sha256(joined.encode()).hexdigest()[:FINGERPRINT_LENGTH]


class Batches:
    """Offers, previews and carries out decisions about all waiting requests of a tier.

    What was previewed is what is decided: a request that came or went since makes the button stale.
    """

    def __init__(
        self,
        database: Database,
        service: ApprovalService,
        clock: Clock,
        zone: ZoneInfo,
    ) -> None:
        self._database = database
        self._service = service
        self._clock = clock
        self._zone = zone

    def offers(self, waiting: Sequence[Approval]) -> tuple[tuple[Button, ...], ...]:
        """Return buttons that preview a batch, for each tier with several requests; high tier has none."""
        rows: list[tuple[Button, ...]] = []
        for tier in (Tier.LOW, Tier.MEDIUM):
            count = sum(item.tier is tier for item in waiting)
            if count > 1:
                rows.append((Button(f"All {count} {tier} …", f"{TAP}:{tier}:show"),))
        return tuple(rows)

    async def _waiting(self, tier: Tier) -> list[Approval]:
        found = await self._database.read(approvals.waiting, LISTED)
        return [item for item in found if item.tier is tier]

    async def tapped(self, row: InboxRow, principal: Principal) -> str:
        """Preview a batch, or decide it."""
        _, name, verb, mark = (*row.inbound.tap.split(":"), "", "", "")[:4]
        if name not in (str(Tier.LOW), str(Tier.MEDIUM)):
            return "High risk is decided one by one."
        waiting = await self._waiting(Tier.named(name))
        if verb == "show":
            await self._preview(row.inbound.address, row.id, Tier.named(name), waiting)
            return f"{len(waiting)} requests"
        if not hmac.compare_digest(mark, fingerprint(waiting)):
            return "Something has changed since; look at /approvals again."
        return await self._decide(waiting, principal, approve=verb == "yes")

    async def _decide(self, waiting: Sequence[Approval], principal: Principal, *, approve: bool) -> str:
        verdicts = [
            await self._service.decide(item.id, principal, _how(item) if approve else How.REFUSE)
            for item in waiting
        ]
        applied = sum(verdict.outcome is Outcome.APPLIED for verdict in verdicts)
        word = "approved" if approve else "refused"
        others = [verdict.sentence for verdict in verdicts if verdict.outcome is not Outcome.APPLIED]
        return " ".join((f"{applied} {word}.", *others))

    async def _preview(self, place: Address, number: int, tier: Tier, waiting: Sequence[Approval]) -> None:
        reply = self.preview(tier, waiting)
        message = Outbound(place, reply.text, buttons=reply.buttons)
        await self._database.write(outbox.add, Owed(f"batch:{number}", message, Priority.QUESTION))

    def preview(self, tier: Tier, waiting: Sequence[Approval]) -> CommandReply:
        """Return the whole of every action in a batch, with the buttons that decide them together."""
        if not waiting:
            return CommandReply(f"No {tier} request waits.")
        shown = [f"`{item.short}`\n{text.fenced(item.action.text)}" for item in waiting]
        mark = fingerprint(waiting)
        count = len(waiting)
        buttons = (
            Button(f"✅ Approve all {count}", f"{TAP}:{tier}:yes:{mark}"),
            Button(f"❌ Refuse all {count}", f"{TAP}:{tier}:no:{mark}"),
        )
        return CommandReply("\n\n".join((f"**{count} requests, {tier} risk**", *shown)), (buttons,))


def _how(approval: Approval) -> How:
    """Return what approving means: what has a clock runs at once instead of waiting for it."""
    return How.ONCE if approval.veto_left is None else How.RUN_NOW
