"""The tools of the terminal: run a command, look at what runs in the background, end it."""

import asyncio
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from agent.settings import TerminalSettings, ToolSettings
from agent.tools.terminal import station, surroundings
from agent.tools.terminal.command import Ending, Plan
from agent.tools.terminal.output import Output
from agent.tools.terminal.processes import Background, Processes
from agent.tools.terminal.sandbox import Sandbox
from kernel.approvals import Action, ActionKind, CallResult, arguments_text
from kernel.errors import AccessDenied, InvalidInput
from kernel.ids import new_id
from kernel.people import Role
from kernel.ports import Shelf
from kernel.specs import Tool
from kernel.turns import ToolContext

NAME = "terminal"
SHELF = "terminal"
# Room for what is said below an output, within the limit of a tool's output.
ROOM = 700
SHOWN_COMMAND = 60
LONGEST_POLL = 60.0
# What a shell answers with when a program is missing or cannot be started.
NOT_FOUND, NOT_STARTED = 127, 126


@dataclass(frozen=True, slots=True)
class Terminal:
    """Runs what was approved; ``media`` is the folder that keeps outputs too long to be shown, by session."""

    settings: ToolSettings
    shelf: Shelf
    processes: Processes
    sandbox: Sandbox
    media: Path

    async def action(self, context: ToolContext, arguments: Mapping[str, Any]) -> Action:
        """Say exactly what a call would do: the text, the folder it starts in and the variables it gets."""
        text = str(arguments["command"])
        _check(text)
        request = context.request
        kept = station.parse(await self.shelf.get(request.session_id, SHELF))
        place, workspace, branch = await asyncio.to_thread(surroundings.place, kept.cwd, request.workspace)
        return Action(
            ActionKind.TERMINAL,
            NAME,
            arguments_text(arguments),
            text,
            effect="background" if arguments.get("background") else "",
            cwd=place,
            environment=kept.environment,
            workspaces=(workspace,),
            branch=branch,
            host=surroundings.host(),
            editable="command",
        )

    async def run(self, context: ToolContext, seconds: float | None, *, background: bool) -> CallResult:
        """Carry out the approved action of a call."""
        action = context.approved
        if action is None:
            raise AccessDenied("No command runs without the approval gate.")
        _check_folder(action.cwd)
        known = {**surroundings.pinned(self.settings.terminal), **dict(action.environment)}
        words = None if background else station.plain_words(action.text, known)
        if words is not None and (result := await self._stand(context, action, words, known["HOME"])):
            return result
        try:
            return await self._process(context, action, known, self._seconds(seconds), background=background)
        except OSError as error:
            missing = isinstance(error, FileNotFoundError)
            said = error.strerror or type(error).__name__
            return CallResult(f"It could not be started: {said}.", NOT_FOUND if missing else NOT_STARTED)

    async def _stand(
        self, context: ToolContext, action: Action, words: list[str], home: str
    ) -> CallResult | None:
        """Carry out a plain cd, export or unset; ``None`` for what only a shell understands."""
        session = context.request.session_id
        kept = station.parse(await self.shelf.get(session, SHELF))
        try:
            now = station.changed(kept, words, action.cwd, home)
        except InvalidInput as error:
            return CallResult(f"{error}\n[exit code 1]", 1)
        if now is None:
            return None
        await self.shelf.put(session, SHELF, now.as_text())
        return CallResult(f"[exit code 0, the next command starts in {now.cwd or action.cwd}]", 0)

    async def _process(
        self, context: ToolContext, action: Action, known: dict[str, str], seconds: float, *, background: bool
    ) -> CallResult:
        bare = _plan(action, known)
        plan = await self.sandbox.wrapped(bare, context.request.workspace)
        output = self._output(context)
        if background:
            most = self.settings.terminal.background
            started = await self.processes.launch(
                context.request.session_id, action.text, plan, output, most=most
            )
            return CallResult(f"Started in the background as {started.id}; process_poll shows how it fares.")
        title = _title(action.text)

        def tell(line: str) -> None:
            context.io.activity(f"{title}: {line}" if line else title)

        ending = await self.processes.run(plan, output, seconds, tell)
        if plan is not bare:
            # The sandbox's own first process ends a moment after the command; that is no news.
            ending = replace(ending, left=False)
        said = "\n".join(_said(ending, seconds))
        return CallResult("\n".join(part for part in (output.text().rstrip("\n"), said) if part), ending.code)

    def _output(self, context: ToolContext) -> Output:
        file = self.media / context.request.session_id / f"{new_id('output')}.txt"
        return Output(file, max(100, self.settings.output - ROOM), self.settings.terminal.keep_output)

    def _seconds(self, asked: float | None) -> float:
        limits = self.settings.terminal
        return min(asked or limits.timeout, limits.longest)

    async def poll(self, context: ToolContext, number: str, seconds: float) -> CallResult:
        """Say how a background process fares, and what it has written since the last time."""
        process = self.processes.find(context.request.session_id, number)
        if process.ending is None and seconds:
            await asyncio.wait((process.life,), timeout=min(seconds, LONGEST_POLL))
        text = process.command.output.since(process.shown).rstrip("\n")
        process.shown = process.command.output.size
        return _state(process, text or "(nothing new was written)")

    async def kill(self, context: ToolContext, number: str) -> CallResult:
        """End a background process."""
        process = self.processes.find(context.request.session_id, number)
        if process.ending is not None:
            return _state(process, "It had ended already.")
        process.command.stop()
        await asyncio.shield(process.life)
        return _state(process, "It was ended.")


