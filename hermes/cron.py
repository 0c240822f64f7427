"""Cron, wired: its way to chats, gate, board and agents, and the jobs that the configuration proposes."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from agent.tools.terminal import surroundings
from agent.tools.terminal.sandbox import Sandbox
from board import workspaces
from board.creating import Wanted
from board.inputs import CreateTask
from board.service import Board
from board.wishes import wanted_of
from cron.commands import TAP, CronCommands
from cron.inputs import CreateJob
from cron.kinds.scripts import TOOL
from cron.room import Gate, Ports, Room, Shell
from cron.sentences import next_words
from cron.service import Cron
from cron.settings import CronSettings
from cron.tools import cron_tools
from cron.views import job_view
from gateway.adapter import Threads, ability
from gateway.gateway import Gateway
from gateway.pieces import pieces
from gateway.status import as_mapping
from gateway.walkaway.inputs import Delegate
from gateway.walkaway.operations import Delegated, Planner
from hermes.agents import Agents
from hermes.home import Home
from hermes.schema import Settings
from kernel.bus import Bus
from kernel.errors import HermesError, InvalidInput, NotFound
from kernel.messages import Address, InboundKind, Outbound, Priority
from kernel.people import Principal, Role
from kernel.schedules import JobKind, Schedule
from kernel.tasks import Workspace
from store import digests, marks, outbox
from store.database import Database
from store.inbox import InboxRow
from store.outbox import Owed

log = logging.getLogger(__name__)

OWNER = Principal("system", Role.OWNER)
SEEDED = "cron:seed:"
# The settings of a scheduled task: who does it, and by which template.
ASSIGNEE, TEMPLATE = "assignee", "template"


class BoardTasks:
    """Puts tasks of jobs on the board (``cron.room.Tasks``)."""

    def __init__(self, board: Board, principal_of: Callable[[str], Principal]) -> None:
        self._board = board
        self._principal_of = principal_of

    async def create(self, schedule: Schedule, title: str, description: str) -> int:
        """Store a task on behalf of a schedule's owner; one that is about a repository gets a worktree of it."""
        room, principal = self._board.room, self._principal_of(schedule.owner)
        project = workspaces.checked(room, schedule.job.folder, principal)
        tree = bool(project) and await asyncio.to_thread((Path(project) / ".git").exists)
        asked = CreateTask(
            title=title[:200],
            description=description,
            assignee=str(schedule.job.options.get(ASSIGNEE, "")),
            template=str(schedule.job.options.get(TEMPLATE, "simple")),
            workspace=Workspace.WORKTREE if tree else Workspace.DIRECTORY,
        )
        lane = lane_of(self._board, asked.assignee)
        wanted: Wanted = wanted_of(asked, principal, lane, project, origin=schedule.origin, room=room)
        return (await self._board.create(wanted, actor=f"cron:{schedule.id}")).id


def lane_of(board: Board, agent: str) -> str:
    """Return the lane of an agent or program by its name; raise InvalidInput where there is none."""
    settings = board.room.settings
    if not agent or agent in settings.agents:
        return settings.lane
    if agent in settings.programs:
        return "process"
    names = ", ".join((*settings.agents, *settings.programs))
    raise InvalidInput(f"There is no agent {agent!r}.", remedy=f"There are: {names}.")


def planner(cron: Cron, board: Board) -> Planner:
    """Return what schedules a job that is handed over: for an agent or a folder as a task, else as a prompt."""
    room = cron.room

    async def planned(principal: Principal, asked: Delegate) -> Delegated:
        agent = asked.agent.strip()
        lane_of(board, agent)
        job = CreateJob(
            schedule=asked.schedule,
            kind=JobKind.TASK if agent or asked.repo else JobKind.PROMPT,
            text=asked.text,
            folder=asked.repo or None,
            options={ASSIGNEE: agent} if agent else None,
            deliver=[asked.to if asked.to not in ("", "me") else "home"],
        )
        made = await cron.desk.create(principal, job)
        view = await room.database.read(job_view, made, room.clock.now(), room.redact)
        times = [next_words(one, ZoneInfo(made.zone), room.clock.now()) for one in view.upcoming]
        to = ", ".join(made.job.deliver)
        return Delegated(0, made.name, view.state, asked.mode, to, made.id, view.schedule, times)

    return planned


