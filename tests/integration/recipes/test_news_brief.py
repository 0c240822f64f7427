"""The news brief against feeds on loopback."""

from collections.abc import AsyncGenerator
from email.utils import format_datetime
from pathlib import Path

import pytest
import pytest_asyncio

from cron.recipe import RecipeFailed
from kernel.clock import at
from tests.fakes.web_pages import WebPages, web_pages
from tests.support.recipes import HOUR, NOW, Bench


def rss(title: str, *items: tuple[str, str], when: int = NOW - HOUR) -> str:
    stamp = format_datetime(at(when))
    entries = "".join(
        f"<item><title>{name}</title><link>{link}</link><guid>{link}</guid><pubDate>{stamp}</pubDate>"
        f"<description>&lt;p&gt;About {name}&lt;/p&gt;</description></item>"
        for name, link in items
    )
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>{title}</title>{entries}</channel></rss>'


def atom(title: str, *items: tuple[str, str]) -> str:
    entries = "".join(
        f'<entry><title>{name}</title><link href="{link}"/><id>{link}</id>'
        f"<updated>{at(NOW - HOUR).isoformat()}</updated><summary>About {name}</summary></entry>"
        for name, link in items
    )
    return f'<feed xmlns="http://www.w3.org/2005/Atom"><title>{title}</title>{entries}</feed>'


@pytest_asyncio.fixture
async def pages() -> AsyncGenerator[WebPages]:
    async with web_pages() as running:
        yield running


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench("news_brief", tmp_path)


async def test_new_items_of_both_formats_are_listed_by_feed(bench: Bench, pages: WebPages) -> None:
    one = pages.put("/rss", rss("Planet", ("Comets seen", "https://a.example/1")), "application/rss+xml")
    two = pages.put("/atom", atom("Lab", ("Cells grown", "https://b.example/1")), "application/atom+xml")
    told = (await bench.run(feeds=[one, two])).text
    assert "2 new items" in told
    assert "**Planet**\n- [Comets seen](https://a.example/1)" in told
    assert "**Lab**\n- [Cells grown](https://b.example/1)" in told


async def test_only_what_is_new_is_told_again(bench: Bench, pages: WebPages) -> None:
    feed = pages.put("/rss", rss("Planet", ("One", "https://a.example/1")))
    assert (await bench.run(feeds=[feed])).changed
    assert not (await bench.run()).changed
    pages.put("/rss", rss("Planet", ("Two", "https://a.example/2"), ("One", "https://a.example/1")))
    told = (await bench.run()).text
    assert "Two" in told
    assert "One" not in told


async def test_an_unchanged_feed_is_not_sent_again_and_forgets_nothing(bench: Bench, pages: WebPages) -> None:
    feed = pages.put("/rss", rss("Planet", ("One", "https://a.example/1")), etag=True)
    await bench.run(feeds=[feed])
    assert not (await bench.run()).changed
    assert pages.requests[-1].headers["If-None-Match"]
    pages.put(
        "/rss", rss("Planet", ("Two", "https://a.example/2"), ("One", "https://a.example/1")), etag=True
    )
    assert "1 new item" in (await bench.run()).text


async def test_a_long_feed_that_shows_nothing_for_once_brings_nothing_twice(
    bench: Bench, pages: WebPages
) -> None:
    items = [(f"Item {number}", f"https://a.example/{number}") for number in range(500)]
    feed = pages.put("/rss", rss("Planet", *items), etag=True)
    assert "500 new items" in (await bench.run(feeds=[feed])).text
    assert not (await bench.run()).changed
    pages.put("/rss", rss("Planet"))
    assert not (await bench.run()).changed
    pages.put("/rss", rss("Planet", *items))
    assert not (await bench.run()).changed


async def test_a_feed_added_later_does_not_bring_its_whole_past(bench: Bench, pages: WebPages) -> None:
    first = pages.put("/rss", rss("Planet", ("One", "https://a.example/1")))
    await bench.run(feeds=[first])
    old = pages.put("/old", rss("Archive", ("Ancient", "https://c.example/1"), when=NOW - 100 * HOUR))
    assert not (await bench.run(feeds=[first, old])).changed


async def test_a_run_that_failed_loses_nothing(bench: Bench, pages: WebPages) -> None:
    feed = pages.put("/rss", rss("Planet", ("One", "https://a.example/1")))
    await bench.run(feeds=[feed])
    pages.fail("/rss", 500)
    with pytest.raises(RecipeFailed, match="answered 500"):
        await bench.run()
    pages.put("/rss", rss("Planet", ("Two", "https://a.example/2"), ("One", "https://a.example/1")))
    assert "Two" in (await bench.run()).text


