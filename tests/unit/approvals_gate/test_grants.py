"""What a standing permission reaches."""

from dataclasses import replace

from approvals import grants
from kernel.approvals import Action, ActionKind, Reach

COMMAND = Action(ActionKind.TERMINAL, "terminal", "{}", "rm a", cwd="/work", target="", workspaces=("/work",))
TOOL = Action(ActionKind.MCP, "github_create", '{"title":"a"}', "create a", target="github.create_issue")


def test_an_exact_permission_is_for_the_very_same_action_whoever_asks_and_wherever_it_stands() -> None:
    key = grants.key(COMMAND, Reach.EXACT)
    assert key == grants.key(replace(COMMAND, workspaces=("/else",), branch="x"), Reach.EXACT)
    for other in (
        replace(COMMAND, text="rm b"),
        replace(COMMAND, cwd="/else"),
        replace(COMMAND, environment=(("A", "b"),)),
        replace(COMMAND, inputs=(("/bin/rm", "1"),)),
    ):
        assert grants.key(other, Reach.EXACT) != key


def test_a_permission_for_a_target_ignores_the_content_and_nothing_else() -> None:
    key = grants.key(TOOL, Reach.TARGET)
    assert key == grants.key(replace(TOOL, text="create b", arguments='{"title":"b"}'), Reach.TARGET)
    for other in (
        replace(TOOL, target="github.delete_issue"),
        replace(TOOL, tool="x"),
        replace(TOOL, host="h"),
    ):
        assert grants.key(other, Reach.TARGET) != key


def test_a_command_passes_by_exact_permissions_only() -> None:
    exact, other = grants.keys(COMMAND)
    assert exact == other
    exact, aimed = grants.keys(TOOL)
    assert aimed == grants.key(TOOL, Reach.TARGET)
    assert exact != aimed
