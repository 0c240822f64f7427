"""Cards: the messages that ask for a decision, in every place that is to be told, and their edits afterwards."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from approvals import wording
from approvals.settings import ApprovalSettings
from gateway.access import Access
from gateway.adapter import Adapter, Forms
from gateway.approvals import text
from gateway.approvals.batches import offers
from gateway.approvals.buttons import Buttons, Verb
from gateway.approvals.lengthy import shown
from gateway.approvals.scenery import Scenery
from gateway.local import in_editor
from gateway.pieces import pieces
from kernel.approvals import Approval
from kernel.clock import Clock, at
from kernel.errors import InvalidInput
from kernel.events import Event
from kernel.messages import Address, Button, Outbound, OutboundKind, Priority, parse_address
from kernel.people import Role
from kernel.risk import Tier
from kernel.states import ApprovalState, OutboxState
from store import approval_cards, approvals, channels, outbox
from store.database import Database
from store.outbox import OutboxRow, Owed
from store.units import Query, Unit

Rows = tuple[tuple[Button, ...], ...]
LISTED = 20
LATEST = 200
ON_THE_WAY = (OutboxState.PENDING, OutboxState.SENDING, OutboxState.UNCERTAIN)


# Keys of the messages that show a request; whatever else is owed about one is no card. What is told where nobody can
# answer is none either: no clock runs for it.
CARD, LOST, TOLD = "card", "lost", "told"
# How a platform may frame a card whose request needs nobody any more.
CLOSED = "closed"


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
        self._late: set[int] = set()

    def configure(self, settings: ApprovalSettings) -> None:
        """Use new settings."""
        self._settings = settings

    def asked(self, q: Query, approval: Approval) -> Sequence[Owed]:
        """Return the cards that ask, for every place that is to be told first, and what else those places are told."""
        places = self._places(q, approval)
        cards = [owed for place in places for owed in self._card(approval, place)]
        digests = [owed for place in places for owed in self._digest(q, approval, place)]
        return [*cards, *digests, *self._note(approval, places)]

    def _places(self, q: Query, approval: Approval) -> list[Address]:
        """Return where to ask: the chat it came from if somebody there may decide, else the home channels; both for
        what came from an editor, and whichever answers first counts.

        Without a home channel where somebody can answer it is asked where it came from: there it is seen at least.
        """
        homes = list(channels.homes(q).values())
        if approval.origin is not None and self._decides_at(approval, approval.origin):
            beside = [home for home in homes if self._answers_at(home)] if in_editor(approval.origin) else []
            return list(dict.fromkeys((approval.origin, *beside)))
        if approval.origin is None or any(self._answers_at(place) for place in homes):
            return homes
        return list(dict.fromkeys((*homes, approval.origin)))

    def _note(self, approval: Approval, places: Sequence[Address]) -> list[Owed]:
        """Tell the chat a request came from that others decide it."""
        origin = approval.origin
        if origin is None or origin in places:
            return []
        told = f"⏳ This has to be approved first; I have asked an operator (request `{approval.short}`)."
        key = f"approval:{approval.id}:note"
        return [Owed(key, Outbound(origin, told), Priority.NOTICE, approval.session_id)]

    def _digest(self, q: Query, approval: Approval, place: Address) -> list[Owed]:
        """Offer the requests of a chat together once so many wait there, and again with every so many more."""
        step = self._settings.batch if self._answers_at(place) else 0
        count = approval_cards.count_at(q, place, LATEST) + 1 if step else 0
        if not count or count % step or count >= LATEST:
            return []
        waiting = [*approval_cards.waiting_at(q, place, LATEST), approval]
        listed = text.digest(waiting[-LISTED:], self._scenery.zone, self._clock.now())
        told = f"🗂 **{count} requests wait here.**\n\n{self._scenery.redact(listed)}"
        parts = pieces(told, self._adapter(place))
        last = len(parts) - 1
        return [
            Owed(
                f"approval:{approval.id}:digest:{place}:{number}",
                Outbound(place, part, buttons=offers(waiting) if number == last else (), silent=True),
                Priority.NOTICE,
            )
            for number, part in enumerate(parts)
        ]

    def _decides_at(self, approval: Approval, place: Address) -> bool:
        allowed = self._settings.approvers
        behalf = self._access.principal_of(approval.behalf)
        may = behalf.id in allowed if allowed else behalf.role >= Role.OPERATOR
        return may or self._is_group(place)

    def _answers_at(self, place: Address) -> bool:
        adapter = self._adapter(place)
        return adapter is None or adapter.capabilities.receives

    def _adapter(self, place: Address) -> Adapter | None:
        return self._scenery.adapter(place)

    def _link(self, approval: Approval) -> str:
        base = self._scenery.public_url
        return f"{base}/approvals#{approval.id}" if base else ""

    def _parts(self, approval: Approval, place: Address) -> list[Outbound]:
        """Return the messages of a card, still without its buttons."""
        now, zone, redact = self._clock.now(), self._scenery.zone, self._scenery.redact
        link = self._link(approval)
        elsewhere = "" if self._answers_at(place) else f"\n\n{text.elsewhere(approval)}"
        whole = redact(text.asking(approval, zone, now, link)) + elsewhere
        about = f"{text.head(approval)}\n\n{redact(text.terms(approval, zone, now, link))}{elsewhere}"
        return shown(approval, whole, about, place, self._scenery)

    def _card(self, approval: Approval, place: Address, step: int = 0) -> list[Owed]:
        """Return the messages of one card; its buttons stand under the last, which is sent after all the others."""
        now = self._clock.now()
        parts, kind = self._parts(approval, place), CARD if self._answers_at(place) else TOLD
        silent = self._settings.quiet.quiet(approval.tier, at(now).astimezone(self._scenery.zone))
        last = len(parts) - 1
        return [
            Owed(
                f"approval:{approval.id}:{kind}:{step}:{place}:{number}",
                replace(
                    part,
                    buttons=self.choices(approval, place) if number == last else (),
                    silent=silent or number != last,
                    card=str(approval.tier),
                ),
                Priority.QUESTION,
                approval.session_id,
                approval.turn_id,
            )
            for number, part in enumerate(parts)
        ]

    def at(self, approval: Approval, place: Address, step: int) -> Sequence[Owed]:
        """Return the card of a request for one more place; ``step`` tells it from cards that were there before."""
        return self._card(approval, place, step)

    def choices(self, approval: Approval, place: Address) -> Rows:
        """Return the buttons that a request offers now in a place."""
        rows = self._decisions(approval)
        adapter = self._adapter(place)
        if not self._answers_at(place):
            return ()
        if adapter is None or not approval.open or Forms not in adapter.capabilities.abilities:
            return rows
        reason = self._buttons.make("❌ Refuse, because …", approval.id, Verb.REASON)
        edit = self._buttons.make("✏️ Edit …", approval.id, Verb.EDIT)
        return (*rows, (edit, reason) if approval.action.editable else (reason,))

    def _decisions(self, approval: Approval) -> Rows:
        """Return the buttons that decide at once."""

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
        """Return the edits that show a new state on every card; those not delivered yet follow when they are."""
        edits: list[Owed] = []
        for row in approval_cards.of_request(q, approval.id):
            if row.state in ON_THE_WAY:
                self._late.add(row.id)
            elif owed := self._edit(approval, row):
                edits.append(owed)
        return edits

    def _edit(self, approval: Approval, row: OutboxRow) -> Owed | None:
        if row.state is not OutboxState.SENT or not row.message.buttons or not row.receipt:
            return None
        place, now, zone = row.message.address, self._clock.now(), self._scenery.zone
        if approval.open:
            shown = self._parts(approval, place)[-1].text
        else:
            answered = bool(approval.turn_id) and place == approval.origin
            told = text.ended(approval, zone, now, answered=answered)
            shown = pieces(self._scenery.redact(told), self._adapter(place))[0]
        edit = Outbound(
            place,
            shown,
            OutboundKind.EDIT,
            self.choices(approval, place),
            replaces=row.receipt[-1],
            silent=True,
            card=str(approval.tier) if approval.open else CLOSED,
        )
        key = f"approval:{approval.id}:{approval.state}:{now}:{row.id}"
        return Owed(key, edit, Priority.REPLY, approval.session_id)

    async def load(self, database: Database) -> None:
        """After a start, note which cards are still to be delivered although their request has moved on."""
        self._late.update(await database.read(approval_cards.late))

    def heard(self, event: Event) -> bool:
        """Tell whether an event of the outbox confirms a card whose request moved on before it was delivered."""
        number = int(event.subject)
        return event.kind == "outbox.confirm" and number in self._late

    def catch_up(self, tx: Unit, number: int) -> None:
        """Owe the edit of a card that was delivered late."""
        row, id = outbox.get(tx, number), approval_cards.request_of(tx, number)
        self._late.discard(number)
        if row is not None and id and (owed := self._edit(approvals.get(tx, id), row)):
            outbox.add(tx, owed)

    def lost(self, q: Query, approval: Approval) -> Sequence[Owed]:
        """Return the question to the owner what became of an action during which the daemon stopped."""
        redact = self._scenery.redact
        about = redact(f"❔ {wording.lost(approval)}  `{approval.short}`")
        whole = f"{about}\n\n{redact(text.fenced(approval.action.text))}"
        return [
            Owed(
                f"approval:{approval.id}:{CARD}:{LOST}:{place}:{number}",
                replace(part, buttons=self.choices(approval, place) if number == last else ()),
                Priority.QUESTION,
                approval.session_id,
            )
            for place in self._places(q, approval)
            for parts in [shown(approval, whole, about, place, self._scenery)]
            for last in [len(parts) - 1]
            for number, part in enumerate(parts)
        ]

    def code(self, q: Query, approval: Approval, code: str, asker: str) -> Sequence[Owed]:
        """Return the message that brings a one-time code to the home channels of the other platforms."""
        platform, redact = asker.partition(":")[0], self._scenery.redact
        given = f"🔑 The code for `{approval.short}` is **{code}**. {text.plain(asker)} wants to approve"
        typed = f"Type `/approve {approval.short} {code}` where you were asked."
        whole = redact(f"{given}:\n\n{text.fenced(approval.action.text)}\n\n{typed}")
        about = redact(f"{given} this.\n\n{typed}")
        return [
            Owed(f"approval:{approval.id}:code:{code}:{place}:{number}", part, Priority.QUESTION)
            for name, place in channels.homes(q).items()
            if name != platform
            for number, part in enumerate(shown(approval, whole, about, place, self._scenery))
        ]
