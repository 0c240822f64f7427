"""A brief of what is new in RSS and Atom feeds: each item once, in groups, with links."""

import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from pydantic import Field

from cron.recipe import Http, Recipe, RecipeContext, RecipeResult, RecipeSettings
from cron.recipes import cursors, feeds
from cron.recipes.items import Item
from cron.recipes.prose import counted, escaped, link
from cron.recipes.reading import NOT_MODIFIED, Page, Round, all_failed, fetched

INSTRUCTION = (
    "Write a brief of these new items for a busy reader: at most eight sentences, what matters most first, items about "
    "the same thing together. State only what they say. Write no links; they follow below your text."
)
# Parameters that say where a click came from and not what is shown.
_TRACKING = re.compile(r"^(utm_\w+|fbclid|gclid|mc_cid|mc_eid|ref|ref_src|cmp)$")
_WORD = re.compile(r"\w+")


class NewsSettings(RecipeSettings):
    """Settings of the news brief."""

    feeds: tuple[str, ...] = Field(
        min_length=1, max_length=200, description="Addresses of RSS or Atom feeds."
    )
    only: tuple[str, ...] = Field(
        default=(), description="Only items with one of these words or phrases; empty: all."
    )
    groups: dict[str, tuple[str, ...]] = Field(
        default_factory=dict,
        description="Words by group: an item with one of them stands in that group, all others under their feed.",
    )
    most: int = Field(default=40, ge=1, le=200, description="Items that are listed at most.")
    first_hours: float = Field(
        default=24.0, gt=0, description="With a feed's first reading, how many hours back items count as new."
    )
    summary: bool = Field(default=True, description="Begin with a summary by the model, where there is one.")
    instruction: str = Field(
        default=INSTRUCTION, max_length=4000, description="What the model is asked to write."
    )


async def run(context: RecipeContext[NewsSettings]) -> RecipeResult:
    """Read all feeds and return what is new in them."""
    settings = context.settings
    found = Round(cursors.loaded(context.cursor), context.now, settings.first_hours)
    for url in dict.fromkeys(settings.feeds):
        await found.read(url, partial(_feed, context.http, url))
    all_failed(found)
    items = merged([item for item in found.new if _wanted(item, settings.only)])
    if not items and not (found.failed and found.news_of_failures):
        return RecipeResult(changed=False, cursor=found.cursor())
    summary = await _summary(context, [item for item, _ in items]) if items else ""
    parts = [
        f"**News** · {counted(len(items), 'new item')}",
        summary,
        *_groups(items, settings),
        found.complaints(),
    ]
    return RecipeResult("\n\n".join(filter(None, parts)), cursor=found.cursor())


async def _feed(http: Http, url: str, memory: Mapping[str, Any]) -> Page:
    """Read a feed, asking only for what has changed since the last time."""
    kept = {name: str(memory[name]) for name in ("etag", "last-modified") if memory.get(name)}
    asked = {"If-None-Match": kept.get("etag", ""), "If-Modified-Since": kept.get("last-modified", "")}
    reply = await fetched(http, url, {name: value for name, value in asked.items() if value})
    if reply.status == NOT_MODIFIED:
        return Page([], kept)
    _title, items = feeds.read(reply)
    kept = {name: reply.headers[name] for name in ("etag", "last-modified") if name in reply.headers}
    return Page(items, kept)


def _wanted(item: Item, words: Sequence[str]) -> bool:
    return not words or _says(item, words)


def _says(item: Item, words: Sequence[str]) -> bool:
    """Tell whether an item has one of the words or phrases as whole words, whatever their case."""
    said = f" {' '.join(_WORD.findall(f'{item.title} {item.text}'.casefold()))} "
    return any(f" {' '.join(_WORD.findall(word.casefold()))} " in said for word in words)


def merged(items: Sequence[Item]) -> list[tuple[Item, list[str]]]:
    """Return items, the newest first, with the other feeds that have each of them as well."""
    kept: list[tuple[Item, list[str]]] = []
    places: dict[str, int] = {}
    for item in sorted(items, key=lambda item: -item.at):
        names = [name for name in (_same_place(item.link), _same_title(item.title)) if name]
        place = next((places[name] for name in names if name in places), None)
        if place is None:
            place = len(kept)
            kept.append((item, []))
        elif item.source not in (kept[place][0].source, *kept[place][1]):
            kept[place][1].append(item.source)
        places |= dict.fromkeys(names, place)
    return kept


def _same_place(address: str) -> str:
    """Return what an address is without the ways of writing it: its scheme, tracking, and where on the page."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    query = sorted((name, value) for name, value in parse_qsl(parts.query) if not _TRACKING.match(name))
    host = parts.netloc.lower().removeprefix("www.")
    return urlunsplit(("", host, parts.path.rstrip("/"), urlencode(query), "")) if host else ""


def _same_title(title: str) -> str:
    """Return a title's words; short ones such as "Release notes" may be two different things and give nothing."""
    words = _WORD.findall(title.casefold())
    return "title:" + " ".join(words) if len(words) > 3 else ""  # noqa: PLR2004 - the sentence above


async def _summary(context: RecipeContext[NewsSettings], items: Sequence[Item]) -> str:
    if not context.settings.summary:
        return ""
    shown = items[: context.settings.most]
    material = "\n\n".join(f"{item.title} ({item.source})\n{item.text}" for item in shown)
    return await context.summarise(context.settings.instruction, material)


def _groups(items: Sequence[tuple[Item, list[str]]], settings: NewsSettings) -> list[str]:
    """Return the list, the groups of the settings first, then feed by feed."""
    groups: dict[str, list[str]] = {name: [] for name in settings.groups}
    for item, others in items[: settings.most]:
        name = next((name for name, words in settings.groups.items() if _says(item, words)), item.source)
        groups.setdefault(name, []).append(_line(item, others))
    more = len(items) - settings.most
    lists = [f"**{escaped(name)}**\n" + "\n".join(lines) for name, lines in groups.items() if lines]
    return lists + ([f"and {counted(more, 'more item')}."] if more > 0 else [])


def _line(item: Item, others: Sequence[str]) -> str:
    also = f" · also in {escaped(', '.join(others))}" if others else ""
    return f"- {link(item.title, item.link)}{also}"


RECIPE = Recipe(
    "news_brief", "What is new in RSS and Atom feeds, in groups, each item once.", NewsSettings, run
)
