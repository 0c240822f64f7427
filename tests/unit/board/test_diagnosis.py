"""What a diagnosis says of the code, compared with the code; and which command tests a folder."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from board import deciding
from board.creating import Wanted, create
from board.crew import plans
from board.diagnosis import citations, findings, testing
from board.diagnosis.findings import Confidence, Diagnosis, Evidence
from board.diagnosis.tools import NAME, planned
from board.review import Decision
from board.workers.endings import ending
from kernel.errors import Stale
from kernel.states import TaskState, TurnState
from kernel.tasks import AttemptOutcome, Brief, Used
from store import tasks
from store.agentwork import AgentTurn
from store.tasks import New
from tests.support.crew import CrewBoard

CODE: Mapping[str, str] = {
    "src/auth.py": "def is_valid(token):\n    if token.expired():\n        return True\n    return False\n",
    "Makefile": "test:\n\ttrue\n",
}
GOOD = Evidence("src/auth.py", 3, "return True")


def faults(*evidence: Evidence, text: str = "") -> list[str]:
    return citations.faults(evidence, (text,), CODE.get)


def test_evidence_that_stands_where_it_is_said_to_stand_holds() -> None:
    assert faults(GOOD) == []
    assert faults(Evidence("src/auth.py", 2, "if token.expired():\n        return True")) == []
    assert faults(Evidence("Makefile", 1, "test:")) == []


@pytest.mark.parametrize(
    ("evidence", "wrong"),
    [
        (Evidence("src/session.py", 1, "x"), "there is no file src/session.py"),
        (Evidence("src/auth.py", 0, "return True"), "has 4 lines"),
        (Evidence("src/auth.py", 5, "return True"), "has 4 lines"),
        (Evidence("src/auth.py", 4, "return True"), "stands in line 3"),
        (Evidence("src/auth.py", 3, "return None"), "the line says 'return True'"),
        (Evidence("src/auth.py", 3, "  "), "quote what stands"),
        (Evidence("src/auth.py", 3, "x" * 3000), "quote what stands"),
    ],
)
def test_false_evidence_is_told_with_what_is_wrong(evidence: Evidence, wrong: str) -> None:
    (fault,) = faults(evidence)
    assert fault.startswith(evidence.place)
    assert wrong in fault


def test_a_diagnosis_without_evidence_or_with_too_much_does_not_hold() -> None:
    assert "no evidence" in faults()[0]
    assert "more than" in faults(*[GOOD] * 21)[0]


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("It is src/auth.py:3, see https://example.org/a.py:80 and 10:30.", True),
        ("It is src/auth.py:2-3.", True),
        ("It is src/auth.py:3-9.", False),
        ("It is session.py:3.", False),
        ("(see `lib/other:12`)", False),
        ("localhost:8080, 127.0.0.1:80 and db.internal:5432 listen", True),
        ("Session.PY:3 it is", False),
    ],
)
def test_a_place_that_only_the_sentences_name_must_exist_as_well(text: str, *, holds: bool) -> None:
    assert (faults(GOOD, text=text) == []) is holds
    assert (citations.loose(text, CODE.get) == []) is holds


LINES = st.lists(
    st.text(st.characters(codec="ascii", exclude_characters="\n\r\x0b\x0c\x1c\x1d\x1e"), max_size=20),
    min_size=1,
    max_size=8,
)


@given(LINES, st.integers(-2, 12), st.text(max_size=8))
def test_whatever_holds_stands_in_the_file(lines: list[str], line: int, quote: str) -> None:
    read = {"a.py": "\n".join(lines)}.get
    if citations.faults((Evidence("a.py", line, quote),), (), read) == []:
        there = "\n".join(lines).splitlines()
        assert 1 <= line <= len(there)
        rest = " ".join("\n".join(there[line - 1 :]).split())
        assert " ".join(quote.split()) in rest


def test_a_diagnosis_comes_back_from_the_store_as_it_was() -> None:
    made = Diagnosis("why", (GOOD,), Confidence.LOW, "so", "c" * 40)
    assert findings.parse(findings.text_of(made)) == made
    shown = findings.shown(made)
    assert "low confidence" in shown
    assert "`src/auth.py:3`" in shown
    assert "`cccccccccccc`" in shown


@pytest.mark.parametrize(
    ("files", "line"),
    [
        ({"Makefile": "build:\n\ttrue\ntest: build\n\ttrue\n", "package.json": "{}"}, "make test"),
        ({"Makefile": "check:\n\ttrue\n"}, "make check"),
        ({"Makefile": "test := 1\n", "go.mod": "module x"}, "go test ./..."),
        ({"package.json": '{"scripts": {"test": "jest"}}'}, "npm test"),
        ({"package.json": "no json", "Cargo.toml": "[package]"}, "cargo test"),
        ({"pyproject.toml": "[tool.pytest.ini_options]\n"}, "python3 -m pytest -q"),
        ({"test_it.py": ""}, "python3 -m unittest discover"),
        ({"README": ""}, ""),
    ],
)
def test_a_folder_tells_how_it_is_tested(tmp_path: Path, files: Mapping[str, str], line: str) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert testing.command(tmp_path, "/elsewhere", {}) == line
    assert testing.command(tmp_path, "/elsewhere", {"/elsewhere": "tox"}) == "tox"


def test_the_bug_template_waits_for_a_word_before_it_fixes_and_for_an_approval_before_it_ends() -> None:
    plan = planned(plans.load().by_name["bug_fix"], "may it?")
    first, second = plan.stages
    assert (first.ends_with, first.gate, second.ends_with, second.gate) == (NAME, "", "", "may it?")
    assert (plan.review, plan.reviewer) == (True, plans.APPROVAL)


@pytest.fixture
def board() -> Iterator[CrewBoard]:
    made = CrewBoard()
    yield made
    made.close()


def planned_task(board: CrewBoard) -> int:
    """Create a task that goes through the bug template as a diagnosis does."""
    plan = planned(plans.load().by_name["bug_fix"], "may it?")
    new = New("a bug", "agent", "", "bug_fix", "cli", assignee="diagnostician")
    return board.run(
        create, board.settings, Wanted(new, Brief(behalf="telegram:7"), plan=plan), actor="cli"
    ).id


def test_a_stage_with_a_gate_waits_until_somebody_lets_it_begin(board: CrewBoard) -> None:
    id = planned_task(board)
    gated = board.work(id)
    assert (gated.state, gated.block_kind, gated.block_reason) == (TaskState.BLOCKED, "owner", "may it?")
    assert (gated.block_owner, gated.assignee) == ("telegram:7", "coder")
    freed = board.run(deciding.release, id, actor="telegram:7")
    assert (freed.state, freed.assignee) == (TaskState.ASSIGNED, "coder")


def test_a_fix_is_accepted_with_the_approval_of_its_push_and_no_agent_is_asked(board: CrewBoard) -> None:
    id = planned_task(board)
    board.work(id)
    board.run(deciding.release, id, actor="telegram:7")
    assert board.work(id).state is TaskState.IN_REVIEW
    assert board.run(tasks.children, id) == []
    with pytest.raises(Stale, match="approval of its push"):
        board.judge(id, Decision.APPROVE)
    assert board.judge(id, Decision.CHANGES).state is TaskState.CHANGES_REQUESTED


def test_a_turn_that_ends_without_the_only_tool_that_counts_has_failed() -> None:
    turn = AgentTurn("t1", "s1", TurnState.DONE, "", "It is auth.py:99.")
    assert ending(turn, "", Used(), NAME).outcome is AttemptOutcome.FAILED
    assert ending(turn, "", Used()).outcome is AttemptOutcome.SUCCEEDED
    submitted = '{"summary": "so", "outcome": "done"}'
    assert ending(turn, submitted, Used(), NAME).result == "so"
