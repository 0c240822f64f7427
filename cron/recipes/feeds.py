"""RSS and Atom feeds as items."""

import calendar
from collections.abc import Mapping
from typing import Any
from xml.sax import SAXException

import feedparser

from cron.recipe import RecipeFailed, Reply
from cron.recipes.items import Item
from cron.recipes.prose import one_line, plain

SECOND_MS = 1000
SNIPPET = 600


def read(reply: Reply) -> tuple[str, list[Item]]:
    """Return a feed's title and its items as the feed orders them; raise RecipeFailed where it is no feed.

    A feed that is damaged further down gives what could be read of it, as long as there is any.
    """
    headers = {"content-type": reply.headers.get("content-type", ""), "content-location": reply.url}
    found = feedparser.parse(reply.body, response_headers=headers)
    entries = list(found.get("entries", []))
    # What else feedparser finds fault with, such as a content type, does no harm.
    broken = isinstance(found.get("bozo_exception"), SAXException)
    if not entries and (broken or not found.get("version")):
        raise RecipeFailed(f"{reply.url} is no feed that can be read.")
    title = plain(str(found.get("feed", {}).get("title", "")), 100) or reply.url
    return title, [_item(entry, title) for entry in entries]


def _item(entry: Mapping[str, Any], source: str) -> Item:
    title = plain(str(entry.get("title", "")), 300)
    link = one_line(str(entry.get("link", "")), 2000)
    text = plain(str(entry.get("summary", "") or _content(entry)), SNIPPET)
    identity = str(entry.get("id", "")) or link or f"{title}\n{text}"
    return Item(identity, title or one_line(text, 80), link, _author(entry), text, _time(entry), source)


def _content(entry: Mapping[str, Any]) -> str:
    parts = entry.get("content") or [{}]
    return str(parts[0].get("value", ""))


def _author(entry: Mapping[str, Any]) -> str:
    return plain(str(entry.get("author", "")), 80)


def _time(entry: Mapping[str, Any]) -> int:
    """Return when an entry was published, in milliseconds, 0 where it does not say or says nonsense."""
    moment = entry.get("published_parsed") or entry.get("updated_parsed")
    try:
        return calendar.timegm(moment) * SECOND_MS if moment else 0
    except (ValueError, OverflowError):
        return 0
