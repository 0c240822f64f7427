"""The adapter of the surfaces that live in this process: the local page and the terminal.

A surface posts what its person says and watches a chat; what is owed is in the store, so a frame that nobody watches
is not lost: the surface reads it from the history when it comes back.
"""

import asyncio
import secrets
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from gateway.adapter import (
    Bubbles,
    Capabilities,
    Drafts,
    Fetches,
    FreshChats,
    Identity,
    Link,
    Mark,
    Reactions,
    Streaming,
    Taps,
    Typing,
)
from kernel.errors import DeliveryRejected, PlatformUnavailable
from kernel.messages import Address, Attachment, Inbound, InboundKind, Outbound, Receipt, Sender

ACCOUNT = "local"
WATCH_LIMIT = 500
# What the names of chats begin with that an editor holds in a terminal's place. Nobody looks at them for long: their
# requests are put to the person elsewhere as well.
EDITOR = "editor-"


def in_editor(address: Address) -> bool:
    """Tell whether a chat is held in an editor."""
    return address.platform == "terminal" and address.chat.startswith(EDITOR)


@dataclass(frozen=True, slots=True)
class Frame:
    """One thing to show in a chat.

    ``kind`` is ``"message"`` (owed; ``body`` has id, text, buttons, replaces, file_name), ``"draft"`` (text so far),
    ``"bubble"``/``"burst"`` (transient status), ``"typing"``, ``"reaction"`` or ``"tap"``.
    """

    kind: str
    chat: str
    body: Mapping[str, Any] = field(default_factory=dict[str, Any])


class Watch:
    """A bounded view of one chat's frames; a watcher that never reads loses the oldest, never the store's truth."""

    def __init__(self, chat: str) -> None:
        self.chat = chat
        self.dropped = 0
        self._frames: deque[Frame] = deque()
        self._ready = asyncio.Event()

    def put(self, frame: Frame) -> None:
        """Add a frame, dropping the oldest when the watcher is too far behind."""
        if len(self._frames) >= WATCH_LIMIT:
            self._frames.popleft()
            self.dropped += 1
        self._frames.append(frame)
        self._ready.set()

    async def __aiter__(self) -> AsyncIterator[Frame]:
        while True:
            await self._ready.wait()
            while self._frames:
                yield self._frames.popleft()
            self._ready.clear()


