"""Taking what is due: schedules become fires, and fires that are ready are taken up, each by a guarded move."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from cron import catchup
from cron.catchup import Bounds, Due
from cron.local import instant, local
from cron.room import Room
from cron.rules import next_after, parse
from cron.sentences import next_words
from cron.settings import SECOND_MS, CronSettings
from cron.whereabouts import made_at
from kernel import ids
from kernel.messages import Outbound, Priority
from kernel.schedules import Fire, JobKind, Overlap, Quiet, Schedule
from kernel.states import FireState
from store import channels, fires, marks, outbox, schedules
from store.outbox import Owed
from store.units import Query, Unit

# Schedules whose time has just come, of which so many are taken together, before those of a longer absence.
FRESH_MS, TOGETHER = 2_000, 200
BATCH = 25
# What is due is looked at so much ahead of its time, so that at the time itself it is only stored.
LEAD_MS = 40
TOLD = 10
# What is to be told of times that passed, while it is gathered.
UNTOLD = "cron:untold"


@dataclass(frozen=True, slots=True)
class Found:
    """A schedule that is due, what becomes of its times, and how much later than its time the next one runs."""

    schedule: Schedule
    due: Due
    jitter: int


def due(q: Query, now: int) -> list[Schedule]:
    """Return schedules to be taken next, also those that are due in a moment.

    What is due now does not wait behind what an absence has left.
    """
    return schedules.due(q, now + LEAD_MS, TOGETHER, now - FRESH_MS) or schedules.due(q, now, BATCH)


def look(room: Room, found: Sequence[Schedule], now: int) -> list[Found]:
    """Return what becomes of schedules that are due; this computes, and belongs in a thread where they are many."""
    return [_looked(room, schedule, now) for schedule in found]


def _looked(room: Room, schedule: Schedule, now: int) -> Found:
    rule, zone = parse(schedule.rule), ZoneInfo(schedule.zone)
    bounds = Bounds(schedule.ends_at, schedule.max_runs, schedule.runs)
    first = now if schedule.instant is None else schedule.instant
    # With jitter a schedule may be taken a little before a later instant of its own: that one keeps its time.
    due = catchup.look(rule, zone, first, max(now, first), room.policy(schedule), bounds)
    return Found(schedule, due, jitter_of(schedule))


def jitter_of(schedule: Schedule) -> int:
    """Return how much later than its time a schedule's next run is to begin, in milliseconds."""
    return int(schedule.job.jitter * SECOND_MS * ids.jitter()) if schedule.job.jitter else 0


def take(
    tx: Unit, settings: CronSettings, zone: ZoneInfo, found: Sequence[Found]
) -> tuple[list[tuple[Fire, Schedule]], int]:
    """Store the fires of schedules that are due, and when they are next; take up what is ready (see ``claim``).

    A schedule that was changed meanwhile is left alone: the next look sees it as it is.
    """
    told = list[Found]()
    for one in found:
        if not schedules.is_as_it_was(tx, one.schedule):
            continue
        _take_one(tx, one, settings, zone)
        if one.due.skipped or one.due.made_up:
            told.append(one)
    if told:
        _note(tx, told, zone)
    return claim(tx, settings, len(found), {one.schedule.id: one.schedule for one in found})


def _take_one(tx: Unit, one: Found, settings: CronSettings, zone: ZoneInfo) -> None:
    schedule, due = one.schedule, one.due
    if due.skipped:
        fires.add(tx, fires.New(schedule.id, due.last, tx.now, late=True, missed=due.skipped))
    begun = 0
    for at in due.run:
        ready = ready_at(schedule, settings, zone, tx.now)
        new = fires.New(schedule.id, at, ready, late=at in due.made_up)
        begun += fires.add(tx, new) is not None
    following = due.next
    schedules.advance(
        tx, schedule.id, following, None if following is None else following + one.jitter, begun
    )


def ready_at(schedule: Schedule, settings: CronSettings, zone: ZoneInfo, now: int) -> int:
    """Return when a fire may be taken up: a prompt whose result would be held waits for the end of the quiet hours."""
    if schedule.job.kind is not JobKind.PROMPT or schedule.job.quiet is not Quiet.HOLD:
        return now
    return quiet_end(settings, zone, now) or now


def quiet_end(settings: CronSettings, zone: ZoneInfo, now: int) -> int:
    """Return when the quiet hours end that it is now, 0 where it is none."""
    if not settings.quiet_from or not settings.quiet_until or settings.quiet_from == settings.quiet_until:
        return 0
    first, last = time.fromisoformat(settings.quiet_from), time.fromisoformat(settings.quiet_until)
    here = local(now, zone)
    inside = first <= here.time() < last if first < last else here.time() >= first or here.time() < last
    if not inside:
        return 0
    day = here.date() if here.time() < last else here.date() + timedelta(days=1)
    return max(now, instant(datetime.combine(day, last), zone))


