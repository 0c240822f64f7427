"""Who may see which request, and each as it is shown to them."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from approvals.service import ApprovalService
from approvals.views import ApprovalView, Around, Redact, view
from kernel.approvals import Approval
from kernel.errors import NotFound, StoreError
from kernel.people import Principal, Role
from store import approval_trail, approvals
from store.approvals import Filter
from store.database import Database
from store.units import Query


def everybodys(principal: Principal) -> bool:
    """Tell whether a principal sees what others asked for: whoever may decide must."""
    return principal.role >= Role.OPERATOR


@dataclass(frozen=True, slots=True)
class Reading:
    """Reads requests for a principal; ``redact`` takes secrets out of every text."""

    service: ApprovalService
    database: Database
    redact: Redact

    async def visible(self, principal: Principal, ref: str) -> Approval:
        """Return a request by its id or short name; raise NotFound where there is none for this principal."""
        found = await self.database.read(approvals.by_ref, ref)
        if found is None or not (everybodys(principal) or principal.id in (found.requester, found.behalf)):
            raise NotFound(f"There is no request {ref!r}.", remedy="The list shows what there is.")
        return found

    async def listed(self, principal: Principal, wanted: Filter) -> list[Approval]:
        """Return the requests that match and that a principal may see, newest first."""
        seen = wanted if everybodys(principal) else replace(wanted, asker=principal.id)
        return await self.database.read(approvals.find, seen)

    async def shown(self, principal: Principal, approval: Approval) -> ApprovalView:
        """Return one request with everything about it."""
        around = await self.database.read(_around, approval.id)
        return self._veiled(principal, approval, view(approval, self.redact, around, whole=True))

    def rows(self, principal: Principal, found: Sequence[Approval]) -> list[ApprovalView]:
        """Return requests as a list shows them."""
        return [
            self._veiled(principal, approval, view(approval, self.redact, whole=False)) for approval in found
        ]

    def _veiled(self, principal: Principal, approval: Approval, shown: ApprovalView) -> ApprovalView:
        """Leave out what was read in a script that a command names, for those who may only see what they wrote."""
        text = approval.action.text
        if everybodys(principal) or all(reason.text in text for reason in approval.reasons):
            return shown
        reasons = [
            one if reason.text in text else replace(one, text="")
            for one, reason in zip(shown.reasons, approval.reasons, strict=True)
        ]
        return replace(shown, reasons=reasons, consequence="")

    async def opened(self, principal: Principal, approval: Approval) -> None:
        """Record that somebody looked at a request; reading goes on where nothing can be written."""
        with suppress(StoreError):
            await self.service.viewed(approval.id, principal.id)


def _around(q: Query, id: str) -> Around:
    follower = approvals.follower(q, id)
    return Around(
        tuple(name or principal for principal, name in approvals.votes(q, id)),
        follower.id if follower else "",
        tuple(approval_trail.trail(q, id)),
    )
