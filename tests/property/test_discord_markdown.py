"""Whatever the Markdown, each message is within Discord's limits, has whole fences, and nothing visible is lost."""

import re

from hypothesis import given
from hypothesis import strategies as st

from gateway.platforms.discord.markdown import pieces, plain
from gateway.rendering.slices import utf16_units

WORDS = st.sampled_from(
    ["plain", "**bold**", "*it*", "~~s~~", "`code`", "**a *b* `c`**", "😀", "<@7>", "[l](https://1.1/2_3)",
     "**open", "`open", "](", "漢字", "a_b_c", "@everyone", "1.", "#", "-# small"]
)  # fmt: skip
LINES = st.lists(WORDS, min_size=1, max_size=10).map(" ".join)
PREFIXES = st.sampled_from(["", "# ", "- ", "  - ", "1. ", "> ", "> > ", "> - ", "    ", "- [ ] "])
BLOCKS = st.one_of(
    st.lists(st.tuples(PREFIXES, LINES).map("".join), min_size=1, max_size=5).map("\n".join),
    st.lists(LINES, min_size=1, max_size=6).map(lambda lines: "\n".join(["```py", *lines, "```"])),
    st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=3).map(
        lambda rows: "\n".join(["|a|b|", "|-|-|", *(f"|{a}|{b}|" for a, b in rows)])
    ),
)
DOCUMENTS = st.lists(BLOCKS, min_size=1, max_size=6).map("\n\n".join)
ANYTHING = st.one_of(
    DOCUMENTS, st.text(max_size=300), st.text(alphabet="*_`~[]()>#-|\n a1.<&!\\", max_size=200)
)
LIMITS = st.integers(64, 300)


def letters(text: str) -> str:
    """Return the letters of a text in order, without those of addresses and of the languages of code."""
    return re.sub(r"[\W\d_]+", "", re.sub(r"```\w+\n", "```\n", text)).replace("https", "")


@given(ANYTHING, LIMITS)
def test_every_piece_fits(markdown: str, limit: int) -> None:
    for piece in pieces(markdown, limit):
        assert utf16_units(piece) <= limit
        assert piece.strip()


@given(DOCUMENTS, LIMITS)
def test_no_letter_is_lost_or_reordered(markdown: str, limit: int) -> None:
    assert letters("\n".join(pieces(markdown, limit))) == letters(plain(markdown))


@given(DOCUMENTS)
def test_every_fence_is_closed_in_its_own_message(markdown: str) -> None:
    for piece in pieces(markdown, 300):
        assert len(re.findall(r"^(?:> )?```", piece, re.MULTILINE)) % 2 == 0
