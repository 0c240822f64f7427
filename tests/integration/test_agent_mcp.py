"""MCP servers as tools: real servers over stdio and HTTP, and ones that are dead."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from agent.mcp.servers import McpStatus
from agent.runner import AgentRunner
from agent.settings import AgentSettings, McpServerSettings
from kernel.approvals import Action, ActionKind, ApprovedCall
from kernel.errors import AccessDenied, InvalidInput
from kernel.turns import ToolContext
from tests.fakes.agent_ports import Ports, Surface, runner_on, turn_request

ROOT = Path(__file__).parents[2]
SAFE = ("add", "fails", "sleeps", "dies", "environment")


def stdio(**changes: object) -> McpServerSettings:
    """Return settings for the fake server as a subprocess."""
    settings = {
        "command": sys.executable,
        "args": ("-m", "tests.fakes.mcp_tools", "stdio"),
        "env": {"PYTHONPATH": str(ROOT)},
        "safe_tools": SAFE,
        "timeout": 10,
    }
    return McpServerSettings.model_validate({**settings, **changes})


async def until(runner: AgentRunner, condition: Callable[[McpStatus], bool]) -> McpStatus:
    """Wait until the only server fulfils a condition."""
    async with asyncio.timeout(20):
        while not condition(status := runner.mcp_status()[0]):  # noqa: ASYNC110 - a status page asks like this, too
            await asyncio.sleep(0.02)
        return status


@pytest.fixture
async def make(tmp_path: Path) -> AsyncIterator[Callable[[McpServerSettings], AgentRunner]]:
    made: list[AgentRunner] = []

    def start(settings: McpServerSettings) -> AgentRunner:
        made.append(runner_on(Ports(), tmp_path, AgentSettings(mcp={"calc": settings})))
        made[-1].start()
        return made[-1]

    yield start
    for runner in made:
        await runner.close()


def context(tmp_path: Path) -> ToolContext:
    return ToolContext(turn_request("x", tmp_path), "key", Surface())


async def call(runner: AgentRunner, tmp_path: Path, name: str, **arguments: object) -> str:
    """Call a tool as the agent would, without a model in between, and with a gate that lets it pass."""
    tool = runner.toolbox.tool(name)
    assert tool.action is not None
    given = context(tmp_path)
    result = await tool.run(replace(given, approved=await tool.action(given, arguments)), **arguments)
    assert isinstance(result, str)
    return result


async def test_tools_of_a_stdio_server_are_offered_under_its_name(make, tmp_path: Path):
    runner = make(stdio())
    status = await until(runner, lambda status: status.state == "connected")
    assert set(status.tools) == {*SAFE, "secret_tool"}
    assert "calc_secret_tool" in runner.toolbox.names
    text = await call(runner, tmp_path, "calc_add", a=2, b=3)
    assert text == '<untrusted_output source="mcp:calc">5</untrusted_output>'
    assert "Failed" in await call(runner, tmp_path, "calc_fails")


async def test_a_call_says_exactly_what_it_would_do_and_whether_the_owner_calls_it_safe(make, tmp_path: Path):
    runner = make(stdio())
    await until(runner, lambda status: status.state == "connected")
    actions = {}
    for name, arguments in (("calc_add", {"b": 3, "a": 2}), ("calc_secret_tool", {})):
        tool = runner.toolbox.tool(name)
        assert tool.action is not None
        actions[name] = await tool.action(context(tmp_path), arguments)
    assert [(a.target, a.effect, a.arguments) for a in actions.values()] == [
        ("calc.add", "safe", '{"a":2,"b":3}'),
        ("calc.secret_tool", "", "{}"),
    ]
    assert "calc.add" in actions["calc_add"].text
    with pytest.raises(AccessDenied, match="without the approval gate"):
        await runner.toolbox.tool("calc_secret_tool").run(context(tmp_path))


async def test_an_approved_call_waits_for_its_server_after_a_restart(make, tmp_path: Path):
    action = Action(ActionKind.MCP, "calc_add", '{"a":2,"b":3}', "calc.add", target="calc.add")
    request = turn_request("x", tmp_path)
    call = ApprovedCall("a_1", action, "t_1", "s_1", "key", request.address, request.principal.id)
    result = await make(stdio()).call(call, request.principal, tmp_path)
    assert result.text == '<untrusted_output source="mcp:calc">5</untrusted_output>'
    gone = replace(call, action=replace(action, tool="calc_gone"))
    assert "no tool calc_gone any more" in (await make(stdio()).call(gone, request.principal, tmp_path)).text


async def test_a_server_sees_no_environment_but_its_own(
    make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    runner = make(stdio())
    await until(runner, lambda status: status.state == "connected")
    seen = await call(runner, tmp_path, "calc_environment")
    assert "PYTHONPATH" in seen
    assert "OPENAI_API_KEY" not in seen


async def test_a_slow_call_is_given_up_and_the_server_stays(make, tmp_path: Path):
    runner = make(stdio(timeout=2))
    await until(runner, lambda status: status.state == "connected")
    with pytest.raises(InvalidInput, match="within 2 seconds"):
        await call(runner, tmp_path, "calc_sleeps")
    assert "5" in await call(runner, tmp_path, "calc_add", a=2, b=3)


async def test_a_server_that_dies_is_started_again(make, tmp_path: Path):
    runner = make(stdio())
    await until(runner, lambda status: status.state == "connected")
    with pytest.raises(InvalidInput, match="not reachable"):
        await call(runner, tmp_path, "calc_dies")
    failed = await until(runner, lambda status: status.state == "failed")
    assert failed.error
    await until(runner, lambda status: status.state == "connected")
    assert "5" in await call(runner, tmp_path, "calc_add", a=2, b=3)


async def test_a_server_that_is_not_there_fails_visibly_and_blocks_no_turn(make, tmp_path: Path):
    runner = make(stdio(command="/nowhere/server"))
    outcome = await runner.run(turn_request("say hello", tmp_path), Surface())
    assert outcome.text == "hello"
    status = await until(runner, lambda status: status.state == "failed")
    assert "nowhere" in status.error


@pytest.fixture
def http_server() -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "tests.fakes.mcp_tools", "http", str(port)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        yield f"http://127.0.0.1:{port}/mcp"
        process.terminate()


async def test_tools_of_an_http_server_are_offered(make, tmp_path: Path, http_server: str):
    runner = make(McpServerSettings(url=http_server, safe_tools=("add",)))
    await until(runner, lambda status: status.state == "connected")
    assert "7" in await call(runner, tmp_path, "calc_add", a=3, b=4)


async def test_neither_command_nor_url_is_said(make):
    status = await until(make(McpServerSettings()), lambda status: status.state == "failed")
    assert "either command or url" in status.error
