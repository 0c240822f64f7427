"""Cards: the messages that ask for a decision, in every place that is to be told, and their edits afterwards."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from approvals import wording
from approvals.settings import ApprovalSettings
from gateway.access import Access
from gateway.adapter import Adapter
from gateway.approvals import text
from gateway.approvals.buttons import Buttons, Verb
from gateway.pieces import pieces
from kernel.approvals import Approval
from kernel.clock import Clock, at
from kernel.errors import InvalidInput
from kernel.messages import Address, Button, Outbound, OutboundKind, Priority, parse_address
from kernel.people import Role
from kernel.risk import Tier
from kernel.states import ApprovalState, OutboxState
from store import approvals, channels
from store.outbox import Owed
from store.units import Query

Rows = tuple[tuple[Button, ...], ...]


@dataclass(frozen=True, slots=True)
class Scenery:
    """Where cards appear: the adapters, the owner's timezone, and the page's public address (may be empty)."""

    adapters: Mapping[tuple[str, str], Adapter]
    zone: ZoneInfo
    public_url: str


class Cards:
    """Makes the messages about requests (``approvals.notifier.Notifier``).

    ``is_group`` tells whether several people read a chat.
    """

    def __init__(
        self,
        buttons: Buttons,
        access: Access,
        clock: Clock,
        scenery: Scenery,
        settings: ApprovalSettings,
        is_group: Callable[[Address], bool],
    ) -> None:
        self._buttons = buttons
        self._access = access
        self._clock = clock
        self._scenery = scenery
        self._settings = settings
        self._is_group = is_group

    def configure(self, settings: ApprovalSettings) -> None:
        """Use new settings."""
        self._settings = settings

    def asked(self, q: Query, approval: Approval) -> Sequence[Owed]:
        """Return the cards that ask, for every place that is to be told first."""
        return [owed for place in self._places(q, approval) for owed in self._card(approval, place)]

    def _places(self, q: Query, approval: Approval) -> list[Address]:
        """Return where to ask: the chat it came from if somebody there may decide, else the home channels."""
        if approval.origin is not None and self._decides_at(approval, approval.origin):
            return [approval.origin]
        return list(channels.homes(q).values())

    def _decides_at(self, approval: Approval, place: Address) -> bool:
        allowed = self._settings.approvers
        behalf = self._access.principal_of(approval.behalf)
        may = behalf.id in allowed if allowed else behalf.role >= Role.OPERATOR
        return may or self._is_group(place)

    def _adapter(self, place: Address) -> Adapter | None:
        return self._scenery.adapters.get((place.platform, place.account))

    def _link(self, approval: Approval) -> str:
        base = self._scenery.public_url
        return f"{base}/approvals#{approval.id}" if base else ""

    def _card(self, approval: Approval, place: Address, step: int = 0) -> list[Owed]:
        """Return the messages of one card; its buttons stand under the last, which is sent after all the others."""
        now = self._clock.now()
        parts = pieces(
            text.asking(approval, self._scenery.zone, now, self._link(approval)), self._adapter(place)
        )
        silent = self._settings.quiet.quiet(approval.tier, at(now).astimezone(self._scenery.zone))
        last = len(parts) - 1
        return [
            Owed(
                f"approval:{approval.id}:card:{step}:{place}:{number}",
                Outbound(
                    place,
                    part,
                    buttons=self.choices(approval) if number == last else (),
                    silent=silent or number != last,
                ),
                Priority.QUESTION,
                approval.session_id,
                approval.turn_id,
            )
            for number, part in enumerate(parts)
        ]

    def choices(self, approval: Approval) -> Rows:
        """Return the buttons that a request offers now."""

        def make(label: str, verb: Verb) -> Button:
            return self._buttons.make(label, approval.id, verb)

        refuse = make("❌ Refuse", Verb.REFUSE)
        if approval.state is ApprovalState.EXPIRED:
            return ((make("🔁 Ask again", Verb.AGAIN),),)
        if approval.state is ApprovalState.UNKNOWN:
            return ((make("It happened", Verb.HAPPENED), make("It did not", Verb.FAILED)),)
        if not approval.open:
            return ()
        if approval.tier is Tier.HIGH:
            return ((make("✅ Approve once", Verb.ONCE), refuse),)
        if approval.veto_left is not None:
            hold = (
                make("▶️ Release", Verb.RELEASE)
                if approval.state is ApprovalState.HELD
                else make("✋ Hold", Verb.HOLD)
            )
            return ((make("✅ Run now", Verb.RUN), make("❌ Stop", Verb.REFUSE), hold),)
        return (
            (make("✅ Approve", Verb.ONCE), refuse),
            (make("For this session", Verb.SESSION), make("Always …", Verb.ALWAYS)),
        )

    def escalated(self, q: Query, approval: Approval) -> Sequence[Owed]:
        """Return the cards for the next place of the escalation."""
        places = self._settings.escalation.places
        if approval.escalation > len(places):
            return ()
        place = self._place(q, places[approval.escalation - 1])
        return self._card(approval, place, approval.escalation) if place else ()

    def _place(self, q: Query, written: str) -> Address | None:
        try:
            address = parse_address(written)
        except InvalidInput:
            return None
        known = channels.account_of(q, address.platform, address.chat)
        accounts = [account for platform, account in self._scenery.adapters if platform == address.platform]
        return address._replace(account=known or accounts[0]) if accounts else None

    def changed(self, q: Query, approval: Approval) -> Sequence[Owed]:
        """Return the edits that show a new state on every card."""
        now = self._clock.now()
        if approval.open:
            shown = text.asking(approval, self._scenery.zone, now, self._link(approval))
        else:
            shown = text.ended(approval, self._scenery.zone, now)
        edits: list[Owed] = []
        for row in approvals.cards(q, approval.id):
            if row.state is not OutboxState.SENT or not row.message.buttons or not row.receipt:
                continue
            place = row.message.address
            part = (
                pieces(shown, self._adapter(place))[-1]
                if approval.open
                else pieces(shown, self._adapter(place))[0]
            )
            edit = Outbound(
                place,
                part,
                OutboundKind.EDIT,
                self.choices(approval),
                replaces=row.receipt[-1],
                silent=True,
            )
            key = f"approval:{approval.id}:{approval.state}:{now}:{row.id}"
            edits.append(Owed(key, edit, Priority.REPLY, approval.session_id))
        return edits

    def lost(self, q: Query, approval: Approval) -> Sequence[Owed]:
        """Return the question to the owner what became of an action during which the daemon stopped."""
        told = f"❔ {wording.lost(approval)}\n\n{text.fenced(approval.action.text)}"
        return [
            Owed(
                f"approval:{approval.id}:lost:{place}",
                Outbound(place, told, buttons=self.choices(approval)),
                Priority.QUESTION,
                approval.session_id,
            )
            for place in self._places(q, approval)
        ]

    def code(self, q: Query, approval: Approval, code: str, asker: str) -> Sequence[Owed]:
        """Return the message that brings a one-time code to the home channels of the other platforms."""
        platform = asker.partition(":")[0]
        told = (
            f"🔑 The code for `{approval.short}` is **{code}**. {asker} wants to approve:\n\n"
            f"{text.fenced(approval.action.text)}\n\nType `/approve {approval.short} {code}` where you were asked."
        )
        return [
            Owed(f"approval:{approval.id}:code:{code}:{place}", Outbound(place, told), Priority.QUESTION)
            for name, place in channels.homes(q).items()
            if name != platform
        ]
