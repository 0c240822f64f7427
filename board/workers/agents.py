"""The lanes ``agent`` and ``acp:NAME``: an attempt is a conversation of its own, whose turns run like any chat's.

The attempt begins with one message in the task's session. From there on the turn loop does what it does for people:
journal, gate, questions, steering, budgets, and going on after a crash. The worker only hears how the turns fare. Which
attempt a turn belongs to follows from its first message, so that a turn of an earlier attempt can write nothing. With a
coding agent it is the same conversation with another brain.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from agent.acp.profiles import BRAIN
from board import lanes, working
from board.crew import plans
from board.room import Room
from board.workers import coders, endings, going_on
from board.workers.prompts import Told, instructions, order
from board.working import Start
from kernel.crashpoints import crashpoint
from kernel.errors import SpawnFailed, Stale, StoreError
from kernel.events import Event
from kernel.messages import Address, Inbound, InboundKind, Sender
from kernel.states import TurnState
from kernel.tasks import Alive, Attempt, Ended, Job, Reports, Used
from store import agent_handoffs, agentwork, attempts, inbox, marks, sessions, tasks
from store.agentwork import AgentTurn
from store.inbox import Verdict
from store.units import Query, Unit

log = logging.getLogger(__name__)

SUBMISSION = "submission"
OWNER = "web:owner"
# What a turn says that made room for a message (``sessions.on_message: interrupt``).
INTERRUPTED = "Stopped by a new message"
LOCAL = ("web", "terminal", "cli")
Key = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Conduct:
    """How the board reaches the conversations.

    ``halt(session, actor)`` stops a running turn, ``cancel(session, actor)`` withdraws what it waits for.
    """

    halt: Callable[[str, str], bool]
    cancel: Callable[[str, str], Awaitable[int]]


def place_of(job: Job) -> tuple[Address, Sender]:
    """Return where the conversation of a task is held and for whom; raise SpawnFailed where that is nowhere.

    A person's rights go with the person's platform: work for somebody on Telegram is talked about on Telegram.
    """
    platform, _, sender = (job.brief.behalf or OWNER).partition(":")
    wanted = job.brief.place or (job.brief.origin if platform not in LOCAL else None)
    if platform in LOCAL:
        here = wanted if wanted is not None and wanted.platform == "web" else None
        return here or Address("web", "local", f"task-{job.task.id}"), Sender(sender or "owner")
    if wanted is None or wanted.platform != platform:
        raise SpawnFailed(f"There is no chat on {platform} to work for {job.brief.behalf} in.", lasting=True)
    return wanted, Sender(sender)


def key_of(address: Address, task_id: int) -> str:
    """Return the key of a task's session: a chat or thread of its own is the task's, so that replies reach it there."""
    prefix = f"{address.platform}:{address.account}:{address.chat}:"
    if address.thread:
        return f"{prefix}thread:{address.thread}"
    return f"{prefix}main" if address.chat == f"task-{task_id}" else f"{prefix}task:{task_id}"


class AgentWorker:
    """Executes attempts as conversations with an agent (``kernel.tasks.Worker``)."""

    def __init__(
        self, room: Room, reports: Reports, conduct: Conduct, keep: Callable[[str, str], None]
    ) -> None:
        self._room = room
        self._reports = reports
        self._conduct = conduct
        self._keep = keep
        self._sessions: dict[str, Key] = {}
        self._turns: dict[str, str] = {}
        self._heard: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        self._unlisten: Callable[[], None] | None = None
        self._following: asyncio.Task[None] | None = None

    def open(self, group: asyncio.TaskGroup) -> None:
        """Begin to hear of turns."""
        self._unlisten = self._room.bus.listen("turn.", self._hear)
        self._following = group.create_task(self._follow(), name="agents' attempts")

    def close(self) -> None:
        """Hear of nothing more."""
        if self._unlisten is not None:
            self._unlisten()
            self._unlisten = None
        if self._following is not None:
            self._following.cancel()

    async def start(self, job: Job) -> None:
        """Commit the message that begins the work, together with the attempt's start."""
        session_id = await self._room.database.write(self._kick_off, job)
        # The turn begins with a commit of its own, later than this.
        self._sessions[session_id] = (job.task.id, job.epoch)
        self._keep(session_id, str(job.workspace))
        crashpoint("task.after_start")

    def _kick_off(self, tx: Unit, job: Job) -> str:
        key = (job.task.id, job.epoch)
        working.held(tx, *key)
        session_id, address = _session(tx, job)
        _choose_brain(tx, job, session_id)
        _, sender = place_of(job)
        private = sessions.get(tx, session_id).private
        last = attempts.of_task(tx, job.task.id, 2)
        told = Told(
            plans.progress(tx, job.task), agent_handoffs.latest(tx, job.task.id), offline=self._room.offline()
        )
        words = order(job, told)
        note = instructions(job, last[-1].error if len(last) > 1 else "", told)
        inbound = Inbound(
            address, f"task:{job.task.id}:{job.epoch}", "", sender, InboundKind.INTERNAL, words, private
        )  # fmt: skip
        row = inbox.add(tx, inbound, Verdict("admit", note=note, session=lambda _: session_id))
        number = row.id if row is not None else 0
        given = Start(session_id=session_id, inbox_id=number, workspace=str(job.workspace))
        working.start(tx, self._room.settings, *key, given)
        return session_id

    def _hear(self, event: Event) -> None:
        if event.kind == "turn.start" and (session := str(event.body.get("session"))) in self._sessions:
            self._turns[event.subject] = session
            self._heard.put_nowait((event.subject, "start"))
        elif event.subject in self._turns and event.kind != "turn.start":
            self._heard.put_nowait((event.subject, event.kind.removeprefix("turn.")))

    async def _follow(self) -> None:
        """Tell the board how the turns fare, one after the other."""
        while True:
            turn_id, what = await self._heard.get()
            try:
                await self._told(turn_id, what)
            except Stale as stale:
                log.info("%s", stale)
            except StoreError as error:
                # The supervisor looks at it again with its next round.
                log.warning("What became of turn %s was not stored: %s", turn_id, error)

    async def _told(self, turn_id: str, what: str) -> None:
        found = await self._room.database.read(self._facts, turn_id)
        if found is None:
            return
        turn, attempt, question = found
        key = (attempt.task_id, attempt.epoch)
        if self._sessions.get(turn.session_id) != key:
            return
        if what in ("finish", "fail", "cancel"):
            await self._over(turn, attempt)
        elif what == "suspend" and question:
            await self._reports.waits(*key, question)
        elif what == "start" and not question:
            await self._reports.goes_on(*key)

    def _facts(self, q: Query, turn_id: str) -> tuple[AgentTurn, Attempt, str] | None:
        turn = agentwork.turn(q, turn_id)
        attempt = attempts.of_turn(q, turn.session_id, turn_id) if turn else None
        return (turn, attempt, _question(q, attempt)) if turn and attempt else None

    async def _over(self, turn: AgentTurn, attempt: Attempt) -> bool:
        """Report the end of an attempt, unless more of it waits in its session; tell whether it ended."""
        waits, question, used, submitted = await self._room.database.read(_rest, attempt)
        key = (attempt.task_id, attempt.epoch)
        if question:
            # Somebody talked to the agent beside its question, which is still open.
            await self._reports.waits(*key, question)
            return False
        if waits and turn.state is not TurnState.FAILED and not _is_stopped(turn):
            return False
        ended = await self._ending(turn, attempt, submitted, used)
        if ended is None:
            return False
        self._sessions.pop(attempt.session_id, None)
        try:
            await self._reports.ended(*key, ended)
        except StoreError:
            self._sessions[attempt.session_id] = key
            raise
        self._forget(attempt.session_id)
        return True

    async def _ending(self, turn: AgentTurn, attempt: Attempt, submitted: str, used: Used) -> Ended | None:
        """Return how an attempt ends, ``None`` where it goes on after a limit of one turn."""
        if lanes.coder(attempt.lane):
            return await self._coded(turn, attempt, used)
        if submitted or not going_on.is_cut(turn):
            owed = "" if submitted else await self._room.database.read(_ends_with, attempt)
            return endings.ending(turn, submitted, used, owed)
        settings, offline = self._room.settings, self._room.offline()
        return await self._room.database.write(going_on.go_on, settings, attempt, turn, used, offline=offline)

    async def _coded(self, turn: AgentTurn, attempt: Attempt, used: Used) -> Ended:
        """Return how an attempt of a coding agent ends."""
        if not turn.said:
            # Several decisions start a turn each, and the agent has said everything in the first of them.
            said = await self._room.database.read(agentwork.last_said, attempt.session_id, attempt.inbox_id)
            turn = replace(turn, said=said)
        return await coders.ended(self._room, attempt, turn, used)

    def _forget(self, session_id: str) -> None:
        self._turns = {turn: session for turn, session in self._turns.items() if session != session_id}

    def attempt_of(self, session_id: str) -> Key | None:
        """Return task and epoch of the attempt that a session's turns belong to now."""
        return self._sessions.get(session_id)

    async def stop(self, attempt: Attempt, why: str) -> None:
        """Stop the turn of an attempt and withdraw what it waits for."""
        if self._sessions.get(attempt.session_id) != (attempt.task_id, attempt.epoch):
            return
        del self._sessions[attempt.session_id]
        self._forget(attempt.session_id)
        await self._room.database.write(_withdraw, attempt)
        self._conduct.halt(attempt.session_id, why or "the board")
        await self._conduct.cancel(attempt.session_id, "system")

    async def adopt(self, attempt: Attempt) -> Alive:
        """Go on following the turns of an attempt, or report the end that nobody stored."""
        key = (attempt.task_id, attempt.epoch)
        if not attempt.session_id or not attempt.inbox_id:
            return Alive.NO
        self._sessions[attempt.session_id] = key
        self._keep(attempt.session_id, attempt.workspace)
        turns, waits = await self._room.database.read(_turns, attempt)
        for turn_id, _ in turns:
            self._turns[turn_id] = attempt.session_id
        if waits:
            return Alive.YES
        if not turns:
            return Alive.NO
        last, state = turns[-1]
        if state is TurnState.SUSPENDED:
            await self._told(last, "suspend")
            return Alive.YES
        found = await self._room.database.read(agentwork.turn, last)
        if found is None or found.state not in (TurnState.DONE, TurnState.FAILED, TurnState.CANCELLED):
            return Alive.YES
        return Alive.TOLD if await self._over(found, attempt) else Alive.YES

    def at_work(self, session_id: str) -> Key | None:
        """Return the task and epoch of the attempt that a conversation belongs to, while it is followed."""
        return self._sessions.get(session_id)

    def breathes(self, attempt: Attempt) -> bool:
        """Tell whether the attempt's turns are followed here."""
        return self._sessions.get(attempt.session_id) == (attempt.task_id, attempt.epoch)

    async def drain(self) -> None:
        """Leave everything as it is: turns go on with the next start."""
        self.close()


