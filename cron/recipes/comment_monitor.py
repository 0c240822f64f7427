"""A monitor of comments: those that are new since the last run, by source, with links."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from pydantic import Field

from cron.recipe import Recipe, RecipeContext, RecipeResult, RecipeSettings
from cron.recipes import comments, cursors
from cron.recipes.comments import Call, FeedSource, Source
from cron.recipes.items import Item
from cron.recipes.prose import address, counted, escaped, one_line
from cron.recipes.reading import Page, Round, all_failed
from kernel.clock import short_time

INSTRUCTION = (
    "These are new comments of readers or viewers. Say in at most five sentences what they are about, which of them "
    "ask something or deserve an answer, and which look like spam. State only what they say."
)


class CommentSettings(RecipeSettings):
    """Settings of the comment monitor."""

    sources: tuple[Source, ...] = Field(min_length=1, max_length=50, description="Where comments appear.")
    most: int = Field(default=30, ge=1, le=200, description="Comments that are listed at most.")
    pages: int = Field(default=5, ge=1, le=50, description="Pages of one source that are read at most.")
    first_hours: float = Field(
        default=24.0, gt=0, description="With a source's first reading, how many hours back comments are new."
    )
    summary: bool = Field(default=True, description="Begin with a summary by the model, where there is one.")
    instruction: str = Field(
        default=INSTRUCTION, max_length=4000, description="What the model is asked to write."
    )


async def run(context: RecipeContext[CommentSettings]) -> RecipeResult:
    """Read all sources and return the comments that are new."""
    settings = context.settings
    found = Round(cursors.loaded(context.cursor), context.now, settings.first_hours)
    for source in settings.sources:
        await found.read(source.key, partial(_read, context, source))
    all_failed(found)
    if not found.new and not (found.failed and found.news_of_failures):
        return RecipeResult(changed=False, cursor=found.cursor())
    items = sorted(found.new, key=lambda item: -item.at)
    summary = await _summary(context, items) if items else ""
    head = f"**Comments** · {counted(len(items), 'new comment')}"
    parts = [head, summary, *_lists(context, items), found.complaints()]
    return RecipeResult("\n\n".join(filter(None, parts)), cursor=found.cursor())


async def _read(context: RecipeContext[CommentSettings], source: Source, memory: Mapping[str, Any]) -> Page:
    name = "" if isinstance(source, FeedSource) else source.secret
    secret = context.secret(name) if name else ""
    return await comments.read(source, Call(context.http, secret, context.settings.pages, memory))


async def _summary(context: RecipeContext[CommentSettings], items: Sequence[Item]) -> str:
    if not context.settings.summary:
        return ""
    shown = items[: context.settings.most]
    material = "\n\n".join(f"{item.author} ({item.source}): {item.text}" for item in shown)
    return await context.summarise(context.settings.instruction, material)


def _lists(context: RecipeContext[CommentSettings], items: Sequence[Item]) -> list[str]:
    most = context.settings.most
    sources: dict[str, list[str]] = {}
    for item in items[:most]:
        sources.setdefault(item.source, []).append(_line(context, item))
    lists = [f"**{escaped(name)}**\n" + "\n".join(lines) for name, lines in sources.items()]
    return lists + ([f"and {counted(len(items) - most, 'more comment')}."] if len(items) > most else [])


def _line(context: RecipeContext[CommentSettings], item: Item) -> str:
    when = f" · {short_time(item.at, context.zone, context.now)}" if item.at else ""
    there = address(item.link)
    open_it = f" · [open]({there})" if there else ""
    return f"- {escaped(item.author or 'somebody')}: {escaped(one_line(item.text, 300))}{when}{open_it}"


RECIPE = Recipe(
    "comment_monitor", "New comments in feeds, JSON endpoints and on YouTube.", CommentSettings, run
)
