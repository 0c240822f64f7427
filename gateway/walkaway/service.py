"""Delegating: a job gets a place, a task and a card in one unit; what is said to it afterwards finds it there."""

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path

from board import creating, lanes, workspaces
from board.creating import Wanted
from board.inputs import CreateTask
from board.service import Board
from board.wishes import behalf_of, wanted_of
from gateway.adapter import Adapter, Threads, ability
from gateway.handoff.targets import Asker, Surfaces, Targets
from gateway.jobs import JobPlaces
from gateway.walkaway.inputs import Delegate, pings
from gateway.walkaway.leaving import Leaving
from gateway.walkaway.settings import WalkawaySettings
from gateway.walkaway.telling import BACKGROUND, Teller, is_over
from gateway.walkaway.watcher import Watcher
from gateway.walkaway.words import line
from kernel.crashpoints import crashpoint
from kernel.errors import HermesError, InvalidInput
from kernel.messages import Address, Sender
from kernel.people import Principal
from kernel.states import TaskState
from kernel.tasks import Brief, Task, Workspace
from store import attempts, outbox, tasks, walkaways
from store.units import Query, Unit
from store.walkaways import Walk

TITLE_LENGTH = 100
THREAD_NAME = 60
NOWHERE = Address("", "", "")


@dataclass(frozen=True, slots=True)
class Here:
    """Who delegates, where, and under which key asking again is the same; ``sender`` is their id on the platform."""

    principal: Principal
    origin: Address | None = None
    sender: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class Started:
    """A job that was begun: its task and where it is talked about."""

    task: Task
    place: Address


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a job is talked about and for whom (``platform:id``); ``thread`` says that it may have one of its own."""

    address: Address
    behalf: str
    thread: bool


class Delegation:
    """Begins jobs."""

    def __init__(
        self,
        board: Board,
        teller: Teller,
        watcher: Watcher,
        surfaces: Surfaces,
        targets: Targets,
        leaving: Leaving,
    ) -> None:
        self._board = board
        self._database = board.room.database
        self._teller = teller
        self._watcher = watcher
        self._surfaces = surfaces
        self._targets = targets
        self._leaving = leaving
        self.settings = WalkawaySettings()

    async def delegate(self, here: Here, asked: Delegate) -> Started:
        """Begin a job in a thread of its own; raises InvalidInput, NotFound, AccessDenied or PlatformUnavailable."""
        known = await self._database.read(walkaways.request, here.key) if here.key else None
        if known is not None and known.task_id:
            return await self._started(known.task_id)
        wanted = await self._wanted(here, asked)
        place = await self._place(here, asked.to)
        if known is not None:
            place = replace(place, address=known.place, thread=False)
        address = await self._opened(here, place, wanted.new.title, asked.mode)
        begun = replace(wanted, brief=replace(wanted.brief, behalf=place.behalf))
        return await self._begin(here, asked, begun, address)

    async def here(self, here: Here, asked: Delegate, session_id: str) -> Started:
        """Turn a conversation into a job that goes on in it, under a card in its place.

        From a surface of this machine, or with ``to``, it moves to where the person looks; where no such place is
        known, it stays. Raises what ``delegate`` does, and Stale while the agent is at work in what is to move.
        """
        assert here.origin is not None  # noqa: S101 - a conversation has a place
        known = await self._database.read(walkaways.request, here.key) if here.key else None
        if known is not None and known.task_id:
            return await self._started(known.task_id)
        wanted = await self._wanted(here, asked)
        remote = self._remote(here.origin)
        if asked.to or not remote:
            place = await self._place(here, asked.to)
            if place.address.platform:
                return await self._leave(
                    here, asked, wanted, known.place if known else None, place, session_id
                )
        behalf = f"{here.origin.platform}:{here.sender}" if remote else behalf_of(here.principal)
        begun = replace(wanted, brief=replace(wanted.brief, behalf=behalf))
        return await self._begin(here, asked, begun, here.origin, session_id)

    async def _leave(
        self,
        here: Here,
        asked: Delegate,
        wanted: Wanted,
        opened: Address | None,
        place: _Place,
        session_id: str,
    ) -> Started:
        """Begin a job in a conversation that goes to another place with it; ``opened`` is a thread that is there."""
        if opened is not None:
            place = replace(place, address=opened, thread=False)
        address = await self._opened(here, place, wanted.new.title, asked.mode)
        begun = replace(wanted, brief=replace(wanted.brief, behalf=place.behalf))
        started = await self._begin(here, asked, begun, address, session_id, leaves=True)
        await self._leaving.moved()
        return started

    async def follow_up(self, here: Here, walk: Walk, text: str) -> Started:
        """Begin another job in the conversation of one that has come to its end."""
        known = await self._database.read(walkaways.request, here.key)
        if known is not None and known.task_id:
            return await self._started(known.task_id)
        asked = Delegate(text=text, mode="background" if walk.mode == BACKGROUND else "walkaway")
        wanted = await self._wanted(here, asked)
        before, brief, branch = await self._database.read(_before, walk.task_id)
        labels = (*wanted.brief.labels, f"{workspaces.BASE}{branch}") if branch else wanted.brief.labels
        carried = replace(
            wanted.brief, project=brief.project, workspace=brief.workspace, labels=labels, behalf=brief.behalf
        )
        new = replace(wanted.new, lane=before.lane, assignee=before.assignee)
        return await self._begin(
            here, asked, Wanted(new, carried), walk.place, walk.session_id or before.session_id
        )

    async def _wanted(self, here: Here, asked: Delegate) -> Wanted:
        settings = self._board.room.settings
        agent, lane = asked.agent.strip(), "agent"
        if agent and agent not in settings.agents:
            lane = self._lane(agent)
        project = workspaces.checked(self._board.room, asked.repo, here.principal)
        # A folder inside a repository is worked in as it is: a worktree would be of the whole.
        own = bool(project) and await asyncio.to_thread((Path(project) / ".git").exists)
        tree = own and bool(await workspaces.head(Path(project)))
        title = line(asked.text.strip().partition("\n")[0], TITLE_LENGTH)
        create = CreateTask(
            title=title,
            description=asked.text,
            assignee="" if lanes.coder(lane) else agent,
            workspace=Workspace.WORKTREE if tree else Workspace.DIRECTORY,
            labels=["delegated"],
        )
        return wanted_of(create, here.principal, lane, project, origin=here.origin)

    def _lane(self, agent: str) -> str:
        """Return the lane of who is no agent of the board: a program or a coding agent; raise InvalidInput."""
        settings, coders = self._board.room.settings, self._board.room.coders()
        if agent in settings.programs:
            return lanes.PROCESS
        if agent in coders:
            return f"{lanes.CODER}:{agent}"
        names = ", ".join((*settings.agents, *settings.programs, *coders))
        raise InvalidInput(f"There is no agent {agent!r}.", remedy=f"There are: {names}.")

    def _remote(self, place: Address) -> bool:
        adapter = self._adapter(place)
        return adapter is not None and adapter.capabilities.remote

    def _adapter(self, place: Address) -> Adapter | None:
        return self._surfaces.adapters.get((place.platform, place.account))

    async def _place(self, here: Here, to: str) -> _Place:
        """Return where a job is talked about: where it was asked for, or where the person is most likely to look."""
        origin = here.origin
        if not to and origin is not None and self._remote(origin):
            return _Place(origin.parent, f"{origin.platform}:{here.sender}", thread=True)
        asker = Asker(here.principal, origin or NOWHERE)
        try:
            plan = await self._targets.plan(asker, to or "me", "", when_idle=False)
        except HermesError:
            if to:
                raise
            return _Place(NOWHERE, behalf_of(here.principal), thread=False)
        if not self._remote(plan.to):
            return _Place(NOWHERE, behalf_of(here.principal), thread=False)
        return _Place(plan.to, f"{plan.to.platform}:{plan.sender}", plan.to.thread is None)

    async def _opened(self, here: Here, place: _Place, title: str, mode: str) -> Address:
        """Open a thread for a job where there can be one, and remember it before anything else happens."""
        adapter = self._adapter(place.address)
        threads = ability(adapter, Threads) if adapter is not None else None
        if threads is None or not place.thread or mode == BACKGROUND:
            return place.address
        opened = await threads.create_thread(place.address, f"🚶 {line(title, THREAD_NAME)}")
        crashpoint("walkaway.after_thread")
        if opened is not None and here.key:
            await self._database.write(walkaways.keep_request, here.key, opened)
        return opened or place.address

    async def _begin(
        self,
        here: Here,
        asked: Delegate,
        wanted: Wanted,
        place: Address,
        session_id: str = "",
        *,
        leaves: bool = False,
    ) -> Started:
        task, walk = await self._database.write(
            self._commit, here, asked, wanted, place, session_id, leaves=leaves
        )
        crashpoint("walkaway.after_create")
        self._watcher.note(walk)
        return Started(task, walk.place)

    def _commit(
        self,
        tx: Unit,
        here: Here,
        asked: Delegate,
        wanted: Wanted,
        place: Address,
        session_id: str,
        *,
        leaves: bool,
    ) -> tuple[Task, Walk]:
        """Store task, job and card in one unit; a request that was carried out already is the job it became.

        With ``leaves`` the conversation of the job moves to its place.
        """
        if here.key and (known := walkaways.request(tx, here.key)) is not None and known.task_id:
            found = walkaways.find(tx, known.task_id)
            assert found is not None  # noqa: S101 - both are written in one unit
            return tasks.get(tx, known.task_id), found
        new = replace(wanted.new, session_id=session_id)
        settings = self._board.room.settings
        asked_in = Wanted(new, replace(wanted.brief, place=place if place.platform else None))
        task = creating.create(tx, settings, asked_in, actor=here.principal.id)
        if leaves and session_id:
            person = wanted.brief.behalf
            self._leaving.move(tx, session_id, task.id, place, person, actor=here.principal.id)
        if not place.platform:
            place = Address("web", "local", f"task-{task.id}")
        rings = pings(asked.ping or self.settings.ping)
        walk = Walk(task.id, asked.mode, place, session_id, rings.kind, rings.every_ms, rung_at=tx.now)
        if asked.mode != BACKGROUND:
            walk = self._teller.first_card(tx, walk)
        walkaways.put(tx, walk)
        if here.key:
            walkaways.keep_request(tx, here.key, place, task.id)
        return task, walk

    async def _started(self, task_id: int) -> Started:
        task, walk = await self._database.read(_both, task_id)
        self._watcher.note(walk)
        return Started(task, walk.place)


class Steering:
    """What is said to jobs: replies to their cards, and what follows their end."""

    def __init__(self, board: Board, places: JobPlaces, delegation: Delegation) -> None:
        self._board = board
        self._places = places
        self._delegation = delegation

    async def said(self, here: Here, text: str, reply_to: str, sender: Sender) -> str | None:
        """Take a message in a job's thread or to its card; return what is answered, ``None`` where it is about none."""
        assert here.origin is not None  # noqa: S101 - a message has a place
        walk = await self._board.room.database.read(
            _about, here.origin, reply_to, self._places.job_over(here.origin)
        )
        if walk is None:
            return None
        task = await self._board.room.database.read(tasks.get, walk.task_id)
        if not is_over(task):
            speaker = f"{here.origin.platform}:{sender.id}"
            await self._board.say(task.id, text, speaker, sender)
            return ""
        started = await self._delegation.follow_up(here, walk, text)
        if task.state in (TaskState.BLOCKED, TaskState.TRIAGE):
            why = f"It goes on as task {started.task.id}."
            await self._board.cancel(task.id, actor=here.principal.id, reason=why)
        return ""


def _about(q: Query, place: Address, reply_to: str, over: int) -> Walk | None:
    """Return the job that a message is about: by the message it replies to, or by its thread."""
    row = outbox.by_receipt(q, place, reply_to) if reply_to else None
    if row is not None and row.key.startswith("walkaway:"):
        return walkaways.find(q, int(row.key.split(":")[1]))
    return walkaways.find(q, over) if over else None


def _both(q: Query, task_id: int) -> tuple[Task, Walk]:
    walk = walkaways.find(q, task_id)
    assert walk is not None  # noqa: S101 - a request leads to a job
    return tasks.get(q, task_id), walk


def _before(q: Query, task_id: int) -> tuple[Task, Brief, str]:
    """Return a task, its texts, and the branch that its last attempt committed to."""
    task, brief = tasks.get(q, task_id), tasks.brief(q, task_id)
    tried = bool(attempts.of_task(q, task_id, 1))
    branch = (
        workspaces.branch_of(task_id, task.epoch) if tried and brief.workspace is Workspace.WORKTREE else ""
    )
    return task, brief, branch
