"""Whatever the text, its pieces fit and together still say the same."""

import re

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from gateway.rendering.slices import LENGTHS
from gateway.rendering.split import split

WORDS = st.sampled_from(
    [
        "a",
        "word",
        "longer-word",
        "Ünïcödé",
        "😀",
        "👨‍👩‍👧",
        "。",
        "end.",
        "**bold words**",
        "`code`",
        "[l](https://e.org/x)",
        "x" * 70,
        "é",
    ]
)
LINES = st.lists(WORDS, min_size=1, max_size=12).map(" ".join)
PARAGRAPHS = st.lists(LINES, min_size=1, max_size=4).map("\n".join)
MARKS = st.sampled_from(["```", "````", "~~~"])
CODE_LINES = st.sampled_from(["x = 1", "    indented", "", "# no heading", "a `b` c", "y" * 90, "- no list"])


@st.composite
def code_blocks(draw: st.DrawFn) -> str:
    mark = draw(MARKS)
    language = draw(st.sampled_from(["", "python", "c++", "js title=x"]))
    lines = draw(st.lists(CODE_LINES, max_size=12))
    return "\n".join([mark + language, *lines, mark])


PROSE = st.lists(PARAGRAPHS, min_size=1, max_size=8).map("\n\n".join)
DOCUMENTS = st.lists(st.one_of(PARAGRAPHS, code_blocks()), min_size=1, max_size=6).map("\n\n".join)
UNITS = st.sampled_from(sorted(LENGTHS))
LIMITS = st.integers(40, 200)


def visible(text: str) -> str:
    """Return a text without its white space."""
    return re.sub(r"\s+", "", text)


def meaning(text: str) -> list[tuple[str, str]]:
    """Return prose and code in order, without white space, and neighbouring code of one language as one."""
    said: list[tuple[str, str]] = []
    for token in MarkdownIt("commonmark").parse(text):
        kind = f"code {token.info}" if token.type == "fence" else "prose"
        content = visible(token.content) if token.type in {"fence", "inline", "code_block"} else ""
        if said and said[-1][0] == kind:
            said[-1] = (kind, said[-1][1] + content)
        elif content:
            said.append((kind, content))
    return said


@given(st.one_of(PROSE, DOCUMENTS, st.text(max_size=600)), LIMITS, UNITS)
def test_every_piece_fits_and_says_something(text: str, limit: int, unit: str) -> None:
    for piece in split(text, limit, LENGTHS[unit]):
        assert LENGTHS[unit](piece) <= limit
        assert piece.strip()


@given(
    st.one_of(PROSE, st.text(alphabet=st.characters(exclude_characters="`~"), max_size=600)), LIMITS, UNITS
)
def test_no_visible_character_is_lost_or_moved(text: str, limit: int, unit: str) -> None:
    assert visible("".join(split(text, limit, LENGTHS[unit]))) == visible(text)


@given(DOCUMENTS, LIMITS)
def test_code_stays_code_and_prose_stays_prose(text: str, limit: int) -> None:
    pieces = split(text, limit)
    together = [part for piece in pieces for part in meaning(piece)]
    merged: list[tuple[str, str]] = []
    for kind, content in together:
        if merged and merged[-1][0] == kind:
            merged[-1] = (kind, merged[-1][1] + content)
        else:
            merged.append((kind, content))
    assert merged == meaning(text)
