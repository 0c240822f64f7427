"""Who executes a task proves it with the epoch; a worker whose time is over can write nothing at all."""

from collections.abc import Callable
from typing import Any

import pytest

from board import deciding, working
from board.failures import Extra, record_task_failure
from kernel.errors import IllegalTransition, Stale
from kernel.states import TaskState
from kernel.tasks import AttemptOutcome, Used
from kernel.transitions import TASK
from store import attempts, tasks
from tests.support.board import CLAIM, MemoryBoard

Write = Callable[[MemoryBoard, int, int], Any]

# Every way in which a worker writes.
WRITES: dict[str, Write] = {
    "start": lambda board, id, epoch: board.run(working.start, board.settings, id, epoch, working.Start()),
    "heartbeat": lambda board, id, epoch: board.run(attempts.heartbeat, id, epoch, 1000),
    "phase": lambda board, id, epoch: board.run(working.phase, id, epoch, TaskState.IN_PROGRESS),
    "milestone": lambda board, id, epoch: board.run(working.milestone, id, epoch, "half way", actor="hermes"),
    "wait": lambda board, id, epoch: board.run(working.wait, id, epoch, "May I?"),
    "go_on": lambda board, id, epoch: board.run(working.go_on, board.settings, id, epoch),
    "finish": lambda board, id, epoch: board.run(working.finish, id, epoch, "done", Used()),
    "fail": lambda board, id, epoch: board.run(
        record_task_failure, board.settings, id, "no", AttemptOutcome.FAILED, extra=Extra(epoch)
    ),
}
# Every way in which a worker's time ends.
ENDS: dict[str, Callable[[MemoryBoard, int], Any]] = {
    "reclaimed": lambda board, id: board.run(deciding.reclaim, id, actor="cli"),
    "cancelled": lambda board, id: board.run(deciding.cancel, id, actor="cli"),
    "assigned": lambda board, id: board.run(deciding.assign, id, "somebody", "", actor="cli"),
    "blocked": lambda board, id: board.run(deciding.hold, id, "wait", "", actor="cli"),
    "timed out": lambda board, id: board.run(
        record_task_failure, board.settings, id, "too long", AttemptOutcome.TIMED_OUT
    ),
    "completed": lambda board, id: board.run(deciding.complete, id, actor="cli"),
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("write", WRITES)
def test_a_worker_whose_time_is_over_writes_nothing(write: str, end: str) -> None:
    board = MemoryBoard()
    id = board.add()
    epoch = board.start(id)
    ENDS[end](board, id)
    before = board.rows("SELECT * FROM task"), board.rows("SELECT * FROM attempt"), board.events(id)
    with pytest.raises(Stale):
        WRITES[write](board, id, epoch)
    assert (board.rows("SELECT * FROM task"), board.rows("SELECT * FROM attempt"), board.events(id)) == before
    assert board.findings() == []


@pytest.mark.parametrize("write", WRITES)
def test_an_old_worker_writes_nothing_while_a_new_one_works(write: str) -> None:
    board = MemoryBoard()
    id = board.add()
    old = board.start(id)
    board.run(deciding.reclaim, id, actor="cli")
    new = board.start(id)
    before = board.rows("SELECT * FROM task"), board.rows("SELECT * FROM attempt")
    with pytest.raises(Stale):
        WRITES[write](board, id, old)
    assert (board.rows("SELECT * FROM task"), board.rows("SELECT * FROM attempt")) == before
    assert board.finish(id, new).state is TaskState.DONE


def test_a_question_gives_the_place_back_and_the_answer_leads_where_it_was_asked() -> None:
    board = MemoryBoard()
    id = board.add(template="article")
    epoch = board.start(id)
    assert board.task(id).state is TaskState.RESEARCHING
    board.run(working.phase, id, epoch, TaskState.DRAFTING)
    board.now += 60_000
    task = board.run(working.wait, id, epoch, "Which tone?")
    assert (task.state, task.question, board.read(attempts.load)) == (
        TaskState.NEEDS_HUMAN,
        "Which tone?",
        {},
    )
    left = board.read(attempts.get, id, epoch).left_ms
    board.now += 10**9
    task = board.run(working.go_on, board.settings, id, epoch)
    assert (task.state, task.question) == (TaskState.DRAFTING, "")
    assert board.read(attempts.get, id, epoch).deadline_at == board.now + left


def test_time_in_each_state_is_kept() -> None:
    board = MemoryBoard()
    id = board.add()
    board.now += 1_000
    epoch = board.claim(id)
    board.now += 200
    board.run(working.start, board.settings, id, epoch, working.Start())
    board.now += 5_000
    task = board.finish(id, epoch)
    assert task.times == {"open": 1_000, "claimed": 200, "in_progress": 5_000}
    assert task.used.ms == 5_000


def test_a_review_ends_what_has_one_and_its_changes_are_a_new_attempt() -> None:
    board = MemoryBoard()
    id = board.add(template="reviewed")
    assert board.finish(id, board.start(id)).state is TaskState.IN_REVIEW
    with pytest.raises(Stale):
        board.run(tasks.move, id, "complete")
    task = board.run(deciding.request_changes, id, "shorter", actor="cli")
    assert (task.state, task.revision) == (TaskState.CHANGES_REQUESTED, 1)
    assert board.finish(id, board.start(id)).state is TaskState.IN_REVIEW
    assert board.run(deciding.complete, id, actor="cli").state is TaskState.DONE


def test_the_most_important_task_is_taken_first_and_of_those_the_oldest() -> None:
    board = MemoryBoard()
    low, first, second, urgent = (board.add(priority=level) for level in (0, 1, 1, 3))
    queues = board.read(attempts.queues)
    taken = [board.run(attempts.claim_next, queues, CLAIM) for _ in range(5)]
    assert [task.id if task else None for task in taken] == [urgent, first, second, low, None]


def test_two_cannot_take_one_task() -> None:
    board = MemoryBoard()
    id = board.add()
    board.claim(id)
    with pytest.raises(Stale):
        board.claim(id)


def test_every_move_of_a_task_leads_to_one_state() -> None:
    for event in TASK.events:
        assert TASK.target(event) in TaskState
    with pytest.raises(IllegalTransition):
        TASK.move(TaskState.DONE, "reclaim")


# What is looked at again and again must not look at what is waiting or over.
PLANS = {
    "the head of the queues": (attempts.CLAIM_NEXT, {"queues": "[]", "now": 1}),
    "the head of one queue": (attempts.CLAIM_FIRST, {"queue": "", "now": 1}),
    "the different queues": (attempts.QUEUES, ()),
    "what becomes ready": (attempts.RIPEN, (1,)),
    "when the next becomes ready": (attempts.NEXT_RIPE, ()),
    "who works": (attempts.LIVE, ()),
    "how much is worked on": (attempts.LOAD, ()),
}
INDEXES = ("task_ready", "task_later", "attempt_live", "INTEGER PRIMARY KEY", "VIRTUAL TABLE")


@pytest.mark.parametrize("name", PLANS)
def test_a_look_at_the_board_scans_no_table(name: str) -> None:
    board = MemoryBoard()
    sql, values = PLANS[name]
    steps = [row["detail"] for row in board.plan(sql, values)]
    touching = [step for step in steps if step.startswith(("SCAN", "SEARCH"))]
    own = ("SCAN found", "SCAN (subquery", "SCAN CONSTANT")
    assert touching
    assert [
        step for step in touching if not any(index in step for index in INDEXES) and not step.startswith(own)
    ] == []