def terminal_tools(settings: TerminalSettings, terminal: Terminal) -> Sequence[Tool]:
    """Return ``terminal``, ``process_poll`` and ``process_kill``; nothing where the settings switch them off."""
    if not settings.enabled:
        return ()

    async def action(context: ToolContext, arguments: Mapping[str, Any]) -> Action:
        return await terminal.action(context, arguments)

    async def run(
        context: ToolContext,
        command: Annotated[str, Field(description="A command, or a whole script, for bash.")],
        timeout: Annotated[  # noqa: ASYNC109 - an argument of the model, not of a caller
            float | None, Field(description="Seconds it may take; more than the default for long work.", gt=0)
        ] = None,
        background: Annotated[
            bool, Field(description="Start it and return at once; process_poll and process_kill take its id.")
        ] = False,
    ) -> CallResult:
        """Run a command in a fresh shell and return what it wrote and its exit code.

        Every command starts anew: only a command that is nothing but cd, export or unset changes where later ones
        start and the variables they get. There is no keyboard. A person may have to approve a command first.
        """
        del command
        return await terminal.run(context, timeout, background=background)

    async def process_poll(
        context: ToolContext,
        id: Annotated[str, Field(description="Id of a background process, such as p1.")],
        seconds: Annotated[float, Field(description="Wait at most so long for its end.", ge=0)] = 0,
    ) -> CallResult:
        """Show how a background process fares and what it wrote since the last look."""
        return await terminal.poll(context, id, seconds)

    async def process_kill(
        context: ToolContext,
        id: Annotated[str, Field(description="Id of a background process, such as p1.")],
    ) -> CallResult:
        """End a background process and everything it has started."""
        return await terminal.kill(context, id)

    return (
        Tool(
            NAME,
            run,
            idempotent=False,
            label=lambda arguments: _title(str(arguments.get("command", ""))),
            action=action,
            role=Role.OPERATOR,
            keeps_time=True,
        ),
        Tool(
            "process_poll",
            process_poll,
            idempotent=True,
            label=lambda arguments: f"looking at {arguments.get('id', '')}",
            role=Role.OPERATOR,
        ),
        Tool(
            "process_kill",
            process_kill,
            idempotent=True,
            label=lambda arguments: f"ending {arguments.get('id', '')}",
            role=Role.OPERATOR,
        ),
    )


def _check(text: str) -> None:
    if not text.strip():
        raise InvalidInput("The command is empty.")
    if "\0" in text:
        raise InvalidInput("A command holds no zero character.")
    if len(text.encode(errors="surrogatepass")) > surroundings.LONGEST_COMMAND:
        raise InvalidInput(
            f"The command is longer than {surroundings.LONGEST_COMMAND:,} bytes.",
            remedy="Write a script to the workspace and run that.",
        )


def _check_folder(cwd: str) -> None:
    if not Path(cwd).is_dir():
        raise InvalidInput(f"The folder {cwd} does not exist any more.")


def _plan(action: Action, environment: Mapping[str, str]) -> Plan:
    """Return what is started: the resolved words without a shell where there are any, else bash with the exact text."""
    if action.argv is not None and action.binary:
        return Plan(action.argv, action.binary, action.cwd, environment)
    # The two dashes keep a text that begins with one from being an option.
    words = ("bash", *surroundings.SHELL_OPTIONS, "-c", "--", action.text)
    return Plan(words, surroundings.SHELL, action.cwd, environment)


def _title(text: str) -> str:
    line = " ".join(text.split())
    return f"$ {line if len(line) <= SHOWN_COMMAND else f'{line[: SHOWN_COMMAND - 1]}…'}"


def _said(ending: Ending, seconds: float) -> list[str]:
    """Return what is said below an output."""
    lines: list[str] = []
    if ending.timed_out:
        lines.append(f"[ended after {seconds:g} seconds: its time was over]")
    if ending.left and not ending.timed_out:
        lines.append("[what it left running was ended; background is for that]")
    return [*lines, f"[exit code {ending.code}]"]


def _state(process: Background, text: str) -> CallResult:
    ending = process.ending
    state = "runs" if ending is None else f"ended, exit code {ending.code}"
    return CallResult(
        f"{text}\n[{process.id} {state}: {shlex.quote(_title(process.text)[2:])}]",
        None if ending is None else ending.code,
    )