class DaemonHouse:
    """What the daemon tells recipes of itself (``cron.recipe.House``)."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def status(self) -> Mapping[str, Any]:
        """Return the status."""
        return as_mapping(await self._gateway.reporter.status())

    async def digest(self, since: int) -> Mapping[str, Any]:
        """Return what happened since a time."""
        return await self._gateway.database.read(digests.digest, since)


@dataclass(frozen=True, slots=True)
class Beside:
    """The rooms beside cron: the board, the gate (once it is there), and a session's folder."""

    board: Board
    gate: Callable[[], Gate]
    workspace: Callable[[str], Path]


def build(
    gateway: Gateway,
    bus: Bus,
    agents: Agents,
    settings: Settings,
    home: Home,
    beside: Beside,
    *,
    redact: Callable[[str], str],
) -> Cron:
    """Put cron together, give chats its commands and agents its tools."""
    room = Room(
        gateway.database,
        bus,
        gateway.clock,
        settings.cron,
        gateway.front.zone,
        home.root,
        _ports(gateway, agents, settings, home, beside),
        redact,
    )
    cron = Cron(room)
    agents.carriers[TOOL] = cron.carry_out
    agents.offer(cron_tools(cron))
    commands = CronCommands(cron)
    gateway.registry.extend(commands.commands())
    gateway.control.taps[TAP] = _taps(gateway.database, commands)
    return cron


def _ports(gateway: Gateway, agents: Agents, settings: Settings, home: Home, beside: Beside) -> Ports:
    sandbox = Sandbox(settings.agent.tools.terminal, home.root)

    async def cancel(session_id: str, actor: str) -> int:
        return sum([await withdraw(session_id, actor) for withdraw in gateway.cancels])

    async def summarise(instruction: str, material: str) -> str:
        try:
            runner = await agents.runner()
        except HermesError as error:
            log.warning("No summary: %s", error)
            return ""
        return await runner.summarise(instruction, material)

    async def thread(parent: Address, name: str) -> Address | None:
        adapter = gateway.adapters.get((parent.platform, parent.account))
        threads = ability(adapter, Threads) if adapter else None
        return await threads.create_thread(parent, name) if threads else None

    warming: set[asyncio.Task[None]] = set()

    def warm() -> None:
        task = asyncio.get_running_loop().create_task(agents.preload())
        warming.add(task)
        task.add_done_callback(warming.discard)

    def attends() -> bool:
        going = gateway.turns.running.values()
        return any(one.begun.rows[0].inbound.kind is not InboundKind.INTERNAL for one in going)

    def split(text: str, place: Address) -> list[str]:
        return pieces(text, gateway.adapters.get((place.platform, place.account)))

    return Ports(
        gateway.access.principal_of,
        gateway.directory.resolve,
        beside.workspace,
        beside.gate,
        thread,
        gateway.turns.halt,
        cancel,
        summarise,
        split,
        lambda: Shell(surroundings.pinned(settings.agent.tools.terminal), sandbox.wrapped),
        warm,
        attends,
        BoardTasks(beside.board, gateway.access.principal_of),
        DaemonHouse(gateway),
        tuple(Path(folder).expanduser() for folder in settings.workspace.projects),
    )


def _taps(database: Database, commands: CronCommands) -> Callable[[InboxRow, Principal], Any]:
    async def tapped(row: InboxRow, principal: Principal) -> str:
        told, said = await commands.tapped(row.inbound.tap, principal, row.inbound.address)
        if said:
            owed = Owed(
                f"cron:tap:{row.id}", Outbound(row.inbound.address, said), Priority.REPLY, row.session_id
            )
            await database.write(outbox.add, owed)
        return told

    return tapped


async def plant(cron: Cron, settings: CronSettings) -> None:
    """Make the jobs that the configuration proposes and nobody has made before; what was deleted stays so."""
    database = cron.room.database
    for name, seed in settings.seeds.items():
        mark = f"{SEEDED}{name}"
        if not seed.enabled or await database.read(marks.get, mark):
            continue
        asked = CreateJob(
            schedule=seed.schedule,
            kind=seed.kind,
            name=name,
            text=seed.text or None,
            recipe=seed.recipe or (name if seed.kind is JobKind.RECIPE else None),
            options=dict(seed.options),
            deliver=list(seed.deliver),
            timezone=seed.timezone or None,
        )
        try:
            made = await cron.desk.create(OWNER, asked, seed=name)
        except (HermesError, NotFound) as error:
            log.error("The job %s of the configuration was not made: %s", name, error)  # noqa: TRY400 - no bug
            continue
        await database.write(marks.put, mark, str(made.id))
