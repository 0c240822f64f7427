"""The operations of the board: what programs, pages and the command line do with tasks."""

from collections.abc import Sequence
from pathlib import Path

from board import creating, deciding, diagnostics, explain, lanes, views, workspaces
from board.desk import Desk, operator
from board.files import Given as File
from board.files import keep
from board.inputs import (
    AddMilestone,
    AssignTask,
    Beat,
    CancelTask,
    ClaimTask,
    CommentTask,
    CreateTask,
    EditTask,
    FinishTask,
    LinkTasks,
    ListTasks,
    MoveTask,
    Nothing,
    OneTask,
    ReadLog,
    SayToTask,
)
from board.outputs import Attention, Claimed, Done, Explanation, Log, Stats, Tasks
from board.service import Board
from board.settings import HOUR_MS
from board.views import TaskRow, TaskView
from board.wishes import behalf_of, edit_of, moving, wanted_of
from kernel.errors import InvalidInput
from kernel.messages import Sender
from kernel.people import Principal, Scope
from kernel.specs import Operation
from kernel.states import TaskState
from kernel.tasks import AttemptOutcome, Ended, Used
from store import attempts, remarks, tasks
from store import board as glances
from store.agentwork import transcript
from store.tasks import Filter
from store.units import Query, Unit

DAY_MS = 24 * HOUR_MS


def operations(board: Board) -> Sequence[Operation]:
    """Return this room's operations."""
    desk = TaskDesk(board)
    read, write = Scope.READ, Scope.TASKS
    return (
        Operation(
            "tasks.create", "Put a task on the board.", write, CreateTask, TaskRow, desk.create, "POST", "/tasks"
        ),
        Operation("tasks.list", "List tasks.", read, ListTasks, Tasks, desk.list, "GET", "/tasks"),
        Operation(
            "tasks.stats", "Count tasks and attempts.", read, Nothing, Stats, desk.stats, "GET", "/tasks/stats"
        ),
        Operation(
            "tasks.attention", "List what wants attention.", read, Nothing, Attention, desk.attention,
            "GET", "/tasks/attention",
        ),
        Operation(
            "tasks.show", "Show one task with everything.", read, OneTask, TaskView, desk.show, "GET", "/tasks/{id}"
        ),
        Operation(
            "tasks.explain", "Explain why a task stands where it stands.", read, OneTask, Explanation,
            desk.explain, "GET", "/tasks/{id}/explain",
        ),
        Operation(
            "tasks.log", "Read the log of an attempt.", read, ReadLog, Log, desk.log, "GET", "/tasks/{id}/log"
        ),
        Operation(
            "tasks.edit", "Change what a task says.", write, EditTask, TaskRow, desk.edit, "POST", "/tasks/{id}"
        ),
        Operation(
            "tasks.assign", "Give a task to somebody.", write, AssignTask, TaskRow, desk.assign,
            "POST", "/tasks/{id}/assign",
        ),
        Operation(
            "tasks.claim", "Take a task for yourself.", write, ClaimTask, Claimed, desk.claim,
            "POST", "/tasks/{id}/claim",
        ),
        Operation(
            "tasks.heartbeat", "Renew the lease of a task you took.", write, Beat, Done, desk.heartbeat,
            "POST", "/tasks/{id}/heartbeat",
        ),
        Operation(
            "tasks.milestone", "Name what you have reached.", write, AddMilestone, Done, desk.milestone,
            "POST", "/tasks/{id}/milestone",
        ),
        Operation(
            "tasks.finish", "Say how your attempt at a task ended.", write, FinishTask, TaskRow, desk.finish,
            "POST", "/tasks/{id}/finish",
        ),
        Operation(
            "tasks.move", "Move a task to another state.", write, MoveTask, TaskRow, desk.move,
            "POST", "/tasks/{id}/move",
        ),
        Operation(
            "tasks.comment", "Comment on a task.", write, CommentTask, Done, desk.comment,
            "POST", "/tasks/{id}/comment",
        ),
        Operation(
            "tasks.say", "Say something to whoever works on a task.", Scope.CHAT, SayToTask, Done, desk.say,
            "POST", "/tasks/{id}/say", mcp=False,
        ),
        Operation(
            "tasks.link", "Let a task wait for another, or no longer.", write, LinkTasks, TaskRow, desk.link,
            "POST", "/tasks/{id}/link",
        ),
        Operation(
            "tasks.reclaim", "Take a task back with a fresh budget of failures.", write, OneTask, TaskRow,
            desk.reclaim, "POST", "/tasks/{id}/reclaim",
        ),
        Operation(
            "tasks.cancel", "Withdraw a task with all its parts.", write, CancelTask, TaskRow, desk.cancel,
            "POST", "/tasks/{id}/cancel",
        ),
    )  # fmt: skip


