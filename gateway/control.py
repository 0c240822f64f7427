"""The control lane: commands, taps, answers, edits and strangers, handled at once and beside any running turn."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from gateway.access import Access
from gateway.adapter import Adapter, Form, Forms, Taps, ability
from gateway.answering import WRITE
from gateway.commands.registry import Registry
from gateway.departures import Departures
from gateway.handoff import words
from gateway.intake import Intake, explain
from gateway.keys import answer_key
from gateway.lanes import Lanes
from gateway.pieces import pieces
from gateway.questions import TAP, QuestionDesk, form
from kernel.crashpoints import crashpoint
from kernel.errors import HermesError
from kernel.events import Event
from kernel.messages import Address, Inbound, InboundKind, Outbound, OutboundKind, Priority
from kernel.people import Principal, Role
from kernel.specs import CommandCall, CommandReply
from kernel.states import InboxState
from kernel.transitions import HANDOFF, INBOX
from store import channels, inbox, outbox
from store.database import Database
from store.inbox import InboxRow
from store.outbox import Owed
from store.people import Person
from store.questions import Question
from store.units import Unit

log = logging.getLogger(__name__)

CONFIRM_TAP = "y"
YES_OR_NO = {"yes": "yes", "y": "yes", "no": "no", "n": "no"}
STRANGER = "I do not know you, so your tap does nothing."
TOO_FAST = "That was faster than I may take; press it again in a minute."
# A handoff is over in these; in any other state the conversation is on its way.
ENDED = HANDOFF.sources("request")
WELCOME = "✅ Welcome, you are the owner now. /help shows what I understand."


@dataclass(frozen=True, slots=True)
class Handled:
    """What came of a control message: its move, what is owed for it, and what the one who tapped is told.

    ``told`` is ``None`` where a form has answered the tap already.
    """

    owed: Sequence[Owed] = ()
    event: str = "handle"
    told: str | None = ""
    reason: str = ""


TapHandler = Callable[[InboxRow, Principal], Awaitable[str | None]]


class Control:
    """Handles what must not wait; ``taps`` maps the first part of a button's value to its handler.

    ``offered(session, number)`` tells whether the agent was already handed a message that waits.
    """

    def __init__(
        self,
        database: Database,
        access: Access,
        intake: Intake,
        registry: Registry,
        desk: QuestionDesk,
        adapters: Mapping[tuple[str, str], Adapter],
        offered: Callable[[str, int], bool],
        departures: Departures,
    ) -> None:
        self._departures = departures
        self._database = database
        self._access = access
        self._intake = intake
        self._registry = registry
        self._desk = desk
        self._adapters = adapters
        self._offered = offered
        self.taps: dict[str, TapHandler] = {TAP: self._answer_tap, CONFIRM_TAP: self._confirm_tap}
        # Who may take words that came here for what they are about: ``claim(row, principal)`` returns what is answered,
        # ``None`` where they are about nothing of its own.
        self.claims: list[Callable[[InboxRow, Principal], Awaitable[str | None]]] = []
        # The last command in a chat that asked for a yes, and who sent it; the buttons outlive a restart.
        self._asked: dict[Address, tuple[int, str]] = {}
        self.lanes: Lanes[Address] = Lanes("control", self.work)

    def received(self, event: Event) -> None:
        """Hear of a message for the control lane."""
        identity = str(event.body["platform"]), str(event.body["account"])
        self.lanes.notify(Address(*identity, str(event.body["chat"])))

    async def work(self, chat: Address) -> None:
        """Handle what waits in a chat, in order."""
        while rows := await self._database.read(inbox.received, chat):
            for row in rows:
                await self._handle(row)

    async def _handle(self, row: InboxRow) -> None:
        try:
            handled = await self._dispatch(row)
        except HermesError as error:
            handled = Handled(self._reply(row, CommandReply(explain(error))), told=error.message)
        except Exception as error:
            # A bug in one command must not block the chat: it is logged and said.
            log.exception("Message %s could not be handled.", row.id)
            sentence = f"⚠️ That failed: {type(error).__name__}. The log has the details."
            handled = Handled(self._reply(row, CommandReply(sentence)), told=sentence)
        crashpoint("control.after_run")
        while not await self._database.write(_settle, row.id, handled, self._intake.session(row.inbound)):
            handled = await self._gone(row)
        crashpoint("intake.after_ring" if handled.event == "admit" else "control.after_commit")
        await self._acknowledge(row, handled.told)

    async def _acknowledge(self, row: InboxRow, told: str | None) -> None:
        if told is None:
            return
        adapter = self._adapters.get((row.inbound.address.platform, row.inbound.address.account))
        taps = ability(adapter, Taps) if adapter and row.inbound.tap_id else None
        if taps is None:
            return
        try:
            await taps.acknowledge(row.inbound.tap_id, told)
        except HermesError as error:
            log.debug("A tap was not acknowledged: %s", error)

    async def _dispatch(self, row: InboxRow) -> Handled:
        principal = self._access.principal(row.inbound)
        if principal.role is Role.NONE:
            return await self._stranger(row)
        if row.error == "rate":
            return self._too_fast(row)
        match row.inbound.kind:
            case InboundKind.TAP:
                return await self._tap(row, principal)
            case InboundKind.EDIT:
                return await self._edited(row)
            case InboundKind.DELETE:
                return await self._deleted(row)
            case InboundKind.MESSAGE | InboundKind.INTERNAL | InboundKind.MIGRATE:
                return await self._words(row, principal)

    async def _words(self, row: InboxRow, principal: Principal) -> Handled:
        if row.inbound.text.startswith("/"):
            return await self._command(row, principal)
        if self.confirms(row.inbound):
            return await self._confirmed_in_words(row, principal)
        answering = self._desk.open.answering(row.inbound)
        if answering is None and self._departures.holds(row.inbound):
            return await self._gone(row)
        if answering is None:
            return await self._claimed(row, principal) or Handled(event="admit")
        return Handled(told=await self._desk.answer(*answering, row))

    async def _claimed(self, row: InboxRow, principal: Principal) -> Handled | None:
        for claim in self.claims:
            if (answer := await claim(row, principal)) is not None:
                return Handled(self._reply(row, CommandReply(answer)))
        return None

    async def _gone(self, row: InboxRow) -> Handled:
        """Say where the conversation of a place is now, and how to get it back."""
        session = await self._departures.session(row.inbound)
        if session is None:
            return Handled(event="admit")
        moving = session.handoff not in ENDED
        buttons = () if moving else words.button()
        return Handled(self._reply(row, CommandReply(words.gone(session, moving=moving), buttons)))

    async def _command(self, row: InboxRow, principal: Principal, *, confirmed: bool = False) -> Handled:
        call = await self.call(row, principal)
        if not call.session_id and self._departures.leaves(row.inbound.text):
            return await self._gone(row)
        reply = await self._registry.run(row.inbound.text, call, confirmed=confirmed)
        if reply is None:
            return Handled(event="admit")
        if reply.confirms:
            self._asked[row.inbound.address] = row.id, row.inbound.sender.id
        return Handled(self._reply(row, reply))

    async def call(self, row: InboxRow, principal: Principal) -> CommandCall:
        """Return a command's call, with the session it is about: none where the conversation has left the place."""
        inbound = row.inbound
        session_id = row.session_id
        if not session_id and not self._departures.holds(inbound):
            session_id = await self._database.write(self._intake.session(inbound))
        return CommandCall(
            principal, inbound.address, session_id, "", row.id, inbound.private, inbound.sender.id
        )

    def _reply(self, row: InboxRow, reply: CommandReply) -> list[Owed]:
        if not reply.text:
            return []
        inbound = row.inbound
        adapter = self._adapters.get((inbound.address.platform, inbound.address.account))
        said = [Outbound(inbound.address, part) for part in pieces(reply.text, adapter)]
        said[-1] = replace(said[-1], buttons=reply.buttons)
        return [
            Owed(answer_key(row.id, number), part, Priority.REPLY, row.session_id)
            for number, part in enumerate((*reply.before, *said))
        ]

    async def _tap(self, row: InboxRow, principal: Principal) -> Handled:
        kind, _, _ = row.inbound.tap.partition(":")
        handler = self.taps.get(kind)
        told = await handler(row, principal) if handler else "This button belongs to something that is over."
        return Handled(told=told)

    async def _answer_tap(self, row: InboxRow, _principal: Principal) -> str | None:
        if about := self._desk.open.of_tap(row.inbound):
            return await self._form_tap(row, *about)
        found = self._desk.open.tapped(row.inbound.tap)
        if found is None:
            return "This question was already answered."
        return await self._desk.answer(*found, row)

    async def _form_tap(self, row: InboxRow, question: Question, kind: str) -> str | None:
        """Take what was written into a question's form, or open it."""
        if kind == WRITE:
            opened = await self._opens(row, form(question))
            return None if opened else "No form can be shown for this now; answer with your next message."
        answer = row.inbound.text.strip()
        return await self._desk.answer(question, answer, row) if answer else "There was no text."

    async def _opens(self, row: InboxRow, asked: Form) -> bool:
        adapter = self._adapters.get((row.inbound.address.platform, row.inbound.address.account))
        forms = ability(adapter, Forms) if adapter else None
        try:
            return forms is not None and await forms.open_form(row.inbound.tap_id, asked)
        except HermesError as error:
            log.info("A form was not opened: %s", error)
            return False

    async def _confirm_tap(self, row: InboxRow, principal: Principal) -> str:
        """Run the destructive command a person confirmed; only the one who typed it may, and only once."""
        _, number, word = (*row.inbound.tap.split(":"), "", "")[:3]
        asked = await self._database.read(inbox.get, int(number)) if number.isdigit() else None
        if asked is None or asked.inbound.sender.id != row.inbound.sender.id:
            return "Only the person who asked can confirm this."
        if not await self._database.write(inbox.annotate_once, asked.id, word):
            return "This was already decided."
        if word != "yes":
            await self._say(row, "Nothing was done.")
            return "Cancelled."
        reply = await self._registry.run(
            asked.inbound.text, await self.call(asked, principal), confirmed=True
        )
        await self._say(row, reply.text if reply else "")
        return "Done."

    async def _say(self, row: InboxRow, text: str) -> None:
        """Owe the result of a confirmation, in place of the card that asked for it."""
        message_id = row.inbound.message_id
        edit = Outbound(row.inbound.address, text, OutboundKind.EDIT, replaces=message_id)
        if text:
            await self._database.write(
                outbox.add, Owed(f"confirm:{row.id}", edit, Priority.REPLY, row.session_id)
            )

    def confirms(self, inbound: Inbound) -> bool:
        """Tell whether a message says yes or no to the question that its sender's last command asked here."""
        asked = self._asked.get(inbound.address)
        return (
            asked is not None and asked[1] == inbound.sender.id and inbound.text.strip().lower() in YES_OR_NO
        )

    async def _confirmed_in_words(self, row: InboxRow, principal: Principal) -> Handled:
        number, _ = self._asked.pop(row.inbound.address)
        asked = await self._database.read(inbox.get, number)
        word = YES_OR_NO[row.inbound.text.strip().lower()]
        if asked is None or not await self._database.write(inbox.annotate_once, number, word):
            return Handled(self._reply(row, CommandReply("This was already decided.")))
        if word != "yes":
            return Handled(self._reply(row, CommandReply("Nothing was done.")))
        reply = await self._registry.run(
            asked.inbound.text, await self.call(asked, principal), confirmed=True
        )
        return Handled(self._reply(row, reply or CommandReply("")))

    async def _edited(self, row: InboxRow) -> Handled:
        """Let an edit replace a message that still waits; tell the agent of a later one with its next message."""
        original = await self._database.read(inbox.by_message, row.inbound.address, row.inbound.message_id)
        if original is None or original.inbound.text == row.inbound.text:
            return Handled(event="ignore", reason="nothing changed")
        waited = await self._database.write(inbox.rewrite, original.id, row.inbound)
        if waited and not self._offered(original.session_id, original.id):
            return Handled()
        if original.session_id and (waited or original.state in (InboxState.DONE, InboxState.RUNNING)):
            note = f"The person edited an earlier message. It now reads: {row.inbound.text}"
            await self._database.write(inbox.note_session, original.session_id, note)
        return Handled()

    async def _deleted(self, row: InboxRow) -> Handled:
        """Let a deletion cancel a message that still waits; note it afterwards."""
        original = await self._database.read(inbox.by_message, row.inbound.address, row.inbound.message_id)
        if original is None:
            return Handled(event="ignore", reason="unknown message")
        if original.state is InboxState.QUEUED:
            await self._database.write(inbox.cancel, original.id)
        elif original.session_id:
            note = f"The person deleted an earlier message: {original.inbound.text[:200]}"
            await self._database.write(inbox.note_session, original.session_id, note)
        return Handled()

    def _too_fast(self, row: InboxRow) -> Handled:
        if row.inbound.kind is InboundKind.TAP:
            return Handled(event="ignore", reason="rate", told=TOO_FAST)
        text = (
            "⏳ That was faster than I may take. What came too fast was not read; send it again in a minute."
        )
        told = self._reply(row, CommandReply(text))
        sender, minute = row.inbound.sender.id, row.received_at // 60_000
        once = [replace(owed, key=f"rate:{owed.message.address}:{sender}:{minute}") for owed in told]
        return Handled(once, event="ignore", reason="rate")

    async def _stranger(self, row: InboxRow) -> Handled:
        inbound = row.inbound
        if inbound.kind is InboundKind.TAP:
            return Handled(event="ignore", reason="not admitted", told=STRANGER)
        if self._access.redeem_bootstrap(inbound.text):
            person = Person(inbound.address.platform, inbound.sender.id, inbound.sender.name, Role.OWNER)
            await self._access.admit(person, actor="bootstrap code")
            await self._database.write(channels.set_first_home, inbound.address, actor="bootstrap code")
            return Handled(self._reply(row, CommandReply(WELCOME)))
        code = await self._access.offer(inbound, row.received_at)
        if not code:
            return Handled(event="ignore", reason="not admitted")
        text = (
            f"👋 I do not know you yet. Your pairing code is **{code}**. Give it to my owner, who admits you with "
            f"`/pair {code}` or `hermes pairing approve {code}`. It is valid for an hour."
        )
        return Handled(self._reply(row, CommandReply(text)), event="ignore", reason="not admitted")


def _settle(tx: Unit, number: int, handled: Handled, session: Callable[[Unit], str]) -> bool:
    """Commit what came of a message together with its move; a message that meanwhile moved on is left alone.

    Nothing is committed, and False returned, where the message belongs to a conversation that has just left its place.
    """
    row = inbox.get(tx, number)
    if row is None or row.state is not INBOX.initial:
        return True
    if handled.event != "admit":
        outbox.add_all(tx, handled.owed)
        tx.move(INBOX, number, handled.event, error=handled.reason)
    elif session_id := session(tx):
        inbox.admit(tx, number, session_id)
    else:
        return False
    return True
