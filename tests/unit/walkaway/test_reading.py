"""What a job is asked for, which commands are test runs, and what a plan says."""

import shutil
from pathlib import Path

import pytest

from gateway.walkaway.buttons import Buttons, Verb
from gateway.walkaway.deriving import Noted, plan_of
from gateway.walkaway.inputs import Pings, pings, read
from gateway.walkaway.testing import counts, is_test_run
from kernel.errors import InvalidInput

TESTS = (
    "pytest -q",
    "cd shop && python -m pytest tests/unit",
    "uv run pytest",
    "uv run --with x pytest",
    "poetry run pytest -x",
    "CI=1 npm test",
    "npm run test:unit",
    "make test",
    "cargo test --all",
    "go test ./...",
    "python3 -m unittest",
    "./gradlew test",
    ".venv/bin/pytest; echo done",
    "npx vitest run",
    "bundle exec rspec",
    "tox -e py311",
)
NO_TESTS = (
    "echo pytest",
    "cat tests/test_importer.py",
    "git commit -m 'make test'",
    "pip install pytest",
    "pytest --version",
    "python3 -m unittest --help",
    "make",
    "npm run build",
    "cargo build",
    "",
    "grep -r 'unbalanced",
)


@pytest.mark.parametrize("command", TESTS)
def test_these_commands_run_tests(command: str) -> None:
    assert is_test_run(command)


@pytest.mark.parametrize("command", NO_TESTS)
def test_these_commands_run_none(command: str) -> None:
    assert not is_test_run(command)


def test_what_a_run_says_of_itself_is_told() -> None:
    assert counts("....\n=== 12 passed, 1 failed in 0.3s ===\n[exit code 1]") == "12 passed, 1 failed"
    assert counts("nothing of the kind") == ""


def test_options_stand_where_people_write_them() -> None:
    asked = read("refactor the importer --repo '~/my shop' --ping every 10m --background")
    assert (asked.text, asked.repo, asked.ping, asked.mode) == (
        "refactor the importer", "~/my shop", "every 10m", "background",
    )  # fmt: skip
    assert read("--agent hermes do it\nand well").text == "do it\nand well"
    assert read("make the --ping option work").text != ""


@pytest.mark.parametrize("line", ["", "--background", "--repo ."])
def test_a_job_without_words_is_none(line: str) -> None:
    with pytest.raises(InvalidInput):
        read(line)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("every milestone", Pings("milestone")),
        ("milestones", Pings("milestone")),
        ("done", Pings("done")),
        ("10m", Pings("interval", 600_000)),
        ("every 2 h", Pings("interval", 7_200_000)),
    ],
)
def test_when_it_rings_is_read(text: str, expected: Pings) -> None:
    assert pings(text) == expected


@pytest.mark.parametrize("text", ["now and then", "0m", "-5m", ""])
def test_when_it_cannot_ring_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        pings(text)


def test_a_button_is_ours_for_its_task_and_its_words_alone() -> None:
    buttons, replies = Buttons(b"key"), ("Keep going", "Stop after this")
    (keep, _), halt = buttons.saying(7, replies), buttons.make("Stop", 7, Verb.HALT)
    pressed = buttons.read(keep.value, replies)
    assert pressed is not None
    assert (pressed.task_id, pressed.verb, pressed.words) == (7, Verb.SAY, "Keep going")
    assert buttons.read(keep.value, ("Delete everything",)) is None
    assert buttons.read(keep.value.replace(":7:", ":8:"), replies) is None
    assert Buttons(b"other").read(halt.value, replies) is None
    assert buttons.read("w:7:halt", replies) is None
    assert len(keep.value.encode()) <= 64


def test_a_plan_is_read_from_a_tool_or_a_file(tmp_path: Path) -> None:
    steps = [{"content": "read", "status": "completed"}, {"content": "write", "status": "pending"}]
    assert (
        plan_of(Noted("s", "todo_write", {"todos": steps}, ""), tmp_path) == "Plan: 1 of 2 done, next: write"
    )
    (tmp_path / "TODO.md").write_text("# Plan\n- [x] read\n- [ ] write\n")
    noted = Noted("s", "write_file", {"path": "TODO.md"}, "")
    assert plan_of(noted, tmp_path) == "Plan: 1 of 2 done, next: write"
    assert plan_of(Noted("s", "write_file", {"path": "main.py"}, ""), tmp_path) == ""
    shutil.rmtree(tmp_path)
    assert plan_of(noted, tmp_path) == ""