class LocalAdapter:
    """Carries messages between the gateway and the watchers of a local platform (``"web"`` or ``"terminal"``)."""

    def __init__(self, platform: str, *, lasting: bool = True) -> None:
        self._identity = Identity(platform, ACCOUNT)
        self._lasting = lasting
        self._link: Link | None = None
        self._watches: dict[str, set[Watch]] = {}
        self._bubbles = 0

    @property
    def identity(self) -> Identity:
        """The platform's name with the account ``"local"``."""
        return self._identity

    @property
    def capabilities(self) -> Capabilities:
        """No limits to speak of: the page and the terminal are ours."""
        return Capabilities(
            text_limit=200_000,
            streaming=Streaming.DRAFT,
            edit_interval=0.05,
            buttons=True,
            files=True,
            reactions=True,
            remote=False,
            lasting=self._lasting,
            reconciles=True,
            per_second=1000.0,
            per_chat=200.0,
            per_group_minute=12_000.0,
            abilities=frozenset({Drafts, Bubbles, Typing, Reactions, Taps, Fetches}) | self._chats(),
        )

    def _chats(self) -> frozenset[type]:
        """Tell that a lasting surface has as many chats as its person likes; the others have one that they look at."""
        return frozenset({FreshChats}) if self._lasting else frozenset()

    def address(self, chat: str) -> Address:
        """Return the address of a chat on this platform."""
        return Address(self._identity.platform, ACCOUNT, chat)

    async def run(self, link: Link) -> None:
        """Serve until cancelled; being in the same process, the connection cannot fail."""
        self._link = link
        link.connected()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self._link = None

    async def say(
        self,
        chat: str,
        sender: Sender,
        text: str,
        *,
        key: str,
        attachments: Sequence[Attachment] = (),
        reply_to: str = "",
    ) -> None:
        """Commit what a person said; ``key`` is the client's own id of the message, so posting again is harmless.

        Raises PlatformUnavailable while the gateway is not running and StoreError when nothing was committed.
        """
        await self._receive(
            Inbound(
                self.address(chat),
                f"m:{chat}:{key}",
                key,
                sender,
                text=text,
                attachments=tuple(attachments),
                reply_to=reply_to,
            )
        )

    async def tap(self, chat: str, sender: Sender, value: str, *, key: str, message_id: str) -> None:
        """Commit a pressed button; errors as in ``say``."""
        await self._receive(
            Inbound(
                self.address(chat),
                f"t:{chat}:{key}",
                message_id,
                sender,
                kind=InboundKind.TAP,
                tap=value,
                tap_id=f"{chat} {key}",
            )
        )

    async def _receive(self, inbound: Inbound) -> None:
        if self._link is None:
            raise PlatformUnavailable("The gateway is starting or stopping.", remedy="Try again in a moment.")
        await self._link.receive((inbound,))

    def watch(self, chat: str) -> Watch:
        """Begin to watch a chat; end it with ``unwatch``."""
        watch = Watch(chat)
        self._watches.setdefault(chat, set()).add(watch)
        return watch

    def unwatch(self, watch: Watch) -> None:
        """Stop watching; doing it twice is harmless."""
        watches = self._watches.get(watch.chat, set())
        watches.discard(watch)
        if not watches:
            self._watches.pop(watch.chat, None)

    def _show(self, kind: str, chat: str, **body: Any) -> None:
        for watch in self._watches.get(chat, ()):
            watch.put(Frame(kind, chat, body))

    async def send(self, message: Outbound) -> Receipt:
        """Show an owed message to whoever watches; the history has it for everybody else."""
        target = message.replaces or message.nonce
        self._show(
            "message",
            message.address.chat,
            id=target,
            text=message.text,
            buttons=[[asdict(button) for button in row] for row in message.buttons],
            replaces=message.replaces,
            file_name=message.file_name,
        )
        return Receipt((target,))

    async def draft(self, address: Address, draft_id: int, text: str) -> None:
        """Show the answer as it stands."""
        self._show("draft", address.chat, id=draft_id, text=text)

    async def bubble(self, address: Address, message_id: str, text: str) -> str:
        """Show what the agent does now."""
        if not message_id:
            self._bubbles += 1
            message_id = f"bubble-{self._bubbles}"
        self._show("bubble", address.chat, id=message_id, text=text)
        return message_id

    async def burst(self, address: Address, message_id: str) -> None:
        """Remove a status line."""
        self._show("burst", address.chat, id=message_id)

    async def typing(self, address: Address) -> None:
        """Show that an answer is being prepared."""
        self._show("typing", address.chat)

    async def react(self, address: Address, message_id: str, mark: Mark) -> None:
        """Show a sign on a message."""
        self._show("reaction", address.chat, id=message_id, mark=mark.value)

    async def acknowledge(self, tap_id: str, text: str) -> None:
        """Tell the one who tapped what came of it."""
        chat, _, key = tap_id.partition(" ")
        self._show("tap", chat, key=key, text=text)

    async def create_chat(self, name: str) -> Address:
        """Return a chat of its own for a conversation, whose title names it."""
        del name
        return self.address(secrets.token_hex(6))

    async def fetch(self, attachment: Attachment, target: Path, limit: int) -> int:
        """Move an uploaded file, which the surface stored at ``attachment.ref``, to its place."""
        return await asyncio.to_thread(_take_over, attachment, target, limit)


def _take_over(attachment: Attachment, target: Path, limit: int) -> int:
    source = Path(attachment.ref)
    try:
        size = source.stat().st_size
        if size > limit:
            raise DeliveryRejected(f"{attachment.name} is larger than {limit // 1024 // 1024} MB.")
        source.replace(target)
    except FileNotFoundError:
        raise DeliveryRejected(f"{attachment.name} is gone.") from None
    return size