async def test_the_same_story_in_two_feeds_stands_once(bench: Bench, pages: WebPages) -> None:
    one = pages.put(
        "/1", rss("Planet", ("Comets were seen tonight", "https://www.a.example/1/?utm_source=x"))
    )
    two = pages.put("/2", rss("Mirror", ("Comets", "http://a.example/1")))
    three = pages.put("/3", rss("Echo", ("Comets were seen tonight!", "https://e.example/9")))
    told = (await bench.run(feeds=[one, two, three])).text
    assert "1 new item" in told
    assert "also in Mirror, Echo" in told


async def test_words_choose_and_group_items(bench: Bench, pages: WebPages) -> None:
    items = (("AI model released", "https://a.example/1"), ("Aim higher", "https://a.example/2"))
    feed = pages.put("/rss", rss("Planet", *items, ("AI law passed", "https://a.example/3")))
    told = (await bench.run(feeds=[feed], only=["AI"], groups={"Law": ["law", "court"]})).text
    assert "2 new items" in told
    assert "**Law**\n- [AI law passed]" in told
    assert "**Planet**\n- [AI model released]" in told
    assert "Aim" not in told


async def test_a_model_writes_the_brief_and_the_list_stays(bench: Bench, pages: WebPages) -> None:
    feed = pages.put("/rss", rss("Planet", ("One", "https://a.example/1")))
    bench.summary = "A quiet day."
    told = (await bench.run(feeds=[feed])).text
    assert "A quiet day." in told
    assert "[One](https://a.example/1)" in told
    assert "One (Planet)\nAbout One" in bench.asked[0][1]


async def test_one_feed_that_is_down_is_told_once_and_stops_no_other(bench: Bench, pages: WebPages) -> None:
    good = pages.put("/rss", rss("Planet", ("One", "https://a.example/1")))
    bad = pages.fail("/bad", 503)
    told = (await bench.run(feeds=[good, bad])).text
    assert "One" in told
    assert "answered 503" in told
    assert not (await bench.run()).changed


BROKEN = (
    b"",
    b"<html><body>Not here</body></html>",
    b"\x00\xff",
    b"{}",
    b"<rss",
    b"<?xml version='1.0'?><nothing/>",
)


@pytest.mark.parametrize("body", BROKEN, ids=range(len(BROKEN)))
async def test_what_is_no_feed_is_said(bench: Bench, pages: WebPages, body: bytes) -> None:
    feed = pages.put("/rss", body)
    with pytest.raises(RecipeFailed, match="is no feed that can be read"):
        await bench.run(feeds=[feed])


async def test_a_feed_that_breaks_off_gives_what_it_has(bench: Bench, pages: WebPages) -> None:
    whole = rss("Planet", ("One", "https://a.example/1"), ("Two", "https://a.example/2"))
    feed = pages.put("/rss", whole[: whole.index("Two")])
    assert "One" in (await bench.run(feeds=[feed])).text


async def test_entities_that_unfold_without_end_are_refused_or_harmless(
    bench: Bench, pages: WebPages
) -> None:
    levels = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    bomb = (
        f'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY l0 "lol">{levels}]>' + rss("&l11;", ("&l11;", "x"))[21:]
    )
    feed = pages.put("/rss", bomb)
    try:
        result = await bench.run(feeds=[feed])
    except RecipeFailed:
        return
    assert len(result.text) < 10_000


async def test_files_of_this_machine_are_not_read_into_a_feed(
    bench: Bench, pages: WebPages, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("hidden words")
    head = f'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY x SYSTEM "file://{tmp_path}/secret">]>'
    feed = pages.put("/rss", head + rss("Planet", ("One &x;", "https://a.example/1"))[21:])
    try:
        result = await bench.run(feeds=[feed])
    except RecipeFailed:
        return
    assert "hidden words" not in result.text


async def test_marks_in_titles_do_nothing(bench: Bench, pages: WebPages) -> None:
    items = ("[free](https://evil.example) *now*", "javascript:alert(1)")
    feed = pages.put("/rss", rss("Pl*net", items))
    told = (await bench.run(feeds=[feed])).text
    assert "- \\[free\\](https://evil.example) \\*now\\*" in told
    assert "javascript" not in told


async def test_private_addresses_must_be_allowed(bench: Bench, pages: WebPages) -> None:
    bench.allowed = ()
    with pytest.raises(RecipeFailed, match="not a public address"):
        await bench.run(feeds=[pages.put("/rss", rss("Planet"))])
    assert not pages.requests


async def test_a_cursor_that_cannot_be_read_is_a_first_run(bench: Bench, pages: WebPages) -> None:
    feed = pages.put("/rss", rss("Planet", ("One", "https://a.example/1")))
    for cursor in ("nonsense", "[1]", '{"sources": 3}'):
        bench.cursor = cursor
        assert "One" in (await bench.run(feeds=[feed])).text
