"""The code that diagnoses are about, as git keeps it: files at a commit, what a fix changes, and where it is pushed.

Every git runs without the repository's hooks, which are programs that nobody has looked at, and never asks anybody.
"""

import asyncio
import shutil
import subprocess
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from pathlib import Path, PurePosixPath

from approvals.digest import MEASURED, MISSING
from board.diagnosis.citations import Read
from kernel.errors import HermesError, InvalidInput

GIT_SECONDS = 60.0
PUSH_SECONDS = 180.0
LARGEST_FILE = 5_000_000
SAID = 400
IDENTITY = ("-c", "user.name=Hermes", "-c", "user.email=hermes@localhost")
PLAIN = ("--no-color", "--no-ext-diff", "--no-textconv", "--full-index", "--binary")


class GitFailed(HermesError):
    """Git did not do what it was asked to."""


class Sources:
    """Asks git; ``environment`` are the variables that it gets, and no others."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.configure(environment)

    def configure(self, environment: Mapping[str, str]) -> None:
        """Use other variables from now on."""
        self._environment = {**environment, "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}

    def _git(
        self, folder: Path, *words: str, seconds: float = GIT_SECONDS
    ) -> "subprocess.CompletedProcess[bytes]":
        program = shutil.which("git", path=self._environment.get("PATH")) or "git"
        fixed = ("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", *IDENTITY)
        try:
            return subprocess.run(
                (program, *fixed, *words),
                cwd=folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=seconds,
                check=False,
            )
        except OSError:
            raise GitFailed(f"There is no git on this machine, or no folder {folder}.") from None
        except subprocess.TimeoutExpired:
            raise GitFailed(f"git {words[0]} took longer than {seconds:g} seconds.") from None

    def _asked(self, folder: Path, *words: str, seconds: float = GIT_SECONDS) -> bytes:
        found = self._git(folder, *words, seconds=seconds)
        if found.returncode:
            said = found.stderr.decode(errors="replace").strip()[-SAID:]
            raise GitFailed(f"git {words[0]} failed: {said or f'exit code {found.returncode}'}")
        return found.stdout

    async def commit_of(self, folder: Path, name: str = "HEAD") -> str:
        """Return the whole name of a commit, or an empty string where the folder has none of that name."""
        if name.startswith("-"):
            return ""
        words = ("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
        found = await asyncio.to_thread(self._git, folder, *words)
        return found.stdout.decode().strip() if found.returncode == 0 else ""

    def at(self, folder: Path, commit: str) -> Read:
        """Return what reads text files of a commit; paths are those from the top of the repository. It blocks."""

        @lru_cache(maxsize=256)
        def read(file: str) -> str | None:
            path = PurePosixPath(file)
            if path.is_absolute() or ".." in path.parts or not path.parts or "\0" in file:
                return None
            kind = self._git(folder, "cat-file", "-t", f"{commit}:{path}")
            if kind.stdout.strip() != b"blob":
                return None
            data = self._asked(folder, "cat-file", "blob", f"{commit}:{path}")
            return None if len(data) > LARGEST_FILE or b"\0" in data else data.decode("utf-8", "replace")

        return read

    def difference(self, folder: Path, base: str, branch: str) -> bytes:
        """Return everything in which a branch differs from a commit. It blocks."""
        return self._asked(folder, "diff", *PLAIN, base, branch, "--")

    async def changes(self, folder: Path, base: str, branch: str) -> tuple[str, str, str]:
        """Return the diff as text, its SHA-256 in hexadecimal, and what git counts of it."""
        made = await asyncio.to_thread(self.difference, folder, base, branch)
        counted = await asyncio.to_thread(self._asked, folder, "diff", "--stat", base, branch, "--")
        return (
            made.decode("utf-8", "replace"),
            sha256(made).hexdigest(),
            counted.decode(errors="replace").strip(),
        )

    def measured(self, name: str) -> str:
        """Return the SHA-256 of the diff that ``diff_name`` has named, as it is now. It blocks."""
        span, _, folder = name.removeprefix(MEASURED).partition(" ")
        base, _, branch = span.partition("..")
        try:
            return sha256(self.difference(Path(folder), base, branch)).hexdigest()
        except GitFailed:
            return MISSING

    async def keep_rest(self, folder: Path, message: str) -> None:
        """Commit what is left in a worktree; a folder that is gone or clean is left alone."""
        await asyncio.to_thread(self._keep_rest, folder, message)

    def _keep_rest(self, folder: Path, message: str) -> None:
        if folder.is_dir() and self._asked(folder, "status", "--porcelain").strip():
            self._asked(folder, "add", "--all")
            self._asked(folder, "commit", "--quiet", "--message", message)

    async def check_out(self, project: Path, commit: str, folder: Path) -> None:
        """Make a worktree of a commit alone; what an earlier one left there goes first."""
        await self.drop(project, folder)
        await asyncio.to_thread(folder.parent.mkdir, parents=True, exist_ok=True)
        words = ("worktree", "add", "--force", "--detach", str(folder), commit)
        await asyncio.to_thread(self._asked, project, *words)

    async def below(self, project: Path) -> str:
        """Return where a project's folder lies below the top of its repository; empty where it is the top."""
        found = await asyncio.to_thread(self._asked, project, "rev-parse", "--show-prefix")
        return found.decode(errors="replace").strip()

    async def drop(self, project: Path, folder: Path) -> None:
        """Remove a worktree with all that tests have left in it."""
        await asyncio.to_thread(self._drop, project, folder)

    def _drop(self, project: Path, folder: Path) -> None:
        if folder.is_dir():
            self._git(project, "worktree", "remove", "--force", str(folder))
            shutil.rmtree(folder, ignore_errors=True)

    async def forget_empty(self, project: Path, branch: str, base: str) -> None:
        """Remove a branch on which nothing was committed since a commit."""
        if await self.commit_of(project, f"refs/heads/{branch}") == base:
            await asyncio.to_thread(self._git, project, "branch", "-D", branch)

    async def remote(self, project: Path) -> str:
        """Return where a project is pushed to: ``origin``, else its only remote; raise InvalidInput."""
        found = await asyncio.to_thread(self._asked, project, "remote")
        names = found.decode(errors="replace").split()
        if "origin" in names:
            return "origin"
        if len(names) != 1 or names[0].startswith("-"):
            raise InvalidInput(
                f"{project} has no remote to push to.", remedy="git remote add origin URL, then ask again."
            )
        return names[0]

    async def push(self, project: Path, remote: str, commit: str, name: str) -> None:
        """Push a commit as a branch of a remote; never over another one. Raises GitFailed."""
        words = ("push", "--porcelain", remote, f"{commit}:refs/heads/{name}")
        await asyncio.to_thread(self._asked, project, *words, seconds=PUSH_SECONDS)

    async def at_remote(self, project: Path, remote: str, name: str) -> str:
        """Return the commit that a branch of a remote stands at, or an empty string; raise GitFailed."""
        words = ("ls-remote", "--heads", remote, f"refs/heads/{name}")
        found = await asyncio.to_thread(self._asked, project, *words)
        return found.decode(errors="replace").partition("\t")[0].strip()


def diff_name(project: str, base: str, branch: str) -> str:
    """Return the name under which an approval is bound to everything in which a branch differs from a commit."""
    return f"{MEASURED}{base}..{branch} {project}"