def _session(tx: Unit, job: Job) -> tuple[str, Address]:
    """Return the session of a task, opened where there is none or it was closed."""
    known = tasks.get(tx, job.task.id).session_id
    if known:
        session = sessions.get(tx, known)
        if not session.closed:
            return session.id, session.address
    address, sender = place_of(job)
    owner = f"{address.platform}:{sender.id}"
    id = sessions.open_new(tx, key_of(address, job.task.id), address, owner, private=True)
    sessions.change(tx, id, actor="system", title=job.task.title[:60], titled_by="agent")
    return id, address


def _choose_brain(tx: Unit, job: Job, session_id: str) -> None:
    """Let a coding agent answer in the session of its attempt, and no longer where the next one is of another lane."""
    mark = marks.of_session(session_id, BRAIN)
    before = attempts.of_task(tx, job.task.id, 2)
    if name := lanes.coder(job.task.lane):
        marks.put(tx, mark, name)
    elif len(before) > 1 and lanes.coder(before[-1].lane):
        marks.take(tx, mark)


def _question(q: Query, attempt: Attempt) -> str:
    """Return what an attempt waits for a person to say, or nothing."""
    turn_id = agentwork.suspended(q, attempt.session_id, attempt.inbox_id)
    return agentwork.question(q, turn_id) if turn_id else ""