class TaskDesk(Desk):
    """Carries out the operations; they are for operators and owners."""

    async def list(self, principal: Principal, asked: ListTasks) -> Tasks:
        """Return tasks, and what wants attention."""
        operator(principal)
        state = asked.state
        wanted = Filter(
            states=(state,) if isinstance(state, TaskState) else (),
            unfinished=state == "unfinished",
            lane=asked.lane,
            assignee=asked.assignee,
            parent=asked.parent,
            root=asked.root,
            label=asked.label,
            words=asked.words,
            since=asked.since,
            before=asked.before,
            limit=asked.limit,
        )
        room = self._room
        rows, counts = await room.database.read(_listed, wanted, room.clock.now(), room.redact)
        found = await self._board.attention()
        following = rows[-1].id if len(rows) == asked.limit else 0
        shown = [views.finding_view(one, room.redact) for one in found]
        return Tasks(rows, counts, diagnostics.headline(found), shown, following)

    async def stats(self, principal: Principal, _asked: Nothing) -> Stats:
        """Return figures."""
        operator(principal)
        room = self._room
        found = await self._board.attention()
        return await room.database.read(_stats, room.clock.now(), len({one.task.id for one in found}))

    async def attention(self, principal: Principal, _asked: Nothing) -> Attention:
        """Return what wants attention."""
        operator(principal)
        found = await self._board.attention()
        redact = self._room.redact
        return Attention(diagnostics.headline(found), [views.finding_view(one, redact) for one in found])

    async def show(self, principal: Principal, asked: OneTask) -> TaskView:
        """Return one task."""
        operator(principal)
        room = self._room
        found = [one for one in await self._board.attention() if one.task.id == asked.id]
        return await room.database.read(views.view, asked.id, room.clock.now(), room.redact, found)

    async def explain(self, principal: Principal, asked: OneTask) -> Explanation:
        """Return why a task stands where it stands."""
        operator(principal)
        room = self._room
        found = [one for one in await self._board.attention() if one.task.id == asked.id]
        crew = room.roster.places(room.settings.agent_at_once)
        said = await room.database.read(explain.explain, room.settings, room.clock.now(), asked.id, crew)
        said += await room.database.read(explain.sorting, room.house, asked.id)
        shown = [views.finding_view(one, room.redact) for one in found]
        return Explanation([room.redact(sentence) for sentence in said], shown)

    async def log(self, principal: Principal, asked: ReadLog) -> Log:
        """Return the log of an attempt."""
        operator(principal)
        room = self._room
        return await room.database.read(_log, asked, room.redact)

    async def create(self, principal: Principal, asked: CreateTask) -> TaskRow:
        """Store a task."""
        operator(principal)
        room = self._room
        project = workspaces.checked(room, asked.project, principal)
        wanted = wanted_of(asked, principal, room.settings.lane, project, room=room)
        files = [_inside(room.workspace, name) for name in asked.attachments]
        task = await self._board.create(wanted, actor=principal.id)
        for path in files:
            await keep(room, task.id, File(path, "attachment", principal.id))
        return await self._row(task.id)

    async def edit(self, principal: Principal, asked: EditTask) -> TaskRow:
        """Change what a task says."""
        operator(principal)
        room = self._room
        given = asked.model_dump(exclude_none=True, exclude={"id"})
        if "project" in given:
            given["project"] = workspaces.checked(room, given["project"], principal)
        wanted = edit_of(given, asked.budget)
        await room.database.write(creating.edit, asked.id, wanted, actor=principal.id)
        return await self._row(asked.id)

    async def assign(self, principal: Principal, asked: AssignTask) -> TaskRow:
        """Give a task to somebody."""
        lanes.checked(asked.lane, self._board.room.coders())
        assignee = asked.assignee.strip()
        lane = asked.lane or self._room.roster.lane_of(assignee)
        return await self._decide(principal, asked.id, deciding.assign, asked.id, assignee, lane)

    async def claim(self, principal: Principal, asked: ClaimTask) -> Claimed:
        """Take a task."""
        operator(principal)
        task = await self._board.claim(asked.id, principal, lease_ms=int(asked.lease_seconds * 1000))
        return Claimed(await self._row(task.id), task.epoch)

    async def heartbeat(self, principal: Principal, asked: Beat) -> Done:
        """Renew a lease."""
        operator(principal)
        await self._board.heartbeat(asked.id, asked.epoch, int(asked.lease_seconds * 1000))
        return Done("The lease is renewed.")

    async def milestone(self, principal: Principal, asked: AddMilestone) -> Done:
        """Store a milestone."""
        operator(principal)
        await self._board.milestone(asked.id, asked.epoch, asked.text, actor=principal.id)
        return Done("Noted.")

    async def finish(self, principal: Principal, asked: FinishTask) -> TaskRow:
        """Store how an attempt ended."""
        operator(principal)
        used = Used(0, asked.tokens, asked.money)
        ended = Ended(AttemptOutcome(asked.outcome), asked.error, asked.result, used)
        await self._board.reports.ended(asked.id, asked.epoch, ended)
        return await self._row(asked.id)

    async def move(self, principal: Principal, asked: MoveTask) -> TaskRow:
        """Move a task by hand."""
        work, *rest = moving(asked)
        return await self._decide(principal, asked.id, work, asked.id, *rest)

    async def comment(self, principal: Principal, asked: CommentTask) -> Done:
        """Comment on a task."""
        operator(principal)
        await self._room.database.write(_comment, asked.id, asked.text, principal.id)
        return Done("The comment is stored.")

    async def say(self, principal: Principal, asked: SayToTask) -> Done:
        """Say something to the running attempt."""
        operator(principal)
        speaker = behalf_of(principal)
        sender = Sender(speaker.partition(":")[2], principal.name)
        await self._board.say(asked.id, asked.text, speaker, sender)
        return Done("It is seen at the next step.")

    async def link(self, principal: Principal, asked: LinkTasks) -> TaskRow:
        """Let a task wait for another."""
        work = creating.unlink if asked.remove else creating.link
        return await self._decide(principal, asked.id, work, asked.id, asked.needs)

    async def reclaim(self, principal: Principal, asked: OneTask) -> TaskRow:
        """Take a task back."""
        return await self._decide(principal, asked.id, deciding.reclaim, asked.id)

    async def cancel(self, principal: Principal, asked: CancelTask) -> TaskRow:
        """Withdraw a task."""
        operator(principal)
        await self._board.cancel(asked.id, actor=principal.id, reason=asked.reason)
        return await self._row(asked.id)


