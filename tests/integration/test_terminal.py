"""The terminal with real processes: exactly the approved bytes, a pinned environment, and nothing left behind."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.runner import AgentRunner
from agent.settings import AgentSettings, TerminalSettings, ToolSettings
from agent.toolbox import Toolbox
from kernel.approvals import Action, ActionKind, ApprovedCall, CallResult, arguments_text
from kernel.people import Principal, Role
from kernel.turns import ToolContext
from tests.fakes.agent_ports import Ports, Surface, runner_on, turn_request
from tests.fakes.gate import trusting

OWNER = Principal("fake:42", Role.OWNER)


class Shell:
    """A session's terminal, behind a gate that lets everything pass."""

    def __init__(self, home: Path, workspace: Path, **settings: object) -> None:
        self.ports = Ports()
        self.ports.gate.verdict = trusting
        self.home, self.workspace, self.calls = home, workspace, 0
        tools = ToolSettings(output=2000, terminal=TerminalSettings.model_validate(settings))
        self.runner: AgentRunner = runner_on(self.ports, home, AgentSettings(tools=tools))
        self.surface = Surface()

    def context(self, session: str = "s_1", role: Role = Role.OWNER) -> ToolContext:
        self.calls += 1
        request = turn_request("x", self.workspace, session=session)
        request = replace(request, principal=Principal("fake:42", role))
        return ToolContext(request, f"call {self.calls}", self.surface)

    async def use(
        self, name: str, *, session: str = "s_1", role: Role = Role.OWNER, **arguments: object
    ) -> str:
        tool = self.runner.toolbox.tool(name)
        return await self.runner.toolbox.carry_out(tool, arguments, self.context(session, role))

    async def __call__(self, command: str, **arguments: Any) -> str:
        return await self.use("terminal", command=command, **arguments)

    async def approved(self, text: str, **changes: object) -> CallResult:
        """Carry out an approved action as the gate would, after a restart."""
        action = Action(
            ActionKind.TERMINAL,
            "terminal",
            arguments_text({"command": text}),
            text,
            cwd=str(self.workspace),
            **changes,  # type: ignore[arg-type]
        )
        origin = self.context().request.address
        call = ApprovedCall("a_1", action, "t_1", "s_1", "call", origin, OWNER.id)
        return await self.runner.call(call, OWNER, self.workspace)


Make = Callable[..., Shell]


@pytest.fixture
async def make(tmp_path: Path) -> AsyncIterator[Make]:
    made: list[Shell] = []
    workspace = tmp_path / "work"
    workspace.mkdir()

    def shell(**settings: object) -> Shell:
        made.append(Shell(tmp_path / "home", workspace.resolve(), **settings))
        return made[-1]

    yield shell
    for each in made:
        await each.ports.processes.close()
        await each.runner.close()


@pytest.fixture
def shell(make: Make) -> Shell:
    return make()


def alive(pid: int) -> bool:
    """Tell whether a process runs; one that only waits for its parent to notice its end does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def processes() -> list[int]:
    return [int(entry.name) for entry in os.scandir("/proc") if entry.name.isdigit()]


def open_files() -> int:
    return sum(1 for _ in os.scandir("/proc/self/fd"))


def parent_of(pid: int) -> int:
    """Return the parent of a process, a dead one that nobody has noticed included; 0 for none."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def session_of(pid: int) -> int:
    """Return the session of a living process, 0 for none."""
    try:
        state, _, _, session, *_ = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return 0 if state == "Z" else int(session)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - the kernel tells nobody about foreign processes
            await asyncio.sleep(0.01)


async def pids(shell: Shell, count: int = 1) -> list[int]:
    """Wait until a command has written its process ids to a file of the workspace."""
    file = shell.workspace / "pids"
    await until(lambda: file.exists() and len(file.read_text().split("\n")) > count)
    return [int(word) for word in file.read_text().split()]


async def test_both_outputs_come_in_order_with_the_exit_code(shell: Shell):
    text = await shell("echo one; echo two >&2; echo three; exit 3")
    assert text == "one\ntwo\nthree\n[exit code 3]"


