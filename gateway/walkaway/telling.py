"""Units that bring a job's card up to date and owe its pings; what was told is remembered in the same unit."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from board import lanes, views
from board.views import Whole
from gateway.adapter import Adapter
from gateway.pieces import pieces
from gateway.walkaway import words
from gateway.walkaway.buttons import Buttons, Verb
from gateway.walkaway.settings import WalkawaySettings
from gateway.walkaway.words import Facts
from kernel.messages import Address, Button, Outbound, OutboundKind, Priority
from kernel.states import AttemptState, OutboxState, TaskState
from kernel.tasks import Task
from kernel.transitions import UNDER_WAY
from store import outbox, walkaways
from store.outbox import Owed
from store.units import Unit
from store.walkaways import Walk

BACKGROUND, WALKAWAY = "background", "walkaway"
Rows = tuple[tuple[Button, ...], ...]
ON_THE_WAY = (OutboxState.PENDING, OutboxState.SENDING, OutboxState.UNCERTAIN)
# A chat that refuses one card after the other gets no more.
MOST_CARDS = 5
GONE = (TaskState.DONE, TaskState.CANCELLED)
# Where a job rings as at its end; from those that are not gone it may still go on.
AT_AN_END = (*GONE, TaskState.FAILED, TaskState.TRIAGE, TaskState.IN_REVIEW)


@dataclass(frozen=True, slots=True)
class Scenery:
    """How jobs are shown: buttons, the owner's timezone, what removes secrets, and the adapters."""

    buttons: Buttons
    zone: ZoneInfo
    redact: Callable[[str], str]
    adapter: Callable[[Address], Adapter | None]
    settings: Callable[[], WalkawaySettings]


@dataclass(frozen=True, slots=True)
class Told:
    """What came of a look at a job: when to look again (milliseconds, 0: when something happens), and whether it
    has come to its end.
    """

    walk: Walk
    due: int
    over: bool
    gone: bool


def is_over(task: Task) -> bool:
    """Tell whether a job has come to an end that somebody has to hear of."""
    return task.state in AT_AN_END or (task.state is TaskState.BLOCKED and task.block_kind != "dependencies")


def end_of(task: Task) -> str:
    """Return a name for the end a job has come to, so that each is told once; empty while it goes on."""
    return f"{task.state}:{task.epoch}:{task.entered_at}" if is_over(task) else ""


