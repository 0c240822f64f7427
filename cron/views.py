"""Jobs and runs as they are shown."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any
from zoneinfo import ZoneInfo

from cron.delivery import key_of
from cron.making import Times
from cron.rules import parse, upcoming
from cron.sentences import describe, next_words
from kernel.clock import at
from kernel.schedules import Fire, Schedule
from kernel.states import FireState, OutboxState, ScheduleState
from store import fires, outbox, schedules
from store.units import Query

Redact = Callable[[str], str]
SHOWN = 5
TIMELINE = 200
OPEN_DELIVERY = (OutboxState.PENDING, OutboxState.SENDING, OutboxState.UNCERTAIN)


@dataclass(frozen=True, slots=True)
class RunView:
    """One run; ``delivery`` is none, held, owed, sent or failed, apart from how the run itself went."""

    id: int
    job: int
    name: str
    state: str
    sentence: str
    at: int
    when: str
    manual: bool
    late: bool
    missed: int
    attempts: int
    result: str
    error: str
    files: list[str]
    delivery: str
    claimed_at: int
    started_at: int
    ended_at: int
    approval: str
    session: str


@dataclass(frozen=True, slots=True)
class JobView:
    """A job with its next times; times are in milliseconds, and ``when`` in words."""

    id: int
    name: str
    state: str
    sentence: str
    kind: str
    schedule: str
    rule: str
    timezone: str
    next_at: int | None
    when: str
    upcoming: list[int]
    starts_at: int
    ends_at: int
    max_runs: int
    runs: int
    owner: str
    origin: str
    text: str
    recipe: str
    options: dict[str, Any]
    settings: dict[str, Any]
    failures: int
    paused_why: str
    last: RunView | None


@dataclass(frozen=True, slots=True)
class TimesView:
    """How words about times are understood: in other words, as a rule, and the next instants."""

    schedule: str
    rule: str
    timezone: str
    upcoming: list[int]
    times: list[str]


@dataclass(frozen=True, slots=True)
class Coming:
    """One time that is ahead."""

    job: int
    name: str
    kind: str
    at: int
    when: str


def times_view(times: Times, now: int) -> TimesView:
    """Return a schedule as it was understood."""
    words = [next_words(one, times.zone, now) for one in times.upcoming]
    return TimesView(
        describe(times.rule, times.zone), str(times.rule), times.zone.key, list(times.upcoming), words
    )


def job_view(q: Query, schedule: Schedule, now: int, redact: Redact) -> JobView:
    """Return one job."""
    zone, rule = ZoneInfo(schedule.zone), parse(schedule.rule)
    ahead: list[int] = []
    if schedule.state is ScheduleState.ACTIVE and schedule.instant is not None:
        ahead = [schedule.instant, *upcoming(rule, zone, schedule.instant, SHOWN - 1)]
        ahead = [one for one in ahead if not schedule.ends_at or one < schedule.ends_at]
    last, job = fires.last(q, schedule.id), asdict(schedule.job)
    settings = {
        name: value for name, value in job.items() if name not in ("kind", "text", "recipe", "options")
    }
    return JobView(
        schedule.id,
        schedule.name,
        schedule.state,
        schedule.state.sentence,
        schedule.job.kind,
        describe(rule, zone),
        schedule.rule,
        schedule.zone,
        schedule.next_at if ahead else None,
        next_words(schedule.instant, zone, now) if ahead else "never",
        ahead,
        schedule.starts_at,
        schedule.ends_at,
        schedule.max_runs,
        schedule.runs,
        schedule.owner,
        str(schedule.origin or ""),
        redact(schedule.job.text),
        schedule.job.recipe,
        dict(schedule.job.options),
        settings,
        schedule.failures,
        schedule.paused_why,
        run_view(q, last, now, redact, schedule) if last else None,
    )


def run_view(q: Query, fire: Fire, now: int, redact: Redact, schedule: Schedule | None = None) -> RunView:
    """Return one run."""
    known = schedule or schedules.stored(q, fire.schedule_id)
    return RunView(
        fire.id,
        fire.schedule_id,
        known.name,
        fire.state,
        fire.state.sentence,
        fire.instant,
        next_words(fire.instant, ZoneInfo(known.zone), now),
        fire.manual,
        fire.late,
        fire.missed,
        fire.attempts,
        redact(fire.result),
        redact(fire.error),
        list(fire.files),
        delivery_of(q, fire, now),
        fire.claimed_at,
        fire.started_at,
        fire.ended_at,
        fire.approval_id,
        fire.session_id,
    )


def delivery_of(q: Query, fire: Fire, now: int) -> str:
    """Return where a run's result is on its way: none, held, owed, sent or failed."""
    if fire.deliver_at is not None:
        return "held" if fire.deliver_at > now else "owed"
    states = {row.state for row in outbox.with_prefix(q, key_of(fire))}
    if not states:
        # What a prompt's turn has answered went the way of every answer.
        return "sent" if fire.inbox_id and fire.state is FireState.DONE else "none"
    if OutboxState.DEAD in states:
        return "failed"
    return "owed" if states & set(OPEN_DELIVERY) else "sent"


def timeline(q: Query, now: int, until: int, limit: int = TIMELINE) -> list[Coming]:
    """Return what is to run until a time, in order: of each job at most ten times."""
    found: list[Coming] = []
    for schedule in schedules.listed(q, schedules.Filter(limit=TIMELINE)):
        if schedule.state is not ScheduleState.ACTIVE or schedule.instant is None:
            continue
        zone = ZoneInfo(schedule.zone)
        ahead = [schedule.instant, *upcoming(parse(schedule.rule), zone, schedule.instant, 9)]
        found += [
            Coming(schedule.id, schedule.name, schedule.job.kind, one, next_words(one, zone, now))
            for one in ahead
            if one <= until and not (schedule.ends_at and one >= schedule.ends_at)
        ]
    return sorted(found, key=lambda one: (one.at, one.job))[:limit]


def day_of(milliseconds: int, zone: ZoneInfo) -> str:
    """Return the zone's day of an instant, YYYY-MM-DD."""
    return at(milliseconds).astimezone(zone).date().isoformat()
