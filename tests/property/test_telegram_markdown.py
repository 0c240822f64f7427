"""Whatever the Markdown, Telegram's own rules accept each message of it and nothing visible is lost."""

import re
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from gateway.platforms.telegram.markdown import MAX_ENTITIES, pieces, plain
from tests.fakes.telegram_entities import Entity, parse_html, utf16_length

WORDS = st.sampled_from(
    [
        *[
            "plain",
            "**bold**",
            "*italic*",
            "~~strike~~",
            "`code`",
            "**a *b* `c`**",
            "😀",
            "é",
            "<tag>",
            "&amp;",
            "&",
        ],
        *[
            "[link](https://e.org/?a=1&b=2)",
            "[r](x.md)",
            "![i](https://e.org/i.png)",
            "**open",
            "`open",
            "](",
            "漢字",
        ],
    ]
)
LINES = st.lists(WORDS, min_size=1, max_size=10).map(" ".join)
PREFIXES = st.sampled_from(["", "# ", "- ", "  - ", "1. ", "> ", "> > ", "> - ", "    ", "- [ ] "])
BLOCKS = st.one_of(
    st.lists(st.tuples(PREFIXES, LINES).map("".join), min_size=1, max_size=5).map("\n".join),
    st.lists(LINES, max_size=6).map(lambda lines: "\n".join(["```py", *lines, "```"])),
    st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=3).map(
        lambda rows: "\n".join(["|a|b|", "|-|-|", *(f"|{a}|{b}|" for a, b in rows)])
    ),
    st.sampled_from(["---", "```\nopen", "[1]: https://e.org", "***", "- ", ">"]),
)
DOCUMENTS = st.lists(BLOCKS, min_size=1, max_size=6).map("\n\n".join)
ANYTHING = st.one_of(
    DOCUMENTS, st.text(max_size=300), st.text(alphabet="*_`~[]()>#-|\n a1.<&!\\", max_size=200)
)
LIMITS = st.integers(64, 300)


def letters(text: str) -> str:
    """Return the letters of a text in order; the digits of a list may be counted anew."""
    return re.sub(r"[\W\d_]+", "", text)


@given(ANYTHING, LIMITS)
def test_every_message_is_accepted_within_all_limits(markdown: str, limit: int) -> None:
    for piece in pieces(markdown, limit):
        text, entities = parse_html(piece.html)
        assert 0 < utf16_length(text) <= limit
        assert len(entities) <= MAX_ENTITIES
        assert text == piece.text.strip()
        assert all(_nested(a, b) for a in entities for b in entities)


def _nested(a: Entity, b: Entity) -> bool:
    """Tell whether two entities lie apart or one within the other."""
    first, second = sorted((a, b), key=lambda entity: (entity.offset, -entity.length))
    return first.offset + first.length <= second.offset or (
        second.offset + second.length <= first.offset + first.length
    )


@given(DOCUMENTS, LIMITS)
def test_the_messages_together_say_what_the_whole_said(markdown: str, limit: int) -> None:
    together = "".join(parse_html(piece.html)[0] for piece in pieces(markdown, limit))
    whole = "".join(parse_html(piece.html)[0] for piece in pieces(markdown, 1_000_000))
    assert letters(together) == letters(whole)


@given(ANYTHING.filter(lambda text: "&" not in text and "|" not in text))
def test_no_letter_of_the_source_is_lost_in_the_plain_form(markdown: str) -> None:
    lost = Counter(letters(re.sub(r"```[^\n]*", "", markdown))) - Counter(letters(plain(markdown)))
    assert not lost, lost
