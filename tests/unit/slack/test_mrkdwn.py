"""Markdown as Slack's mrkdwn, and back."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.platforms.slack.mrkdwn import FENCE, ZERO_WIDTH, pieces, plain, read


def only(markdown: str) -> str:
    (piece,) = pieces(markdown)
    return piece.mrkdwn


@pytest.mark.parametrize(
    ("markdown", "mrkdwn"),
    [
        ("plain & <b> > x", "plain &amp; &lt;b&gt; &gt; x"),
        ("**bold** *italic* ~~gone~~", "*bold* _italic_ ~gone~"),
        ("**bold and *both***", "*bold and _both_*"),
        ("# A title", "*A title*"),
        ("`a < b`", "`a &lt; b`"),
        ("`` a`b ``", "```a`b```"),
        ("```python\nx < 1 & y\n```", "```\nx &lt; 1 &amp; y\n```"),
        ("[here](https://example.org/?a=1&b=2)", "<https://example.org/?a=1&amp;b=2|here>"),
        ("[a|b <c>](https://example.org/x|y)", "<https://example.org/x%7Cy|a¦b &lt;c&gt;>"),
        ("[run](javascript:alert)", "[run](javascript:alert)"),
        ("[here](ftp://example.org/x)", "here (ftp://example.org/x)"),
        ("un**frag**mented", "unfragmented"),
        ("> quoted\n> twice\n\nafter", "> quoted\n> twice\n\nafter"),
        ("- one\n- two\n  - deep\n\n1. first\n2. second", "• one\n• two\n  • deep\n\n1. first\n2. second"),
        ("| a | b |\n|---|---|\n| 1 | 2 |", "```\na | b\n--+--\n1 | 2\n```"),
        ("<!channel> <@U123|ada>", "&lt;!channel&gt; &lt;@U123|ada&gt;"),
        ("**one\ntwo**", "*one*\n*two*"),
        ("a\x07b", "a\ufffdb"),
    ],
)
def test_markdown_is_written_with_slack_s_marks(markdown: str, mrkdwn: str) -> None:
    assert only(markdown) == mrkdwn


def test_code_that_holds_a_fence_stays_one_block() -> None:
    written = only(f"````\nbefore\n{FENCE}\nafter\n````")
    assert written.count(FENCE) == 2
    assert written.replace(ZERO_WIDTH, "") == f"{FENCE}\nbefore\n{FENCE}\nafter\n{FENCE}"


def test_code_in_a_quotation_stands_outside_of_it() -> None:
    written = only(f"> look\n>\n> {FENCE}\n> x\n> {FENCE}\n>\n> there")
    assert written.startswith("> look\n")
    assert f"{FENCE}\nx\n{FENCE}" in written
    assert written.endswith("> there")


def test_a_long_block_of_code_is_closed_and_opened_again() -> None:
    found = pieces(FENCE + "\n" + "\n".join(f"line {n} <&>" for n in range(800)) + "\n" + FENCE, 1000)
    assert len(found) > 5
    assert all(piece.mrkdwn.startswith(FENCE) and piece.mrkdwn.endswith(FENCE) for piece in found)
    assert all(len(piece.mrkdwn) <= 1000 for piece in found)


def test_what_notifications_show_is_text() -> None:
    assert plain("**May** I `run <x>`?") == "May I run &lt;x&gt;?"


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("&lt;b&gt; &amp;amp; x", "<b> &amp; x"),
        ("<@U1> <@U2|ada> <#C1|general> <#C2>", "@U1 @ada #general #C2"),
        ("<!here> <!channel|@channel> <!subteam^S1|@team> <!subteam^S2>", "@here @channel @team @S2"),
        ("<!date^1392734382^{date}|Feb 18>", "Feb 18"),
        ("<https://example.org>", "https://example.org"),
        ("<https://example.org|example.org>", "https://example.org"),
        ("<https://example.org/?a=1&amp;b|the page>", "the page (https://example.org/?a=1&b)"),
        ("<mailto:a@b.org|a@b.org>", "a@b.org"),
        ("a <b", "a <b"),
    ],
)
def test_what_people_write_is_read_as_they_saw_it(written: str, text: str) -> None:
    assert read(written) == text


@given(st.text(max_size=3000), st.integers(250, 4000))
def test_no_piece_is_too_long_and_nothing_in_it_is_a_reference(markdown: str, limit: int) -> None:
    for piece in pieces(markdown, limit):
        assert len(piece.mrkdwn) <= max(limit, len(piece.text))
        links = re.sub(r"<(?:https?://|mailto:)[^<>|]+\|[^<>]*>", "", piece.mrkdwn)
        outside = re.sub(r"(?m)^> ", "", links)
        assert not re.search(r"[<>]", outside)
        assert not re.search(r"&(?!amp;|lt;|gt;)", outside)


@given(st.text(alphabet="ab <>&`*_~#-[]()|\n", max_size=400))
def test_what_is_read_back_holds_every_letter(markdown: str) -> None:
    letters = "".join(re.findall(r"[ab]", markdown))
    shown = "".join(re.findall(r"[ab]", "".join(read(piece.mrkdwn) for piece in pieces(markdown))))
    assert set(shown) <= set(letters)
