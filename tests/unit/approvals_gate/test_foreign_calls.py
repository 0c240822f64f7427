"""Tool calls of other agents in our own words, and lengths of time as people write them."""

from typing import Any

import pytest

from approvals.foreign import NOWHERE, ForeignCall, action_of
from approvals.spans import seconds
from kernel.approvals import ActionKind


@pytest.mark.parametrize(
    ("tool", "given", "kind", "effect", "target"),
    [
        ("Bash", {"command": "ls"}, ActionKind.TERMINAL, "", ""),
        ("shell", {"command": ["ls", "a b"]}, ActionKind.TERMINAL, "", ""),
        ("Write", {"file_path": "/w/a", "content": "x"}, ActionKind.FILE, "write", "/w/a"),
        ("Edit", {"file_path": "b", "old_string": "x", "new_string": "y"}, ActionKind.FILE, "write", "/w/b"),
        ("Read", {"file_path": "/w/a"}, ActionKind.FILE, "read", "/w/a"),
        ("WebFetch", {"url": "https://example.com"}, ActionKind.REQUEST, "GET", "https://example.com"),
        ("mcp__jira__close", {"id": 1}, ActionKind.MCP, "", "mcp__jira__close"),
        ("Bash", {"command": 5}, ActionKind.MCP, "", "Bash"),
        ("Bash", {"command": " "}, ActionKind.MCP, "", "Bash"),
        ("Write", {}, ActionKind.MCP, "", "Write"),
    ],
)
def test_each_call_is_the_action_that_it_is(
    tool: str, given: dict[str, Any], kind: ActionKind, effect: str, target: str
) -> None:
    action = action_of(ForeignCall(tool, given, "/w"))
    assert (action.kind, action.effect, action.target, action.tool) == (kind, effect, target, tool)


def test_the_whole_change_of_a_file_is_shown() -> None:
    given = {"file_path": "/w/a", "old_string": "the old", "new_string": "the new"}
    text = action_of(ForeignCall("Edit", given)).text
    assert all(piece in text for piece in ("/w/a", "the old", "the new"))


def test_only_a_written_command_can_be_edited() -> None:
    assert action_of(ForeignCall("Bash", {"command": "ls"})).editable == "command"
    assert action_of(ForeignCall("shell", {"command": ["ls"]})).editable == ""


def test_a_program_that_names_no_folder_has_no_workspace_of_its_own() -> None:
    action = action_of(ForeignCall("Bash", {"command": "rm a"}))
    assert (action.cwd, action.workspaces) == ("", (NOWHERE,))
    assert action_of(ForeignCall("Write", {"file_path": "relative"})).kind is ActionKind.MCP


@pytest.mark.parametrize(
    ("written", "meant"),
    [(90, 90), ("90", 90), ("1.5h", 5400), ("10m", 600), ("10 min", 600), ("7d", 604_800)],
)
def test_a_length_of_time_is_read(written: object, meant: float) -> None:
    assert seconds(written) == meant


@pytest.mark.parametrize("written", ["", "soon", "-5", "5w", True, None, float("inf"), float("nan"), "1e9"])
def test_what_is_no_length_of_time_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match="length of time"):
        seconds(written)
