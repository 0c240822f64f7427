"""Markdown as Telegram shows it: pieces of HTML within the limits of one message, each valid by itself.

The limits and the nesting rules are those of https://core.telegram.org/bots/api#formatting-options.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from html import escape

from gateway.platforms.telegram.pieces import TEXT_LIMIT, Piece
from gateway.rendering.cutting import clipped, is_visible, is_web_page, unbroken
from gateway.rendering.slices import Slice, slices, utf16_units
from gateway.rendering.styled import Span, Style, Styled, no_links, styled

MAX_ENTITIES = 100

_EMPHASIS = frozenset({Style.BOLD, Style.ITALIC, Style.STRIKE})
_VERBATIM = frozenset({Style.CODE, Style.PRE})
# What is given up last when a message has more than a hundred entities.
_KEPT_FIRST = (Style.PRE, Style.LINK, Style.CODE, Style.QUOTE, Style.BOLD, Style.ITALIC, Style.STRIKE)
_TAGS = {
    Style.BOLD: "b",
    Style.ITALIC: "i",
    Style.STRIKE: "s",
    Style.CODE: "code",
    Style.QUOTE: "blockquote",
}


def render(markdown: str, limit: int = TEXT_LIMIT) -> list[str]:
    """Return Markdown as HTML for as many messages as it needs.

    Each has balanced tags, at most `limit` UTF-16 units of visible text and at most 100 entities; Markdown
    without anything visible gives none.
    """
    return [piece.html for piece in pieces(markdown, limit)]


def plain(markdown: str) -> str:
    """Return Markdown as people would read it without any formatting, with addresses written out."""
    return styled(markdown, no_links).text.strip()


def pieces(markdown: str, limit: int = TEXT_LIMIT) -> list[Piece]:
    """Return what `render` returns, each with its text for a server that refuses the HTML."""
    whole = styled(markdown, is_web_page)
    cut = slices(whole.text, limit, utf16_units, unbroken(whole.spans))
    return [_piece(whole, part) for part in cut if is_visible(part.of(whole.text))]


def _piece(whole: Styled, part: Slice) -> Piece:
    text = part.of(whole.text)
    spans = _scarce(list(_legal(clipped(whole.spans, part))))
    return Piece(_html(text, spans), text)


def _legal(spans: Sequence[Span]) -> Iterator[Span]:
    """Take emphasis off code, which Telegram shows without any."""
    holes = [span for span in spans if span.style in _VERBATIM]
    for span in spans:
        if span.style not in _EMPHASIS:
            yield span
            continue
        start = span.start
        for hole in holes:
            if span.start <= hole.start and hole.end <= span.end:
                yield replace(span, start=start, end=max(start, hole.start))
                start = hole.end
        yield replace(span, start=start)


def _scarce(spans: list[Span]) -> list[Span]:
    """Drop empty spans and, beyond a hundred, those that matter least."""
    spans = sorted((s for s in spans if s.start < s.end), key=lambda span: (span.start, -span.end))
    ranked = sorted(range(len(spans)), key=lambda i: _KEPT_FIRST.index(spans[i].style))
    return [spans[i] for i in sorted(ranked[:MAX_ENTITIES])]


def _html(text: str, spans: Sequence[Span]) -> str:
    """Write text with its tags; `spans` are nested properly, the outer one first."""
    out: list[str] = []
    still_open: list[Span] = []
    position = 0
    for span in spans:
        position = _close(out, text, still_open, position, span.start)
        out.append(escape(text[position : span.start], quote=False) + _opening(span))
        position = span.start
        still_open.append(span)
    position = _close(out, text, still_open, position, len(text) + 1)
    return "".join([*out, escape(text[position:], quote=False)])


def _close(out: list[str], text: str, still_open: list[Span], position: int, until: int) -> int:
    """Write up to the end of every open span that ends at or before `until`; return how far the text is written."""
    while still_open and still_open[-1].end <= until:
        span = still_open.pop()
        out.append(escape(text[position : span.end], quote=False) + _closing(span))
        position = span.end
    return position


def _opening(span: Span) -> str:
    if span.style is Style.LINK:
        return f'<a href="{escape(span.value)}">'
    if span.style is not Style.PRE:
        return f"<{_TAGS[span.style]}>"
    return f'<pre><code class="language-{escape(span.value)}">' if span.value else "<pre>"


def _closing(span: Span) -> str:
    if span.style is Style.LINK:
        return "</a>"
    if span.style is not Style.PRE:
        return f"</{_TAGS[span.style]}>"
    return "</code></pre>" if span.value else "</pre>"