async def test_a_command_sees_a_pinned_environment_and_nothing_of_the_daemon(
    make: Make, monkeypatch: pytest.MonkeyPatch
):
    for name in ("HERMES_HOME", "HERMES_TOKEN", "OPENAI_API_KEY", "BASH_ENV", "LD_PRELOAD", "BASH_FUNC_ls%%"):
        monkeypatch.setenv(name, "planted")
    shell = make(path="/usr/bin:/bin", environment={"LANG": "C", "MINE": "1"})
    shown = (await shell("env")).splitlines()[:-1]
    lines = {name: value for name, _, value in (line.partition("=") for line in shown)}
    assert "planted" not in lines.values()
    assert (lines["PATH"], lines["LANG"], lines["MINE"]) == ("/usr/bin:/bin", "C", "1")
    assert lines["HOME"] == str(Path.home())
    assert set(lines) <= {
        *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TERM", "PAGER", "GIT_PAGER"),
        *("GIT_TERMINAL_PROMPT", "MINE", "COMMAND_ID", "PWD", "SHLVL", "_"),
    }


async def test_the_folder_and_variables_hold_for_later_commands_of_the_session_alone(shell: Shell):
    (shell.workspace / "sub").mkdir()
    assert f"starts in {shell.workspace}/sub]" in await shell("cd sub")
    await shell("export NAME='x y'")
    assert await shell('echo "$PWD $NAME"') == f"{shell.workspace}/sub x y\n[exit code 0]"
    elsewhere = await shell.use("terminal", session="s_2", command='echo "$PWD $NAME."')
    assert elsewhere == f"{shell.workspace} .\n[exit code 0]"
    await shell("unset NAME")
    assert await shell('echo "$NAME."') == ".\n[exit code 0]"
    assert "no such folder\n[exit code 1]" in await shell("cd nowhere")
    (shell.workspace / "sub").rmdir()
    assert await shell("pwd") == f"{shell.workspace}\n[exit code 0]"


async def test_nothing_else_holds(shell: Shell):
    (shell.workspace / "sub").mkdir()
    await shell("cd sub && export A=1; alias ls=false; ls() { false; }; export -f ls; set -e")
    assert await shell('echo "$PWD $A"; type -t ls') == f"{shell.workspace} \nfile\n[exit code 0]"


async def test_the_state_of_a_session_is_part_of_the_action(shell: Shell):
    (shell.workspace / ".git").mkdir()
    (shell.workspace / ".git" / "HEAD").write_text("ref: refs/heads/feature/x\n")
    (shell.workspace / "sub").mkdir()
    await shell("cd sub")
    await shell("export A=1")
    tool = shell.runner.toolbox.tool("terminal")
    assert tool.action is not None
    action = await tool.action(shell.context(), {"command": "make  test ", "timeout": 9})
    assert action.text == "make  test "
    assert action.arguments == '{"command":"make  test ","timeout":9}'
    assert (action.cwd, action.workspaces) == (f"{shell.workspace}/sub", (str(shell.workspace),))
    assert (action.environment, action.branch) == ((("A", "1"),), "feature/x")
    assert action.host
    assert action.editable == "command"


async def test_an_approved_simple_command_runs_as_its_words_without_a_shell(shell: Shell):
    argv = ("python3", "-c", "import sys; print(sys.argv[1:])", "$HOME", "*", ";", "a b", "")
    result = await shell.approved("ignored", argv=argv, binary=sys.executable)
    assert result == CallResult("['$HOME', '*', ';', 'a b', '']\n[exit code 0]", 0)


async def test_an_approved_text_runs_in_bash_byte_for_byte(shell: Shell):
    text = "-n () { echo \"dash $0 é\"; }; -n # 'comment\n\necho \\\n  $'\\x41' $FROM"
    result = await shell.approved(text, environment=(("FROM", "action"),))
    assert result.text.endswith("A action\n[exit code 0]")
    assert "dash bash é" in result.text or "dash /bin/bash é" in result.text


