"""Markdown as styled text: what people see, and which stretches of it look how."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from unicodedata import east_asian_width

from markdown_it import MarkdownIt
from markdown_it.token import Token

LONGEST_PARSED = 100_000
DEEPEST = 60
RULE = "———"
BULLET = "• "
WIDEST_COLUMN = 40

# Link definitions stay text: a platform has no place for a footnote that vanishes.
_PARSER = (
    MarkdownIt("commonmark", {"html": False, "maxNesting": DEEPEST})
    .enable(["table", "strikethrough"])
    .disable("reference")
)


class Style(StrEnum):
    """How a stretch of text looks."""

    BOLD = "bold"
    ITALIC = "italic"
    STRIKE = "strike"
    CODE = "code"
    PRE = "pre"
    LINK = "link"
    QUOTE = "quote"


@dataclass(frozen=True, slots=True)
class Span:
    """A styled stretch; `value` is a link's address or the language of code."""

    style: Style
    start: int
    end: int
    value: str = ""


@dataclass(frozen=True, slots=True)
class Styled:
    """A text as people see it, with properly nested spans ordered by start, the outer one first."""

    text: str
    spans: tuple[Span, ...] = ()


def styled(markdown: str, links: Callable[[str], bool]) -> Styled:
    """Return the styled text of Markdown; `links` says which addresses may be hidden behind their label.

    Any other address is written behind its label in parentheses. Text that is too long or too deeply nested to be
    parsed, or of which nothing visible would remain, comes back as it is.
    """
    source = markdown.encode("utf-8", "replace").decode()
    if len(source) > LONGEST_PARSED:
        return Styled(source)
    tokens = _PARSER.parse(source)
    if any(token.level >= DEEPEST - 2 for token in tokens):
        return Styled(source)
    written = _Writer(links).write(tokens)
    return written if written.text.strip() else Styled(source)


@dataclass(slots=True)
class _Open:
    style: Style
    start: int
    value: str


@dataclass(slots=True)
class _List:
    """A list being written: the next number (None: bullets) and the indentation of its items' text."""

    number: int | None
    indent: str = ""


@dataclass(slots=True)
class _Writer:
    """Walks the tokens once; `gap` newlines and `marker` are owed before the next visible character.

    `fresh` says that a list item or a quotation has just begun, whose first block follows without a gap; `line` is
    where the last block ended in the source.
    """

    links: Callable[[str], bool]
    out: list[str] = field(default_factory=list[str])
    size: int = 0
    gap: int = 0
    marker: str = ""
    fresh: bool = False
    indent: str = ""
    line: int = 0
    quotes: int = 0
    lists: list[_List] = field(default_factory=list[_List])
    opened: list[_Open] = field(default_factory=list[_Open])
    spans: list[Span] = field(default_factory=list[Span])
    hrefs: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])

    def write(self, tokens: Sequence[Token]) -> Styled:
        position = 0
        while position < len(tokens):
            token = tokens[position]
            if token.type == "table_open":
                behind = _behind_table(tokens, position)
                self._table(tokens[position:behind])
                position = behind
                continue
            self._block(token)
            position += 1
        # Of two spans over the same text the outer one was finished last.
        outer_first = self.spans[::-1]
        outer_first.sort(key=lambda span: (span.start, -span.end))
        return Styled("".join(self.out), tuple(outer_first))

    def _block(self, token: Token) -> None:
        if token.map is not None and token.type in _LEAVES:
            self._space(token.map, least=2 if token.type == "heading_open" else 1)
        act = _BLOCKS.get(token.type)
        if act is not None:
            act(self, token)

    def _space(self, lines: list[int], least: int = 1) -> None:
        """Keep a blank line where the source has one between two blocks."""
        if not self.fresh:
            self.gap = max(self.gap, least, 2 if lines[0] > self.line else 1)
        self.fresh = False
        self.line = lines[1]

    def _put(self, text: str) -> None:
        self._settle()
        self.out.append(text)
        self.size += len(text)

    def _settle(self) -> None:
        """Write the newlines and the list marker that are owed."""
        owed = "\n" * self.gap if self.size else ""
        owed += self.marker or (self.indent if owed or not self.size else "")
        self.gap, self.marker = 0, ""
        self.out.append(owed)
        self.size += len(owed)

    def _begin(self, style: Style, value: str = "") -> None:
        self._settle()
        self.opened.append(_Open(style, self.size, value))

    def _finish(self) -> None:
        done = self.opened.pop()
        again = any(around.style is done.style for around in self.opened)
        if self.size > done.start and not again:
            self.spans.append(Span(done.style, done.start, self.size, done.value))

    def heading_open(self, _token: Token) -> None:
        self._begin(Style.BOLD)

    def close(self, _token: Token) -> None:
        self._finish()

    def rule(self, _token: Token) -> None:
        self._put(RULE)

    def code_block(self, token: Token) -> None:
        language = token.info.strip().partition(" ")[0]
        content = token.content.rstrip("\n")
        if not content.strip():
            return
        if self.marker:
            self._settle()
            self.gap = 1
        indent, self.indent = self.indent, ""
        self._begin(Style.PRE, language)
        self._put(content)
        self._finish()
        self.indent, self.gap = indent, 1

    def quote_open(self, token: Token) -> None:
        """Open a quotation on a line of its own; one inside another only continues it."""
        self.quotes += 1
        if self.quotes > 1:
            return
        if self.marker:
            self._settle()
            self.gap, self.fresh = 1, True
        self._space(token.map or [self.line, self.line])
        self._begin(Style.QUOTE)
        self.fresh = True

    def quote_close(self, _token: Token) -> None:
        self.quotes -= 1
        if self.quotes == 0:
            self._finish()
            self.gap = 1

    def list_open(self, token: Token) -> None:
        start = token.attrGet("start")
        number = (int(start) if start is not None else 1) if token.type == "ordered_list_open" else None
        self.lists.append(_List(number, self.indent))

    def list_close(self, _token: Token) -> None:
        self.indent = self.lists.pop().indent

    def item_open(self, token: Token) -> None:
        here = self.lists[-1]
        bullet = BULLET if here.number is None else f"{here.number}. "
        if here.number is not None:
            here.number += 1
        begin = token.map[0] if token.map is not None else self.line
        self._space([begin, max(self.line, begin)])
        self.marker = (self.marker or here.indent) + bullet
        self.indent = here.indent + " " * len(bullet)
        self.fresh = True

    def item_close(self, _token: Token) -> None:
        if self.marker:
            self._settle()
        self.fresh = False

    def inline(self, token: Token) -> None:
        for child in token.children or []:
            act = _INLINES.get(child.type)
            if act is not None:
                act(self, child)
            else:
                self._put(child.content)

    def newline(self, _token: Token) -> None:
        self._put(f"\n{self.indent}")

    def bold(self, _token: Token) -> None:
        self._begin(Style.BOLD)

    def italic(self, _token: Token) -> None:
        self._begin(Style.ITALIC)

    def strike(self, _token: Token) -> None:
        self._begin(Style.STRIKE)

    def code(self, token: Token) -> None:
        if self.hrefs:
            self._put(token.content)
            return
        self._begin(Style.CODE)
        self._put(token.content)
        self._finish()

    def link_open(self, token: Token) -> None:
        self._settle()
        self.hrefs.append((self.size, str(token.attrGet("href") or "")))

    def link_close(self, _token: Token) -> None:
        start, href = self.hrefs.pop()
        self._link(start, href)

    def image(self, token: Token) -> None:
        """Show a picture as a link to it, unless it is part of a link's label."""
        href = str(token.attrGet("src") or "")
        self._settle()
        start = self.size
        self._put(token.content or href)
        if not self.hrefs:
            self._link(start, href)

    def _link(self, start: int, href: str) -> None:
        shown = href.removeprefix("mailto:").removeprefix("tel:")
        if self.size == start:
            self._put(shown)
        if self.links(href):
            self.spans.append(Span(Style.LINK, start, self.size, href))
        elif "".join(self.out)[start:] != shown and shown:
            self._put(f" ({shown})")

    def _table(self, tokens: Sequence[Token]) -> None:
        """Write a table as preformatted text with aligned columns."""
        self._space(tokens[0].map or [self.line, self.line])
        rows: list[list[str]] = []
        for token in tokens:
            if token.type == "tr_open":
                rows.append([])
            elif token.type == "inline":
                rows[-1].append(_cell(token))
        table = Token("fence", "code", 0, content=_aligned(rows))
        self.code_block(table)


