"""The terminals of a coding agent: each is one call of our own tool, judged by the gate before it runs."""

import asyncio
import contextlib
import re
import shlex
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass

from acp.exceptions import RequestError

from kernel.approvals import CallResult
from kernel.ids import new_id

MOST = 64
LAST_LINE = re.compile(r"\n?\[exit code (\d+)[^\]]*\]\s*$")
KILLED = 137
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

Run = Callable[[str], Coroutine[None, None, CallResult]]


@dataclass(slots=True)
class _Terminal:
    task: asyncio.Task[CallResult]
    limit: int


class Terminals:
    """The commands that a coding agent has started; ``run(command)`` carries one out and returns its result."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._open: dict[str, _Terminal] = {}

    @property
    def busy(self) -> bool:
        """Whether a command runs."""
        return any(not terminal.task.done() for terminal in self._open.values())

    def create(self, command: str, limit: int | None) -> str:
        """Begin a command and return its terminal; raise RequestError when too many are open."""
        if len(self._open) >= MOST:
            raise RequestError.invalid_params({"details": f"{MOST} terminals are open; release one."})
        id = new_id("term")
        task = asyncio.create_task(self._run(command))  # noqa: TID251 - kept, ended by release and close
        self._open[id] = _Terminal(task, limit or 1_000_000)
        return id

    def output(self, id: str) -> tuple[str, bool, int | None]:
        """Return what was written, whether the beginning was cut off, and the exit code once there is one."""
        terminal = self._find(id)
        if not terminal.task.done():
            return "", False, None
        text, code = _result(terminal.task)
        kept = text.encode()[-terminal.limit :].decode(errors="ignore")
        return kept, len(kept) < len(text), code

    async def wait(self, id: str) -> int:
        """Wait for the end of a command and return its exit code."""
        task = self._find(id).task
        await asyncio.wait((task,))
        return _result(task)[1]

    async def kill(self, id: str) -> None:
        """End a command; its terminal stays."""
        task = self._find(id).task
        task.cancel()
        await asyncio.wait((task,))

    async def release(self, id: str) -> None:
        """End a command and forget its terminal."""
        await self.kill(id)
        self._open.pop(id, None)

    async def close(self) -> None:
        """End everything."""
        for id in list(self._open):
            with contextlib.suppress(RequestError):
                await self.release(id)

    def _find(self, id: str) -> _Terminal:
        if (found := self._open.get(id)) is None:
            raise RequestError.resource_not_found(id)
        return found


def _result(task: asyncio.Task[CallResult]) -> tuple[str, int]:
    if task.cancelled():
        return "[ended]", KILLED
    if (error := task.exception()) is not None:
        return f"Failed: {error}", 1
    result = task.result()
    match = LAST_LINE.search(result.text)
    code = result.exit_code if result.exit_code is not None else int(match[1]) if match else 1
    return LAST_LINE.sub("", result.text), code


def line(command: str, words: Sequence[str], variables: Sequence[tuple[str, str]], folder: str) -> str:
    """Return the one text of a command with its variables and its folder, as it is judged and run.

    A ``command`` without words is a text for the shell, as the protocol's clients take it.
    """
    if any(not NAME.fullmatch(name) for name, _ in variables):
        raise RequestError.invalid_params({"details": "A variable has a name that no shell takes."})
    text = f"{shlex.quote(command)} {shlex.join(words)}" if words else command
    given = "".join(f"export {name}={shlex.quote(value)}; " for name, value in variables)
    place = f"cd {shlex.quote(folder)} && " if folder else ""
    return f"{place}{given}{text}"
