"""Programs that recipes start: with a minimal environment, without a terminal, and ended with what they started."""

import asyncio
import contextlib
import signal
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from agent.tools.terminal.surroundings import user_name
from agent.tools.terminal.sweep import end_group
from cron.recipe import RecipeFailed

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
GRACE = 2.0
LONGEST_OUTPUT = 16_000_000


@dataclass(frozen=True, slots=True)
class Finished:
    """How a program ended and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """The last line of what it said of itself."""
        lines = (self.err.strip() or self.out.strip()).splitlines()
        return lines[-1][:500] if lines else f"it ended with {self.code}"


def environment(**more: str) -> dict[str, str]:
    """Return the environment of a program: nothing of the daemon's own, so no token is among it."""
    user = user_name()
    return {
        "PATH": PATH,
        "HOME": str(Path.home()),
        "USER": user,
        "LOGNAME": user,
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        **more,
    }


async def run(*words: str, given: str = "", env: Mapping[str, str] | None = None) -> Finished:
    """Run a program to its end; raise RecipeFailed where it is not installed.

    Whoever waits for it sets the time; when they are cancelled, the program ends with all it has started.
    """
    # What a program reads is a file and no pipe: one that ends without reading it breaks nothing.
    with tempfile.TemporaryFile() as read:
        read.write(given.encode())
        read.seek(0)
        process = await _started(words, environment() if env is None else env, read)
    try:
        out, err = await process.communicate()
    finally:
        await _ended(process)
    if len(out) > LONGEST_OUTPUT:
        raise RecipeFailed(f"{words[0]} wrote more than {LONGEST_OUTPUT:,} bytes.")
    return Finished(process.returncode or 0, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"))


async def _started(
    words: Sequence[str], env: Mapping[str, str], read: IO[bytes]
) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    try:
        return await asyncio.create_subprocess_exec(
            *words, env=dict(env), stdin=read, stdout=pipe, stderr=pipe, start_new_session=True
        )
    except OSError as error:
        raise RecipeFailed(f"{words[0]} cannot be started: {error.strerror}.") from error


async def _ended(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    end_group(process.pid, signal.SIGTERM)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(GRACE):
            await process.wait()
    if process.returncode is None:
        end_group(process.pid, signal.SIGKILL)
        await process.wait()
