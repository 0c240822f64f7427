"""Triage: what the rules find, what is suggested, and what a confirmation does."""

from collections.abc import Iterator
from typing import Any

import pytest

from board import deciding, triaging
from board.creating import Wanted
from board.crew import plans, triage
from board.crew.triage import House, Suggestion
from board.settings import BoardSettings
from kernel.errors import InvalidInput, Stale
from kernel.states import TaskState
from kernel.tasks import AttemptOutcome, Brief, Workspace
from store import tasks
from store.tasks import New
from tests.support.crew import PLANS, ROSTER, CrewBoard

LONG = "word " * 600
HOUSE = House(BoardSettings(host="here"), ROSTER, PLANS)


@pytest.fixture
def board() -> Iterator[CrewBoard]:
    made = CrewBoard()
    yield made
    made.close()


def put(board: CrewBoard, house: House = HOUSE, **texts: Any) -> TaskState:
    """Create a task by the rules and return the state in which it begins."""
    new = New("a job", "agent", "", "simple", "cli")
    return board.run(triaging.create, house, Wanted(new, Brief(**texts), ruled=True), actor="cli").state


def with_setting(word: Any) -> House:
    return House(BoardSettings(host="here", triage=word), ROSTER, PLANS)


def test_a_complex_task_that_does_not_say_when_it_is_done_is_looked_at_first(board: CrewBoard) -> None:
    complex_: Any = {"description": LONG, "workspace": Workspace.WORKTREE}
    assert put(board, **complex_) is TaskState.TRIAGE
    assert put(board, **complex_, acceptance="It works.") is TaskState.OPEN
    assert put(board, with_setting("never"), **complex_) is TaskState.OPEN


def test_a_plain_task_is_looked_at_first_only_where_the_setting_says_so(board: CrewBoard) -> None:
    assert put(board) is TaskState.OPEN
    assert put(board, skills=("alchemy",)) is TaskState.OPEN
    assert put(board, with_setting("any")) is TaskState.TRIAGE
    assert put(board, with_setting("any"), acceptance="It works.") is TaskState.OPEN
    assert put(board, with_setting("any"), acceptance="It works.", skills=("alchemy",)) is TaskState.TRIAGE


def test_each_rule_says_what_it_found(board: CrewBoard) -> None:
    brief = Brief(LONG, skills=("alchemy", "coding"))
    found = {one.rule: one.sentence for one in board.read(triage.findings, HOUSE, brief, None)}
    assert found == {
        "complexity": "Its complexity is 4 of 5.",
        "skills": "Nobody of the crew has: alchemy.",
        "acceptance": "It does not say when it is done.",
    }


@pytest.mark.parametrize(
    ("title", "template", "agent"),
    [
        ("Fix the crash in the importer", "bug_fix", "diagnostician"),
        ("An essay on tides", "essay", "researcher"),
        ("Implement an option to export", "code_change", "coder"),
        ("A weekly digest of the news", "digest", "researcher"),
        ("Water the plants", "simple", ""),
    ],
)
def test_the_rules_suggest_a_template_by_its_words_and_who_begins_it(
    board: CrewBoard, title: str, template: str, agent: str
) -> None:
    task = board.task(board.add(title, triage=True))
    made = board.read(triage.proposal, HOUSE, task)
    assert (made.template, made.agent) == (template, agent)
    assert made == board.read(triage.proposal, HOUSE, task)
    assert made.acceptance


def test_a_task_in_triage_is_given_to_an_agent_once_and_its_suggestion_waits(board: CrewBoard) -> None:
    id = board.add("An essay on tides", triage=True)
    board.run(triaging.look, HOUSE)
    board.run(triaging.look, HOUSE)
    (child,) = board.rows("SELECT id, template, state FROM task WHERE parent_id = ?", id)
    assert (child["template"], child["state"]) == ("triage", "open")
    made = board.run(triage.suggest, HOUSE, id, Suggestion(0, "hermes", "", "", (), "Two pages.", "because"))
    assert (made.number, made.template, made.agent, made.acceptance) == (
        1,
        "essay",
        "researcher",
        "Two pages.",
    )
    board.work(child["id"])
    board.run(triaging.look, HOUSE)
    shown, _ = board.read(triage.standing, HOUSE, id)
    assert shown == made


