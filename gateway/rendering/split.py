"""Splits Markdown into pieces within a platform's limit; each piece is valid Markdown by itself."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

from markdown_it import MarkdownIt
from markdown_it.token import Token

from gateway.rendering.slices import LENGTHS, Length, Region, slices

__all__ = ["LENGTHS", "Length", "split"]

# Beyond this length the structure is not looked at: a text of that size is a dump, and parsing it takes a second.
LONGEST_PARSED = 100_000

_PARSER = MarkdownIt("commonmark", {"html": False})
_INLINE = re.compile(
    r"!?\[[^\[\]\n]*\]\([^()\s]*\)|(?<!`)(`+)(?!`)[^`\n]+\1(?!`)|\*\*[^*\n]+\*\*|__[^_\n]+__|~~[^~\n]+~~"
)
_LONGEST_INFO = 40


def split(text: str, limit: int, length: Length = len) -> list[str]:
    """Cut Markdown into pieces of at most `limit` by `length`, in order and without losing a visible character.

    It cuts between paragraphs, lines, sentences or words, in this order of preference, and keeps code blocks whole
    where they fit into a piece; a longer one is closed and opened again with its language. Text without anything
    visible gives no piece. Raises ValueError for a limit below 32.
    """
    if not text.strip():
        return []
    if length(text) <= limit:
        return [text]
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    blocks = list(_code_blocks(text))
    if any(block.nested and length(block.source(text)) > limit for block in blocks):
        text = _lift_nested(text, blocks)
        blocks = list(_code_blocks(text))
    return [piece.of(text) for piece in slices(text, limit, length, _regions(text, blocks))]


@dataclass(frozen=True, slots=True)
class _Block:
    """A fenced block: offsets of its first line, its code, its closing line and what follows."""

    start: int
    first: int
    last: int
    end: int
    mark: str
    info: str
    content: str
    nested: bool

    def source(self, text: str) -> str:
        return text[self.start : self.end]

    def region(self) -> Region:
        if self.nested:
            return Region(self.start, self.end)
        opening = f"{self.mark}{self.info[:_LONGEST_INFO]}\n"
        return Region(self.start, self.end, self.first, self.last, opening, f"\n{self.mark}")


def _code_blocks(text: str) -> Iterator[_Block]:
    if len(text) > LONGEST_PARSED or ("```" not in text and "~~~" not in text):
        return
    lines = text.split("\n")
    offsets = [0, *accumulate(len(line) + 1 for line in lines)]
    for token in _PARSER.parse(text):
        if token.type == "fence" and token.map is not None:
            yield _block(token, lines, offsets, len(text))


def _block(token: Token, lines: list[str], offsets: list[int], size: int) -> _Block:
    begin, behind = token.map or [0, 0]
    closed = (
        behind - begin > 1 and re.fullmatch(rf"[\s>]*{token.markup}[`~]*\s*", lines[behind - 1]) is not None
    )
    last = offsets[behind - 1] if closed else offsets[behind]
    return _Block(
        start=offsets[begin],
        first=min(offsets[begin + 1], size),
        last=min(last, size),
        end=min(offsets[behind], size),
        mark=token.markup,
        info=token.info.strip(),
        content=token.content,
        nested=token.level > 0,
    )


def _lift_nested(text: str, blocks: list[_Block]) -> str:
    """Move code out of lists and quotes, where a block that is cut could not be opened again."""
    parts: list[str] = []
    position = 0
    for block in blocks:
        parts.append(text[position : block.start])
        lifted = f"{block.mark}{block.info}\n{block.content.rstrip(chr(10))}\n{block.mark}\n"
        parts.append(lifted if block.nested else block.source(text))
        position = block.end
    return "".join([*parts, text[position:]])


def _regions(text: str, blocks: list[_Block]) -> list[Region]:
    """Return what should stay whole: code blocks and, between them, links, inline code and emphasis."""
    regions: list[Region] = []
    position = 0
    for block in blocks:
        regions += _inline_regions(text, position, block.start)
        regions.append(block.region())
        position = block.end
    return [*regions, *_inline_regions(text, position, len(text))]


def _inline_regions(text: str, start: int, end: int) -> list[Region]:
    if len(text) > LONGEST_PARSED:
        return []
    return [Region(match.start(), match.end()) for match in _INLINE.finditer(text, start, end)]
