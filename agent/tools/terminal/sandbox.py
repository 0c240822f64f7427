"""The sandbox: bubblewrap around a command, so that it can write to its workspace and never sees Hermes' home."""

import asyncio
import logging
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from agent.settings import TerminalSettings
from agent.tools.terminal.command import Plan
from kernel.errors import AccessDenied

log = logging.getLogger("hermes.agent")

PROGRAM = "bwrap"
TRY_SECONDS = 10.0


@dataclass(slots=True)
class Sandbox:
    """Wraps plans as the settings say; ``home`` is Hermes' own folder, which no command sees."""

    settings: TerminalSettings
    home: Path
    _works: bool | None = None

    async def wrapped(self, plan: Plan, workspace: Path) -> Plan:
        """Return the plan in a sandbox where one is asked for; raise AccessDenied where it is required and missing."""
        if self.settings.sandbox == "off":
            return plan
        if self._works is None:
            self._works = await _works()
        if self._works:
            return self._around(plan, workspace)
        if self.settings.sandbox == "required":
            raise AccessDenied(
                "Commands run in a sandbox only, and bubblewrap does not work on this machine.",
                remedy="Install it, or set agent.tools.terminal.sandbox to auto.",
            )
        log.warning("Commands run without a sandbox: bubblewrap does not work on this machine.")
        return plan

    def _around(self, plan: Plan, workspace: Path) -> Plan:
        words = [
            PROGRAM,
            *("--die-with-parent", "--unshare-pid", "--unshare-ipc", "--unshare-uts"),
            *(() if self.settings.network else ("--unshare-net",)),
            *("--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--bind", "/tmp", "/tmp"),  # noqa: S108 - theirs
        ]
        for folder in self.settings.writable:
            words += ["--bind-try", folder, folder]
        words += ["--tmpfs", str(self.home.resolve())]
        inside = str(workspace.resolve())
        words += ["--bind", inside, inside, "--remount-ro", str(self.home.resolve())]
        words += ["--chdir", plan.cwd, "--", plan.program, *plan.argv[1:]]
        return replace(plan, argv=tuple(words), program=_program())


def _program() -> str:
    return shutil.which(PROGRAM, path="/usr/local/bin:/usr/bin:/bin") or PROGRAM


async def _works() -> bool:
    """Tell whether bubblewrap is there and may do its work: some systems forbid what it needs."""
    if not Path(_program()).is_absolute():
        return False
    words = (
        _program(),
        "--unshare-pid",
        "--ro-bind",
        "/",
        "/",
        "--proc",
        "/proc",
        "--dev",
        "/dev",
        "--",
        "/bin/true",
    )
    null = asyncio.subprocess.DEVNULL
    try:
        process = await asyncio.create_subprocess_exec(*words, stdin=null, stdout=null, stderr=null)
        async with asyncio.timeout(TRY_SECONDS):
            return await process.wait() == 0
    except (OSError, TimeoutError):
        return False