def _cell(token: Token) -> str:
    """Return a cell's text; an address is written out, since code holds no links."""
    return _Writer(no_links).write([token]).text


def no_links(_address: str) -> bool:
    """Say of every address that it is to be written out."""
    return False


def _behind_table(tokens: Sequence[Token], start: int) -> int:
    return next(i for i in range(start, len(tokens)) if tokens[i].type == "table_close") + 1


def _columns(text: str) -> int:
    """Return how many columns of a fixed-width font a text takes."""
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


def _aligned(rows: list[list[str]]) -> str:
    count = max(map(len, rows), default=0)
    widths = [
        min(WIDEST_COLUMN, max((_columns(row[i]) for row in rows if i < len(row)), default=0))
        for i in range(count)
    ]
    lines = [_padded(row, widths) for row in rows]
    lines.insert(1, "-+-".join("-" * width for width in widths))
    return "\n".join(lines)


def _padded(row: list[str], widths: list[int]) -> str:
    cells = [cell + " " * (width - _columns(cell)) for cell, width in zip(row, widths, strict=False)]
    return " | ".join(cells).rstrip()


_LEAVES = frozenset({"paragraph_open", "heading_open", "fence", "code_block", "hr"})
_Act = Callable[[_Writer, Token], None]
_BLOCKS: Mapping[str, _Act] = {
    "heading_open": _Writer.heading_open,
    "heading_close": _Writer.close,
    "hr": _Writer.rule,
    "fence": _Writer.code_block,
    "code_block": _Writer.code_block,
    "blockquote_open": _Writer.quote_open,
    "blockquote_close": _Writer.quote_close,
    "bullet_list_open": _Writer.list_open,
    "bullet_list_close": _Writer.list_close,
    "ordered_list_open": _Writer.list_open,
    "ordered_list_close": _Writer.list_close,
    "list_item_open": _Writer.item_open,
    "list_item_close": _Writer.item_close,
    "inline": _Writer.inline,
}
_INLINES: Mapping[str, _Act] = {
    "softbreak": _Writer.newline,
    "hardbreak": _Writer.newline,
    "strong_open": _Writer.bold,
    "strong_close": _Writer.close,
    "em_open": _Writer.italic,
    "em_close": _Writer.close,
    "s_open": _Writer.strike,
    "s_close": _Writer.close,
    "code_inline": _Writer.code,
    "link_open": _Writer.link_open,
    "link_close": _Writer.link_close,
    "image": _Writer.image,
}
