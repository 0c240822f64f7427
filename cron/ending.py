"""How a run ends: its result is stored with all that follows from it, in one unit."""

from dataclasses import dataclass

from cron.room import Room
from cron.rules import After, parse
from cron.taking import quiet_end
from cron.whereabouts import told_at
from kernel import ids
from kernel.errors import Stale
from kernel.messages import Outbound, Priority
from kernel.schedules import Fire, JobKind, Quiet, Schedule
from store import fires, outbox, schedules
from store.outbox import Owed
from store.units import Unit

ERROR_SHOWN = 2000


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended: ``finish``, ``fail``, ``skip``, ``lose`` or ``cancel``.

    ``cursor`` is kept for the next run where it is not ``None``; ``lasting`` says that trying again changes nothing.
    """

    event: str
    result: str = ""
    error: str = ""
    files: tuple[str, ...] = ()
    cursor: str | None = None
    lasting: bool = False


def end(tx: Unit, room: Room, fire: Fire, ended: Ended) -> Fire:
    """Store the end of a run, or of one attempt at it; raise Stale where it has ended already."""
    schedule = schedules.stored(tx, fire.schedule_id)
    if ended.event == "fail" and not ended.lasting and fire.attempts <= _retries(room, schedule):
        return _again(tx, room, fire, ended)
    delivers = ended.event in ("finish", "fail", "lose") and (
        ended.result or ended.files or ended.event != "finish"
    )
    moved = fires.move(
        tx,
        fire.id,
        ended.event,
        result=ended.result[: room.settings.output],
        error=ended.error[:ERROR_SHOWN],
        files=fires.files_text(ended.files),
        deliver_at=_deliver_at(room, schedule, tx.now) if delivers else None,
    )
    fires.unpark(tx, schedule.id)
    _count(tx, room, schedule, ended)
    _follow(tx, schedule, moved, ended)
    return moved


def _retries(room: Room, schedule: Schedule) -> int:
    return room.settings.retries_of(schedule.job.kind, schedule.job.retries)


def _again(tx: Unit, room: Room, fire: Fire, ended: Ended) -> Fire:
    """Put a run back for another attempt, later with each one."""
    wait = room.settings.wait_ms(fire.attempts)
    at = tx.now + wait + int(wait * 0.2 * ids.jitter())
    return fires.move(tx, fire.id, "retry", ready_at=at, error=ended.error[:ERROR_SHOWN])


def _deliver_at(room: Room, schedule: Schedule, now: int) -> int:
    if schedule.job.quiet is Quiet.HOLD and schedule.job.kind is not JobKind.PROMPT:
        return quiet_end(room.settings, room.zone, now) or now
    return now


def _count(tx: Unit, room: Room, schedule: Schedule, ended: Ended) -> None:
    """Count failures in a row: some are an alarm, many pause the job."""
    if ended.event == "finish":
        columns: dict[str, str | int] = {} if ended.cursor is None else {"cursor": ended.cursor}
        if schedule.failures or columns:
            schedules.note(tx, schedule.id, failures=0, **columns)
        return
    if ended.event not in ("fail", "lose"):
        return
    failures = schedule.failures + 1
    schedules.note(tx, schedule.id, failures=failures)
    if failures >= room.settings.pause_after and _pause(tx, schedule, failures):
        return
    if failures == room.settings.alert_after:
        _alarm(tx, schedule, f"The job {schedule.name} has failed {failures} times in a row: {_short(ended)}")


def _pause(tx: Unit, schedule: Schedule, failures: int) -> bool:
    why = f"It failed {failures} times in a row."
    try:
        schedules.move(tx, schedule.id, "pause", paused_why=why)
    except Stale:
        return False
    _alarm(
        tx,
        schedule,
        f"The job {schedule.name} is paused: {why} `/cron resume {schedule.id}` lets it run again.",
    )
    return True


def _short(ended: Ended) -> str:
    return " ".join((ended.error or ended.result).split())[:200]


def _alarm(tx: Unit, schedule: Schedule, text: str) -> None:
    for address in told_at(tx, schedule):
        key = f"alarm:cron:{schedule.id}:{tx.now}:{address}"
        outbox.add(tx, Owed(key, Outbound(address, f"⚠️ {text}"), Priority.QUESTION))


def _follow(tx: Unit, schedule: Schedule, fire: Fire, ended: Ended) -> None:
    """Make the jobs due whose time is this end."""
    outcome = {"finish": "success", "fail": "failure", "lose": "failure"}.get(ended.event)
    if outcome is None:
        return
    for follower in schedules.followers(tx, schedule.id):
        rule = parse(follower.rule)
        wants = isinstance(rule, After) and rule.outcome in (outcome, "always")
        spent = follower.max_runs and follower.runs >= follower.max_runs
        if wants and not spent and fires.add(tx, fires.New(follower.id, fire.instant, tx.now)):
            schedules.note(tx, follower.id, runs=follower.runs + 1)
            if follower.max_runs and follower.runs + 1 >= follower.max_runs:
                schedules.move(tx, follower.id, "finish")
