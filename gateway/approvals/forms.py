"""Forms of a card: refuse with a reason, and approve another text, where the platform can ask for a text after a tap.

A form's value is ``f:ID:FIELD:MAC``; the MAC is also over who opened it, so that what comes back is theirs and about
that very request. The text is a person's as any other: an edited action is judged afresh.
"""

import logging

from approvals.service import ApprovalService
from gateway.adapter import Form, Forms, ability
from gateway.approvals.buttons import Buttons, Field, Pressed, Verb
from gateway.approvals.scenery import Scenery
from kernel.approvals import Approval, How
from kernel.errors import HermesError
from kernel.people import Principal
from store import approvals
from store.database import Database
from store.inbox import InboxRow

log = logging.getLogger(__name__)

# What every platform's field takes; an action that is longer is edited by a command.
PRESET_LIMIT = 3000
FIELDS = {Verb.EDIT: Field.TEXT, Verb.REASON: Field.REASON}
NOT_OURS = "This form is not one of mine, or somebody else opened it."
NOT_EDITABLE = "This request cannot be edited; refuse it with a reason instead."
NO_TEXT = "There was no text, so nothing was decided."
BY_COMMAND = {
    Field.TEXT: "No form can be shown for this now. Write /edit {short} and the new text.",
    Field.REASON: "No form can be shown for this now. Write /deny {short} and the reason.",
}


class CardForms:
    """Opens the forms of cards, and carries out what was written into them."""

    def __init__(
        self, database: Database, service: ApprovalService, buttons: Buttons, scenery: Scenery
    ) -> None:
        self._database = database
        self._service = service
        self._buttons = buttons
        self._adapters = scenery.adapters
        self._redact = scenery.redact

    async def tapped(self, row: InboxRow, pressed: Pressed, principal: Principal) -> str | None:
        """Open the form of a button, or return the sentence that says why not."""
        approval = await self._database.read(approvals.get, pressed.approval_id)
        field = FIELDS[pressed.verb]
        how = How.ONCE if field is Field.TEXT else How.REFUSE
        if verdict := await self._service.obstacle(approval, principal, how):
            return verdict.sentence
        if field is Field.TEXT and not approval.action.editable:
            return NOT_EDITABLE
        if await self._open(row, self._form(approval, field, principal)):
            return None
        return BY_COMMAND[field].format(short=approval.short)

    def _form(self, approval: Approval, field: Field, principal: Principal) -> Form | None:
        value = self._buttons.field(approval.id, field, principal.id)
        if field is Field.REASON:
            return Form("Refuse with a reason", f"Why not {approval.short}?", value)
        # A text that holds a secret is not shown, and must not come back with a gap in its place.
        shown = approval.action.text
        if len(shown) > PRESET_LIMIT or self._redact(shown) != shown:
            return None
        return Form("Approve another text", f"Run instead of {approval.short}", value, shown, required=True)

    async def _open(self, row: InboxRow, form: Form | None) -> bool:
        adapter = self._adapters.get(row.inbound.address[:2])
        forms = ability(adapter, Forms) if adapter else None
        if form is None or forms is None:
            return False
        try:
            return await forms.open_form(row.inbound.tap_id, form)
        except HermesError as error:
            log.info("A form was not opened: %s", error)
            return False

    async def filled(self, row: InboxRow, principal: Principal) -> str:
        """Decide as somebody wrote into a form, and return the sentence for them."""
        found = self._buttons.filled(row.inbound.tap, principal.id)
        if found is None:
            return NOT_OURS
        approval_id, field = found
        text = row.inbound.text.strip()
        if field is Field.REASON:
            verdict = await self._service.decide(approval_id, principal, How.REFUSE, reason=text)
        elif not text:
            return NO_TEXT
        else:
            verdict = await self._service.decide(approval_id, principal, How.ONCE, edited=text)
        return verdict.sentence
