"""Schedules as values: five-field cron, spans, days at a local time, one instant, or another job's end.

``parse`` reads the one text of a rule as it is stored; ``next_after`` is all the clock needs of it. Nothing here reads
a clock.

How a change of the clock is met: a time of the day that the change leaves out runs once, at the change; one that it
repeats runs once, the first time. An expression that runs in every hour (``*/15 * * * *``) goes by real time instead:
an hour that is left out has no runs, and one that is repeated has its runs twice. Spans (``every 30m``) are real time.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from cron.local import both, instant, local, offset
from kernel.errors import InvalidInput

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
SHORTEST_SPAN = 5 * SECOND
LONGEST_SPAN = 366 * DAY
# No change of a clock that repeats local time has been longer for a century.
LOOK = timedelta(hours=3)
FIELDS = 5
# Where the calendar of the libraries ends.
END_OF_TIME = int(datetime(9990, 1, 1, tzinfo=ZoneInfo("UTC")).timestamp() * 1000)

ALIASES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
OUTCOMES = ("success", "failure", "always")


@dataclass(frozen=True, slots=True)
class Cron:
    """Cron expressions of five fields each; an instant of any of them is one of the rule."""

    expressions: tuple[str, ...]

    def __str__(self) -> str:
        return f"cron:{'|'.join(self.expressions)}"


@dataclass(frozen=True, slots=True)
class Every:
    """A span of real time, in milliseconds, counted from ``anchor``."""

    span: int
    anchor: int

    def __str__(self) -> str:
        return f"every:{self.span}:{self.anchor}"


@dataclass(frozen=True, slots=True)
class Days:
    """Every so many days at a local time, counted from the day ``first``."""

    step: int
    at: time
    first: date

    def __str__(self) -> str:
        return f"days:{self.step}:{self.at:%H.%M}:{self.first.isoformat()}"


@dataclass(frozen=True, slots=True)
class At:
    """One instant, in milliseconds."""

    at: int

    def __str__(self) -> str:
        return f"at:{self.at}"


@dataclass(frozen=True, slots=True)
class After:
    """The end of another job's run: its ``success``, its ``failure``, or ``always``."""

    schedule_id: int
    outcome: str = "success"

    def __str__(self) -> str:
        return f"after:{self.schedule_id}:{self.outcome}"


Rule = Cron | Every | Days | At | After


@lru_cache(maxsize=10_000)
def parse(text: str) -> Rule:
    """Read a rule's one text; raise InvalidInput for anything else."""
    kind, _, rest = text.partition(":")
    try:
        match kind:
            case "cron":
                return Cron(tuple(checked(part) for part in rest.split("|")))
            case "every":
                span, anchor = rest.split(":")
                return every(int(span), int(anchor))
            case "days":
                step, at, first = rest.split(":")
                return Days(int(step), time.fromisoformat(at.replace(".", ":")), date.fromisoformat(first))
            case "at":
                return At(int(rest))
            case "after":
                id, outcome = rest.split(":")
                return After(int(id), outcome)
            case _:
                pass
    except ValueError:
        pass
    raise InvalidInput(f"{text!r} is no schedule.")


def every(span: int, anchor: int) -> Every:
    """Return a rule of a span in milliseconds; raise InvalidInput for one that is too short or too long."""
    if not SHORTEST_SPAN <= span <= LONGEST_SPAN:
        raise InvalidInput(
            f"Every {span / SECOND:g} seconds is no sensible span.",
            remedy=f"It has to be {SHORTEST_SPAN // SECOND} seconds at least and a year at most.",
        )
    return Every(span, anchor)


def checked(expression: str) -> str:
    """Return a cron expression in its one spelling; raise InvalidInput with what is wrong with it."""
    words = " ".join(expression.split())
    words = ALIASES.get(words.lower(), words).upper()
    if words.startswith("@"):
        raise InvalidInput(f"There is no {expression.strip()}.", remedy=f"There are {', '.join(ALIASES)}.")
    if len(words.split(" ")) != FIELDS:
        raise InvalidInput(
            f"{expression.strip()!r} has {len(words.split())} fields; a cron expression has five.",
            remedy="Minute, hour, day of the month, month, day of the week, such as: 30 7 * * 1-5",
        )
    try:
        CronSim(words, datetime(2024, 1, 1))  # noqa: DTZ001 - local times have no zone here
    except CronSimError as error:
        raise InvalidInput(f"{expression.strip()!r} is no cron expression: {error}.") from None
    return words


def next_after(rule: Rule, zone: ZoneInfo, after: int) -> int | None:
    """Return the rule's first instant behind ``after``, in milliseconds; ``None`` where there is none."""
    if not -END_OF_TIME < after < END_OF_TIME:
        return None
    match rule:
        case Cron(expressions):
            found = [at for one in expressions if (at := _next_cron(one, zone, after)) is not None]
            return min(found, default=None)
        case Every(span, anchor):
            return anchor if after < anchor else anchor + ((after - anchor) // span + 1) * span
        case Days():
            return _next_day(rule, zone, after)
        case At(at):
            return at if at > after else None
        case After():
            return None


def upcoming(rule: Rule, zone: ZoneInfo, after: int, count: int) -> list[int]:
    """Return the next ``count`` instants, or all that are left."""
    found: list[int] = []
    while len(found) < count and (at := next_after(rule, zone, after)) is not None:
        found.append(at)
        after = at
    return found


@lru_cache(maxsize=10_000)
def _hourly(expression: str) -> bool:
    """Tell whether an expression runs in every hour of a day."""
    return expression.split(" ")[1] in ("*", "*/1", "0-23")


def _next_cron(expression: str, zone: ZoneInfo, after: int) -> int | None:
    """Look at local times in their order; near a change of the clock that is not the order of their instants."""
    now = local(after, zone)
    near = _changes_near(after, zone)
    best: int | None = None
    for naive in _local_times(expression, now - LOOK if near else now):
        if best is not None and naive > now + LOOK:
            break
        shown = both(naive, zone) if _hourly(expression) else (instant(naive, zone),)
        ahead = [at for at in shown if at > after]
        best = min((*ahead, *(() if best is None else (best,))), default=None)
        if best is not None and not near:
            break
    return best


def _changes_near(after: int, zone: ZoneInfo) -> bool:
    """Tell whether the clock was changed in the last hours or changes in the next ones."""
    span, here = int(LOOK.total_seconds()) * SECOND, offset(after, zone)
    return offset(after - span, zone) != here or offset(after + span, zone) != here


def _local_times(expression: str, after: datetime) -> Iterator[datetime]:
    try:
        times = CronSim(expression, after)
        while True:
            yield next(times)
    except (StopIteration, OverflowError):
        return


def _next_day(rule: Days, zone: ZoneInfo, after: int) -> int | None:
    today = local(after, zone).date()
    passed = max(0, (today - rule.first).days // rule.step - 1)
    # A step of days may begin a day early or late where the clock was changed by as much.
    for number in range(passed, passed + 4):
        day = rule.first + timedelta(days=number * rule.step)
        at = instant(datetime.combine(day, rule.at), zone)
        if at > after:
            return at
    return None
