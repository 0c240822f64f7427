"""Markdown in Discord's dialect: pieces within the limits of one message, each valid by itself.

Discord has no tables, numbers lists by itself and reads a backslash as everybody does; see
https://support.discord.com/hc/en-us/articles/210298617.
"""

import re
from collections.abc import Sequence

from gateway.rendering.cutting import clipped, is_visible, is_web_page, unbroken
from gateway.rendering.slices import LEAST_LIMIT, Slice, slices, utf16_units
from gateway.rendering.styled import Span, Style, Styled, no_links, styled

TEXT_LIMIT = 2_000
EMBED_LIMIT = 4_096

_SPECIAL = re.compile(r"([\\*_~`|<>\[\]])")
# At the beginning of a line these make headings, quotations, small print and lists.
_LEADING = re.compile(r"^(\s*)(#{1,3} |-# |[-+] |>)", re.MULTILINE)
_MARKS = {Style.BOLD: "**", Style.ITALIC: "*", Style.STRIKE: "~~"}
_VERBATIM = frozenset({Style.CODE, Style.PRE})


def pieces(markdown: str, limit: int = TEXT_LIMIT) -> list[str]:
    """Return Markdown as Discord's, in as many messages of at most ``limit`` UTF-16 units as it needs.

    Blocks of code stay whole where they fit and are closed and opened again where not. Markdown without anything
    visible gives no piece.
    """
    whole = styled(markdown, _can_hide)
    room = limit
    while True:
        parts = slices(whole.text, room, utf16_units, unbroken(whole.spans))
        found = [_written(whole, part) for part in parts if is_visible(part.of(whole.text))]
        longest = max(map(utf16_units, found), default=0)
        if longest <= limit:
            return found
        if room == LEAST_LIMIT:
            return _plain(whole.text, limit)
        # What marks and backslashes add differs from piece to piece; a smaller cut leaves them room.
        room = max(LEAST_LIMIT, min(room - 1, room * limit // longest - 16))


def plain(markdown: str) -> str:
    """Return Markdown as people would read it without any formatting, with addresses written out."""
    return styled(markdown, no_links).text.strip()


def _plain(text: str, limit: int) -> list[str]:
    return [part.of(text) for part in slices(text, limit, utf16_units) if is_visible(part.of(text))]


def _can_hide(address: str) -> bool:
    """Tell whether Discord opens an address from behind a label."""
    return is_web_page(address) and not re.search(r"[\s()<>]", address)


def _written(whole: Styled, part: Slice) -> str:
    return _quoted(part.of(whole.text), clipped(whole.spans, part))


def _quoted(text: str, spans: Sequence[Span]) -> str:
    """Write a text whose quotations get ``>`` before each line."""
    quotes = [span for span in spans if span.style is Style.QUOTE]
    others = [span for span in spans if span.style is not Style.QUOTE]
    out: list[str] = []
    position = 0
    for quote in quotes:
        out.append(_styled(text, others, position, quote.start))
        inner = _styled(text, others, quote.start, quote.end)
        out.append("\n".join(f"> {line}" for line in inner.split("\n")))
        position = quote.end
    return "".join([*out, _styled(text, others, position, len(text))]).rstrip()


def _styled(text: str, spans: Sequence[Span], start: int, end: int) -> str:
    """Write ``text[start:end]`` with the marks of its spans, which are nested properly."""
    inside = [
        Span(s.style, max(s.start, start), min(s.end, end), s.value)
        for s in spans
        if s.start < end and start < s.end
    ]
    out: list[str] = []
    position = start
    for number, span in enumerate(inside):
        if span.start < position:
            continue
        out.append(escaped(text[position : span.start], text, position))
        out.append(_one(text, span, inside[number + 1 :]))
        position = span.end
    out.append(escaped(text[position:end], text, position))
    return "".join(out)


def _one(text: str, span: Span, inner: Sequence[Span]) -> str:
    if span.style is Style.PRE:
        return _fenced(text, span)
    if span.style is Style.CODE:
        return _inline_code(text[span.start : span.end])
    content = _styled(text, [s for s in inner if s.end <= span.end], span.start, span.end)
    if span.style is Style.LINK:
        label = content.replace("\n", " ")
        return f"[{label}](<{span.value}>)" if label.strip() else span.value
    bare = content.strip()
    if not bare or any(s.style is Style.PRE for s in inner if s.start < span.end):
        return content
    # A mark beside a space is no mark to Discord, so the space moves out.
    before, after = content[: len(content) - len(content.lstrip())], content[len(content.rstrip()) :]
    return f"{before}{_MARKS[span.style]}{bare}{_MARKS[span.style]}{after}"


def _fenced(text: str, span: Span) -> str:
    code = text[span.start : span.end].replace("```", "`\u200b``")
    language = span.value if re.fullmatch(r"[\w+#.-]{1,30}", span.value) else ""
    before = "" if span.start == 0 or text[span.start - 1] == "\n" else "\n"
    after = "" if span.end >= len(text) or text[span.end] == "\n" else "\n"
    return f"{before}```{language}\n{code}\n```{after}"


def _inline_code(code: str) -> str:
    if "`" not in code:
        return f"`{code}`"
    return f"``{code.strip('`')}``" if "``" not in code.strip("`") else escaped(code)


def escaped(text: str, around: str = "", start: int = 0) -> str:
    """Return text that Discord shows as it is; ``around[start:]`` is where it stands in the message.

    An address keeps its underscores, since Discord reads it before anything else; a line's beginning is only one
    where the text really begins a line.
    """
    parts = re.split(r"(https?://[^\s<>]+)", text)
    written = "".join(part if at % 2 else _SPECIAL.sub(r"\\\1", part) for at, part in enumerate(parts))
    begins_line = start == 0 or not around or around[start - 1 : start] == "\n"
    return _LEADING.sub(r"\1\\\2", written) if begins_line else _inner_lines(written)


def _inner_lines(written: str) -> str:
    head, newline, rest = written.partition("\n")
    return head + newline + _LEADING.sub(r"\1\\\2", rest)