class Teller:
    """Makes the units."""

    def __init__(self, scenery: Scenery) -> None:
        self._scenery = scenery

    def first_card(self, tx: Unit, walk: Walk) -> Walk:
        """Owe a job's card in its place."""
        whole = views.whole(tx, walk.task_id)
        text, rows = self._card(whole, tx.now, silent=False)
        number = walk.number + 1
        key = f"walkaway:{walk.task_id}:card:{number}"
        message = Outbound(walk.place, text, buttons=rows, silent=True, card="task")
        outbox.add(tx, Owed(key, message, Priority.NOTICE, walk.session_id))
        return replace(walk, number=number, card="", edit=key, shown=_digest(text, rows), edited_at=tx.now)

    def look(self, tx: Unit, task_id: int, facts: Facts) -> Told | None:
        """Bring a job's card up to date and owe what is to ring; ``None`` where nobody has walked away from it."""
        walk = walkaways.find(tx, task_id)
        if walk is None:
            return None
        whole = views.whole(tx, task_id)
        end = end_of(whole.task)
        if walk.over and not end:
            walk = replace(walk, over="")
        silent = self._is_silent(whole, tx.now)
        if not end:
            walk = self._rings(tx, walk, whole, silent=silent)
        if walk.mode == WALKAWAY:
            walk = self._shown(tx, walk, whole, silent=silent)
        # An end that came after the facts were gathered is told by the next look, which knows them.
        early = bool(end) and end not in (walk.over, facts.end)
        if end and walk.over != end and not early:
            walk = self._ended(tx, walk, whole, facts, end)
        gone = not early and whole.task.state in GONE and self._settled(walk, whole, silent=silent)
        (walkaways.archive if gone else walkaways.put)(tx, walk)
        return Told(walk, tx.now if early else self._due(walk, whole, tx.now), bool(end), gone)

    def _settled(self, walk: Walk, whole: Whole, *, silent: bool) -> bool:
        """Tell whether the card shows the end, so that nothing is left to be done."""
        if walk.mode != WALKAWAY:
            return True
        text, rows = self._card(whole, whole.task.ended_at, silent=silent)
        return walk.shown == _digest(text, rows)

    def _is_silent(self, whole: Whole, now: int) -> bool:
        live = whole.live
        if live is None or live.state is not AttemptState.RUNNING or not live.active_at:
            return False
        return now - live.active_at >= self._scenery.settings().silent_ms

    def _rings(self, tx: Unit, walk: Walk, whole: Whole, *, silent: bool) -> Walk:
        fresh = [one for one in whole.milestones if one.id > walk.rung]
        if walk.mode == WALKAWAY and walk.ping == "milestone" and fresh:
            self._ring(tx, walk, f"milestone:{fresh[-1].id}", words.ping(whole.task, fresh))
            walk = replace(walk, rung=fresh[-1].id, rung_at=tx.now)
        if (
            walk.ping == "interval"
            and whole.task.state in UNDER_WAY
            and tx.now - walk.rung_at >= walk.every_ms
        ):
            text = words.ping(whole.task, fresh) if fresh else words.hello(whole.task, tx.now, whole.live)
            self._ring(tx, walk, f"time:{tx.now}", text)
            walk = replace(walk, rung=fresh[-1].id if fresh else walk.rung, rung_at=tx.now)
        if silent and whole.live is not None and walk.silent != whole.live.active_at:
            walk = replace(walk, silent=whole.live.active_at)
            told = words.silence(whole.task, whole.live.active_at, self._scenery.zone, tx.now)
            halt = self._scenery.buttons.make("⏹ Stop it", walk.task_id, Verb.HALT)
            self._ring(tx, walk, f"silent:{walk.silent}", told, ((halt,),))
        return walk

    def _ring(self, tx: Unit, walk: Walk, what: str, text: str, rows: Rows = ()) -> None:
        """Owe a message that makes itself heard."""
        parts = pieces(self._scenery.redact(text), self._scenery.adapter(walk.place))
        last = len(parts) - 1
        for number, part in enumerate(parts):
            message = Outbound(
                walk.place, part, buttons=rows if number == last else (), silent=number != last
            )
            key = f"walkaway:{walk.task_id}:{what}:{number}"
            outbox.add(tx, Owed(key, message, Priority.REPLY, walk.session_id))

    def say(self, tx: Unit, place: Address, key: str, text: str, rows: Rows = ()) -> None:
        """Owe a message about a job to whoever asked for it."""
        parts = pieces(self._scenery.redact(text), self._scenery.adapter(place))
        last = len(parts) - 1
        for number, part in enumerate(parts):
            message = Outbound(place, part, buttons=rows if number == last else ())
            outbox.add(tx, Owed(f"{key}:{number}", message, Priority.REPLY))

    def _shown(self, tx: Unit, walk: Walk, whole: Whole, *, silent: bool) -> Walk:
        """Owe the edit of a card that says something else by now; one edit at a time is on its way."""
        row = outbox.by_key(tx, walk.edit)
        if row is not None and row.state in ON_THE_WAY:
            return walk
        if row is not None and row.state is OutboxState.SENT and row.receipt and not walk.card:
            walk = replace(walk, card=row.receipt[-1])
        if row is None or row.state is not OutboxState.SENT:
            # Somebody removed it, or the platform did: the job gets another one.
            return self.first_card(tx, walk) if walk.number < MOST_CARDS else walk
        if not walk.card:
            # The platform has shown it and gave no id to edit it by.
            return walk
        text, rows = self._card(whole, whole.task.ended_at or tx.now, silent=silent)
        digest = _digest(text, rows)
        if digest == walk.shown or tx.now < self._next_edit(walk):
            return walk
        edit = Outbound(
            walk.place, text, OutboundKind.EDIT, rows, replaces=walk.card, silent=True,
            card="closed" if whole.task.state in GONE else "task",
        )  # fmt: skip
        key = f"walkaway:{walk.task_id}:edit:{tx.now}:{digest}"
        outbox.add(tx, Owed(key, edit, Priority.PROGRESS, walk.session_id))
        return replace(walk, shown=digest, edit=key, edited_at=tx.now)

    def _card(self, whole: Whole, now: int, *, silent: bool) -> tuple[str, Rows]:
        text = words.card(whole, self._scenery.zone, now, silent=silent)
        return self._scenery.redact(text), self.choices(whole.task)

    def choices(self, task: Task) -> Rows:
        """Return the buttons that a job offers as it stands."""
        make = self._scenery.buttons.make
        if task.state in GONE:
            return ()
        cancel = make("🚫 Cancel", task.id, Verb.CANCEL)
        if is_over(task):
            return ((make("🔁 Try again", task.id, Verb.AGAIN), cancel),)
        if not lanes.converses(task.lane):
            return ((cancel,),)
        halt = make("⏹ Stop now", task.id, Verb.HALT)
        return (self._scenery.buttons.saying(task.id, self._scenery.settings().replies), (halt, cancel))

    def _ended(self, tx: Unit, walk: Walk, whole: Whole, facts: Facts, end: str) -> Walk:
        rows = self.choices(whole.task)
        self._ring(tx, walk, f"end:{end}", words.ending(whole, facts), rows)
        last = whole.milestones[-1].id if whole.milestones else walk.rung
        return replace(walk, over=end, rung=last, rung_at=tx.now)

    def _next_edit(self, walk: Walk) -> int:
        return walk.edited_at + int(self._scenery.settings().edit_seconds * 1000)

    def _due(self, walk: Walk, whole: Whole, now: int) -> int:
        """Return when to look again though nothing happens: an edit that had to wait, a ping, a silence."""
        settings, live = self._scenery.settings(), whole.live
        due = [now + int(settings.refresh_seconds * 1000)] if whole.task.state in UNDER_WAY else []
        if walk.mode == WALKAWAY and (next_edit := self._next_edit(walk)) > now:
            due.append(next_edit)
        if walk.ping == "interval" and whole.task.state in UNDER_WAY:
            due.append(walk.rung_at + walk.every_ms)
        if live is not None and live.state is AttemptState.RUNNING and walk.silent != live.active_at:
            due.append(live.active_at + settings.silent_ms)
        return min((one for one in due if one > now), default=0)


def _digest(text: str, rows: Rows) -> str:
    told = repr((text, rows))
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def listed(found: Sequence[Task]) -> list[str]:
    """Return tasks as lines of a list."""
    return [f"- **{one.id}** {words.line(one.title, 70)} · {words.state(one)}" for one in found]
