"""Every failure goes through one funnel, and a breaker stands behind it."""

import pytest

from board import deciding, diagnostics
from board.failures import Extra, record_task_failure
from board.settings import BoardSettings
from kernel.errors import Stale
from kernel.states import TaskState
from kernel.tasks import COUNTED, AttemptOutcome, Budget, Used
from store import attempts
from tests.support.board import MemoryBoard

TIMED_OUT, CRASHED = AttemptOutcome.TIMED_OUT, AttemptOutcome.CRASHED
SPAWN_FAILED, FAILED, LOST = AttemptOutcome.SPAWN_FAILED, AttemptOutcome.FAILED, AttemptOutcome.LOST
UNCOUNTED = (AttemptOutcome.RELEASED, AttemptOutcome.HANDED_OFF)


@pytest.fixture
def board() -> MemoryBoard:
    """Give a board that gives up after three failures in a row."""
    return MemoryBoard(BoardSettings(first_wait=0.0, failure_limit=3, host="here"))


def test_three_timeouts_trip_the_breaker_on_top_of_their_own_event(board: MemoryBoard) -> None:
    id = board.add()
    assert [board.fail(id, TIMED_OUT).state for _ in range(3)] == ["open", "open", "blocked"]
    task = board.task(id)
    assert (task.consecutive_failures, task.block_kind, task.last_failure_outcome) == (
        3,
        "owner",
        "timed_out",
    )
    assert board.events(id)[-2:] == ["attempt.timed_out", "task.gave_up"]
    assert board.findings() == []


@pytest.mark.parametrize("outcome", sorted(COUNTED))
def test_whatever_went_wrong_counts(board: MemoryBoard, outcome: AttemptOutcome) -> None:
    id = board.add()
    for _ in range(3):
        board.fail(id, outcome)
    assert board.task(id).state is TaskState.BLOCKED
    assert "task.gave_up" in board.events(id)


@pytest.mark.parametrize("outcome", UNCOUNTED)
def test_what_is_nobodys_failure_does_not_count(board: MemoryBoard, outcome: AttemptOutcome) -> None:
    id = board.add()
    for _ in range(5):
        assert board.fail(id, outcome).state is TaskState.OPEN
    assert board.task(id).consecutive_failures == 0


def test_mixed_outcomes_count_together(board: MemoryBoard) -> None:
    id = board.add()
    for outcome in (SPAWN_FAILED, CRASHED, LOST):
        board.fail(id, outcome)
    assert board.task(id).state is TaskState.BLOCKED
    assert board.task(id).last_failure_outcome == "lost"


def test_a_successful_start_clears_nothing(board: MemoryBoard) -> None:
    id = board.add()
    board.fail(id, SPAWN_FAILED)
    board.fail(id, CRASHED)
    board.start(id)
    assert board.task(id).consecutive_failures == 2
    board.run(record_task_failure, board.settings, id, "again", CRASHED)
    assert board.task(id).state is TaskState.BLOCKED


def test_a_completion_clears(board: MemoryBoard) -> None:
    id = board.add()
    board.fail(id, CRASHED)
    board.finish(id, board.start(id))
    task = board.task(id)
    assert (task.state, task.consecutive_failures, task.last_failure_error) == (TaskState.DONE, 0, "")


def test_a_reclaim_gives_a_fresh_budget(board: MemoryBoard) -> None:
    id = board.add()
    for _ in range(3):
        board.fail(id, CRASHED)
    task = board.run(deciding.reclaim, id, actor="cli")
    assert (task.state, task.consecutive_failures, task.attempts, task.last_failure_error) == (
        "open",
        0,
        0,
        "",
    )
    assert [board.fail(id, TIMED_OUT).state for _ in range(2)] == ["open", "open"]


def test_the_same_block_a_second_time_is_for_a_person(board: MemoryBoard) -> None:
    id = board.add()
    for _ in range(2):
        for _ in range(3):
            board.fail(id, CRASHED, "segmentation fault")
        if board.task(id).state is TaskState.BLOCKED:
            board.run(deciding.reclaim, id, actor="cli")
    assert board.task(id).state is TaskState.TRIAGE
    assert board.events(id).count("task.gave_up") == 2


def test_spent_attempts_are_a_failure(board: MemoryBoard) -> None:
    id = board.add(budget=Budget(attempts=2))
    assert board.fail(id, CRASHED).state is TaskState.OPEN
    assert board.fail(id, CRASHED).state is TaskState.FAILED
    assert board.run(deciding.reclaim, id, actor="cli").state is TaskState.OPEN


def test_a_tasks_own_limit_counts_for_it(board: MemoryBoard) -> None:
    id = board.add(failure_limit=1)
    assert board.fail(id, FAILED).state is TaskState.BLOCKED


def test_failures_of_children_are_counted_on_their_root_too() -> None:
    board = MemoryBoard(BoardSettings(first_wait=0.0, tree_limit=4, host="here"))
    root = board.add("root")
    for number in range(3):
        board.fail(board.add(f"child {number}", parent_id=root), CRASHED)
    late = board.add("late child", parent_id=root)
    assert board.fail(late, CRASHED).state is TaskState.BLOCKED
    assert board.task(late).consecutive_failures == 1
    board.run(deciding.reclaim, late, actor="cli")
    assert board.task(root).tree_failures == 0


