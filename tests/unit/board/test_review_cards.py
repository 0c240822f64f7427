"""Cards for reviews: owed once, in the right place, with buttons that only we can make."""

import pytest

from board.review import Decision
from gateway.crew import cards
from gateway.crew.buttons import REVIEW, CrewButtons, Verb
from kernel.messages import Address
from kernel.tasks import Task
from store import channels
from tests.support.crew import CrewBoard

BUTTONS = CrewButtons(b"k" * 32, REVIEW)
HOME = Address("telegram", "bot", "7")


@pytest.fixture
def board() -> CrewBoard:
    made = CrewBoard()
    made.run(channels.set_home, HOME, actor="cli")
    return made


def owed(board: CrewBoard) -> list[dict[str, object]]:
    """Owe what is to be owed and return all of it."""
    board.run(cards.owe, BUTTONS, str)
    return board.rows("SELECT * FROM outbox ORDER BY id")


def reviewed(board: CrewBoard) -> Task:
    """Put a task up for a review by people."""
    return board.work(board.add("a job", template="reviewed"), result="all of it")


def test_people_are_asked_once_for_each_version(board: CrewBoard) -> None:
    id = reviewed(board).id
    (card,) = owed(board)
    assert "all of it" in str(card["text"])
    assert len(owed(board)) == 1
    board.judge(id, Decision.CHANGES)
    board.work(id, result="more of it")
    assert len(owed(board)) == 2


def test_nobody_is_asked_while_an_agent_reviews(board: CrewBoard) -> None:
    id = board.submitted()
    assert owed(board) == []
    (child,) = board.rows("SELECT id FROM task WHERE parent_id = ?", id)
    board.work(child["id"])
    (card,) = owed(board)
    assert f"task {id}" in str(card["text"])


def test_the_chat_that_wanted_the_task_is_asked(board: CrewBoard) -> None:
    there = Address("discord", "bot", "9")
    board.work(board.add("a job", template="reviewed", origin=there))
    (card,) = owed(board)
    assert (card["platform"], card["chat"]) == ("discord", "9")


def test_a_button_says_which_version_and_nobody_else_can_make_it() -> None:
    row = BUTTONS.row(12, 3)
    first = BUTTONS.read(row[0].value)
    assert first is not None
    assert (first.task, first.number, first.verb) == (12, 3, Verb.APPROVE)
    assert BUTTONS.read(row[0].value.replace("12-3", "12-4")) is None
    assert CrewButtons(b"x" * 32, REVIEW).read(row[0].value) is None
    assert BUTTONS.read("rv:12-3:approve") is None
    assert all(len(one.value.encode()) <= 64 for one in BUTTONS.row(10**9, 999))
