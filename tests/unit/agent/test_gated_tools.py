"""No tool goes around the gate: each says what a call would do, or is listed as harmless with a reason."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from agent.runner import AgentRunner
from agent.settings import AgentSettings
from agent.toolbox import Toolbox
from agent.tools.harmless import HARMLESS, check
from kernel.approvals import Action, ActionKind, CallResult, arguments_text
from kernel.specs import Tool
from kernel.turns import Held, ToolContext
from tests.fakes.agent_ports import Ports, Surface, runner_on, turn_request

# What the tools that are judged are called with here, and the kind of action that comes of it.
JUDGED: Mapping[str, tuple[dict[str, Any], ActionKind]] = {
    "terminal": ({"command": "touch marker"}, ActionKind.TERMINAL),
    "write_file": ({"path": "marker", "text": "x"}, ActionKind.FILE),
}
CALLS: Mapping[str, dict[str, Any]] = {
    "list_files": {},
    "read_file": {"path": "marker"},
    "search_files": {"text": "x"},
    "fetch_url": {"url": "nowhere"},
    "remember": {"text": "x"},
    "recall": {},
    "read_channel": {},
    "ask_person": {"question": "x?"},
    "send_file": {"path": "marker"},
    "process_poll": {"id": "p1"},
    "process_kill": {"id": "p1"},
    **{name: arguments for name, (arguments, _) in JUDGED.items()},
}


@pytest.fixture
def runner(ports: Ports, tmp_path: Path) -> AgentRunner:
    return runner_on(ports, tmp_path)


def context(workspace: Path) -> ToolContext:
    return ToolContext(turn_request("x", workspace), "entry:call", Surface())


async def test_every_tool_is_judged_or_listed_as_harmless(runner: AgentRunner, workspace: Path):
    names = set(runner.toolbox.names)
    # Other rooms bring tools of their own, whose tests are there.
    elsewhere = {name for name in HARMLESS if name.startswith(("task_", "diagnos"))} | {"remind", "cron_list"}
    assert names == (set(HARMLESS) - elsewhere) | set(JUDGED)
    assert not set(HARMLESS) & set(JUDGED)
    for name in names:
        assert (runner.toolbox.tool(name).action is None) == (name in HARMLESS)
    for name, (arguments, kind) in JUDGED.items():
        build = runner.toolbox.tool(name).action
        assert build is not None
        action = await build(context(workspace), arguments)
        assert (action.kind, action.tool) == (kind, name)
        assert action.arguments == arguments_text(arguments)
        assert action.text
        assert action.workspaces == (str(workspace),)


async def test_the_gate_is_asked_about_every_tool_before_anything_is_journalled(
    runner: AgentRunner, ports: Ports, workspace: Path
):
    for name in runner.toolbox.names:
        ports.gate.asked.clear()
        ports.journal.begun.clear()
        ports.gate.verdict = lambda _: "deny"
        ports.gate.judged.clear()
        try:
            text = await runner.toolbox.carry_out(runner.toolbox.tool(name), CALLS[name], context(workspace))
        except Held:
            text = ""
        assert ports.gate.asked == [(name, CALLS[name])]
        assert (name in JUDGED) == (text == "Failed: This is never done.")
        assert bool(ports.journal.begun) == (name not in JUDGED)
    assert not (workspace / "marker").exists()


@pytest.mark.parametrize("name", JUDGED)
async def test_what_the_gate_holds_does_not_run_and_waits_for_the_same_request_after_a_crash(
    runner: AgentRunner, ports: Ports, workspace: Path, name: str
):
    ports.gate.verdict = lambda _: "hold"
    for _ in range(2):
        with pytest.raises(Held) as held:
            await runner.toolbox.carry_out(runner.toolbox.tool(name), CALLS[name], context(workspace))
        assert held.value.id == "a_1"
    assert not ports.journal.begun
    assert not (workspace / "marker").exists()


@pytest.mark.parametrize("name", JUDGED)
async def test_without_a_gate_what_must_be_judged_does_not_run(
    runner: AgentRunner, ports: Ports, workspace: Path, name: str
):
    tool = runner.toolbox.tool(name)
    unguarded = Toolbox([tool], ports.journal, AgentSettings())
    assert "without the approval gate" in await unguarded.carry_out(tool, CALLS[name], context(workspace))
    assert not ports.journal.begun
    assert not (workspace / "marker").exists()


async def test_a_gate_that_lets_pass_without_an_action_lets_nothing_run(
    runner: AgentRunner, ports: Ports, workspace: Path
):
    class Forgetful:
        async def check(
            self, context: ToolContext, tool: Tool, arguments: Mapping[str, Any]
        ) -> Action | None:
            return None

    tool = runner.toolbox.tool("terminal")
    box = Toolbox([tool], ports.journal, AgentSettings(), Forgetful())
    assert "without the approval gate" in await box.carry_out(tool, CALLS["terminal"], context(workspace))


async def test_a_tool_does_what_was_judged_not_what_it_is_told(
    runner: AgentRunner, ports: Ports, workspace: Path
):
    class Editing:
        async def check(
            self, context: ToolContext, tool: Tool, arguments: Mapping[str, Any]
        ) -> Action | None:
            assert tool.action is not None
            return await tool.action(context, {"command": "echo judged"})

    tool = runner.toolbox.tool("terminal")
    box = Toolbox([tool], ports.journal, AgentSettings(), Editing())
    assert await box.carry_out(tool, {"command": "echo told"}, context(workspace)) == "judged\n[exit code 0]"


def test_a_tool_that_would_go_around_the_gate_stops_the_start():
    async def launch(context: ToolContext) -> CallResult:
        return CallResult("")

    with pytest.raises(ValueError, match="go around the approval gate: launch"):
        check([Tool("launch", launch, idempotent=False)])
