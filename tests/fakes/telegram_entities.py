"""Telegram's HTML as the Bot API parses it: visible text, entities in UTF-16 units, and its errors.

https://core.telegram.org/bots/api#html-style; the error sentences are those of the public server.
"""

import re
from dataclasses import dataclass
from typing import Any

MAX_ENTITIES = 100

_KINDS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "span": "spoiler",
    "a": "text_link",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
    "tg-emoji": "custom_emoji",
    "tg-time": "date_time",
}
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_TOKEN = re.compile(r"&(?:(lt|gt|amp|quot)|#(\d{1,7})|#x([0-9a-fA-F]{1,6}));?|<|[^&<]+|&")
_TAG = re.compile(r"""(/?)([^\s>]*)((?:[^>"']|"[^"]*"|'[^']*')*)>""")
_ATTRIBUTE = re.compile(r"""\s*([^\s=>/"']+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([\w.-]+)))?""")
_VERBATIM = frozenset({"code", "pre"})


class EntityError(ValueError):
    """The text cannot be parsed; the message is what the Bot API says behind "can't parse entities: "."""


@dataclass(frozen=True, slots=True)
class Entity:
    """One formatted stretch: offset and length in UTF-16 code units."""

    kind: str
    offset: int
    length: int
    url: str = ""
    language: str = ""

    def wire(self) -> dict[str, Any]:
        """Return the entity as the Bot API writes it."""
        extra = {"url": self.url, "language": self.language}
        whole = {"type": self.kind, "offset": self.offset, "length": self.length}
        return whole | {name: value for name, value in extra.items() if value}


def utf16_length(text: str) -> int:
    """Return how many UTF-16 code units Telegram counts for `text`."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


@dataclass(slots=True)
class _Open:
    tag: str
    start: int
    url: str
    language: str


class _Parser:
    """One pass over a text; offsets in errors are bytes of the UTF-8 source."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._visible: list[str] = []
        self._length = 0
        self._open: list[_Open] = []
        self._done: list[Entity] = []

    def parse(self) -> tuple[str, list[Entity]]:
        position = 0
        while position < len(self._source):
            token = _TOKEN.match(self._source, position)
            assert token is not None
            position = self._tag(position) if token.group() == "<" else self._text(token)
        if self._open:
            raise EntityError(f'Can\'t find end tag corresponding to start tag "{self._open[-1].tag}"')
        return "".join(self._visible), self._done

    def _text(self, token: re.Match[str]) -> int:
        shown = _decoded(token)
        self._visible.append(shown)
        self._length += utf16_length(shown)
        return token.end()

    def _tag(self, begin: int) -> int:
        closing = self._source.startswith("</", begin)
        tag = _TAG.match(self._source, begin + 1)
        if tag is None:
            raise EntityError(
                f"Unclosed {'end' if closing else 'start'} tag at byte offset {self._bytes(begin)}"
            )
        if closing:
            self._close(tag.group(2).lower(), begin)
        else:
            self._start(tag.group(2).lower(), tag.group(3), begin)
        return tag.end()

    def _start(self, name: str, rest: str, begin: int) -> None:
        at = self._bytes(begin)
        if name not in _KINDS:
            raise EntityError(f'Unsupported start tag "{name}" at byte offset {at}')
        attributes = _attributes(rest)
        if attributes is None:
            raise EntityError(f'Empty attribute name in the tag "{name}" at byte offset {at}')
        if name == "span" and attributes.get("class") != "tg-spoiler":
            raise EntityError(f'Tag "span" must have class "tg-spoiler" at byte offset {at}')
        language = attributes.get("class", "") if name == "code" else ""
        language = language.removeprefix("language-") if language.startswith("language-") else ""
        self._open.append(
            _Open(name, self._length, attributes.get("href", "") if name == "a" else "", language)
        )

    def _close(self, name: str, begin: int) -> None:
        at = self._bytes(begin)
        if not self._open:
            raise EntityError(f"Unexpected end tag at byte offset {at}")
        opened = self._open.pop()
        if name and name != opened.tag:
            raise EntityError(
                f'Unmatched end tag at byte offset {at}, expected "</{opened.tag}>", found "</{name}>"'
            )
        if self._length > opened.start:
            self._finish(opened)

    def _finish(self, opened: _Open) -> None:
        kind, length, url = _KINDS[opened.tag], self._length - opened.start, opened.url
        if kind == "text_link":
            url = url or "".join(self._visible)[-length:]
            if not re.match(r"(?:https?|tg|ton|ftp)://|[\w-]+\.\w", url, re.IGNORECASE):
                return
        self._done.append(Entity(kind, opened.start, length, url, opened.language))

    def _bytes(self, position: int) -> int:
        return len(self._source[:position].encode())


