"""Intake: a platform's batch is judged, committed in one unit, and only then acknowledged."""

import logging
from collections.abc import Callable, Mapping, Sequence

from gateway.access import Access
from gateway.keys import chat_prefix, session_key
from gateway.settings import GatewaySettings
from kernel.crashpoints import crashpoint
from kernel.errors import HermesError
from kernel.messages import Address, Inbound, InboundKind, Sender
from kernel.people import Role
from store import channels, inbox, marks
from store.database import Database
from store.inbox import InboxRow, Verdict
from store.sessions import Reset, resolve
from store.units import Unit

log = logging.getLogger(__name__)

CORRECTIONS = frozenset({InboundKind.EDIT, InboundKind.DELETE})
RAW_KEPT = 20_000


class Intake:
    """Judges inbound messages with what is known in memory, so that the verdict is part of the first commit.

    ``answers(inbound)`` tells whether a message answers an open question; ``reset()`` gives the session policy now.
    """

    def __init__(
        self,
        database: Database,
        access: Access,
        settings: GatewaySettings,
        *,
        answers: Callable[[Inbound], bool],
        reset: Callable[[], Reset],
    ) -> None:
        self._database = database
        self._access = access
        self._settings = settings
        self._answers = answers
        self._reset = reset
        # Who knows that a message of a group is for us although it does not say so: ``is_meant(inbound)``.
        self.meant: list[Callable[[Inbound], bool]] = []
        self.received = 0
        self.duplicates = 0

    def configure(self, settings: GatewaySettings) -> None:
        """Use new settings."""
        self._settings = settings

    async def receive(self, batch: Sequence[Inbound]) -> list[InboxRow]:
        """Commit a batch and return the rows that were new; raise StoreError when nothing was committed."""
        crashpoint("intake.before_commit")
        judged = [(inbound, self.judge(inbound)) for inbound in batch]
        rows = await self._database.write(inbox.accept, judged)
        crashpoint("intake.after_commit")
        self.received += len(rows)
        self.duplicates += len(batch) - len(rows)
        return rows

    async def quarantine(self, platform: str, account: str, key: str, raw: str, reason: str) -> None:
        """Keep what could not be understood as a dead row."""
        sender = Sender("unknown")
        inbound = Inbound(Address(platform, account, "unknown"), key, key, sender, text=raw[:RAW_KEPT])
        await self._database.write(inbox.add, inbound, Verdict("quarantine", reason))
        log.warning("%s sent something that cannot be understood: %s", platform, reason)

    async def anchors(self, platform: str, account: str) -> Mapping[Address, str]:
        """Return the id of the last committed message of every chat and thread of an account."""
        return await self._database.read(inbox.anchors, platform, account)

    async def recall(self, platform: str, account: str, name: str) -> str:
        """Return what an account's adapter remembered, or an empty string."""
        return await self._database.read(marks.get, marks.of_account(platform, account, name))

    async def remember(self, platform: str, account: str, name: str, text: str) -> None:
        """Keep a small text for an account's adapter; forget it when it is empty."""
        mark = marks.of_account(platform, account, name)
        if text:
            await self._database.write(marks.put, mark, text)
        else:
            await self._database.write(marks.take, mark)

    def judge(self, inbound: Inbound) -> Verdict:
        """Decide where a message goes; pure but for the counters of the rate ring."""
        if inbound.kind is InboundKind.MIGRATE:
            return Verdict("handle", effect=_move_of(inbound))
        role = self._access.principal(inbound).role
        if role is Role.NONE:
            return self._stranger(inbound)
        if inbound.kind is InboundKind.TAP:
            return Verdict("")
        if not self._meant(inbound):
            return Verdict("ignore", "not addressed")
        if inbound.kind is InboundKind.MESSAGE and not self._access.within_rate(inbound):
            return Verdict("", "rate")
        if self._control(inbound):
            return Verdict("")
        return Verdict("admit", note=note_of(inbound), session=self.session(inbound))

    def _stranger(self, inbound: Inbound) -> Verdict:
        if inbound.kind is InboundKind.TAP and self._access.within_rate(inbound):
            return Verdict("")
        greets = inbound.kind is InboundKind.MESSAGE and self._access.may_be_offered(inbound)
        return Verdict("") if greets else Verdict("ignore", "not admitted")

    def _meant(self, inbound: Inbound) -> bool:
        everything = self._settings.access.group_trigger == "all"
        if inbound.private or inbound.addressed or everything or inbound.kind is not InboundKind.MESSAGE:
            return True
        return any(is_meant(inbound) for is_meant in self.meant)

    def _control(self, inbound: Inbound) -> bool:
        """Tell whether a message must not queue behind the turn it may be about."""
        return (
            inbound.kind in CORRECTIONS
            or (inbound.text.startswith("/") and not inbound.attachments)
            or self._answers(inbound)
        )

    def session(self, inbound: Inbound) -> Callable[[Unit], str]:
        """Return what finds or opens a message's session inside its own unit."""
        shared = self._settings.access.group_sessions == "shared"
        key, reset = session_key(inbound, shared_groups=shared), self._reset()
        owner = f"{inbound.address.platform}:{inbound.sender.id}"
        private = inbound.private

        def find(tx: Unit) -> str:
            return resolve(tx, key, inbound.address, owner, private=private, reset=reset)

        return find


def _move_of(inbound: Inbound) -> Callable[[Unit], None]:
    """Return what re-addresses a chat; what is written in its new place finds its sessions already there."""
    old, chat = inbound.address, inbound.text
    new = old._replace(chat=chat)
    return lambda tx: channels.migrate(tx, old, chat, chat_prefix(old), chat_prefix(new))


def note_of(inbound: Inbound) -> str:
    """Return what the agent is told beside the text: nothing for ordinary messages."""
    return "" if inbound.text.strip() or inbound.attachments else "The message is empty."


def explain(error: HermesError) -> str:
    """Return an error as one Markdown paragraph for a chat."""
    return f"⚠️ {error.message}" + (f"\n\n{error.remedy}" if error.remedy else "")
