"""What waits becomes ready with what it waits for, in the same unit; circles are refused."""

import pytest

from board import creating, deciding
from kernel.errors import InvalidInput, Stale
from kernel.states import TaskState
from tests.support.board import MemoryBoard


@pytest.fixture
def board() -> MemoryBoard:
    """Give an empty board."""
    return MemoryBoard()


def test_a_task_waits_for_all_that_it_needs(board: MemoryBoard) -> None:
    first, second = board.add("first"), board.add("second")
    third = board.add("third", first, second)
    assert (board.task(third).state, board.task(third).unmet) == (TaskState.BLOCKED, 2)
    board.finish(first, board.start(first))
    assert board.task(third).state is TaskState.BLOCKED
    board.finish(second, board.start(second))
    assert board.task(third).state is TaskState.OPEN
    assert board.findings() == []


def test_an_assigned_task_becomes_assigned_again(board: MemoryBoard) -> None:
    first = board.add("first")
    second = board.add("second", first, assignee="hermes")
    board.finish(first, board.start(first))
    assert board.task(second).state is TaskState.ASSIGNED


def test_what_is_done_already_is_not_waited_for(board: MemoryBoard) -> None:
    first = board.add("first")
    board.finish(first, board.start(first))
    assert board.task(board.add("second", first)).state is TaskState.OPEN


@pytest.mark.parametrize("length", [1, 2, 7])
def test_a_circle_is_refused_however_long(board: MemoryBoard, length: int) -> None:
    chain = [board.add("0")]
    for number in range(1, length):
        chain.append(board.add(str(number), chain[-1]))
    with pytest.raises(InvalidInput):
        board.run(creating.link, chain[0], chain[-1], actor="cli")
    assert board.findings() == []


def test_a_diamond_is_no_circle(board: MemoryBoard) -> None:
    top = board.add("top")
    left, right = board.add("left", top), board.add("right", top)
    bottom = board.add("bottom", left, right)
    board.run(creating.link, bottom, top, actor="cli")
    assert board.task(bottom).unmet == 3


def test_a_new_dependency_takes_a_ready_task_back(board: MemoryBoard) -> None:
    first, second = board.add("first"), board.add("second")
    assert board.run(creating.link, second, first, actor="cli").state is TaskState.BLOCKED
    assert board.run(creating.unlink, second, first, actor="cli").state is TaskState.OPEN
    assert board.findings() == []


def test_what_is_worked_on_waits_for_nothing_new(board: MemoryBoard) -> None:
    first, second = board.add("first"), board.add("second")
    board.start(second)
    with pytest.raises(Stale):
        board.run(creating.link, second, first, actor="cli")


def test_a_review_that_accepts_unblocks_too(board: MemoryBoard) -> None:
    first = board.add("first", template="reviewed")
    second = board.add("second", first)
    assert board.finish(first, board.start(first)).state is TaskState.IN_REVIEW
    assert board.task(second).state is TaskState.BLOCKED
    board.run(deciding.accept, first, actor="cli")
    assert board.task(second).state is TaskState.OPEN


def test_a_tree_has_a_size(board: MemoryBoard) -> None:
    board.settings = board.settings.model_copy(update={"tree_size": 3})
    root = board.add("root")
    child = board.add("child", parent_id=root)
    assert board.task(board.add("grandchild", parent_id=child)).root_id == root
    with pytest.raises(InvalidInput):
        board.add("one too many", parent_id=child)
