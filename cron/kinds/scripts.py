"""Scripts: judged like every command of an agent, run with a minimal environment, their two outputs kept apart."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable
from pathlib import Path

from agent.tools.terminal import surroundings
from agent.tools.terminal.command import Plan
from agent.tools.terminal.sweep import MARK, end_group, sweep
from approvals.requests import Asker
from cron.room import Room
from cron.settings import SECOND_MS
from cron.whereabouts import own_chat
from kernel.approvals import Action, ActionKind, Approval, ApprovedCall, CallResult, arguments_text
from kernel.ids import new_id
from kernel.people import Role
from kernel.schedules import Fire, Schedule
from store.units import Unit

TOOL = "cron_script"
GRACE = 2.0
CHUNK = 65536
MORE_THAN_SHOWN = 4
CANNOT_START = 126
TIMED_OUT = 124


def requester(schedule: Schedule) -> str:
    """Return who asks for what a job wants to do: nobody who could decide it."""
    return f"cron:{schedule.id}"


async def action_of(room: Room, schedule: Schedule, text: str) -> Action:
    """Return exactly what running a script would do."""
    folder = Path(schedule.job.folder) if schedule.job.folder else room.ports.workspace("")
    place, workspace, branch = await asyncio.to_thread(surroundings.place, "", folder)
    seconds = room.settings.timeout_ms(schedule.job.kind, schedule.job.timeout) / SECOND_MS
    return Action(
        ActionKind.TERMINAL,
        TOOL,
        arguments_text({"command": text, "seconds": seconds}),
        text,
        cwd=place,
        workspaces=(workspace,),
        branch=branch,
        host=surroundings.host(),
        editable="command",
    )


def asker(schedule: Schedule, fire: Fire) -> Asker:
    """Return who asks, for whom, and where the answer matters."""
    place = schedule.origin or own_chat(schedule)
    return Asker(requester(schedule), schedule.owner, place, call_key=f"cron:{fire.id}:{fire.attempts}")


async def judged(
    room: Room, schedule: Schedule, fire: Fire, action: Action, also: Callable[[Unit, Approval], None]
) -> Action | Approval:
    """Return the action as it may run now, or the request that waits for a person, stored together with ``also``."""
    refuse = schedule.job.risky == "refuse"
    return await room.ports.gate().attend(asker(schedule, fire), action, refuse=refuse, also=also)


class Scripts:
    """Runs scripts that the gate has let pass; it also carries out what a person approved."""

    def __init__(self, room: Room) -> None:
        self._room = room

    async def carry_out(self, call: ApprovedCall) -> CallResult:
        """Run the script of a request that was approved (``kernel.ports.ToolCaller``)."""
        if self._room.ports.principal_of(call.behalf).role < Role.OPERATOR:
            return CallResult(f"Failed: {call.behalf} may not run commands any more.", CANNOT_START)
        return await self.run(call.action, float(call.arguments.get("seconds", 600)))

    async def run(self, action: Action, seconds: float) -> CallResult:
        """Run a script to its end and return its standard output, or what it said of its failure."""
        shell = self._room.ports.shell()
        mark = new_id("c", 20)
        environment = {**shell.environment, **dict(action.environment), MARK: mark}
        plan = _plan(action, environment)
        if shell.wrapped is not None:
            plan = await shell.wrapped(plan, Path(action.workspaces[0] if action.workspaces else action.cwd))
        try:
            process = await asyncio.create_subprocess_exec(
                *plan.argv,
                executable=plan.program,
                cwd=plan.cwd,
                env=dict(plan.environment),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            return CallResult(
                f"It could not be started: {error.strerror or type(error).__name__}.", CANNOT_START
            )
        return await self._followed(process, mark, seconds)

    async def _followed(self, process: asyncio.subprocess.Process, mark: str, seconds: float) -> CallResult:
        limit = self._room.settings.output * MORE_THAN_SHOWN
        timed_out = False
        # Output is read until nobody can write it any more, but for not longer than the script and what it left lives.
        async with asyncio.TaskGroup() as group:
            readers = [
                group.create_task(_read(stream, limit))
                for stream in (process.stdout, process.stderr)
                if stream
            ]
            try:
                async with asyncio.timeout(seconds):
                    await process.wait()
            except TimeoutError:
                timed_out = True
            finally:
                await _ended(process, mark)
        out, err = (reader.result() for reader in readers)
        return _result(out, err, process.returncode or 0, seconds if timed_out else 0)


async def _ended(process: asyncio.subprocess.Process, mark: str) -> None:
    """End a process with everything it has started, also when whoever waits for it is cancelled."""
    if process.returncode is None:
        end_group(process.pid, signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GRACE):
                await process.wait()
        if process.returncode is None:
            end_group(process.pid, signal.SIGKILL)
            await process.wait()
    await asyncio.shield(asyncio.to_thread(sweep, process.pid, mark))


async def _read(stream: asyncio.StreamReader, limit: int) -> str:
    kept = bytearray()
    while chunk := await stream.read(CHUNK):
        kept += chunk[: max(0, limit - len(kept))]
    return kept.decode("utf-8", "replace").strip("\n")


def _plan(action: Action, environment: dict[str, str]) -> Plan:
    """Return what is started: the resolved words without a shell where there are any, else bash with the exact text."""
    if action.argv is not None and action.binary:
        return Plan(action.argv, action.binary, action.cwd, environment)
    words = ("bash", *surroundings.SHELL_OPTIONS, "-c", "--", action.text)
    return Plan(words, surroundings.SHELL, action.cwd, environment)


def _result(out: str, err: str, code: int, seconds: float) -> CallResult:
    if seconds:
        said = "\n".join(
            part for part in (err or out, f"[ended after {seconds:g} seconds: its time was over]") if part
        )
        return CallResult(said, TIMED_OUT)
    code = code if code >= 0 else 128 - code
    return CallResult(out if code == os.EX_OK else err or out, code)
