"""Mirrors of git repositories: made, brought up to date and verified; what the origin loses, a mirror keeps.

A mirror is a bare repository whose refs are the origin's. Its own refs stand below ``refs/hermes``: while an update
runs, ``moving`` has the old place of every ref that moves, so that a run which is ended half-way loses none; what was
deleted or overwritten at the origin stays below ``kept`` for good.
"""

import asyncio
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cron.recipe import RecipeFailed
from cron.recipes import programs
from cron.recipes.programs import Finished
from cron.recipes.prose import counted

OURS = "refs/hermes/"
MOVING = "refs/hermes/moving/"
KEPT = "refs/hermes/kept/"
HEADS = "refs/heads/"
TAGS = "refs/tags/"
ALL = "refs/"
LINES_SHOWN = 10
_KINDS = {HEADS: "branch", TAGS: "tag", ALL: "ref"}
# Credentials are not asked for, and no address may name a program (``ext::``).
QUIET = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "/bin/false",
    "GIT_SSH_COMMAND": "ssh -o BatchMode=yes -o ConnectTimeout=20",
    "GIT_ALLOW_PROTOCOL": "https:http:ssh:git:file",
    "GIT_OPTIONAL_LOCKS": "0",
}

Refs = dict[str, str]


@dataclass(frozen=True, slots=True)
class Options:
    """How repositories are mirrored: ``stamp`` names this run, ``credentials`` are more of git's environment."""

    stamp: str
    pulls: bool = False
    accept: Sequence[str] = ()
    credentials: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Mirror:
    """One mirror: where it stands, and what it is a mirror of."""

    folder: Path
    origin: str
    options: Options

    async def update(self) -> list[str]:
        """Make the mirror equal to its origin, verify it, and return what changed; raise RecipeFailed otherwise."""
        if self.folder.exists():
            return await self._updated()
        # It takes its place only when it is whole.
        fresh = Mirror(self.folder.with_name(self.folder.name + ".new"), self.origin, self.options)
        await asyncio.to_thread(_cleared, fresh.folder)
        await fresh.ask("init", "--quiet", "--bare", str(fresh.folder), at_home=False)
        await fresh._updated()
        fresh.folder.rename(self.folder)
        refs = await self.refs()
        branches, tags = (sum(ref.startswith(kind) for ref in refs) for kind in (HEADS, TAGS))
        return [f"new mirror: {counted(branches, 'branch', 'branches')}, {counted(tags, 'tag')}"]

    async def _updated(self) -> list[str]:
        await self._settle()
        before = await self.refs()
        there, head = await self._origin_refs()
        moving = {ref: name for ref, name in before.items() if there.get(ref) != name}
        if there != before:
            await self._mark(moving)
            await self._fetch()
        if head:
            await self.ask("symbolic-ref", "HEAD", head)
        changes = await self._changes(before, await self.refs())
        await self._settle()
        await self.verify()
        return changes

    async def verify(self) -> None:
        """Raise RecipeFailed where ``git fsck`` finds the mirror damaged."""
        accepted = [word for name in self.options.accept for word in ("-c", f"fsck.{name}=warn")]
        checked = await self._run(*accepted, "fsck", "--full", "--no-dangling", "--no-progress")
        if checked.code:
            raise RecipeFailed(
                f"the mirror is damaged: git fsck says: {checked.said}",
                remedy=f"Move {self.folder} away, and the next run makes it anew.",
            )

    async def refs(self, below: str = ALL) -> Refs:
        """Return the mirror's refs and what they name; those below ``refs/hermes`` only where they are asked for."""
        listed = await self.ask("for-each-ref", "--format=%(objectname) %(refname)", below)
        refs = _refs(listed.replace(" ", "\t"))
        return refs if below != ALL else {ref: name for ref, name in refs.items() if not ref.startswith(OURS)}

    async def _origin_refs(self) -> tuple[Refs, str]:
        """Return the origin's refs, and the branch its HEAD is on (``""``: none)."""
        listed = await self.ask("ls-remote", "--symref", "--", self.origin)
        head = re.search(r"^ref: (refs/heads/\S+)\tHEAD$", listed, re.MULTILINE)
        refs = {ref: name for ref, name in _refs(listed).items() if self._is_mirrored(ref)}
        return refs, head[1] if head and head[1] in refs else ""

    def _is_mirrored(self, ref: str) -> bool:
        unwanted = (OURS,) if self.options.pulls else (OURS, "refs/pull/", "refs/merge-requests/")
        return ref.startswith(ALL) and not ref.startswith(unwanted) and not ref.endswith("^{}")

    async def _fetch(self) -> None:
        unwanted = [] if self.options.pulls else ["^refs/pull/*", "^refs/merge-requests/*"]
        every = ["+refs/*:refs/*", f"^{OURS}*", *unwanted]
        await self.ask("fetch", "--quiet", "--prune", "--no-write-fetch-head", "--", self.origin, *every)

    async def _mark(self, refs: Refs) -> None:
        """Hold on to where refs are before they move."""
        lines = [f"update {MOVING}{ref.removeprefix(ALL)} {name}\n" for ref, name in refs.items()]
        await self.ask("update-ref", "--stdin", given="".join(lines))

    async def _settle(self) -> None:
        """Let go of the old places that lead to the new ones, and keep the others for good."""
        now = await self.refs()
        for mark, name in (await self.refs(MOVING)).items():
            ref = ALL + mark.removeprefix(MOVING)
            if not await self._leads(ref, name, now.get(ref, "")):
                place = f"{KEPT}{self.options.stamp}-{name[:8]}/{ref.removeprefix(ALL)}"
                await self.ask("update-ref", place, name)
            await self.ask("update-ref", "-d", mark)

    async def _leads(self, ref: str, old: str, new: str) -> bool:
        """Tell whether nothing is lost where a ref goes from one place to another; a tag is not to move at all."""
        if old == new or not new or ref.startswith(TAGS):
            return old == new
        return not (await self._run("merge-base", "--is-ancestor", old, new)).code

    async def _changes(self, before: Refs, after: Refs) -> list[str]:
        moved = [ref for ref in sorted(before.keys() | after.keys()) if before.get(ref) != after.get(ref)]
        shown = [
            await self._change(ref, before.get(ref, ""), after.get(ref, "")) for ref in moved[:LINES_SHOWN]
        ]
        more = len(moved) - len(shown)
        return shown + ([f"and {counted(more, 'more ref')}"] if more else [])

    async def _change(self, ref: str, old: str, new: str) -> str:
        """Return what became of a ref, in words."""
        kind = next(kind for kind in _KINDS if ref.startswith(kind))
        name = f"{_KINDS[kind]} {ref.removeprefix(kind)}"
        if not old:
            return f"{name} is new"
        if not new:
            return f"{name} was deleted there (kept here at {old[:8]})"
        if not await self._leads(ref, old, new):
            return f"{name} was overwritten there (kept here at {old[:8]})"
        count = int(await self.ask("rev-list", "--count", f"{old}..{new}"))
        return f"{name}: {counted(count, 'new commit')} ({old[:8]} → {new[:8]})"

    async def ask(self, *words: str, given: str = "", at_home: bool = True) -> str:
        """Return what git writes; raise RecipeFailed with its last line where it fails."""
        finished = await self._run(*words, given=given, at_home=at_home)
        if finished.code:
            raise RecipeFailed(f"git {words[0]}: {finished.said}")
        return finished.out.strip()

    async def _run(self, *words: str, given: str = "", at_home: bool = True) -> Finished:
        where = ["--git-dir", str(self.folder)] if at_home else []
        env = programs.environment(**QUIET, **self.options.credentials)
        return await programs.run("git", *where, *words, given=given, env=env)


def _cleared(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)


def _refs(listed: str) -> Refs:
    pairs = (line.split("\t", 1) for line in listed.splitlines() if "\t" in line)
    return {ref: name for name, ref in pairs if not name.startswith("ref:")}
