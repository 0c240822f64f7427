"""An adapter that a test scripts: people speak through it, and sending fails on demand."""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gateway.adapter import (
    Bubbles,
    Capabilities,
    Drafts,
    Fetches,
    Form,
    Identity,
    Link,
    Mark,
    MenuEntry,
    Menus,
    Reactions,
    Said,
    Streaming,
    Taps,
    Threads,
    Typing,
)
from kernel.messages import Address, Attachment, Inbound, InboundKind, Outbound, OutboundKind, Receipt, Sender
from tests.fakes.changes import Changes

ACCOUNT = "bot"
ANN = Sender("7", "Ann")
BEN = Sender("8", "Ben")
PLAIN = Capabilities(per_second=10_000, per_chat=10_000, per_group_minute=600_000)


@dataclass
class Sent:
    """A message as the platform took it, and when (seconds on the loop's clock)."""

    id: str
    message: Outbound
    at: float

    @property
    def text(self) -> str:
        return self.message.text


@dataclass
class Shown:
    """What passed by without being owed."""

    drafts: list[str] = field(default_factory=list)
    bubbles: dict[str, list[str]] = field(default_factory=dict)
    burst: list[str] = field(default_factory=list)
    typing: int = 0
    marks: list[tuple[str, Mark]] = field(default_factory=list)
    told: dict[str, str] = field(default_factory=dict)
    menu: list[MenuEntry] = field(default_factory=list)
    forms: list[tuple[str, Form]] = field(default_factory=list)


