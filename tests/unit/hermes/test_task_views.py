"""How the board is drawn: as wide as the terminal, the newest on top, and no line longer than it may be."""

from typing import Any

import pytest

from hermes.cli import task_views


def task(id: int, state: str, title: str = "a task") -> dict[str, Any]:
    return {"id": id, "state": state, "title": title}


@pytest.mark.parametrize(("columns", "width"), [("80", 14), ("138", 26), ("30", 12), ("200", 38)])
def test_the_board_is_as_wide_as_the_terminal(
    monkeypatch: pytest.MonkeyPatch, columns: str, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert task_views.column_width() == width
    tasks = [task(2, "in_progress", "a very long title that nobody reads to its end"), task(1, "done")]
    lines = list(task_views.board_of(tasks, width))
    assert max(map(len, lines)) <= max(int(columns), 5 * width + 8)
    assert lines[2].split() == ["2", "a", *lines[2].split()[2:]]
    assert "…" in lines[2]


def test_a_long_column_says_how_many_more_there_are() -> None:
    tasks = [task(number, "open") for number in range(20, 0, -1)]
    lines = list(task_views.board_of(tasks, 26))
    assert lines[0].startswith("waiting (0)")
    assert "ready (20)" in lines[0]
    assert lines[2].strip() == "20 a task"
    assert lines[-1] == "… and 8 more: hermes tasks list --state all"


def test_a_finding_names_its_task_and_the_way_on() -> None:
    assert list(task_views.attention("", [])) == []
    told = task_views.attention(
        "!! 1 task needs attention",
        [{"action": "doctor", "task": 3, "title": "Agent spawn x5", "task_title": "a  task"}],
    )
    assert list(told)[1] == "   3  Agent spawn x5: a task (hermes doctor)"