def _decoded(token: re.Match[str]) -> str:
    named, decimal, hexadecimal = token.groups()
    if named:
        return _NAMED[named]
    if not (decimal or hexadecimal):
        return token.group()
    code = int(decimal) if decimal else int(hexadecimal, 16)
    return chr(code) if 0 < code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF else token.group()


def _attributes(rest: str) -> dict[str, str] | None:
    """Read `name="value"` pairs; None when something is not an attribute."""
    found: dict[str, str] = {}
    position = 0
    rest = rest.rstrip()
    while position < len(rest):
        match = _ATTRIBUTE.match(rest, position)
        if match is None:
            return None
        found[match[1].lower()] = _TOKEN.sub(_decoded, match[2] or match[3] or match[4] or "")
        position = match.end()
    return found


def _merge_pre(entities: list[Entity]) -> list[Entity]:
    """Give a `pre` the language of the `code` that fills it, and let nothing live inside code."""
    languages = {(e.offset, e.length): e.language for e in entities if e.kind == "code" and e.language}
    merged: list[Entity] = []
    for entity in entities:
        if any(
            _inside(entity, other) for other in entities if other.kind in _VERBATIM and other is not entity
        ):
            continue
        span = (entity.offset, entity.length)
        language = languages.get(span, "") if entity.kind == "pre" else ""
        merged.append(Entity(entity.kind, *span, entity.url, language))
    return merged


def _inside(entity: Entity, other: Entity) -> bool:
    within = other.offset <= entity.offset and entity.offset + entity.length <= other.offset + other.length
    same = (entity.offset, entity.length) == (other.offset, other.length)
    return within and not (same and (entity.kind == "pre" or other.kind != "pre"))


def _trim(text: str, entities: list[Entity]) -> tuple[str, list[Entity]]:
    """Strip white space at both ends, as Telegram does, and move the entities along."""
    shift = utf16_length(text) - utf16_length(text.lstrip())
    text = text.strip()
    end = utf16_length(text)
    kept: list[Entity] = []
    for entity in entities:
        start = max(0, entity.offset - shift)
        stop = min(end, entity.offset + entity.length - shift)
        if stop > start:
            kept.append(Entity(entity.kind, start, stop - start, entity.url, entity.language))
    return text, kept


def parse_html(source: str) -> tuple[str, list[Entity]]:
    """Return the visible text and at most 100 entities of an HTML message, or raise EntityError."""
    text, entities = _trim(*_Parser(source).parse())
    ordered = sorted(_merge_pre(entities), key=lambda entity: (entity.offset, -entity.length))
    return text, ordered[:MAX_ENTITIES]


_MENTIONED = re.compile(
    r"(?P<bot_command>(?<![\w/])/[A-Za-z0-9_]{1,64}(?:@\w{3,32})?)"
    r"|(?P<mention>(?<!\w)@\w{3,32})"
    r"|(?P<url>https?://[^\s<>]+)"
)


def detected(text: str) -> list[Entity]:
    """Return the commands, mentions and addresses Telegram marks by itself in what a person types."""
    return [
        Entity(match.lastgroup or "", utf16_length(text[: match.start()]), utf16_length(match.group()))
        for match in _MENTIONED.finditer(text)
    ]
