"""What every command is given and what a repository says about itself; nothing of the daemon's own environment."""

import os
import pwd
import socket
from pathlib import Path

from agent.settings import TerminalSettings

SHELL = "/bin/bash"
SHELL_OPTIONS = ("--noprofile", "--norc")
# Linux takes no single argument of more than 128 KiB.
LONGEST_COMMAND = 100_000
LONGEST_HEAD = 4096
BRANCH = "ref: refs/heads/"


def user_name() -> str:
    """Return the name of the user that commands run as."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        # A container may run under a number that has no name.
        return str(os.getuid())


def pinned(settings: TerminalSettings) -> dict[str, str]:
    """Return the environment that every command starts with, the session's own variables left out."""
    user = user_name()
    return {
        "PATH": settings.path,
        "HOME": str(Path.home()),
        "USER": user,
        "LOGNAME": user,
        "SHELL": SHELL,
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "PAGER": "cat",
        "GIT_PAGER": "cat",
        "GIT_TERMINAL_PROMPT": "0",
        **settings.environment,
    }


def host() -> str:
    """Return the name of this machine."""
    return socket.gethostname()


def place(kept: str, workspace: Path) -> tuple[str, str, str]:
    """Return the real folder a command starts in, the real workspace, and the git branch of the folder.

    A kept folder that is gone gives way to the workspace, which is made where it is missing.
    """
    workspace.mkdir(parents=True, exist_ok=True)
    inside = os.path.realpath(workspace)
    folder = os.path.realpath(kept) if kept and Path(kept).is_dir() else inside
    return folder, inside, branch(folder)


def branch(folder: str) -> str:
    """Return the git branch that is checked out in ``folder`` or above it; empty where there is none."""
    for place in (Path(folder), *Path(folder).parents):
        mark = place / ".git"
        if not mark.exists():
            continue
        return _head(mark)
    return ""


def _head(mark: Path) -> str:
    try:
        if mark.is_file():
            # A worktree or submodule names its real folder in a file.
            linked = mark.read_text(errors="replace")[:LONGEST_HEAD].removeprefix("gitdir:").strip()
            mark = Path(mark.parent, linked)
        with (mark / "HEAD").open(errors="replace") as file:
            head = file.read(LONGEST_HEAD).strip()
    except OSError:
        return ""
    return head.removeprefix(BRANCH) if head.startswith(BRANCH) else ""
