"""An exact action: its digest covers all of it, and its text can be read back."""

from dataclasses import replace
from typing import Any

import pytest

from kernel.approvals import Action, ActionKind, action_text, canonical, digest, edited, parse_action

ACTION = Action(
    ActionKind.TERMINAL,
    "terminal",
    canonical({"command": "rm ä"}),
    "rm ä",
    effect="delete",
    target="/work/ä",
    cwd="/work",
    environment=(("LC_ALL", "C"),),
    binary="/usr/bin/rm",
    argv=("rm", "ä"),
    inputs=(("/usr/bin/rm", "00"),),
    workspaces=("/work",),
    branch="main",
    host="box",
    editable="command",
)

CHANGES: list[dict[str, Any]] = [
    {"kind": ActionKind.MCP},
    {"tool": "shell"},
    {"arguments": "{}"},
    {"text": "rm b"},
    {"effect": "write"},
    {"target": "/work/b"},
    {"cwd": "/"},
    {"environment": ()},
    {"environment": (("LC_ALL", "D"),)},
    {"binary": "/bin/rm"},
    {"argv": None},
    {"argv": ("rm", "b")},
    {"inputs": (("/usr/bin/rm", "01"),)},
    {"workspaces": ("/",)},
    {"branch": "prod"},
    {"host": "other"},
]


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_whatever_changes_in_an_action_changes_its_digest(change: dict[str, Any]) -> None:
    assert digest(replace(ACTION, **change), "a") != digest(ACTION, "a")


def test_who_asks_is_part_of_the_digest() -> None:
    assert digest(ACTION, "agent:a") != digest(ACTION, "agent:b")
    assert digest(ACTION, "agent:a") == digest(ACTION, "agent:a")


@pytest.mark.parametrize("action", [ACTION, Action(ActionKind.QUESTION, "", "{}", "Deploy?")])
def test_what_is_stored_is_read_back_as_it_was(action: Action) -> None:
    assert parse_action(action_text(action)) == action


def test_an_edited_action_is_bound_to_nothing_yet() -> None:
    other = edited(ACTION, "rm b")
    assert (other.text, other.arguments) == ("rm b", '{"command":"rm b"}')
    assert (other.binary, other.argv, other.inputs) == ("", None, ())
    assert (other.cwd, other.environment) == (ACTION.cwd, ACTION.environment)