def _rest(q: Query, attempt: Attempt) -> tuple[bool, str, Used, str]:
    """Return whether more of an attempt waits in its session, what it asks, what it used, and what it submitted."""
    return (
        agentwork.is_waiting(q, attempt.session_id, attempt.inbox_id),
        _question(q, attempt),
        agentwork.used(q, attempt.session_id, attempt.inbox_id),
        marks.get(q, marks.of_session(attempt.session_id, f"{SUBMISSION}:{attempt.epoch}")),
    )


def _turns(q: Query, attempt: Attempt) -> tuple[list[tuple[str, TurnState]], bool]:
    return (
        agentwork.turns_since(q, attempt.session_id, attempt.inbox_id),
        agentwork.is_waiting(q, attempt.session_id, attempt.inbox_id),
    )


def _withdraw(tx: Unit, attempt: Attempt) -> None:
    """Take back what Hermes itself has told the attempt and it has not heard yet."""
    for number in agentwork.queued(tx, attempt.session_id, attempt.inbox_id):
        inbox.cancel(tx, number)


def _is_stopped(turn: AgentTurn) -> bool:
    """Tell whether a person stopped the work; a turn that a new message interrupted goes on with that message."""
    return turn.state is TurnState.CANCELLED and INTERRUPTED not in turn.said


def _ends_with(q: Query, attempt: Attempt) -> str:
    """Return the tool whose call alone ends what an attempt works on, or nothing."""
    found = plans.progress(q, tasks.get(q, attempt.task_id))
    return found.current.ends_with if found is not None else ""
