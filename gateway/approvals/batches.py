"""Batches: several requests of one tier decided together, after a preview of all of them."""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import replace

from approvals.service import ApprovalService
from gateway.approvals import text
from gateway.approvals.lengthy import MOST_MESSAGES, filed, takes_files
from gateway.approvals.scenery import Scenery
from gateway.pieces import pieces
from kernel.approvals import Approval, How, Outcome
from kernel.messages import Button, Outbound, OutboundKind, Priority
from kernel.people import Principal, Role
from kernel.risk import Tier
from kernel.states import OutboxState
from store import approvals, outbox
from store.database import Database
from store.inbox import InboxRow
from store.outbox import Owed
from store.units import Query

Rows = tuple[tuple[Button, ...], ...]

TAP = "b"
LISTED = 50
FINGERPRINT_LENGTH = 16
TIERS = (Tier.LOW, Tier.MEDIUM)


def fingerprint(waiting: Sequence[Approval]) -> str:
    """Return a short hash of exactly these requests with exactly these actions."""
    joined = "\n".join(f"{item.id} {item.digest}" for item in waiting)
    return hashlib.sha256(joined.encode()).hexdigest()[:FINGERPRINT_LENGTH]


def offers(waiting: Sequence[Approval]) -> Rows:
    """Return buttons that preview a batch, for each tier with several requests; high tier has none."""
    counts = {tier: sum(item.tier is tier for item in waiting) for tier in TIERS}
    return tuple(
        (Button(f"All {count} {tier} …", f"{TAP}:{tier}:show"),)
        for tier, count in counts.items()
        if count > 1
    )


class Batches:
    """Previews and carries out decisions about all waiting requests of a tier.

    What was previewed is what is decided: a request that came or went since makes the button stale.
    """

    def __init__(
        self,
        database: Database,
        service: ApprovalService,
        scenery: Scenery,
    ) -> None:
        self._database = database
        self._service = service
        self._scenery = scenery

    async def _waiting(self, tier: Tier) -> list[Approval]:
        found = await self._database.read(approvals.waiting, LISTED)
        return [item for item in found if item.tier is tier]

    async def tapped(self, row: InboxRow, principal: Principal) -> str:
        """Preview a batch, or decide it."""
        _, name, verb, mark, number = (*row.inbound.tap.split(":"), "", "", "", "")[:5]
        if principal.role < Role.OPERATOR:
            return "Only operators and owners decide."
        if name not in map(str, TIERS):
            return "High risk is decided one by one."
        waiting = await self._waiting(Tier.named(name))
        if verb == "show":
            return await self._preview(row, Tier.named(name), waiting)
        if not hmac.compare_digest(mark.encode(), fingerprint(waiting).encode()):
            return "Something has changed since; look at /approvals again."
        if verb == "yes" and not await self._database.read(_delivered, number):
            return "Not all of these requests could be shown here, so they cannot be approved here."
        told = await self._decide(waiting, principal, approve=verb == "yes")
        await self._database.write(outbox.add, _over(row, told))
        return told

    async def _decide(self, waiting: Sequence[Approval], principal: Principal, *, approve: bool) -> str:
        verdicts = [
            await self._service.decide(item, principal, _how(item) if approve else How.REFUSE)
            for item in waiting
        ]
        applied = sum(verdict.outcome is Outcome.APPLIED for verdict in verdicts)
        word = "approved" if approve else "refused"
        others = [verdict.sentence for verdict in verdicts if verdict.outcome is not Outcome.APPLIED]
        return " ".join((f"{applied} {word}.", *dict.fromkeys(others)))

    async def _preview(self, row: InboxRow, tier: Tier, waiting: Sequence[Approval]) -> str:
        if not waiting:
            return f"No {tier} request waits."
        parts, buttons = self._shown(row, tier, waiting), _buttons(tier, waiting, row.id)
        last = len(parts) - 1
        owed = [
            Owed(
                f"batch:{row.id}:{number}",
                replace(part, buttons=buttons if number == last else (), silent=number != last),
                Priority.QUESTION,
            )
            for number, part in enumerate(parts)
        ]
        await self._database.write(outbox.add_all, owed)
        return f"{len(waiting)} requests"

    def _shown(self, row: InboxRow, tier: Tier, waiting: Sequence[Approval]) -> list[Outbound]:
        """Return the messages with the whole of every action in a batch, or the file with it and a list."""
        place, scenery, redact = row.inbound.address, self._scenery, self._scenery.redact
        adapter, head = scenery.adapter(place), f"**{len(waiting)} requests, {tier} risk**"
        actions = ["\n".join((f"`{item.short}`", *text.blocks(redact(item.action.text)))) for item in waiting]
        parts = pieces("\n\n".join((head, *actions)), adapter)
        if len(parts) <= MOST_MESSAGES or not takes_files(place, scenery):
            return [Outbound(place, part) for part in parts]
        whole = "\n\n".join(f"{item.short}\n{redact(item.action.text)}" for item in waiting)
        file = filed(
            f"batch-{row.id}", f"{tier}-requests", f"these {len(waiting)} requests", whole, place, scenery
        )
        latest = max(item.created_at for item in waiting)
        lines = [redact(text.line(item, scenery.zone, latest)) for item in waiting]
        return [file, *(Outbound(place, part) for part in pieces("\n".join((head, "", *lines)), adapter))]


def _buttons(tier: Tier, waiting: Sequence[Approval], number: int) -> Rows:
    """Return the buttons that decide a batch as it is now."""
    mark, count = f"{fingerprint(waiting)}:{number}", len(waiting)
    return (
        (
            Button(f"✅ Approve all {count}", f"{TAP}:{tier}:yes:{mark}"),
            Button(f"❌ Refuse all {count}", f"{TAP}:{tier}:no:{mark}"),
        ),
    )


def _delivered(q: Query, number: str) -> bool:
    """Tell whether every message of a preview was delivered; the one with the buttons was, being tapped."""
    part = 0
    while (row := outbox.by_key(q, f"batch:{number}:{part}")) is not None and not row.message.buttons:
        if row.state is not OutboxState.SENT:
            return False
        part += 1
    return row is not None


def _over(row: InboxRow, told: str) -> Owed:
    """Return the edit that puts what came of a batch in place of its preview."""
    edit = Outbound(
        row.inbound.address, told, OutboundKind.EDIT, replaces=row.inbound.message_id, silent=True
    )
    return Owed(f"batch:{row.id}:over", edit, Priority.REPLY)


def _how(approval: Approval) -> How:
    """Return what approving means: what has a clock runs at once instead of waiting for it."""
    return How.ONCE if approval.veto_left is None else How.RUN_NOW