class ScriptedAdapter:
    """A platform in memory that keeps the adapter contract.

    ``failures`` are raised by the next sendings, one each, before or after the message was taken. ``troubles`` are
    raised by the next runs, ``backlog`` is handed over at the start of every run; ``deaf`` leaves the connection open
    without a sign of life.
    """

    def __init__(self, name: str = "fake", capabilities: Capabilities = PLAIN, **changes: Any) -> None:
        self._identity = Identity(name, ACCOUNT)
        self._capabilities = replace(capabilities, **changes)
        self.sent: list[Sent] = []
        self.seen = Shown()
        self.files: dict[str, bytes] = {}
        self.failures: deque[tuple[Exception, bool]] = deque()
        self.troubles: deque[Exception] = deque()
        self.runs = 0
        self.deaf = False
        self.backlog: list[Inbound] = []
        self.link: Link | None = None
        self.changes = Changes()
        # Threads by number, as they were named; ``thread_troubles`` are raised by the next openings, one each.
        self.threads: dict[str, str] = {}
        self.thread_troubles: deque[Exception | None] = deque()
        self.open = asyncio.Event()
        self.open.set()
        self.burst_troubles: deque[Exception] = deque()
        # The bubbles that were made under a nonce.
        self.nonces: dict[str, str] = {}
        self.forms_open = True
        self.forms_fail: Exception | None = None
        self.history: list[Said] = []
        self.history_fails: Exception | None = None
        self.names: dict[Address, str] = {}
        self._numbers = iter(range(1, 1_000_000))

    @property
    def identity(self) -> Identity:
        return self._identity

    @property
    def capabilities(self) -> Capabilities:
        return self._capabilities

    async def run(self, link: Link) -> None:
        self.runs += 1
        self.changes.notify()
        if self.troubles:
            raise self.troubles.popleft()
        self.link = link
        link.connected()
        if self.backlog:
            await link.receive(self.backlog)
        self.changes.notify()
        try:
            while True:
                await asyncio.sleep(30)
                if not self.deaf:
                    link.progress()
        finally:
            self.link = None

    async def send(self, message: Outbound) -> Receipt:
        await self.open.wait()
        error, taken = self.failures.popleft() if self.failures else (None, True)
        id = message.replaces or f"m{next(self._numbers)}"
        if message.transient:
            # A platform that reconciles makes one message of a nonce, however often it is sent.
            id = self.nonces.setdefault(message.nonce, id) if taken or message.nonce in self.nonces else id
            if taken:
                self.seen.bubbles.setdefault(id, []).append(message.text)
        elif taken:
            self.sent.append(Sent(id, message, asyncio.get_running_loop().time()))
        self.changes.notify()
        if error is not None:
            raise error
        return Receipt((id,))

    def refuse(self, error: Exception, times: int = 1) -> None:
        """Have the next sendings fail without being carried out."""
        self.failures.extend((error, False) for _ in range(times))

    def lose(self, error: Exception, times: int = 1) -> None:
        """Have the next sendings be carried out and then fail."""
        self.failures.extend((error, True) for _ in range(times))

    def hold(self) -> None:
        """Let no sending through until ``release``."""
        self.open.clear()

    def release(self) -> None:
        """Let sendings through again."""
        self.open.set()

    # What people do.

    def address(self, chat: str = "7", thread: str | None = None) -> Address:
        return Address(self._identity.platform, ACCOUNT, chat, thread)

    def message(
        self, text: str, *, sender: Sender = ANN, chat: str = "", key: str = "", **fields: Any
    ) -> Inbound:
        """Return a message as the adapter hands it over; ``chat`` is the person's own unless given."""
        id = key or f"u{next(self._numbers)}"
        address = self.address(chat or sender.id, fields.pop("thread", None))
        return Inbound(address, fields.pop("dedup", id), id, sender, text=text, **fields)

    async def say(self, text: str, **fields: Any) -> Inbound:
        """Have a person write one message, and commit it."""
        message = self.message(text, **fields)
        await self.hand_over(message)
        return message

    async def hand_over(self, *batch: Inbound) -> None:
        """Commit a batch."""
        assert self.link is not None
        await self.link.receive(batch)

    async def tap(self, sent: Sent, label: str, *, sender: Sender = ANN, times: int = 1) -> None:
        """Have a person press a button of a message of ours."""
        button = next(b for row in sent.message.buttons for b in row if b.label == label)
        address = sent.message.address
        for number in range(times):
            tap = f"t{sent.id}:{number}:{next(self._numbers)}"
            await self.hand_over(
                Inbound(address, tap, sent.id, sender, InboundKind.TAP, tap=button.value, tap_id=tap)
            )

    async def edit(self, original: Inbound, text: str) -> None:
        """Have a person change what they wrote."""
        key = f"e{next(self._numbers)}"
        await self.hand_over(replace(original, key=key, kind=InboundKind.EDIT, text=text))

    async def delete(self, original: Inbound) -> None:
        """Have a person delete what they wrote."""
        key = f"d{next(self._numbers)}"
        await self.hand_over(replace(original, key=key, kind=InboundKind.DELETE, text=""))

    # What people see.

    def texts(self, chat: str = "") -> list[str]:
        """Return the texts that were sent, edits left out."""
        return [
            s.text
            for s in self.sent
            if s.message.kind is not OutboundKind.EDIT and chat in ("", s.message.address.chat)
        ]

    async def until(self, met: Any, within: float = 60.0) -> Any:
        """Wait for a condition that a sending or a connection may fulfil."""
        return await self.changes.wait_for(met, within=within)

    async def until_sent(self, count: int = 1, containing: str = "", within: float = 60.0) -> list[Sent]:
        """Wait until so many messages contain a text, and return them."""

        def found() -> list[Sent] | None:
            fitting = [sent for sent in self.sent if containing in sent.text]
            return fitting if len(fitting) >= count else None

        try:
            return await self.until(found, within)
        except TimeoutError:
            raise TimeoutError(
                f"not {count} × {containing!r}, but {[sent.text for sent in self.sent]}"
            ) from None

    # Abilities; a test names those it wants in ``abilities``.

    async def draft(self, address: Address, draft_id: int, text: str) -> None:
        self.seen.drafts.append(text)
        self.changes.notify()

    async def bubble(self, address: Address, message_id: str, text: str) -> str:
        id = message_id or f"b{next(self._numbers)}"
        self.seen.bubbles.setdefault(id, []).append(text)
        self.changes.notify()
        return id

    async def burst(self, address: Address, message_id: str) -> None:
        if self.burst_troubles:
            raise self.burst_troubles.popleft()
        self.seen.burst.append(message_id)
        self.changes.notify()

    async def typing(self, address: Address) -> None:
        self.seen.typing += 1
        self.changes.notify()

    async def react(self, address: Address, message_id: str, mark: Mark) -> None:
        self.seen.marks.append((message_id, mark))
        self.changes.notify()

    async def acknowledge(self, tap_id: str, text: str) -> None:
        self.seen.told[tap_id] = text
        self.changes.notify()

    async def open_form(self, tap_id: str, form: Form) -> bool:
        if self.forms_fail is not None:
            raise self.forms_fail
        self.seen.forms.append((tap_id, form))
        self.changes.notify()
        return self.forms_open

    async def fill(self, form: Form, text: str, *, sender: Sender = ANN, chat: str = "") -> str:
        """Have a person fill a form in; return the tap's id."""
        id = f"f{next(self._numbers)}"
        address = self.address(chat or sender.id)
        await self.hand_over(
            Inbound(address, id, id, sender, InboundKind.TAP, text=text, tap=form.value, tap_id=id)
        )
        return id

    async def read_channel(self, address: Address, since: int, limit: int) -> Sequence[Said]:
        if self.history_fails is not None:
            raise self.history_fails
        found = [one for one in self.history if one.address == address and one.sent_at > since]
        return found[-limit:]

    async def channels(self) -> Mapping[Address, str]:
        return self.names

    async def menu(self, entries: Sequence[MenuEntry]) -> None:
        self.seen.menu = list(entries)

    async def create_thread(self, parent: Address, name: str) -> Address | None:
        if self.thread_troubles:
            trouble = self.thread_troubles.popleft()
            if trouble is None:
                return None
            raise trouble
        number = f"t{len(self.threads) + 1}"
        self.threads[number] = name
        self.changes.notify()
        return parent._replace(thread=number)

    async def fetch(self, attachment: Attachment, target: Path, limit: int) -> int:
        return await asyncio.to_thread(target.write_bytes, self.files[attachment.ref])


THREADED: dict[str, Any] = {
    "abilities": frozenset({Bubbles, Typing, Reactions, Taps, Menus, Fetches, Threads}),
    "streaming": Streaming.EDIT,
    "buttons": True,
    "threads": True,
}
SHOWY: dict[str, Any] = {
    "abilities": frozenset({Bubbles, Typing, Reactions, Taps, Menus, Fetches}),
    "streaming": Streaming.EDIT,
    "buttons": True,
}
DRAFTING: dict[str, Any] = {
    "abilities": frozenset({Bubbles, Drafts, Typing, Reactions, Taps}),
    "streaming": Streaming.DRAFT,
    "buttons": True,
}
