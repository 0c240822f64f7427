"""What a Telegram message carries besides its text: attachments, and words for what cannot be attached."""

from collections.abc import Callable, Iterator
from typing import Any

from telegram import Message

from kernel.messages import Attachment, AttachmentKind

# Kinds of message that hold something a person sent, which we can only name.
UNREADABLE = (
    ("poll", "a poll"),
    ("dice", "a dice"),
    ("game", "a game"),
    ("story", "a story"),
    ("paid_media", "paid media"),
    ("checklist", "a checklist"),
    ("invoice", "an invoice"),
    ("giveaway", "a giveaway"),
)


def attachments(message: Message) -> tuple[Attachment, ...]:
    """Return the files of a message; it has one at most, and albums are messages of their own."""
    return tuple(_found(message))


def _found(message: Message) -> Iterator[Attachment]:
    if message.photo:
        largest = max(message.photo, key=lambda size: (size.width * size.height, size.file_size or 0))
        yield _attachment(AttachmentKind.PHOTO, largest, f"photo-{message.message_id}.jpg", "image/jpeg")
        return
    for field, kind, suffix, mime in FILES:
        file = getattr(message, field)
        if file:
            yield _attachment(kind, file, f"{field}-{message.message_id}{suffix}", mime)
            return


def _attachment(kind: AttachmentKind, file: Any, name: str, mime: str) -> Attachment:
    return Attachment(
        kind,
        ref=str(file.file_id),
        name=getattr(file, "file_name", None) or name,
        mime=getattr(file, "mime_type", None) or mime,
        size=int(file.file_size or 0),
    )


# An animation is also there as a document, so it stands before it.
FILES = (
    ("animation", AttachmentKind.VIDEO, ".mp4", "video/mp4"),
    ("video", AttachmentKind.VIDEO, ".mp4", "video/mp4"),
    ("video_note", AttachmentKind.VIDEO, ".mp4", "video/mp4"),
    ("voice", AttachmentKind.VOICE, ".ogg", "audio/ogg"),
    ("audio", AttachmentKind.AUDIO, ".mp3", "audio/mpeg"),
    ("document", AttachmentKind.DOCUMENT, "", "application/octet-stream"),
)


def note(message: Message) -> str:
    """Say in brackets what a message without text or file holds; empty for service messages."""
    for field, words in NOTES:
        value = getattr(message, field)
        if value:
            return f"[{words(value)}]"
    for field, what in UNREADABLE:
        if getattr(message, field):
            return f"[{what}, which cannot be read here]"
    return "[a kind of message this version cannot read]" if message.api_kwargs else ""


NOTES: tuple[tuple[str, Callable[[Any], str]], ...] = (
    ("sticker", lambda sticker: f"sticker {sticker.emoji or ''}".strip()),
    ("venue", lambda v: f"place: {v.title}, {v.address} ({v.location.latitude}, {v.location.longitude})"),
    ("location", lambda place: f"location: {place.latitude}, {place.longitude}"),
    (
        "contact",
        lambda c: f"contact: {' '.join(filter(None, (c.first_name, c.last_name)))}, {c.phone_number}",
    ),
)
