"""Each rule that calls for attention fires when it should, and none of them looks at what is over."""

from collections.abc import Callable

import pytest

from board import deciding, diagnostics, working
from board.settings import HOUR_MS
from kernel.states import TaskState
from kernel.tasks import AttemptOutcome, Budget, Used
from store import board as glances
from tests.support.board import MemoryBoard

DAY_MS = 24 * HOUR_MS


def found(board: MemoryBoard) -> list[tuple[int, str, str]]:
    """Return what wants attention now: task, rule and what to do."""
    listed = board.read(diagnostics.diagnose, board.settings, board.now)
    return [(one.task.id, one.rule, one.action) for one in listed]


def stale(board: MemoryBoard) -> tuple[int, str, str]:
    id = board.add()
    board.start(id)
    return id, "stale_claim", "reclaim"


def blocked(board: MemoryBoard) -> tuple[int, str, str]:
    id = board.add()
    board.run(deciding.hold, id, "needs a key", "ada", actor="cli")
    return id, "stuck_blocked", "reclaim"


def in_triage(board: MemoryBoard) -> tuple[int, str, str]:
    return board.add(triage=True), "triage", "show"


def unreachable(board: MemoryBoard) -> tuple[int, str, str]:
    gone = board.add()
    id = board.add("waits", gone)
    board.run(deciding.cancel, gone, actor="cli")
    return id, "unreachable", "link"


def starving(board: MemoryBoard) -> tuple[int, str, str]:
    return board.add(), "starving", "explain"


def unreviewed(board: MemoryBoard) -> tuple[int, str, str]:
    id = board.add(template="reviewed")
    assert board.finish(id, board.start(id)).state is TaskState.IN_REVIEW
    return id, "review_waiting", "show"


def unanswered(board: MemoryBoard) -> tuple[int, str, str]:
    id = board.add()
    board.run(working.wait, id, board.start(id), "May I?")
    return id, "question_waiting", "show"


@pytest.mark.parametrize(
    "story",
    [stale, blocked, in_triage, unreachable, starving, unreviewed, unanswered],
    ids=lambda one: one.__name__,
)
def test_a_rule_fires_after_its_time_and_names_the_way_on(
    story: Callable[[MemoryBoard], tuple[int, str, str]],
) -> None:
    board = MemoryBoard()
    expected = story(board)
    board.now += 2 * DAY_MS
    assert found(board) == [expected]


@pytest.mark.parametrize(
    "story", [stale, blocked, starving, unreviewed, unanswered], ids=lambda one: one.__name__
)
def test_before_its_time_no_rule_fires(story: Callable[[MemoryBoard], tuple[int, str, str]]) -> None:
    board = MemoryBoard()
    story(board)
    board.now += 60_000
    assert found(board) == []


def test_a_budget_calls_for_attention_before_it_is_spent() -> None:
    board = MemoryBoard()
    id = board.add(budget=Budget(money=10.0))
    board.fail(id, AttemptOutcome.FAILED, used=Used(0, 0, 8.5))
    assert found(board) == [], "nobody works on it"
    board.start(id)
    assert found(board) == [(id, "budget", "edit")]


LOOKS = {
    "failing": (glances.FAILING, (3, 10)),
    "old in a state": (glances.OLD_IN_STATE, ("open", 1, 10)),
    "stale claims": (glances.STALE_CLAIMS, (1, 10)),
    "needed tasks that failed": (glances.UNREACHABLE, (10,)),
    "needed tasks that were withdrawn": (glances.NEEDS_CANCELLED, (10, 10)),
    "budgets by time": (glances.SPENT, (1, 0.8, 0.8, 0.8, 10)),
    "outcomes since a time": (glances.OUTCOMES, (1,)),
    "tasks finished since a time": (glances.FINISHED, (1,)),
    "budgets by tokens": (glances.LIMITED, (10,)),
}
OWN = ("task_failing", "task_unfinished", "attempt_live", "SCAN waiting")


@pytest.mark.parametrize("name", LOOKS)
def test_no_look_is_at_everything_there_is(name: str) -> None:
    board = MemoryBoard()
    sql, values = LOOKS[name]
    steps = [row["detail"] for row in board.plan(sql, values)]
    scans = [step for step in steps if step.startswith("SCAN ")]
    assert steps
    assert [step for step in scans if not any(index in step for index in OWN)] == []