async def test_an_approved_call_asks_no_gate_writes_no_journal_and_keeps_its_folder(shell: Shell):
    await shell("cd /")
    asked = len(shell.ports.gate.asked)
    begun = len(shell.ports.journal.begun)
    assert (await shell.approved("pwd")).text == f"{shell.workspace}\n[exit code 0]"
    assert len(shell.ports.gate.asked) == asked
    assert len(shell.ports.journal.begun) == begun


async def test_a_folder_that_is_gone_and_a_program_that_is_gone_are_results(shell: Shell):
    missing = await shell.approved("x", argv=("x",), binary=str(shell.workspace / "x"))
    assert missing.exit_code == 127
    (shell.workspace / "x").write_text("#!/bin/sh\n")
    refused = await shell.approved("x", argv=("x",), binary=str(shell.workspace / "x"))
    assert refused.exit_code == 126
    shell.workspace.joinpath("x").unlink()
    shell.workspace.rmdir()
    assert "does not exist any more" in (await shell.approved("pwd")).text


async def test_without_a_gate_nothing_runs(shell: Shell):
    tool = shell.runner.toolbox.tool("terminal")
    unguarded = Toolbox([tool], shell.ports.journal, AgentSettings())
    assert "without the approval gate" in await unguarded.carry_out(
        tool, {"command": "touch ran"}, shell.context()
    )
    assert not (shell.workspace / "ran").exists()


async def test_a_user_may_not_use_it(shell: Shell):
    assert "for operators" in await shell.use("terminal", role=Role.USER, command="touch ran")
    assert not (shell.workspace / "ran").exists()


@pytest.mark.parametrize(
    ("command", "said"),
    [("", "is empty"), ("  \n", "is empty"), ("echo \0", "zero character"), ("x" * 100_001, "is longer")],
)
async def test_what_is_no_command_is_refused(shell: Shell, command: str, said: str):
    assert said in await shell(command)


async def test_there_is_no_keyboard(shell: Shell):
    assert await shell("cat; read x; echo $?; tty") == "1\nnot a tty\n[exit code 1]"


async def test_bytes_that_are_no_text_do_no_harm(shell: Shell):
    assert await shell("printf 'a\\377b\\n'") == "a\N{REPLACEMENT CHARACTER}b\n[exit code 0]"
    assert await shell("head -c 300 /dev/zero") == "[300 bytes that are not text]\n[exit code 0]"


async def test_a_time_limit_ends_a_command_with_everything_it_started(shell: Shell):
    command = (
        "echo $$ >> pids; (setsid sleep 60 & echo $! >> pids); set -m; sleep 60 & echo $! >> pids; sleep 60"
    )
    text = await shell(command, timeout=0.5)
    assert text == "[ended after 0.5 seconds: its time was over]\n[exit code 143]"
    assert not any(alive(pid) for pid in await pids(shell, 3))


async def test_a_command_that_closes_its_output_is_still_watched(shell: Shell):
    assert "its time was over" in await shell("exec >&- 2>&-; sleep 60", timeout=0.3)


async def test_a_command_that_ignores_the_request_is_killed(shell: Shell):
    assert "[exit code 137]" in await shell("trap '' TERM; sleep 60; sleep 60", timeout=0.2)


async def test_the_time_asked_for_has_a_limit(make: Make):
    assert "after 0.3 seconds" in await make(longest=0.3)("sleep 60", timeout=1000)


async def test_what_a_command_leaves_behind_is_ended(shell: Shell):
    text = await shell("sleep 60 & echo $! >> pids; echo done")
    assert text == "done\n[what it left running was ended; background is for that]\n[exit code 0]"
    assert not any(alive(pid) for pid in await pids(shell))


async def test_a_stopped_turn_ends_its_command(shell: Shell):
    running = asyncio.create_task(shell("echo $$ >> pids; (setsid sleep 60 & echo $! >> pids); sleep 60"))
    found = await pids(shell, 2)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await until(lambda: not any(alive(pid) for pid in found))


