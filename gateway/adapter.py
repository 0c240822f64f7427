"""The contract between the gateway and a platform.

An adapter is two attributes and two methods: ``identity``, ``capabilities``, ``run`` and ``send``. Everything else is
an ability: a small protocol that the adapter names in ``capabilities.abilities`` and that the gateway finds with
``ability``. Nobody asks for a platform's name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol, TypeVar, cast, runtime_checkable

from kernel.messages import Address, Attachment, Inbound, Outbound, Receipt, Sender


class Streaming(StrEnum):
    """How a platform can show a reply while it is being written."""

    NONE = "none"
    DRAFT = "draft"
    EDIT = "edit"


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom the adapter speaks as; ``account`` is the bot's stable id, known without asking the platform."""

    platform: str
    account: str


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a platform can do, as data.

    ``text_limit`` counts in ``length_unit`` (``"utf16"``, ``"characters"`` or ``"bytes"``). ``client_split`` is the
    length from which a client is known to cut a long paste into several messages (0: never). ``edit_interval`` is the
    least time between two transient edits of one message in seconds, ``per_second`` and ``per_chat`` are the
    published rates in messages a second, ``per_group_minute`` in messages a minute. ``file_limit`` is in bytes.
    ``remote`` says that other computers are involved, ``lasting`` that people come back to its chats by themselves.
    ``reconciles`` says that the adapter itself finds out whether an uncertain message arrived, ``receives`` that
    people can answer there: where it is false, notices go out and nobody decides anything.
    """

    text_limit: int = 4000
    length_unit: str = "characters"
    client_split: int = 0
    streaming: Streaming = Streaming.NONE
    edit_interval: float = 1.0
    buttons: bool = False
    files: bool = False
    file_limit: int = 20 * 1024 * 1024
    threads: bool = False
    reactions: bool = False
    remote: bool = True
    lasting: bool = True
    reconciles: bool = False
    receives: bool = True
    per_second: float = 30.0
    per_chat: float = 1.0
    per_group_minute: float = 20.0
    abilities: frozenset[type] = field(default_factory=frozenset[type])


class Link(Protocol):
    """What the gateway hands to a running adapter."""

    async def receive(self, batch: Sequence[Inbound]) -> None:
        """Commit a batch; return only when it is durable, so that the platform may be told.

        Raises StoreError when nothing could be committed: then the batch must not be acknowledged.
        """
        ...

    def connected(self) -> None:
        """Say that the platform answers."""
        ...

    def progress(self) -> None:
        """Say that the connection has just proved to be alive (a poll returned, a heartbeat was answered)."""
        ...

    def degraded(self, reason: str) -> None:
        """Say that the connection has trouble the adapter is coping with."""
        ...

    async def quarantine(self, key: str, raw: str, reason: str) -> None:
        """Commit something that could not be understood, so that it can be acknowledged without being lost."""
        ...

    async def anchors(self) -> Mapping[Address, str]:
        """Return the id of the last committed message of every chat and thread of this adapter's account.

        An adapter whose platform waits for no acknowledgement fetches what came after these on every connect and
        after every commit that failed; what is handed over twice is stored once.
        """
        ...

    async def recall(self, name: str) -> str:
        """Return what this adapter's account remembered under a name, or an empty string."""
        ...

    async def remember(self, name: str, text: str) -> None:
        """Keep a small text for the adapter's account over restarts; an empty one is forgotten. Raises StoreError."""
        ...


class Adapter(Protocol):
    """The whole of what a platform must offer."""

    @property
    def identity(self) -> Identity:
        """Whom the adapter speaks as."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What the platform can do."""
        ...

    async def run(self, link: Link) -> None:
        """Connect and receive until cancelled.

        Raises PlatformUnavailable (retried with backoff), PlatformConflict or PlatformUnauthorised.
        """
        ...

    async def send(self, message: Outbound) -> Receipt:
        """Deliver one message that fits the limits; raise DeliveryDeferred, DeliveryRejected or DeliveryUncertain."""
        ...


@runtime_checkable
class Drafts(Protocol):
    """Shows an unfinished reply natively."""

    async def draft(self, address: Address, draft_id: int, text: str) -> None:
        """Show ``text`` as the draft ``draft_id`` (a positive integer, stable over one turn)."""
        ...


@runtime_checkable
class Bubbles(Protocol):
    """Edits a message of ours in place; these messages are transient and not owed."""

    async def bubble(self, address: Address, message_id: str, text: str) -> str:
        """Send (empty ``message_id``) or edit a transient, silent message; return its id."""
        ...

    async def burst(self, address: Address, message_id: str) -> None:
        """Remove a transient message; one that is gone already is fine."""
        ...


