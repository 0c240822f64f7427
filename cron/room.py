"""What all parts of cron work with."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

from agent.tools.terminal.command import Plan
from approvals.requests import Asker
from cron.catchup import Policy
from cron.pace import Pace
from cron.recipe import House
from cron.settings import DAY_MS, HOUR_MS, SECOND_MS, CronSettings
from kernel.approvals import Action, Approval
from kernel.bus import Bus
from kernel.clock import Clock
from kernel.messages import Address
from kernel.people import Principal
from kernel.schedules import Schedule
from store.database import Database
from store.units import Unit


class Gate(Protocol):
    """What judges the scripts of jobs (``approvals.service.ApprovalService.attend``)."""

    async def attend(
        self, asker: Asker, action: Action, *, refuse: bool, also: Callable[[Unit, Approval], None]
    ) -> Action | Approval:
        """Return the action as it may run now, or the request that a person must decide first.

        ``also`` is part of the unit that stores the request. Raises AccessDenied for what may never run, and with
        ``refuse`` for what would have to be asked.
        """
        ...


class Alarm(Protocol):
    """Wakes somebody at a moment."""

    def arm(self, moment: int | None, now: int) -> None:
        """Wake at ``moment`` (milliseconds), for which it is ``now``; ``None``: not at all."""
        ...

    def stop(self) -> None:
        """Wake nobody any more."""
        ...


class Tasks(Protocol):
    """Puts tasks on the board."""

    async def create(self, schedule: Schedule, title: str, description: str) -> int:
        """Store a task on behalf of a schedule's owner and return its number."""
        ...


async def _no_thread(_parent: Address, _name: str) -> Address | None:
    return None


async def _no_summary(_instruction: str, _material: str) -> str:
    return ""


async def _no_cancel(_session: str, _actor: str) -> int:
    return 0


@dataclass(frozen=True, slots=True)
class Shell:
    """What commands are given: their whole environment, and ``wrapped(plan, folder)``, which puts them in a sandbox."""

    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    wrapped: Callable[[Plan, Path], Awaitable[Plan]] | None = None


@dataclass(slots=True)
class Ports:
    """How cron reaches the rooms beside it and above it.

    ``principal_of(id)`` returns a person with their role now, ``resolve(text)`` the address that somebody wrote,
    ``thread(parent, name)`` a new thread in a chat, ``halt`` and ``cancel`` stop a session's turn and withdraw what it
    waits for, ``workspace(session_id)`` is where an agent works, ``summarise(instruction, material)`` asks a model
    (``""``: there is none), ``pieces(text, place)`` splits a text as the place needs it, ``shell()`` is what
    commands get, ``warm()`` loads the agents ahead, and ``attends()`` tells whether somebody is being answered now.
    """

    principal_of: Callable[[str], Principal]
    resolve: Callable[[str], Awaitable[Address]]
    workspace: Callable[[str], Path]
    gate: Callable[[], Gate]
    thread: Callable[[Address, str], Awaitable[Address | None]] = _no_thread
    halt: Callable[[str, str], bool] = lambda _session, _actor: False
    cancel: Callable[[str, str], Awaitable[int]] = _no_cancel
    summarise: Callable[[str, str], Awaitable[str]] = _no_summary
    pieces: Callable[[str, Address], list[str]] = lambda text, _place: [text]
    shell: Callable[[], Shell] = Shell
    warm: Callable[[], None] = lambda: None
    attends: Callable[[], bool] = lambda: False
    tasks: Tasks | None = None
    house: House | None = None
    projects: Sequence[Path] = ()


@dataclass(slots=True)
class Room:
    """Cron's surroundings: ``home`` is a folder of its own below Hermes' ``root``, ``zone`` the owner's timezone."""

    database: Database
    bus: Bus
    clock: Clock
    settings: CronSettings
    zone: ZoneInfo
    root: Path
    ports: Ports
    redact: Callable[[str], str] = str
    pace: Pace = field(default_factory=Pace)
    home: Path = field(init=False)

    def __post_init__(self) -> None:
        """Find the folder."""
        self.home = self.root / "cron"

    def policy(self, schedule: Schedule) -> Policy:
        """Return how a schedule's missed times are dealt with."""
        settings, job = self.settings, schedule.job
        once = schedule.rule.startswith("at:")
        grace = settings.grace_days_once * DAY_MS if once else settings.grace_hours * HOUR_MS
        return Policy(
            job.missed,
            int(settings.late_seconds * SECOND_MS),
            int(job.grace * SECOND_MS or grace),
            settings.catch_up,
        )
