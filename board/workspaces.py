"""Where an attempt works: a folder, a git worktree of its own, or an empty place."""

import asyncio
import shutil
import subprocess
from pathlib import Path

from board.room import Room
from kernel.errors import InvalidInput, SpawnFailed
from kernel.people import Principal, Role
from kernel.tasks import Attempt, Brief, Workspace

GIT_SECONDS = 60
# A label that names the commit or branch which a worktree begins at.
BASE = "base:"
SHOWN = 300


def branch_of(task_id: int, epoch: int) -> str:
    """Return the name of the branch that an attempt commits to."""
    return f"hermes/task-{task_id}-{epoch}"


def checked(room: Room, project: str, principal: Principal) -> str:
    """Return a project's folder as it is stored; raise InvalidInput where tasks may not name it.

    The folder is one that the settings list, or lies in one; an owner may name any but the board's own.
    """
    if not project:
        return ""
    folder = Path(project).expanduser().resolve()
    if not folder.is_dir():
        raise InvalidInput(f"There is no folder {project}.")
    own = room.home.parent.resolve()
    if folder.is_relative_to(own) and not folder.is_relative_to(room.workspace.resolve()):
        raise InvalidInput(f"{project} belongs to Hermes itself.")
    listed = (room.workspace, *room.projects)
    if principal.role is not Role.OWNER and not any(folder.is_relative_to(one.resolve()) for one in listed):
        raise InvalidInput(
            f"{project} is none of the folders that agents may work in.",
            remedy="workspace.projects in the settings lists them.",
        )
    return str(folder)


async def prepare(room: Room, task_id: int, epoch: int, brief: Brief) -> Path:
    """Return the folder for an attempt, made where it is missing; raise SpawnFailed."""
    try:
        return await asyncio.to_thread(_prepared, room, task_id, epoch, brief)
    except OSError as error:
        raise SpawnFailed(f"The workspace could not be made: {error}.") from error


def _prepared(room: Room, task_id: int, epoch: int, brief: Brief) -> Path:
    project = Path(brief.project) if brief.project else room.workspace
    if brief.project and not project.is_dir():
        raise SpawnFailed(f"There is no folder {brief.project}.", lasting=True)
    match brief.workspace:
        case Workspace.NONE:
            folder = room.scratch / f"{task_id}-{epoch}"
            folder.mkdir(parents=True, exist_ok=True)
            return folder
        case Workspace.DIRECTORY:
            project.mkdir(parents=True, exist_ok=True)
            return project
        case Workspace.WORKTREE:
            return _worktree(room, project, task_id, epoch, _base(brief))


def _base(brief: Brief) -> str:
    """Return where a worktree begins; what git could take for an option is no commit."""
    named = (label.removeprefix(BASE) for label in brief.labels if label.startswith(BASE))
    return next((name for name in named if name and not name.startswith("-")), "HEAD")


def _worktree(room: Room, project: Path, task_id: int, epoch: int, base: str) -> Path:
    folder = room.worktrees / f"{task_id}-{epoch}"
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = _git(project, "worktree", "add", "-b", branch_of(task_id, epoch), str(folder), base)
    if made.returncode:
        said = made.stderr.strip()[-SHOWN:]
        raise SpawnFailed(f"No git worktree could be made of {project}: {said}", lasting=True)
    return folder


def _git(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    try:
        # Hooks of a repository are programs of whoever wrote it, and nobody has looked at them.
        return subprocess.run(
            (shutil.which("git") or "git", "-c", "core.hooksPath=/dev/null", *words),
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=GIT_SECONDS,
            check=False,
        )
    except (FileNotFoundError, NotADirectoryError):
        raise SpawnFailed("There is no git on this machine, or no such folder.", lasting=True) from None
    except subprocess.TimeoutExpired:
        raise SpawnFailed(f"git {words[0]} took longer than {GIT_SECONDS} seconds.") from None


async def tidy(room: Room, attempt: Attempt, project: str) -> bool:
    """Remove the worktree of an attempt that is over and tell whether it went; one with uncommitted work stays."""
    folder = room.worktrees / f"{attempt.task_id}-{attempt.epoch}"
    if not project or not folder.is_dir():
        return False
    done = await asyncio.to_thread(_git, Path(project), "worktree", "remove", str(folder))
    return done.returncode == 0


async def diffstat(room: Room, attempt: Attempt, project: str) -> str:
    """Return what an attempt changed in its worktree, committed or not, as git counts it; empty without a worktree."""
    folder = room.worktrees / f"{attempt.task_id}-{attempt.epoch}"
    if not project or not folder.is_dir():
        return ""
    base = await asyncio.to_thread(_git, folder, "merge-base", "HEAD", await _head(Path(project)))
    done = await asyncio.to_thread(_git, folder, "diff", "--stat", base.stdout.strip() or "HEAD")
    return done.stdout.strip() if done.returncode == 0 else ""


async def _head(project: Path) -> str:
    found = await asyncio.to_thread(_git, project, "rev-parse", "HEAD")
    return found.stdout.strip() or "HEAD"


async def head(folder: Path) -> str:
    """Return the commit that a folder stands at, or nothing where it is in no repository or git is missing."""
    try:
        found = await asyncio.to_thread(_git, folder, "rev-parse", "--verify", "--quiet", "HEAD")
    except SpawnFailed:
        return ""
    return found.stdout.strip() if found.returncode == 0 else ""


async def commits(folder: Path, since: str, limit: int) -> list[str]:
    """Return a line for each commit after ``since``, at most ``limit`` and the newest first."""
    span = f"{since}..HEAD" if since else "HEAD"
    found = await asyncio.to_thread(_git, folder, "log", "--format=%h %s", f"-{limit}", span)
    return found.stdout.splitlines() if found.returncode == 0 else []


async def changed_since(folder: Path, base: str, branch: str = "") -> str:
    """Return what changed in a folder since a commit, committed or not (or up to a branch), as git counts it."""
    words = ("diff", "--stat", base, branch) if branch else ("diff", "--stat", base)
    try:
        found = await asyncio.to_thread(_git, folder, *words)
    except SpawnFailed:
        return ""
    return found.stdout.strip() if found.returncode == 0 else ""


async def left_over(folder: Path) -> int:
    """Return how many files of a folder have changes that are not committed."""
    try:
        found = await asyncio.to_thread(_git, folder, "status", "--porcelain")
    except SpawnFailed:
        return 0
    return len(found.stdout.splitlines()) if found.returncode == 0 else 0