def _note(tx: Unit, found: Sequence[Found], zone: ZoneInfo) -> None:
    """Keep what there is to tell of times that passed until the look is over: people get one receipt of it all."""
    kept: dict[str, Any] = json.loads(marks.get(tx, UNTOLD) or '{"": [0, []]}')
    for one in found:
        line, place = _line(one, zone, tx.now), schedules.place_text(made_at(one.schedule)) or ""
        for where in ("", place) if place in kept or len(kept) <= TOLD else ("",):
            count, lines = kept.get(where, (0, []))
            kept[where] = [count + 1, [*lines, line][:TOLD]]
    marks.put(tx, UNTOLD, json.dumps(kept))


def has_untold(q: Query) -> bool:
    """Tell whether there is a receipt to be given."""
    return bool(marks.get(q, UNTOLD))


def tell(tx: Unit) -> None:
    """Owe one receipt of the times that passed: to the home channels, or to each chat of its own jobs without any."""
    text = marks.take(tx, UNTOLD)
    if not text:
        return
    kept: dict[str, Any] = json.loads(text)
    all_of_it, homes = kept.pop(""), list(channels.homes(tx).values())
    told = [(home, all_of_it) for home in homes] or [(schedules.place(at), what) for at, what in kept.items()]
    for address, (count, lines) in told:
        message = Outbound(address, _receipt(count, lines), silent=True)
        outbox.add(tx, Owed(f"notice:cron:missed:{tx.now}:{address}", message, Priority.NOTICE))


def _receipt(count: int, lines: Sequence[str]) -> str:
    said = ["🕘 Times of jobs passed while I was away, or the clock jumped:", *lines]
    if count > len(lines):
        said.append(f"- and {count - len(lines)} more jobs; `/cron missed` lists them.")
    return "\n".join(said)


def _line(one: Found, zone: ZoneInfo, now: int) -> str:
    due = one.due
    parts = [f"{len(due.made_up)} made up now"] if due.made_up else []
    if due.skipped:
        parts.append(f"{due.skipped} not run")
    ahead = f", next {next_words(due.next, zone, now)}" if due.next is not None else ""
    return f"- **{one.schedule.name}**: {', '.join(parts)}{ahead}"


def claim(
    tx: Unit, settings: CronSettings, limit: int, known: Mapping[int, Schedule] | None = None
) -> tuple[list[tuple[Fire, Schedule]], int]:
    """Take up fires that are ready; return them with their schedules, and how many rows were dealt with.

    ``known`` are schedules that were read already.

    One whose predecessor is still at work is skipped, waits or goes ahead, as its job says.
    """
    claimed, seen, read = list[tuple[Fire, Schedule]](), 0, dict(known or {})
    for fire in fires.ready(tx, tx.now, limit):
        schedule = read.get(fire.schedule_id) or schedules.get(tx, fire.schedule_id)
        read[schedule.id] = schedule
        match _overlap(tx, fire, schedule):
            case Overlap.PARALLEL:
                taken = fires.move(
                    tx, fire.id, "claim", claimed_at=tx.now, attempts=fire.attempts + 1, deliver_at=None
                )
                claimed.append((taken, schedule))
                seen += 1
            case Overlap.QUEUE if fire.late or fire.manual or fires.queued_before(tx, fire) < settings.queue:
                # It is taken up when the run before it ends.
                fires.park(tx, fire.id)
                seen += 1
            case _:
                fires.move(tx, fire.id, "skip", error="The run before it was still at work.")
                seen += 1
    return claimed, seen


def _overlap(q: Query, fire: Fire, schedule: Schedule) -> Overlap:
    """Return how a fire stands to those before it; what is made up or was asked for by hand is never skipped."""
    if not fires.at_work(q, fire):
        return Overlap.PARALLEL
    if schedule.job.session and schedule.job.overlap is Overlap.PARALLEL:
        # A conversation is worked in by one at a time.
        return Overlap.QUEUE
    waits = schedule.job.overlap is Overlap.SKIP and (fire.late or fire.manual)
    return Overlap.QUEUE if waits else schedule.job.overlap


def recover(tx: Unit) -> list[Fire]:
    """After a start: put back what had not begun, settle what had; return what may still be going on elsewhere."""
    for fire in fires.in_state(tx, FireState.CLAIMED):
        fires.move(tx, fire.id, "release", ready_at=tx.now)
    fires.unpark_all(tx)
    return [*fires.in_state(tx, FireState.RUNNING), *fires.in_state(tx, FireState.WAITING)]


def realign(tx: Unit, after: int, limit: int) -> tuple[int, int]:
    """After the clock went back: set the next times of repeated schedules anew; return the last id and how many.

    A time that had its run before the jump has a row, and is not run again.
    """
    page = schedules.ahead(tx, tx.now, after, limit)
    for schedule in page:
        at = next_after(parse(schedule.rule), ZoneInfo(schedule.zone), tx.now)
        if at is not None and (schedule.instant is None or at < schedule.instant):
            schedules.note(tx, schedule.id, instant=at, next_at=at + jitter_of(schedule))
    return (page[-1].id if page else after), len(page)
