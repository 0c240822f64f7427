"""From the messages of a turn to what a model reads."""

from collections.abc import Sequence
from pathlib import Path

from pydantic_ai.messages import BinaryContent, UserContent

from agent import framing
from agent.settings import ContextSettings
from kernel.messages import Attachment, AttachmentKind
from kernel.turns import TurnInput

TEXT_TYPES = ("text/", "application/json", "application/xml", "application/yaml", "application/x-yaml")
SHOWN_IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp")

SOUNDS = frozenset({AttachmentKind.VOICE, AttachmentKind.AUDIO})
UNHEARD = (
    "You cannot hear it: say that it is kept and what can be done about it, such as writing it down, or running a"
    " program that transcribes it."
)


def prompt(
    inputs: Sequence[TurnInput], settings: ContextSettings, *, internal: bool = False
) -> list[UserContent]:
    """Return the content of one user message; inputs of a turn that Hermes started are framed as events."""
    content: list[UserContent] = []
    for given in inputs:
        text = framing.event(given.text) if internal else framing.message(given.text, given.author)
        notes = [framing.note(given.note)] if given.note else []
        files = [_described(attachment, settings) for attachment in given.attachments]
        content.append("\n".join(part for part in (text, *notes, *files) if part))
        content.extend(image for attachment in given.attachments if (image := _image(attachment, settings)))
    return content


def plain_prompt(content: Sequence[UserContent]) -> str | list[UserContent]:
    """Return content as a single text where it is one."""
    if all(isinstance(item, str) for item in content):
        return "\n\n".join(item for item in content if isinstance(item, str))
    return list(content)


def _described(attachment: Attachment, settings: ContextSettings) -> str:
    name = attachment.name or attachment.kind.value
    if attachment.problem:
        return framing.note(f"{name} came with this message but was not kept: {attachment.problem}")
    if (excerpt := _excerpt(attachment, settings.text_attachment)) is not None:
        return framing.attachment(excerpt, name)
    kind = f"{attachment.kind.value} {name} ({attachment.mime or 'type unknown'})"
    unheard = f". {UNHEARD}" if attachment.kind in SOUNDS else ""
    return framing.note(f"{kind}, kept at {attachment.path}{unheard}")


def _excerpt(attachment: Attachment, limit: int) -> str | None:
    if not attachment.path or not attachment.mime.startswith(TEXT_TYPES):
        return None
    try:
        with Path(attachment.path).open("rb") as file:
            text = file.read(limit * 4 + 4).decode(errors="replace")
    except OSError as error:
        return f"[the file could not be read: {error.strerror}]"
    return text if len(text) <= limit else f"{text[:limit]}\n[the rest is in {attachment.path}]"


def _image(attachment: Attachment, settings: ContextSettings) -> BinaryContent | None:
    fits = attachment.path and attachment.mime in SHOWN_IMAGES and attachment.kind is not AttachmentKind.VIDEO
    if not fits:
        return None
    path = Path(attachment.path)
    try:
        data = path.read_bytes() if path.stat().st_size <= settings.image else b""
    except OSError:
        # The description already names the file; a model that cannot see it still answers.
        return None
    return BinaryContent(data, media_type=attachment.mime) if data else None
