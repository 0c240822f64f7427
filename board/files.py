"""Files of tasks: copied into the board's own folder, one copy for each version."""

import asyncio
import hashlib
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from board import working
from board.room import Room
from kernel.errors import InvalidInput
from store import artifacts
from store.artifacts import Artifact
from store.units import Unit

LARGEST = 50_000_000
NAME = re.compile(r"[^A-Za-z0-9._ -]+")
CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Given:
    """A file that is to be kept: where it is, what it is (``"artifact"`` or ``"attachment"``), and whose."""

    path: Path
    kind: str
    author: str
    epoch: int = 0


async def keep(room: Room, task_id: int, given: Given) -> Artifact:
    """Keep the next version of a file of a task; an artifact of an attempt that is over is refused with Stale."""
    name = NAME.sub("_", given.path.name).strip(" .") or "file"
    digest, size = await asyncio.to_thread(_digest, given.path)
    folder = room.artifacts / str(task_id)
    kept = folder / f"{digest[:16]}-{name}"
    await asyncio.to_thread(_copy, given.path, kept)
    new = Artifact(name, 0, given.kind, str(kept), size, digest, given.epoch, given.author, 0)
    return await room.database.write(_store, task_id, new)


def _store(tx: Unit, task_id: int, new: Artifact) -> Artifact:
    if new.epoch:
        working.held(tx, task_id, new.epoch)
    return artifacts.add(tx, task_id, new)


def _digest(path: Path) -> tuple[str, int]:
    if not path.is_file():
        raise InvalidInput(f"{path.name} is no file.")
    size = path.stat().st_size
    if size > LARGEST:
        raise InvalidInput(f"{path.name} is larger than {LARGEST // 1_000_000} MB.")
    hashed = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            hashed.update(chunk)
    return hashed.hexdigest(), size


def _copy(source: Path, target: Path) -> None:
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    half = target.with_name(target.name + ".half")
    shutil.copyfile(source, half)
    half.replace(target)
