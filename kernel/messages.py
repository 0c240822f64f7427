"""Messages in and out, and the addresses they travel between."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import NamedTuple

from kernel.errors import InvalidInput


class Address(NamedTuple):
    """A place where people read: platform, the bot's account there, chat, and thread where there is one."""

    platform: str
    account: str
    chat: str
    thread: str | None = None

    def __str__(self) -> str:
        """Return what a person types: ``platform:chat[:thread]``."""
        return ":".join(part for part in (self.platform, self.chat, self.thread) if part)

    @property
    def parent(self) -> "Address":
        """The same chat without the thread."""
        return self._replace(thread=None)


def parse_address(text: str, account: str = "") -> Address:
    """Read ``platform:chat[:thread]``; raise InvalidInput for anything else."""
    platform, _, rest = text.strip().partition(":")
    chat, _, thread = rest.partition(":")
    if not platform or not chat:
        raise InvalidInput(f"{text!r} is no address.", remedy="Write platform:chat or platform:chat:thread.")
    return Address(platform, account, chat, thread or None)


class AttachmentKind(StrEnum):
    """What an attachment is."""

    PHOTO = "photo"
    DOCUMENT = "document"
    VOICE = "voice"
    AUDIO = "audio"
    VIDEO = "video"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that came with a message.

    ``ref`` is the platform's handle to fetch it, ``size`` is in bytes (0 when unknown), ``path`` is set once it is
    stored under the home, ``problem`` says why it was not fetched.
    """

    kind: AttachmentKind
    ref: str
    name: str = ""
    mime: str = ""
    size: int = 0
    path: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Heard:
    """A message of a channel as it is read back: when (milliseconds), by whom as people call them, and what.

    ``message_id`` and ``address`` (``platform:chat[:thread]``) are its own where the platform told them.
    """

    at: int
    author: str
    text: str
    attachments: int = 0
    message_id: str = ""
    address: str = ""


class InboundKind(StrEnum):
    """What a platform tells us."""

    MESSAGE = "message"
    EDIT = "edit"
    DELETE = "delete"
    TAP = "tap"
    MIGRATE = "migrate"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class Sender:
    """Who wrote: ``id`` is the platform's stable id, ``name`` is for display only and trusted for nothing.

    ``roles`` are the platform's stable ids of the roles or groups that the person has where they wrote.
    """

    id: str
    name: str = ""
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Inbound:
    """One thing a platform handed over.

    ``key`` is unique within (platform, account) and is what deduplication goes by; ``message_id`` is the platform's
    id of the message it is about; ``private`` says that nobody else reads the chat; ``addressed`` says that the bot
    was meant (always in a private chat); ``group`` joins the parts of an album; ``tap`` is a pressed button's value
    and ``tap_id`` what the platform wants acknowledged; a TAP with a ``text`` is a form that was filled in after the
    tap; ``sent_at`` is the platform's time in milliseconds.
    """

    address: Address
    key: str
    message_id: str
    sender: Sender
    kind: InboundKind = InboundKind.MESSAGE
    text: str = ""
    private: bool = True
    addressed: bool = True
    attachments: tuple[Attachment, ...] = ()
    reply_to: str = ""
    group: str = ""
    tap: str = ""
    tap_id: str = ""
    sent_at: int = 0


class Priority(IntEnum):
    """What goes first when a rate limit makes messages wait; higher goes first."""

    PROGRESS = 0
    NOTICE = 1
    REPLY = 2
    QUESTION = 3


@dataclass(frozen=True, slots=True)
class Button:
    """A button under a message; ``value`` comes back as ``Inbound.tap`` (64 bytes at most)."""

    label: str
    value: str


class OutboundKind(StrEnum):
    """What an owed message is."""

    TEXT = "text"
    FILE = "file"
    EDIT = "edit"


@dataclass(frozen=True, slots=True)
class Outbound:
    """A message we owe to an address.

    ``text`` is Markdown. ``replaces`` is the platform id of a message to edit instead of sending a new one.
    ``buttons`` are rows. ``file`` is a path under the home or a workspace. ``resend`` marks a second sending after an
    uncertain one. ``nonce`` is stable over resends of the same message. ``card`` says that a platform may frame the
    message, and what it is about: a tier (``"low"``, ``"medium"``, ``"high"``), ``"task"``, or ``"closed"``.
    ``after`` is, of one that is sent again, the id of our last message in the chat whose receipt is stored: what
    arrived is newer. ``transient`` says that it shows progress: it is not owed, and no measure for what was sent
    before it.
    """

    address: Address
    text: str = ""
    kind: OutboundKind = OutboundKind.TEXT
    buttons: tuple[tuple[Button, ...], ...] = ()
    reply_to: str = ""
    replaces: str = ""
    file: Path | None = None
    file_name: str = ""
    silent: bool = False
    resend: bool = False
    nonce: str = ""
    card: str = ""
    transient: bool = False
    after: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """The platform's confirmation: the ids of the messages it made, in order."""

    message_ids: Sequence[str] = field(default_factory=tuple[str, ...])
