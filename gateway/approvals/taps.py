"""Taps on cards: each leads to an honest sentence for the one who tapped."""

from dataclasses import replace

from approvals import wording
from approvals.service import ApprovalService
from gateway.approvals import text
from gateway.approvals.buttons import Buttons, Pressed, Verb
from gateway.approvals.forms import FIELDS, CardForms
from gateway.approvals.lengthy import shown
from gateway.approvals.scenery import Scenery
from gateway.commands.conversation import short_time
from kernel.approvals import Approval, How, Verdict
from kernel.clock import Clock
from kernel.crashpoints import crashpoint
from kernel.messages import Address, Button, Outbound, Priority
from kernel.people import Principal
from kernel.states import OutboxState
from store import approval_cards, approvals, outbox
from store.database import Database
from store.inbox import InboxRow
from store.outbox import Owed
from store.units import Query

DECISIONS = {
    Verb.ONCE: How.ONCE,
    Verb.SESSION: How.SESSION,
    Verb.GRANT: How.ALWAYS,
    Verb.REFUSE: How.REFUSE,
    Verb.HOLD: How.HOLD,
    Verb.RELEASE: How.RELEASE,
    Verb.RUN: How.RUN_NOW,
}
NOT_OURS = "This button is not one of mine."
INCOMPLETE = (
    "Not all of this request could be shown here, so its button does not approve it. "
    "/approvals and its name shows all of it."
)


class CardTaps:
    """Carries out what a card's buttons say."""

    def __init__(
        self,
        database: Database,
        service: ApprovalService,
        buttons: Buttons,
        clock: Clock,
        scenery: Scenery,
        forms: CardForms,
    ) -> None:
        self._database = database
        self._forms = forms
        self._service = service
        self._buttons = buttons
        self._clock = clock
        self._scenery = scenery

    async def tapped(self, row: InboxRow, principal: Principal) -> str | None:
        """Handle a tap and return the sentence for the one who tapped; ``None`` where a form is shown instead."""
        pressed = self._buttons.read(row.inbound.tap)
        if pressed is None:
            return NOT_OURS
        crashpoint("approval.after_tap")
        if pressed.verb in FIELDS:
            return await self._forms.tapped(row, pressed, principal)
        if pressed.verb is Verb.ALWAYS:
            return await self._offer_grant(row, pressed, principal)
        how = DECISIONS.get(pressed.verb)
        if how is not None:
            return await self._decided(row, pressed.approval_id, principal, how)
        return (await self._verdict(pressed, principal)).sentence

    async def _decided(self, row: InboxRow, id: str, principal: Principal, how: How) -> str:
        """Decide with one look at the store: the request and what its card lacks are read together."""
        approval, lacking = await self._database.read(_seen, id, row.inbound.address)
        if lacking and how.approves:
            return INCOMPLETE
        return (await self._service.decide(approval, principal, how)).sentence

    async def _verdict(self, pressed: Pressed, principal: Principal) -> Verdict:
        ref = pressed.approval_id
        if pressed.verb is Verb.AGAIN:
            return await self._service.ask_again(ref, principal)
        return await self._service.settle(ref, principal, happened=pressed.verb is Verb.HAPPENED)

    async def _offer_grant(self, row: InboxRow, pressed: Pressed, principal: Principal) -> str:
        """Show the pattern and its end before it is granted."""
        approval = await self._database.read(approvals.get, pressed.approval_id)
        if verdict := await self._service.obstacle(approval, principal, How.ALWAYS):
            return verdict.sentence
        parts = self._granting(approval, row.inbound.address)
        parts[-1] = replace(parts[-1], buttons=((self._grant_button(approval),),))
        owed = [
            Owed(f"approval:{approval.id}:grant:{row.id}:{number}", part, Priority.QUESTION)
            for number, part in enumerate(parts)
        ]
        await self._database.write(outbox.add_all, owed)
        return "Look at what would be allowed."

    def _granting(self, approval: Approval, place: Address) -> list[Outbound]:
        """Return the messages that show what a permission would let pass, and until when."""
        scenery, listed = self._scenery, "/grants lists and revokes it."
        pattern = scenery.redact(wording.pattern(approval.action, exact=True))
        until = short_time(self._service.granted_until(), scenery.zone, self._clock.now())
        question = f"Always allow this, until {until}?"
        whole = f"{question}\n\n{text.fenced(pattern)}\n\n{listed}"
        return shown(approval, whole, f"{question} {listed}", place, scenery, action=pattern)

    def _grant_button(self, approval: Approval) -> Button:
        return self._buttons.make("✅ Approve and always allow", approval.id, Verb.GRANT)


def _seen(q: Query, id: str, place: Address) -> tuple[Approval, bool]:
    """Return a request, and whether parts of its card in a chat were not delivered.

    The message with the buttons was, being tapped.
    """
    here = (card for card in approval_cards.of_request(q, id) if card.message.address[:3] == place[:3])
    lacking = any(card.state is not OutboxState.SENT for card in here if not card.message.buttons)
    return approvals.get(q, id), lacking
