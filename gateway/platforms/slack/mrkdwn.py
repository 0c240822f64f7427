"""Markdown as Slack's mrkdwn, in pieces within a limit, and mrkdwn as people wrote it back as text.

The rules are those of https://docs.slack.dev/messaging/formatting-message-text: three characters are escaped, marks
count at a word's border only, and nothing is formatted inside code.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gateway.rendering.cutting import clipped, is_web_page, unbroken
from gateway.rendering.slices import Slice, slices
from gateway.rendering.styled import Span, Style, Styled, no_links, styled

TEXT_LIMIT = 4000
SECTION_LIMIT = 3000
LEAST = 200
MARKS = {Style.BOLD: "*", Style.ITALIC: "_", Style.STRIKE: "~"}
FENCE = "```"
# Between two backticks it keeps a fence inside code from ending the code.
ZERO_WIDTH = "\u200b"

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_COSTS = {"&": 5, "<": 4, ">": 4}
_REFERENCE = re.compile(r"<([^<>\n]+)>")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


@dataclass(frozen=True, slots=True)
class Piece:
    """One message or section: its mrkdwn, and the same text without any formatting (escaped as well)."""

    mrkdwn: str
    text: str
    formatted: bool


def escape(text: str) -> str:
    """Return text that Slack shows as it is: no mention, link or entity in it is taken for one."""
    return _CONTROL.sub("\ufffd", text).translate(_ESCAPES)


def cost(text: str) -> int:
    """Return the length of a text once it is escaped."""
    return len(text) + sum((_COSTS[c] - 1) * text.count(c) for c in _COSTS)


def plain(markdown: str) -> str:
    """Return Markdown as people would read it without any formatting, escaped, for a notification."""
    return escape(styled(markdown, no_links).text.strip())


def pieces(markdown: str, limit: int = TEXT_LIMIT) -> list[Piece]:
    """Return Markdown as mrkdwn for as many messages or sections of ``limit`` characters as it needs.

    Every fence is closed in its piece; Markdown without anything visible gives none.
    """
    whole = styled(markdown, _can_hide)
    room = limit
    while True:
        cut = slices(whole.text, room, cost, unbroken(whole.spans))
        made = [_piece(whole, part) for part in cut if part.of(whole.text).strip()]
        if room <= LEAST or all(len(piece.mrkdwn) <= limit for piece in made):
            return [piece if len(piece.mrkdwn) <= limit else _bare(piece) for piece in made]
        # Marks and hidden addresses take more room than what is seen: cut shorter.
        room = max(LEAST, room * 3 // 4)


def _bare(piece: Piece) -> Piece:
    return Piece(piece.text, piece.text, formatted=False)


def _can_hide(address: str) -> bool:
    return is_web_page(address) or address.startswith("mailto:")


def _piece(whole: Styled, part: Slice) -> Piece:
    text = part.of(whole.text)
    spans = [span for span in clipped(whole.spans, part) if text[span.start : span.end].strip()]
    return Piece(_quoted(text, spans), escape(text), formatted=bool(spans))


def _quoted(text: str, spans: Sequence[Span]) -> str:
    """Write a piece with a mark before each line of a quotation; code inside one stands outside of it."""
    quotes = [span for span in spans if span.style is Style.QUOTE]
    others = [span for span in spans if span.style is not Style.QUOTE]
    out: list[str] = []
    position = 0
    for quote in quotes:
        out.append(_written(text, others, position, quote.start))
        out += _quote(text, others, quote)
        position = quote.end
    return "".join([*out, _written(text, others, position, len(text))])


def _quote(text: str, spans: Sequence[Span], quote: Span) -> Iterator[str]:
    blocks = [s for s in spans if s.style is Style.PRE and quote.start <= s.start and s.end <= quote.end]
    position = quote.start
    for block in blocks:
        yield _marked(_written(text, spans, position, block.start))
        yield _written(text, spans, block.start, block.end)
        position = block.end
    yield _marked(_written(text, spans, position, quote.end))


def _marked(text: str) -> str:
    """Put the mark of a quotation before each line that is not empty at the text's ends."""
    body = text.strip("\n")
    if not body:
        return text
    before, _, after = text.partition(body)
    return before + "\n".join(f"> {line}" for line in body.split("\n")) + after


def _written(text: str, spans: Sequence[Span], start: int, end: int) -> str:
    """Write a stretch of a text with the marks of the spans that lie in it, the outer ones first."""
    out: list[str] = []
    position = start
    for span in _topmost(spans, start, end):
        out.append(escape(text[position : span.start]))
        out.append(_span(text, spans, span))
        position = span.end
    return "".join([*out, escape(text[position:end])])


def _topmost(spans: Sequence[Span], start: int, end: int) -> Iterator[Span]:
    position = start
    for span in spans:
        if span.start >= position and span.end <= end:
            yield span
            position = span.end


def _span(text: str, spans: Sequence[Span], span: Span) -> str:
    body = text[span.start : span.end]
    match span.style:
        case Style.PRE:
            return f"{FENCE}\n{_unfenced(escape(body))}\n{FENCE}"
        case Style.CODE:
            return _code(body)
        case Style.LINK:
            return f"<{_address(span.value)}|{escape(' '.join(body.split())).replace('|', '¦')}>"
        case _:
            return _emphasis(text, spans, span)


def _emphasis(text: str, spans: Sequence[Span], span: Span) -> str:
    """Mark a stretch line by line; inside a word Slack knows no marks, so that it stays as it is."""
    inner = [s for s in spans if s is not span and span.start <= s.start and s.end <= span.end]
    inner = [s for s in inner if (s.start, s.end) != (span.start, span.end) or s.style != span.style]
    written = _written(text, inner, span.start, span.end)
    before = text[span.start - 1 : span.start]
    after = text[span.end : span.end + 1]
    if before.isalnum() or after.isalnum() or FENCE in written:
        return written
    return "\n".join(_around(line, MARKS[span.style]) for line in written.split("\n"))


def _around(line: str, mark: str) -> str:
    body = line.strip()
    if not body or mark in body.strip(mark):
        return line
    return line.replace(body, f"{mark}{body}{mark}", 1)


def _code(body: str) -> str:
    if "`" in body:
        return f"{FENCE}{_unfenced(escape(body))}{FENCE}"
    return f"`{escape(body)}`"


def _unfenced(code: str) -> str:
    """Keep fences inside code from ending it; a backtick at its end would melt with the fence behind it."""
    while FENCE in code:
        code = code.replace(FENCE, f"``{ZERO_WIDTH}`")
    return code + ZERO_WIDTH if code.endswith("`") else code


def _address(address: str) -> str:
    return escape(address).replace("|", "%7C")


def read(text: str) -> str:
    """Return what somebody wrote: references as words, and the three characters as they were typed."""
    shown = _REFERENCE.sub(_reference, text) if "<" in text else text
    return shown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _reference(found: re.Match[str]) -> str:
    target, bar, label = found[1].partition("|")
    match target[0]:
        case "@" | "#":
            return target[0] + label if label else target
        case "!":
            return _special(target[1:], label)
        case _:
            address = target.removeprefix("mailto:").removeprefix("tel:")
            same = not bar or label in (address, target) or address in (f"http://{label}", f"https://{label}")
            return address if same else f"{label} ({address})"


def _special(target: str, label: str) -> str:
    name = target.partition("^")[0]
    if name in {"here", "channel", "everyone"}:
        return f"@{name}"
    return label or f"@{target.partition('^')[2] or name}"
