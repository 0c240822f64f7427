"""Scheduled jobs: what is to run, when, under which conditions, and where its result goes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from kernel.messages import Address
from kernel.states import FireState, ScheduleState


class JobKind(StrEnum):
    """What a job does when its time comes."""

    PROMPT = "prompt"
    SCRIPT = "script"
    TASK = "task"
    RECIPE = "recipe"
    REMINDER = "reminder"


class Missed(StrEnum):
    """What becomes of instants that passed while nobody could run them."""

    SKIP = "skip"
    ONCE = "once"
    ALL = "all"


class Overlap(StrEnum):
    """What becomes of an instant whose predecessor is still at work."""

    SKIP = "skip"
    QUEUE = "queue"
    PARALLEL = "parallel"


class Quiet(StrEnum):
    """What becomes of a result in the quiet hours: sent all the same, held until they end, or sent without a sound."""

    OFF = "off"
    HOLD = "hold"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Check:
    """What must be true before a job runs: a script that ends with 0, or an address that answers as expected.

    An address passes with status 200; with ``contains`` its text must have that, with ``changed`` it must differ from
    the last time.
    """

    script: str = ""
    url: str = ""
    contains: str = ""
    changed: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """What a schedule does; all of it can be edited.

    ``text`` is the prompt, the script, the task's description or the reminder. ``recipe`` names a recipe and
    ``options`` are its settings; ``model`` and ``session`` are a prompt's own (``session``: ``""`` for one of the job,
    else the id of an existing one); ``folder`` is where a script starts. ``timeout`` and ``grace`` are in
    seconds, 0 for the default of the kind; ``retries`` -1 for the default. ``risky`` says what happens to an action
    that a person would have to approve: ``wait`` or ``refuse``. ``deliver`` are addresses, nicknames, ``origin``,
    ``home`` or ``none``; ``attach`` are patterns of files in a script's folder that go along with its result where the
    run has written them. ``seed`` names the proposal of the configuration it came from.
    """

    kind: JobKind
    text: str = ""
    recipe: str = ""
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    model: str = ""
    session: str = ""
    folder: str = ""
    check: Check | None = None
    timeout: float = 0
    retries: int = -1
    missed: Missed = Missed.ONCE
    grace: float = 0
    overlap: Overlap = Overlap.SKIP
    risky: str = "wait"
    deliver: tuple[str, ...] = ("origin",)
    thread: bool = False
    quiet: Quiet = Quiet.OFF
    jitter: float = 0
    seed: str = ""
    attach: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Schedule:
    """A job with its times.

    ``rule`` is the schedule's one text (``cron.rules``), ``zone`` the name of its timezone. ``instant`` is the next
    time it is for, ``next_at`` when that is to run, jitter included; both are milliseconds, ``None`` where there is
    none. ``starts_at`` and ``ends_at`` bound it (0: not), ``max_runs`` too, of which ``runs`` are begun. ``thread`` is
    where its results go once a thread was made for it; ``failures`` counts those in a row; ``cursor`` is what a recipe
    remembers from its last run.
    """

    id: int
    name: str
    state: ScheduleState
    owner: str
    origin: Address | None
    rule: str
    zone: str
    job: Job
    instant: int | None
    next_at: int | None
    starts_at: int = 0
    ends_at: int = 0
    max_runs: int = 0
    runs: int = 0
    thread: Address | None = None
    session_id: str = ""
    cursor: str = ""
    failures: int = 0
    paused_why: str = ""
    created_at: int = 0
    created_by: str = ""


@dataclass(frozen=True, slots=True)
class Fire:
    """One instant of a schedule.

    ``ready_at`` is when it may be taken up (later than the instant after a failure), ``late`` says that its time had
    passed, ``manual`` that a person ran it. A missed fire stands for ``missed`` instants, the last of which is its own.
    ``deliver_at`` is set while its result is held back. ``inbox_id`` and ``approval_id`` are what it waits for.
    """

    id: int
    schedule_id: int
    instant: int
    state: FireState
    manual: bool
    late: bool
    ready_at: int
    attempts: int
    session_id: str
    inbox_id: int
    approval_id: str
    result: str
    files: tuple[str, ...]
    error: str
    deliver_at: int | None
    missed: int
    created_at: int
    claimed_at: int
    started_at: int
    ended_at: int
