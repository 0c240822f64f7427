"""Commands in bubblewrap: what they can reach, and what happens where it is missing."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from agent.settings import AgentSettings, TerminalSettings, ToolSettings
from agent.tools.terminal.command import Plan
from agent.tools.terminal.sandbox import Sandbox
from kernel.errors import AccessDenied
from kernel.turns import ToolContext
from tests.fakes.agent_ports import Ports, Surface, runner_on, turn_request
from tests.fakes.gate import trusting

Run = Callable[..., "asyncio.Future[str]"]


async def works(tmp_path: Path) -> bool:
    """Tell whether bubblewrap does its work here: some containers forbid the namespaces it needs."""
    plan = Plan(("true",), "/bin/true", "/", {})
    sandbox = Sandbox(TerminalSettings(sandbox="auto"), tmp_path)
    return await sandbox.wrapped(plan, tmp_path) != plan


@pytest.fixture
async def run(tmp_path: Path) -> AsyncIterator[Run]:
    """Run a command in a required sandbox, or skip where there cannot be one."""
    if not await works(tmp_path):
        pytest.skip("bubblewrap is not installed, or may not make namespaces here")
    home = tmp_path / "home"
    workspace = home / "workspace"
    workspace.mkdir(parents=True)
    (home / "secret").write_text("token")
    ports = Ports()
    ports.gate.verdict = trusting
    runners = []

    async def call(command: str, *, seconds: float = 20, **settings: object) -> str:
        chosen = TerminalSettings.model_validate({"sandbox": "required", **settings})
        runner = runner_on(ports, home, AgentSettings(tools=ToolSettings(terminal=chosen)))
        runners.append(runner)
        request = replace(turn_request("x", workspace), session_id="s_1")
        context = ToolContext(request, f"call {len(runners)}", Surface())
        arguments = {"command": command, "timeout": seconds}
        return await runner.toolbox.carry_out(runner.toolbox.tool("terminal"), arguments, context)

    yield call  # type: ignore[misc]
    await ports.processes.close()
    for runner in runners:
        await runner.close()


async def test_the_workspace_and_temporary_files_can_be_written_and_nothing_else(run: Run, tmp_path: Path):
    assert await run("pwd; echo x > made && cat made") == f"{tmp_path}/home/workspace\nx\n[exit code 0]"
    assert (tmp_path / "home/workspace/made").read_text() == "x\n"
    assert "Read-only file system" in await run("touch /usr/made; touch ~/made")
    assert await run("touch /tmp/.hermes-test && rm /tmp/.hermes-test") == "[exit code 0]"


async def test_the_home_cannot_be_seen(run: Run, tmp_path: Path):
    assert await run(f"ls -A {tmp_path}/home; cat {tmp_path}/home/secret") == (
        f"workspace\ncat: {tmp_path}/home/secret: No such file or directory\n[exit code 1]"
    )
    assert (tmp_path / "home/secret").read_text() == "token"


async def test_the_daemon_cannot_be_seen_and_everything_ends_together(run: Run):
    assert "[exit code 0]" in await run("test $(ls /proc | grep -c '^[0-9]') -lt 10")
    assert "its time was over" in await run("setsid sleep 60 & trap '' TERM; sleep 60", seconds=0.4)


async def test_the_network_is_there_unless_it_is_taken_away(run: Run):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        dial = f"exec 3<>/dev/tcp/127.0.0.1/{port} && echo reached"
        assert "reached" in await run(dial)
        assert "reached\n" not in await run(dial, network=False)


async def test_further_folders_can_be_made_writable(run: Run, tmp_path: Path):
    cache = tmp_path.parent / f"{tmp_path.name}-cache"
    cache.mkdir()
    assert await run(f"touch {cache}/x", writable=(str(cache), "/not/there")) == "[exit code 0]"
    assert (cache / "x").exists()


async def test_without_bubblewrap_required_refuses_and_auto_runs_without(tmp_path: Path):
    plan = Plan(("true",), "/bin/true", "/", {})
    required = Sandbox(TerminalSettings(sandbox="required"), tmp_path, _works=False)
    with pytest.raises(AccessDenied, match="bubblewrap does not work"):
        await required.wrapped(plan, tmp_path)
    assert (
        await Sandbox(TerminalSettings(sandbox="auto"), tmp_path, _works=False).wrapped(plan, tmp_path)
        == plan
    )
    assert await Sandbox(TerminalSettings(), tmp_path).wrapped(plan, tmp_path) == plan