def test_a_rate_limit_defers_and_does_not_count(board: MemoryBoard) -> None:
    id = board.add()
    for _ in range(4):
        task = board.fail(id, AttemptOutcome.RELEASED, "is over its rate limit", retry_after=30.0)
        assert (task.state, task.consecutive_failures) == (TaskState.OPEN, 0)
        assert task.not_before == board.now + 30_000
        board.now += 30_000
        board.run(attempts.ripen)


def test_attempts_wait_longer_after_each_failure() -> None:
    board = MemoryBoard(BoardSettings(first_wait=10.0, longest_wait=30.0, host="here"))
    id, waits = board.add(), list[int]()
    for _ in range(4):
        waits.append(board.fail(id, CRASHED).not_before - board.now)
        board.now += waits[-1]
        board.run(attempts.ripen)
    assert waits == [10_000, 20_000, 30_000, 30_000]


def test_what_trying_again_cannot_change_is_not_tried_again(board: MemoryBoard) -> None:
    id = board.add()
    task = board.fail(id, SPAWN_FAILED, "There is no folder /gone.", lasting=True)
    assert (task.state, task.consecutive_failures) == (TaskState.BLOCKED, 1)
    assert task.block_reason == "There is no folder /gone."


def test_a_cancel_gets_through_in_every_state(board: MemoryBoard) -> None:
    blocked, running, waiting = board.add(), board.add(), board.add()
    for _ in range(3):
        board.fail(blocked, CRASHED)
    board.start(running)
    child = board.add("child", waiting, parent_id=running)
    for id in (blocked, running, waiting):
        assert board.run(deciding.cancel, id, actor="cli").state is TaskState.CANCELLED
    assert board.task(child).state is TaskState.CANCELLED
    assert board.events(running)[-2:] == ["attempt.cancelled", "task.cancel"]


def test_a_worker_whose_time_is_over_reports_nothing(board: MemoryBoard) -> None:
    id = board.add()
    old = board.start(id)
    board.run(deciding.reclaim, id, actor="cli")
    new = board.start(id)
    with pytest.raises(Stale):
        board.run(record_task_failure, board.settings, id, "late", CRASHED, extra=Extra(old))
    assert board.task(id).consecutive_failures == 0
    assert board.finish(id, new).state is TaskState.DONE


def test_a_failure_that_leaves_the_attempt_running_is_counted_and_ends_it_at_the_limit(
    board: MemoryBoard,
) -> None:
    id = board.add()
    board.start(id)
    for _ in range(2):
        task = board.run(record_task_failure, board.settings, id, "hiccup", FAILED, end_run=False)
        assert task.state is TaskState.IN_PROGRESS
    board.run(record_task_failure, board.settings, id, "hiccup", FAILED, end_run=False)
    assert board.task(id).state is TaskState.BLOCKED
    assert board.findings() == []


def test_what_an_attempt_used_is_kept_also_when_it_fails(board: MemoryBoard) -> None:
    id = board.add()
    epoch = board.start(id)
    board.now += 5_000
    extra = Extra(epoch, Used(0, 1200, 0.5))
    board.run(record_task_failure, board.settings, id, "no", FAILED, extra=extra)
    used = board.task(id).used
    assert (used.ms, used.tokens, used.money) == (5_000, 1200, 0.5)


def test_the_board_says_what_needs_attention_as_its_operators_know_it() -> None:
    board = MemoryBoard()
    ids = [board.add(f"task {number}") for number in range(4)]
    for outcome, id, count in ((TIMED_OUT, ids[0], 3), (CRASHED, ids[1], 4), (SPAWN_FAILED, ids[2], 2)):
        for _ in range(count):
            board.fail(id, outcome, f"{outcome} for a reason")
    for _ in range(2):
        board.fail(ids[2], TIMED_OUT)
    for _ in range(3):
        board.fail(ids[3], CRASHED)
    board.finish(ids[3], board.start(ids[3]))
    found = board.read(diagnostics.diagnose, board.settings, board.now)
    assert diagnostics.headline(found) == "!! 3 tasks need attention"
    assert [(one.task.id, one.title, one.action) for one in found] == [
        (ids[0], "Agent timeout x3", "log"),
        (ids[1], "Agent crash x4", "log"),
        (ids[2], "Agent timeout x4", "log"),
    ]
    assert found[0].data == {
        "consecutive_failures": 3,
        "most_recent_outcome": "timed_out",
        "last_error": "timed_out for a reason",
    }


def test_spawn_failures_send_to_the_doctor_and_two_crashes_warn_early() -> None:
    board = MemoryBoard()
    spawned, crashed = board.add(), board.add()
    for _ in range(5):
        board.fail(spawned, SPAWN_FAILED)
    for _ in range(2):
        board.fail(crashed, CRASHED)
    found = board.read(diagnostics.diagnose, board.settings, board.now)
    assert [(one.rule, one.title, one.action) for one in found] == [
        ("repeated_failures", "Agent spawn x5", "doctor"),
        ("repeated_crashes", "Agent crash x2", "log"),
    ]
