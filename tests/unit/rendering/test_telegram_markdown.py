"""Markdown as Telegram's HTML: one row a construct, then the limits."""

import pytest

from gateway.platforms.telegram.markdown import MAX_ENTITIES, TEXT_LIMIT, pieces, plain, render
from tests.fakes.telegram_entities import parse_html, utf16_length

CASES = {
    "bold": ("a **b** __c__", "a <b>b</b> <b>c</b>"),
    "italic": ("*a* _b_ snake_case_name", "<i>a</i> <i>b</i> snake_case_name"),
    "strike": ("~~gone~~", "<s>gone</s>"),
    "nested": ("**a *b* c**", "<b>a <i>b</i> c</b>"),
    "bold in bold": ("**a **b** c**", "<b>a b c</b>"),
    "code": ("`a < b && c`", "<code>a &lt; b &amp;&amp; c</code>"),
    "code in bold": ("**a `b` c**", "<b>a </b><code>b</code><b> c</b>"),
    "pre": ("```\n  x\n```", "<pre>  x</pre>"),
    "pre with language": ("```c++ title\nx\n```", '<pre><code class="language-c++">x</code></pre>'),
    "a language stays a language": (
        '```"><b>\nx\n```',
        '<pre><code class="language-&quot;&gt;&lt;b&gt;">x</code></pre>',
    ),
    "open fence": ("```py\nx", '<pre><code class="language-py">x</code></pre>'),
    "link": ("[a](https://e.org/?a=1&b=2)", '<a href="https://e.org/?a=1&amp;b=2">a</a>'),
    "link with code": ("[`a` b](https://e.org)", '<a href="https://e.org">a b</a>'),
    "autolink": ("<https://e.org/x>", '<a href="https://e.org/x">https://e.org/x</a>'),
    "unsafe link": ("[a](javascript:alert(1))", "[a](javascript:alert(1))"),
    "other scheme": ("[a](tg://user?id=1)", "a (tg://user?id=1)"),
    "relative link": ("[a](docs/x.md)", "a (docs/x.md)"),
    "local link": ("[page](http://localhost:8420/)", "page (http://localhost:8420/)"),
    "mail": ("[write](mailto:a@e.org)", "write (a@e.org)"),
    "image": ("![cat](https://e.org/c.png)", '<a href="https://e.org/c.png">cat</a>'),
    "image without words": (
        "![](https://e.org/c.png)",
        '<a href="https://e.org/c.png">https://e.org/c.png</a>',
    ),
    "heading": ("# Title\ntext", "<b>Title</b>\ntext"),
    "heading in text": ("text\n## Title\nmore", "text\n\n<b>Title</b>\nmore"),
    "list": ("- a\n- b\n  - c\n- d", "• a\n• b\n  • c\n• d"),
    "numbered": ("3. a\n4. b\n   more", "3. a\n4. b\n   more"),
    "tasks": ("- [ ] a\n- [x] b", "• [ ] a\n• [x] b"),
    "loose list": ("- a\n\n- b", "• a\n\n• b"),
    "a lonely marker": ("1.", "1."),
    "quote": ("> a\n> b\n\nc", "<blockquote>a\nb</blockquote>\n\nc"),
    "nested quote": ("> a\n> > b", "<blockquote>a\nb</blockquote>"),
    "code in quote": ("> ```\n> x\n> ```", "<blockquote><pre>x</pre></blockquote>"),
    "rule": ("a\n\n---\n\nb", "a\n\n———\n\nb"),
    "table": ("|a|bc|\n|-|-|\n|1234|d|", "<pre>a    | bc\n-----+---\n1234 | d</pre>"),
    "html is text": ("<b>x</b> & <script>", "&lt;b&gt;x&lt;/b&gt; &amp; &lt;script&gt;"),
    "entities": ("&lt;b&gt; &amp;amp;", "&lt;b&gt; &amp;amp;"),
    "definitions stay": ("see [1]\n\n[1]: https://e.org", "see [1]\n\n[1]: https://e.org"),
    "escapes": (r"\*a\* 2 * 3 * 4", "*a* 2 * 3 * 4"),
    "unfinished": ("a **b", "a **b"),
    "line breaks": ("a\nb  \nc", "a\nb\nc"),
    "nothing left": ("#", "#"),
    "empty fence": ("```\n```", "```\n```"),
}


@pytest.mark.parametrize(("markdown", "html"), CASES.values(), ids=CASES)
def test_each_construct_has_its_html(markdown: str, html: str) -> None:
    assert render(markdown) == [html]
    parse_html(html)


@pytest.mark.parametrize("markdown", ["", " \n ", "\u200b\u200d"])
def test_what_shows_nothing_gives_no_message(markdown: str) -> None:
    assert render(markdown) == []


def test_the_plain_form_loses_the_marks_and_shows_the_addresses() -> None:
    text = "# Hi\n**a** `b` [c](https://e.org) <https://e.org>\n\n> d"
    assert plain(text) == "Hi\na b c (https://e.org) https://e.org\n\nd"


def test_every_piece_carries_its_text_for_a_server_that_refuses_the_html() -> None:
    assert pieces("**a** & b")[0].text == "a & b"


def test_the_limit_counts_visible_utf16_units_without_the_markup() -> None:
    exact = f"**{'😀' * (TEXT_LIMIT // 2)}**"
    assert len(render(exact)) == 1
    assert len(render(f"{exact}😀")) == 2


def test_long_code_keeps_its_language_in_every_piece() -> None:
    parts = render("```python\n" + "print('<hello>')\n" * 600 + "```")
    assert len(parts) > 1
    assert all(part.startswith('<pre><code class="language-python">print') for part in parts)
    assert all(part.endswith("</code></pre>") for part in parts)


def test_formatting_over_a_cut_goes_on_in_the_next_piece() -> None:
    parts = render(f"> **{'word ' * 1500}end**")
    assert len(parts) == 2
    assert all(
        part.startswith("<blockquote><b>word") and part.endswith("</b></blockquote>") for part in parts
    )


def test_beyond_a_hundred_entities_links_and_code_win_over_emphasis() -> None:
    text = " ".join(["**b**"] * 90 + [f"[l{i}](https://e.org/{i})" for i in range(60)])
    html = render(text)[0]
    assert html.count("<a ") == 60
    assert html.count("<b>") == MAX_ENTITIES - 60


HOSTILE = {
    "quotes": ">" * 5000,
    "lists": "- " * 2000 + "x",
    "brackets": "[" * 20_000,
    "stars": "*a " * 20_000,
    "ticks": "`" * 9000,
    "angles": "<" * 9000,
    "bars": "|" * 9000,
    "surrogate": "\ud800x",
    "nul": "a\x00b",
}


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_hostile_markdown_gives_messages_that_telegram_takes(hostile: str) -> None:
    for html in render(hostile):
        assert 0 < utf16_length(parse_html(html)[0]) <= TEXT_LIMIT