@runtime_checkable
class Typing(Protocol):
    """Shows that an answer is being prepared."""

    async def typing(self, address: Address) -> None:
        """Show the typing indicator for as long as the platform keeps it."""
        ...


class Mark(StrEnum):
    """A reaction's meaning."""

    SEEN = "seen"
    DONE = "done"
    FAILED = "failed"


@runtime_checkable
class Reactions(Protocol):
    """Acknowledges a message without words."""

    async def react(self, address: Address, message_id: str, mark: Mark) -> None:
        """Put the platform's sign for ``mark`` on a message."""
        ...


@runtime_checkable
class Taps(Protocol):
    """Acknowledges a pressed button."""

    async def acknowledge(self, tap_id: str, text: str) -> None:
        """End the button's waiting state and show ``text`` briefly; a tap too old to acknowledge is fine."""
        ...


@runtime_checkable
class Fetches(Protocol):
    """Downloads attachments."""

    async def fetch(self, attachment: Attachment, target: Path, limit: int) -> int:
        """Write the attachment to ``target`` and return its size in bytes.

        Raises DeliveryRejected when it is larger than ``limit`` or gone, PlatformUnavailable when it may work later.
        """
        ...


@dataclass(frozen=True, slots=True)
class MenuEntry:
    """One line of a platform's command menu; ``usage`` names the arguments, as in ``<id> [reason]``."""

    name: str
    summary: str
    usage: str = ""


@runtime_checkable
class Menus(Protocol):
    """Registers the slash commands with the platform's menu."""

    async def menu(self, entries: Sequence[MenuEntry]) -> None:
        """Make the menu equal to ``entries``."""
        ...


@runtime_checkable
class Threads(Protocol):
    """Opens threads."""

    async def create_thread(self, parent: Address, name: str) -> Address | None:
        """Open a thread in ``parent`` and return its address, or ``None`` where the chat cannot have one."""
        ...


@runtime_checkable
class FreshChats(Protocol):
    """Opens chats: here a person has as many as they like, and a conversation gets one of its own."""

    async def create_chat(self, name: str) -> Address:
        """Return the address of a new chat."""
        ...


@dataclass(frozen=True, slots=True)
class Form:
    """One question with a text as its answer.

    ``value`` comes back as ``Inbound.tap`` together with the answer as ``Inbound.text``; ``preset`` stands in the
    field to begin with, ``multiline`` says that it may be long, ``required`` that it may not be empty.
    """

    title: str
    label: str
    value: str
    preset: str = ""
    multiline: bool = True
    required: bool = False


@runtime_checkable
class Forms(Protocol):
    """Opens a form after a tap."""

    async def open_form(self, tap_id: str, form: Form) -> bool:
        """Show the form to whoever tapped, in place of ``acknowledge``; tell whether it was still possible."""
        ...


@dataclass(frozen=True, slots=True)
class Said:
    """A message of a channel as anybody wrote it; ``sent_at`` is the platform's time in milliseconds."""

    address: Address
    message_id: str
    sender: Sender
    text: str
    sent_at: int
    attachments: int = 0


@runtime_checkable
class Reads(Protocol):
    """Reads a channel's history."""

    async def read_channel(self, address: Address, since: int, limit: int) -> Sequence[Said]:
        """Return the latest messages after the millisecond ``since``, ``limit`` at most, oldest first.

        Raises DeliveryRejected where the bot may not read, PlatformUnavailable when it may work later.
        """
        ...


@runtime_checkable
class Names(Protocol):
    """Knows the channels that the bot can reach."""

    async def channels(self) -> Mapping[Address, str]:
        """Return the channels and open threads the bot sees, with the names people know them by (never trusted)."""
        ...


@dataclass(frozen=True, slots=True)
class Probe:
    """What a live check of the credentials found: the bot's name and sentences about what is not as it should be."""

    name: str
    warnings: tuple[str, ...] = ()


@runtime_checkable
class Probes(Protocol):
    """Checks the credentials against the platform."""

    async def probe(self) -> Probe:
        """Ask the platform who we are; raise PlatformUnauthorised or PlatformUnavailable."""
        ...


@runtime_checkable
class Closes(Protocol):
    """Holds connections that outlast ``run``, because sending goes on behind it."""

    async def close(self) -> None:
        """Release them; nothing can be sent afterwards, and doing it twice is harmless."""
        ...


T = TypeVar("T")


def ability(adapter: Adapter, kind: type[T]) -> T | None:
    """Return the adapter as ``kind`` when its capabilities name that ability, else ``None``."""
    return cast(T, adapter) if kind in adapter.capabilities.abilities else None