def _listed(q: Query, wanted: Filter, now: int, redact: views.Redact) -> tuple[list[TaskRow], dict[str, int]]:
    return views.rows(q, tasks.listed(q, wanted), now, redact), tasks.counts(q)


def _stats(q: Query, now: int, attention: int) -> Stats:
    since = now - DAY_MS
    return Stats(
        tasks.counts(q),
        tasks.ended(q, TaskState.DONE),
        tasks.ended(q, TaskState.CANCELLED),
        sum(attempts.load(q).values()),
        glances.finished(q, since),
        glances.outcomes(q, since),
        attention,
    )


def _log(q: Query, asked: ReadLog, redact: views.Redact) -> Log:
    tasks.get(q, asked.id)
    found = attempts.of_task(q, asked.id)
    attempt = next((one for one in found if asked.epoch in (0, one.epoch)), None)
    trail = views.steps(q, asked.id)
    if attempt is None:
        return Log(0, "", "", trail)
    text = views.log_text(attempt, asked.bytes)
    if not text and attempt.session_id:
        text = transcript(q, attempt.session_id, attempt.inbox_id)[-asked.bytes :]
    return Log(attempt.epoch, redact(text), attempt.log, trail)


def _comment(tx: Unit, id: int, text: str, author: str) -> None:
    tasks.get(tx, id)
    remarks.add_comment(tx, id, text, author=author)


def _inside(workspace: Path, name: str) -> Path:
    path = (workspace / name).resolve()
    if not path.is_relative_to(workspace.resolve()) or not path.is_file():
        raise InvalidInput(f"{name} is no file of the workspace.")
    return path
