"""The comment monitor against feeds, JSON endpoints and YouTube's API on loopback."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from cron.recipe import RecipeFailed
from cron.recipes.comments import at, moment
from kernel import clock
from kernel.errors import InvalidInput
from tests.fakes.web_pages import WebPages, web_pages
from tests.support.recipes import HOUR, NOW, Bench

WHEN = clock.at(NOW - HOUR).isoformat()


def comment(number: int, text: str) -> dict[str, Any]:
    return {"id": number, "text": text, "author": "grace", "url": f"/c/{number}", "created_at": WHEN}


def youtube_comment(id: str, text: str) -> dict[str, Any]:
    said = {"textDisplay": text, "authorDisplayName": "@ada", "publishedAt": WHEN.replace("+00:00", "Z")}
    return {"id": id, "snippet": said}


def thread(id: str, text: str, *replies: str) -> dict[str, Any]:
    answers = [youtube_comment(f"{id}.{place}", reply) for place, reply in enumerate(replies)]
    snippet = {"videoId": "vid1", "topLevelComment": youtube_comment(id, text)}
    return {"id": id, "snippet": snippet, **({"replies": {"comments": answers}} if answers else {})}


class Youtube:
    """Comment threads as the Data API serves them, a few on a page."""

    def __init__(self, pages: WebPages, *threads: dict[str, Any], per_page: int = 2) -> None:
        self.threads = list(threads)
        self.per_page = per_page
        self.asked: list[web.Request] = []
        pages.pages["/youtube/v3/commentThreads"] = self.answer

    def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request)
        if request.headers.get("X-Goog-Api-Key") != "key":
            return web.json_response({"error": {"code": 403}}, status=403)
        start = int(request.query.get("pageToken", "0"))
        end = start + self.per_page
        more = {"nextPageToken": str(end)} if end < len(self.threads) else {}
        return web.json_response({"items": self.threads[start:end], **more})


@pytest_asyncio.fixture
async def pages() -> AsyncGenerator[WebPages]:
    async with web_pages() as running:
        yield running


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench("comment_monitor", tmp_path, secrets={"youtube": "key", "token": "t0ken"})


async def test_new_comments_of_a_json_list_are_told_once(bench: Bench, pages: WebPages) -> None:
    url = pages.json("/api", [comment(1, "Nice *work*")])
    bench.options["sources"] = [{"kind": "json", "url": url, "name": "Shop"}]
    told = (await bench.run()).text
    assert "**Shop**\n- grace: Nice \\*work\\* · 11:00" in told
    assert f"[open]({pages.url}/c/1)" in told
    assert not (await bench.run()).changed
    pages.json("/api", [comment(2, "Second"), comment(1, "Nice *work*")])
    told = (await bench.run()).text
    assert "1 new comment" in told
    assert "Second" in told


async def test_paths_lead_into_other_shapes_and_pages(bench: Bench, pages: WebPages) -> None:
    def shaped(number: int, text: str) -> dict[str, Any]:
        return {"no": number, "by": {"name": "bo"}, "body": f"<p>{text}</p>", "t": (NOW - HOUR) // 1000}

    pages.json("/1", {"data": {"list": [shaped(1, "first")]}, "more": "/2"})
    pages.json("/2", {"data": {"list": [shaped(2, "second")]}})
    paths = {
        "items": "data.list",
        "id": "no",
        "text": "body",
        "author": "by.name",
        "time": "t",
        "next": "more",
    }
    bench.options["sources"] = [{"kind": "json", "url": f"{pages.url}/1", **paths}]
    await bench.run()
    pages.json("/1", {"data": {"list": [shaped(3, "third")]}, "more": "/2"})
    pages.json("/2", {"data": {"list": [shaped(2, "second"), shaped(1, "first")]}})
    told = (await bench.run()).text
    assert "bo: third" in told
    assert "bo: second" in told
    assert "first" not in told


async def test_youtube_threads_and_replies_are_told_with_links(bench: Bench, pages: WebPages) -> None:
    youtube = Youtube(pages, thread("a", "How did you do this?", "Magic!"))
    bench.options["sources"] = [{"kind": "youtube", "video": "vid1", "base": pages.url}]
    told = (await bench.run()).text
    assert "2 new comments" in told
    assert "@ada: How did you do this? · 11:00 · [open](https://www.youtube.com/watch?v=vid1&lc=a)" in told
    assert "Magic!" in told
    assert youtube.asked[0].query["videoId"] == "vid1"
    assert "key" not in youtube.asked[0].query


async def test_youtube_pages_are_read_until_nothing_is_new(bench: Bench, pages: WebPages) -> None:
    youtube = Youtube(pages, *(thread(f"t{number}", f"text {number}") for number in range(6)))
    bench.options["sources"] = [{"kind": "youtube", "channel": "chan", "base": pages.url}]
    await bench.run()
    youtube.threads[:0] = [thread(f"n{number}", f"new {number}") for number in range(3)]
    youtube.asked.clear()
    told = (await bench.run()).text
    assert "3 new comments" in told
    # The second page leads on to what is known.
    assert len(youtube.asked) == 2
    assert youtube.asked[0].query["allThreadsRelatedToChannelId"] == "chan"


async def test_an_old_comment_that_comes_to_light_is_not_new(bench: Bench, pages: WebPages) -> None:
    url = pages.json("/api", [comment(2, "now")])
    bench.options["sources"] = [{"kind": "json", "url": url}]
    await bench.run()
    pages.json("/api", [comment(2, "now"), {**comment(1, "long ago"), "created_at": "2020-01-01T00:00:00Z"}])
    assert not (await bench.run()).changed


async def test_a_refused_key_is_said_and_not_shown(bench: Bench, pages: WebPages) -> None:
    Youtube(pages)
    bench.secrets["youtube"] = "wrong-key"
    bench.options["sources"] = [{"kind": "youtube", "video": "v", "base": pages.url}]
    with pytest.raises(RecipeFailed, match="answered 403") as failed:
        await bench.run()
    assert "wrong-key" not in str(failed.value)


async def test_a_secret_is_sent_as_the_settings_say(bench: Bench, pages: WebPages) -> None:
    url = pages.json("/api", [])
    bench.options["sources"] = [{"kind": "json", "url": url, "secret": "token"}]
    assert not (await bench.run()).changed
    assert pages.requests[-1].headers["Authorization"] == "Bearer t0ken"


async def test_a_secret_does_not_follow_to_another_host(bench: Bench, pages: WebPages) -> None:
    pages.json("/api", {"list": [comment(1, "x")], "next": "http://elsewhere.test/"})
    source = {"kind": "json", "url": f"{pages.url}/api", "items": "list", "next": "next", "secret": "token"}
    bench.options["sources"] = [source]
    bench.cursor = '{"sources":{"' + source["url"] + '":{"seen":[]}}}'
    with pytest.raises(RecipeFailed, match="on another host"):
        await bench.run()


async def test_a_secret_is_not_sent_without_tls(bench: Bench) -> None:
    bench.options["sources"] = [{"kind": "json", "url": "http://8.8.8.8/api", "secret": "token"}]
    with pytest.raises(RecipeFailed, match="without TLS"):
        await bench.run()


async def test_a_feed_of_comments_is_a_source(bench: Bench, pages: WebPages) -> None:
    entry = f"<entry><title>On: Post</title><id>1</id><updated>{WHEN}</updated><summary>Well said</summary></entry>"
    feed = f'<feed xmlns="http://www.w3.org/2005/Atom"><title>Weblog</title>{entry}</feed>'
    bench.options["sources"] = [{"kind": "feed", "url": pages.put("/feed", feed)}]
    told = (await bench.run()).text
    assert "**Weblog**" in told
    assert "Well said" in told


ODD = ("", "nonsense", "{}", '{"list": 3}', "[", "null")


@pytest.mark.parametrize("body", ODD)
async def test_an_answer_that_is_no_list_is_said(bench: Bench, pages: WebPages, body: str) -> None:
    url = pages.put("/api", body, "application/json")
    bench.options["sources"] = [{"kind": "json", "url": url, "items": "list"}]
    with pytest.raises(RecipeFailed, match=r"did not answer with JSON|has no list at list"):
        await bench.run()


async def test_entries_of_odd_shapes_stop_nothing(bench: Bench, pages: WebPages) -> None:
    odd = [None, 3, "text", [], {"id": {"a": 1}}, {"id": True, "text": None, "created_at": 1e300}]
    url = pages.json("/api", [*odd, comment(9, "whole")])
    bench.options["sources"] = [{"kind": "json", "url": url}]
    assert "whole" in (await bench.run()).text


async def test_a_model_summarises_comments(bench: Bench, pages: WebPages) -> None:
    url = pages.json("/api", [comment(1, "Where can I buy it?")])
    bench.options["sources"] = [{"kind": "json", "url": url, "name": "Shop"}]
    bench.summary = "One asks where to buy."
    assert "One asks where to buy." in (await bench.run()).text
    assert "grace (Shop): Where can I buy it?" in bench.asked[0][1]


async def test_a_source_that_fails_stops_no_other(bench: Bench, pages: WebPages) -> None:
    good = {"kind": "json", "url": pages.json("/api", [comment(1, "fine")])}
    bad = {"kind": "json", "url": pages.fail("/bad", 500)}
    bench.options["sources"] = [bad, good]
    told = (await bench.run()).text
    assert "fine" in told
    assert "answered 500" in told


async def test_settings_name_what_is_wrong(bench: Bench, pages: WebPages) -> None:
    with pytest.raises(InvalidInput, match="sources"):
        await bench.run(sources=[{"kind": "carrier pigeon"}])
    with pytest.raises(RecipeFailed, match="either a video or a channel"):
        await bench.run(sources=[{"kind": "youtube", "base": pages.url}])


def test_paths_lead_to_values_or_to_nothing() -> None:
    value = {"a": [{"b": 1}], "c": None}
    assert at(value, "a.0.b") == 1
    assert at(value, "") == value
    assert at(value, "a.1.b") is None
    assert at(value, "a.b") is None
    assert at(value, "c.d") is None


def test_times_are_read_in_every_usual_form() -> None:
    whole = NOW // 1000 * 1000
    iso = clock.at(whole).isoformat()
    for told in (whole, whole // 1000, iso, iso.replace("+00:00", "Z"), iso.removesuffix("+00:00")):
        assert moment(told) == whole
    assert [moment(told) for told in (None, "", "soon", -1, 1e308, True)] == [0] * 6