async def test_a_program_that_forks_without_end_ends_with_its_time(shell: Shell):
    forks = "echo $$ >> pids; trap '' TERM; f() { sleep 0.02; f & sleep 0.02; f; }; f & f"
    assert "its time was over" in await shell(forks, timeout=0.4)
    (first,) = await pids(shell)
    assert not any(session_of(pid) == first for pid in processes())


async def test_a_flood_is_shown_by_its_ends_and_kept_up_to_a_limit(make: Make):
    shell = make(keep_output=1_000_000)
    text = await shell("echo begin; head -c 100000000 /dev/zero | tr '\\0' 'x'; echo; echo end")
    assert text.startswith("begin\nx")
    assert text.endswith("x\nend\n[exit code 0]")
    assert len(text) <= 2000
    kept = list((shell.home / "media" / "s_1").iterdir())
    assert [file.stat().st_size for file in kept] == [1_000_000]
    assert str(kept[0]) in text


async def test_a_kept_output_can_be_read_by_its_own_session_alone(shell: Shell):
    await shell("seq 2000")
    (kept,) = (shell.home / "media" / "s_1").iterdir()
    assert (await shell.use("read_file", path=str(kept), first_line=1999)) == "1999\n2000\n"
    assert "outside the workspace" in await shell.use("read_file", session="s_2", path=str(kept))
    assert "outside the workspace" in await shell.use("read_file", path=str(kept.parent / "../../secret"))


async def test_the_last_line_shows_while_it_runs(shell: Shell):
    await shell("echo compiling; sleep 0.8")
    assert shell.surface.activities == [
        "$ echo compiling; sleep 0.8",
        "$ echo compiling; sleep 0.8: compiling",
    ]


async def test_no_core_file_is_left(shell: Shell):
    assert "0" in await shell("ulimit -c; kill -SEGV $$")
    assert not list(shell.workspace.glob("core*"))


async def test_many_commands_leave_no_process_and_no_open_file(shell: Shell):
    await shell("true")
    before = open_files()
    await asyncio.gather(*(shell(f"echo {number}") for number in range(20)))
    assert open_files() <= before + 2
    assert not [pid for pid in processes() if parent_of(pid) == os.getpid()]


async def test_a_background_process_is_seen_by_its_session_and_ended(shell: Shell):
    assert "p1" in await shell("echo ready; echo $$ >> pids; sleep 60", background=True)
    (pid,) = await pids(shell)
    state = "[p1 runs: 'echo ready; echo $$ >> pids; sleep 60']"
    assert await shell.use("process_poll", id="p1", seconds=0.2) == f"ready\n{state}"
    assert await shell.use("process_poll", id="p1") == f"(nothing new was written)\n{state}"
    assert "no process p1" in await shell.use("process_poll", session="s_2", id="p1")
    assert "no process p1" in await shell.use("process_kill", session="s_2", id="p1")
    assert alive(pid)
    assert "It was ended.\n[p1 ended, exit code 143" in await shell.use("process_kill", id="p1")
    assert not alive(pid)
    assert "had ended already" in await shell.use("process_kill", id="p1")


async def test_a_look_can_wait_for_the_end(shell: Shell):
    await shell("sleep 0.2; echo done; exit 4", background=True)
    assert "done\n[p1 ended, exit code 4" in await shell.use("process_poll", id="p1", seconds=20)


async def test_background_processes_are_few(make: Make):
    shell = make(background=1)
    await shell("sleep 60", background=True)
    assert "1 background processes run already: p1." in await shell("sleep 60", background=True)
    await shell.use("process_kill", id="p1")
    assert "p2" in await shell("sleep 60", background=True)


async def test_everything_ends_with_the_daemon(shell: Shell):
    await shell("echo $$ >> pids; sleep 60", background=True)
    running = asyncio.create_task(shell("echo $$ >> pids; trap '' TERM; sleep 60"))
    found = await pids(shell, 2)
    await shell.ports.processes.close()
    assert not any(alive(pid) for pid in found)
    assert "[exit code 1" in await running
    assert "is stopping" in await shell("echo more")
