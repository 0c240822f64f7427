"""Our side of the protocol: what an agent may ask of its client, each answered through the gate and our tools."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from acp.exceptions import RequestError
from acp.schema import (
    AllowedOutcome,
    CreateTerminalResponse,
    DeniedOutcome,
    EnvVariable,
    KillTerminalResponse,
    PermissionOption,
    ReadTextFileResponse,
    ReleaseTerminalResponse,
    RequestPermissionResponse,
    TerminalExitStatus,
    TerminalOutputResponse,
    ToolCallUpdate,
    WaitForTerminalExitResponse,
    WriteTextFileResponse,
)

from agent.acp import judging, terminals
from agent.acp.errors import Withdrawn
from agent.acp.leave import Leave
from agent.acp.terminals import Terminals
from agent.acp.watching import Watch
from agent.toolbox import Toolbox
from agent.tools.places import inside
from agent.tools.terminal import surroundings
from kernel.approvals import CallResult
from kernel.errors import AccessDenied, HermesError, NotFound
from kernel.turns import Held, ToolContext

# Requests of one agent that may wait at a time; what it asks beyond is refused at once, and it is told why.
MOST_AT_ONCE = 128
LONGEST_FILE = 4_000_000


@dataclass(slots=True)
class Client:
    """Answers one agent; ``tool`` is the name its own calls go by, ``cancel`` stops what it does."""

    tool: str
    leave: Leave
    toolbox: Toolbox
    watch: Watch
    cancel: Callable[[], None]
    asking: int = 0
    terminals: Terminals | None = None

    def on_connect(self, conn: Any) -> None:
        """Take note of nothing: the connection belongs to the session."""

    async def session_update(self, session_id: str, update: Any, **_: Any) -> None:
        """Show what the agent says and does."""
        if session_id == self.leave.foreign:
            self.watch.take(update)

    async def request_permission(
        self, session_id: str, tool_call: ToolCallUpdate, options: list[PermissionOption], **_: Any
    ) -> RequestPermissionResponse:
        """Ask the gate for everything that the call would do; a person's answer chooses among the agent's options."""
        self._own(session_id)
        if self.asking >= MOST_AT_ONCE:
            self.watch.note(
                f"It asked for more than {MOST_AT_ONCE} permissions at once; the others were refused."
            )
            return _refused(options)
        self.asking += 1
        self.watch.act(f"asks to {tool_call.title or 'go on'}"[:80])
        try:
            return await self._permission(tool_call, options)
        except Withdrawn:
            self.cancel()
            return RequestPermissionResponse(outcome=DeniedOutcome(outcome="cancelled"))
        except HermesError as refused:
            self.watch.note(f"Refused: {refused}")
            return _refused(options)
        finally:
            self.asking -= 1

    async def _permission(
        self, call: ToolCallUpdate, options: list[PermissionOption]
    ) -> RequestPermissionResponse:
        asked = self.watch.call(call)
        workspace = self.leave.request.workspace
        for action in judging.actions_of(asked, self.tool, workspace, surroundings.host()):
            await self.leave.ask(action)
        # What a person allows for longer is a grant of ours: the agent goes on asking, and the gate lets it pass.
        return _allowed(options)

    def _own(self, session_id: str) -> None:
        if session_id != self.leave.foreign:
            raise RequestError.resource_not_found(session_id)

    async def read_text_file(
        self, session_id: str, path: str, line: int | None = None, limit: int | None = None, **_: Any
    ) -> ReadTextFileResponse:
        """Return a text file of the workspace."""
        self._own(session_id)
        self.watch.act(f"reading {Path(path).name}")
        try:
            text = await asyncio.to_thread(_read, self.leave.request.workspace, path)
        except (HermesError, OSError) as error:
            raise RequestError(-32000, str(error)) from error
        if line is None and limit is None:
            return ReadTextFileResponse(content=text)
        lines = text.splitlines(keepends=True)[max(0, (line or 1) - 1) :]
        return ReadTextFileResponse(content="".join(lines[:limit]))

    async def write_text_file(
        self, session_id: str, path: str, content: str, **_: Any
    ) -> WriteTextFileResponse:
        """Write a file with our own tool; elsewhere than in the workspace a person is asked first."""
        self._own(session_id)
        result = await self._use("write_file", {"path": path, "text": content})
        if not result.text.startswith("Wrote "):
            raise RequestError(-32000, result.text)
        return WriteTextFileResponse()

    async def create_terminal(
        self,
        session_id: str,
        command: str,
        args: list[str] | None = None,
        env: list[EnvVariable] | None = None,
        cwd: str | None = None,
        output_byte_limit: int | None = None,
        **_: Any,
    ) -> CreateTerminalResponse:
        """Run a command with our own terminal, judged like any other."""
        self._own(session_id)
        variables = [(one.name, one.value) for one in env or []]
        text = terminals.line(command, args or [], variables, cwd or str(self.leave.request.workspace))
        return CreateTerminalResponse(terminal_id=self._terminals().create(text, output_byte_limit))

    async def terminal_output(self, session_id: str, terminal_id: str, **_: Any) -> TerminalOutputResponse:
        """Return what a command has written once it has ended."""
        self._own(session_id)
        text, cut, code = self._terminals().output(terminal_id)
        status = None if code is None else TerminalExitStatus(exit_code=code)
        return TerminalOutputResponse(output=text, truncated=cut, exit_status=status)

    async def wait_for_terminal_exit(
        self, session_id: str, terminal_id: str, **_: Any
    ) -> WaitForTerminalExitResponse:
        """Wait for the end of a command."""
        self._own(session_id)
        return WaitForTerminalExitResponse(exit_code=await self._terminals().wait(terminal_id))

    async def kill_terminal(self, session_id: str, terminal_id: str, **_: Any) -> KillTerminalResponse:
        """End a command."""
        self._own(session_id)
        await self._terminals().kill(terminal_id)
        return KillTerminalResponse()

    async def release_terminal(self, session_id: str, terminal_id: str, **_: Any) -> ReleaseTerminalResponse:
        """End a command and forget its terminal."""
        self._own(session_id)
        await self._terminals().release(terminal_id)
        return ReleaseTerminalResponse()

    async def create_elicitation(self, message: str, mode: Any, **_: Any) -> Any:
        """Refuse a form: it is not offered."""
        del message, mode
        raise RequestError.method_not_found("elicitation/create")

    async def complete_elicitation(self, elicitation_id: str, **_: Any) -> None:
        """Take note of nothing: no form was shown."""

    async def ext_method(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """Refuse what is not part of the protocol."""
        del params
        raise RequestError.method_not_found(method)

    async def ext_notification(self, method: str, params: dict[str, Any]) -> None:
        """Leave out what is not part of the protocol."""

    def _terminals(self) -> Terminals:
        if self.terminals is None:
            self.terminals = Terminals(self._command)
        return self.terminals

    async def _command(self, command: str) -> CallResult:
        return await self._use("terminal", {"command": command})

    async def _use(self, name: str, arguments: dict[str, Any]) -> CallResult:
        """Carry out one of our tools; where a person has to decide, what the gate ran then is the result."""
        try:
            tool = self.toolbox.tool(name)
        except KeyError:
            return CallResult(f"Failed: {name} is switched off.")
        key = self.leave.key(name, repr(sorted(arguments.items())))
        try:
            context = ToolContext(self.leave.request, key, self.leave.io)
            return CallResult(await self.toolbox.carry_out(tool, arguments, context))
        except Held as held:
            return await self._held(held)
        except HermesError as error:
            return CallResult(f"Failed: {error}")

    async def _held(self, held: Held) -> CallResult:
        try:
            done = await self.leave.decided(held)
        except Withdrawn:
            self.cancel()
            return CallResult("Failed: it was stopped.")
        except AccessDenied as refused:
            return CallResult(f"Failed: {refused}")
        return CallResult(done.result, done.exit_code)

    @property
    def busy(self) -> bool:
        """Whether a command of it runs here."""
        return self.terminals is not None and self.terminals.busy

    async def close(self) -> None:
        """End the commands that run."""
        if self.terminals is not None:
            await self.terminals.close()


def _read(workspace: Path, path: str) -> str:
    file = inside(workspace, path)
    if not file.is_file():
        raise NotFound(f"There is no file {path}.")
    if file.stat().st_size > LONGEST_FILE:
        raise AccessDenied(f"{path} is larger than {LONGEST_FILE:,} bytes.")
    return file.read_bytes().decode(errors="replace")


def _allowed(options: list[PermissionOption]) -> RequestPermissionResponse:
    """Choose to allow it once: an agent that is told "always" would not ask again, and the gate would not be asked."""
    return _chosen(options, ("allow_once",))


def _refused(options: list[PermissionOption]) -> RequestPermissionResponse:
    return _chosen(options, ("reject_once", "reject_always"))


def _chosen(options: list[PermissionOption], kinds: tuple[str, ...]) -> RequestPermissionResponse:
    """Choose the first option of the first kind there is; where there is none, nothing is allowed."""
    for option in sorted(options, key=lambda one: one.kind, reverse=True):
        if option.kind in kinds:
            chosen = AllowedOutcome(outcome="selected", option_id=option.option_id)
            return RequestPermissionResponse(outcome=chosen)
    return RequestPermissionResponse(outcome=DeniedOutcome(outcome="cancelled"))