def test_where_the_agent_suggests_nothing_the_rules_do(board: CrewBoard) -> None:
    id = board.add("An essay on tides", triage=True)
    board.run(triaging.look, HOUSE)
    (child,) = board.rows("SELECT id FROM task WHERE parent_id = ?", id)
    board.work(child["id"])
    board.run(triaging.look, HOUSE)
    assert board.events(id)[-1] == "task.suggest"
    assert board.read(triage.standing, HOUSE, id)[0].author == "rules"
    board.run(triaging.look, HOUSE)
    assert board.events(id).count("task.suggest") == 1


def test_a_confirmed_suggestion_changes_the_task_and_lets_it_go_on(board: CrewBoard) -> None:
    id = board.add("An essay on tides", triage=True)
    board.run(triaging.look, HOUSE)
    made = board.run(triage.suggest, HOUSE, id, Suggestion(0, "hermes", "", "", (), "", ""))
    task = board.run(triaging.confirm, HOUSE, id, made.number, actor="web:owner")
    assert (task.state, task.template, task.assignee) == (TaskState.ASSIGNED, "essay", "researcher")
    assert board.read(tasks.brief, id).acceptance == made.acceptance
    progress = board.read(plans.progress, board.task(id))
    assert progress is not None
    assert (progress.stage, progress.plan.reviewer) == (0, "reviewer")
    (child,) = board.rows("SELECT state FROM task WHERE parent_id = ?", id)
    assert child["state"] == "cancelled"
    for _ in range(3):
        board.work(id)
    assert board.task(id).state is TaskState.IN_REVIEW
    assert board.findings() == []


def test_an_older_suggestion_confirms_nothing_and_neither_does_a_second_tap(board: CrewBoard) -> None:
    id = board.add("An essay on tides", triage=True)
    for _ in range(2):
        board.run(triage.suggest, HOUSE, id, Suggestion(0, "hermes", "", "", (), "", ""))
    with pytest.raises(Stale):
        board.run(triaging.confirm, HOUSE, id, 1, actor="web:owner")
    board.run(triaging.confirm, HOUSE, id, 2, actor="web:owner")
    with pytest.raises(Stale):
        board.run(triaging.confirm, HOUSE, id, 2, actor="web:other")


def test_a_task_goes_on_as_it_is_where_the_person_wants_that(board: CrewBoard) -> None:
    id = board.add("An essay on tides", triage=True)
    board.run(triaging.look, HOUSE)
    task = board.run(triaging.as_it_is, id, actor="web:owner")
    assert (task.state, task.template) == (TaskState.OPEN, "simple")
    with pytest.raises(Stale):
        board.run(triage.suggest, HOUSE, id, Suggestion(0, "hermes", "", "", (), "", ""))


def test_what_came_by_its_failures_gets_a_fresh_budget_and_a_new_triage_a_new_suggestion(
    board: CrewBoard,
) -> None:
    id = board.add()
    for _ in range(2):
        board.fail(id, AttemptOutcome.FAILED, error="the same", lasting=True)
        if board.task(id).state is TaskState.BLOCKED:
            board.run(deciding.release, id, actor="cli")
    assert board.task(id).state is TaskState.TRIAGE
    board.run(triage.suggest, HOUSE, id, Suggestion(0, "hermes", "", "", (), "", ""))
    task = board.run(triaging.as_it_is, id, actor="web:owner")
    assert (task.state, task.consecutive_failures) == (TaskState.OPEN, 0)
    board.now += 1000
    board.run(deciding.triage, id, actor="cli")
    assert board.read(triage.sorting, board.task(id)) is None


def test_a_template_that_does_not_exist_is_not_suggested(board: CrewBoard) -> None:
    id = board.add(triage=True)
    with pytest.raises(InvalidInput):
        board.run(triage.suggest, HOUSE, id, Suggestion(0, "hermes", "opera", "", (), "", ""))
