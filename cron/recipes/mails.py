"""Mails as they were written by the whole world: read leniently, and nothing in them stops a run."""

import re
from dataclasses import dataclass
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.utils import parseaddr

from agent.tools.page import text_of_html
from cron.recipes.prose import one_line

LONGEST = 200_000
_LINK = re.compile(r"https?://[^\s<>\"'\])}]+")
_HREF = re.compile(r"href\s*=\s*[\"'](https?://[^\"'\s]+)", re.IGNORECASE)
# What most mails have at their end and nobody wants in a summary.
_UNWANTED = re.compile(
    r"unsubscribe|abmelden|optout|opt-out|preferences|tracking|/open\?|pixel|\.(?:png|gif|jpe?g)(?:$|\?)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail: ``at`` is when it arrived (milliseconds), ``message_id`` has no angle brackets."""

    uid: int
    at: int
    sender: str
    subject: str
    message_id: str
    text: str
    links: tuple[str, ...]


def parsed(raw: bytes, uid: int, at: int) -> Mail:
    """Return what a mail says; it may be cut anywhere and need not keep any rule."""
    message = message_from_bytes(raw)
    name, address = parseaddr(header(message, "From"))
    text, links = _body(message)
    return Mail(
        uid,
        at,
        one_line(name or address or "somebody", 80),
        one_line(header(message, "Subject"), 200) or "(no subject)",
        header(message, "Message-ID").strip().strip("<>"),
        text,
        links,
    )


def header(message: Message, name: str) -> str:
    """Return a header in words; what cannot be decoded is shown as it is."""
    raw = str(message.get(name, ""))
    try:
        parts = decode_header(raw)
    except (HeaderParseError, ValueError):
        return raw
    return "".join(_decoded(part, charset) if isinstance(part, bytes) else part for part, charset in parts)


def _decoded(raw: bytes, charset: str | None) -> str:
    try:
        return raw.decode(charset or "utf-8", "replace")
    except LookupError:
        # A charset nobody knows.
        return raw.decode("latin-1")


def _body(message: Message) -> tuple[str, tuple[str, ...]]:
    """Return a mail's text on one line and the addresses in it; plain text goes before HTML."""
    plain = html = ""
    for part in message.walk():
        if part.get_content_disposition() == "attachment" or part.is_multipart():
            continue
        if part.get_content_type() == "text/plain":
            plain = plain or _content(part)
        elif part.get_content_type() == "text/html":
            html = html or _content(part)
    shown = plain if plain.strip() else text_of_html(html)
    found = _LINK.findall(plain) or _HREF.findall(html)
    links = dict.fromkeys(link.rstrip(".,;:!?") for link in found if not _UNWANTED.search(link))
    return one_line(shown, 20_000), tuple(links)


def _content(part: Message) -> str:
    payload = part.get_payload(decode=True)
    raw = payload if isinstance(payload, bytes) else b""
    return _decoded(raw[:LONGEST], _charset(part))


def _charset(part: Message) -> str | None:
    charset = part.get_content_charset()
    return charset if charset and charset.isascii() else None
