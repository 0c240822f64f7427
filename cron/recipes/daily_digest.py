"""A digest of the day: what agents did, what waits, what failed, what it cost, and what comes next."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import Field

from cron.recipe import Recipe, RecipeContext, RecipeResult, RecipeSettings
from cron.recipes.items import HOUR_MS
from cron.recipes.prose import counted, escaped, one_line
from kernel.clock import short_time
from kernel.states import FireState

INSTRUCTION = (
    "This is what agents and jobs did since the last digest. Say in at most three sentences what deserves attention: "
    "what waits for a person, what failed, what is finished. State only what it says."
)
SHOWN = 10
# This run itself is among them.
UNDER_WAY = {FireState.DUE, FireState.CLAIMED, FireState.RUNNING}
LINE = 200


class DigestSettings(RecipeSettings):
    """Settings of the daily digest."""

    hours: float = Field(
        default=24.0, gt=0, le=24 * 31, description="With the first run, how far back to look."
    )
    upcoming: int = Field(default=5, ge=0, le=10, description="Coming runs of jobs that are listed.")
    quiet: bool = Field(default=False, description="Say nothing where nothing happened and nothing waits.")
    summary: bool = Field(default=True, description="Begin with a summary by the model, where there is one.")
    instruction: str = Field(
        default=INSTRUCTION, max_length=4000, description="What the model is asked to write."
    )


async def run(context: RecipeContext[DigestSettings]) -> RecipeResult:
    """Return what happened since the last digest."""
    since = context.last_run or context.now - int(context.settings.hours * HOUR_MS)
    told = await context.house.digest(since)
    happened = _happened(told)
    if not happened and context.settings.quiet:
        return RecipeResult(changed=False)
    facts = "\n\n".join(happened) or "Nothing happened, and nothing waits for you."
    summary = await context.summarise(context.settings.instruction, facts) if _asks(context, happened) else ""
    head = f"**Digest** · since {short_time(since, context.zone, context.now)}"
    return RecipeResult("\n\n".join(filter(None, [head, summary, facts, _upcoming(context, told)])))


def _asks(context: RecipeContext[DigestSettings], happened: Sequence[str]) -> bool:
    return context.settings.summary and bool(happened)


def _happened(told: Mapping[str, Any]) -> list[str]:
    """Return the parts that have something to say, what waits for a person first."""
    parts = [
        _list(
            "Waiting for you", told.get("approvals"), lambda one: f"`{one['short']}` {_short(one['text'])}"
        ),
        _list("Failed", told.get("failures"), lambda one: f"{_short(one['name'])}: {_short(one['error'])}"),
        _list("Tasks", told.get("tasks"), lambda one: f"{one['id']} {_short(one['title'])}: {one['state']}"),
        _figures(told),
    ]
    return [part for part in parts if part]


def _list(
    title: str, rows: Sequence[Mapping[str, Any]] | None, line: Callable[[Mapping[str, Any]], str]
) -> str:
    if not rows:
        return ""
    lines = [f"- {line(row)}" for row in rows[:SHOWN]]
    more = len(rows) - SHOWN
    lines += [f"- and {more} more"] if more > 0 else []
    return f"**{title}**\n" + "\n".join(lines)


def _short(text: Any) -> str:
    return escaped(one_line(str(text or ""), LINE))


def _figures(told: Mapping[str, Any]) -> str:
    """Return the counts as one list, without those that are nothing."""
    lines = [
        _count(told, "turns", "answer", told.get("failed_turns")),
        _runs(told.get("runs") or {}),
        _count(told, "dead", "message could not be delivered", many="messages could not be delivered"),
        _cost(told),
    ]
    shown = "\n".join(f"- {line}" for line in lines if line)
    return f"**Figures**\n{shown}" if shown else ""


def _count(told: Mapping[str, Any], key: str, one: str, failed: int | None = 0, many: str = "") -> str:
    count = told.get(key) or 0
    rest = f", {failed:,} of them failed" if failed else ""
    return f"{counted(count, one, many)}{rest}" if count else ""


def _runs(runs: Mapping[str, int]) -> str:
    ended = {state: count for state, count in sorted(runs.items()) if state not in UNDER_WAY}
    states = ", ".join(f"{count:,} {state}" for state, count in ended.items() if count)
    return f"Runs of jobs: {states}" if states else ""


def _cost(told: Mapping[str, Any]) -> str:
    tokens, cost = told.get("tokens") or 0, told.get("cost") or 0.0
    parts = [counted(tokens, "token") if tokens else "", f"${cost:.2f}" if cost else ""]
    return ", ".join(filter(None, parts))


def _upcoming(context: RecipeContext[DigestSettings], told: Mapping[str, Any]) -> str:
    rows = (told.get("upcoming") or ())[: context.settings.upcoming]
    return _list(
        "Coming",
        rows,
        lambda one: f"{short_time(one['at'], context.zone, context.now)} {_short(one['name'])}",
    )


RECIPE = Recipe(
    "daily_digest",
    "What agents did, what waits and failed, what it cost, and what comes next.",
    DigestSettings,
    run,
)
