"""Files of tasks: what came with them and what was made, each version kept."""

from dataclasses import astuple, dataclass, replace

from store.units import Query, Unit

LATEST = "SELECT * FROM artifact WHERE task_id = ? AND name = ? ORDER BY version DESC LIMIT 1"
INSERT = """
INSERT INTO artifact (task_id, name, version, kind, path, size, digest, epoch, author, at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
REMOVE = "UPDATE artifact SET path = '' WHERE task_id = ?"
LIST = "SELECT * FROM artifact WHERE task_id = ? ORDER BY name, version"


@dataclass(frozen=True, slots=True)
class Artifact:
    """One version of a file; ``path`` is where it is kept (empty once its days are over), ``digest`` its SHA-256."""

    name: str
    version: int
    kind: str
    path: str
    size: int
    digest: str
    epoch: int
    author: str
    at: int


def add(tx: Unit, task_id: int, new: Artifact) -> Artifact:
    """Store the next version of a file; the same contents again are the version that there is."""
    row = tx.one(LATEST, (task_id, new.name))
    if row is not None and row["digest"] == new.digest:
        return Artifact(*tuple(row)[1:])
    stored = replace(new, version=1 if row is None else row["version"] + 1, at=tx.now)
    tx.run(INSERT, (task_id, *astuple(stored)))
    tx.emit(
        "task.artifact",
        str(task_id),
        actor=new.author,
        version=stored.version,
        digest=new.digest,
        epoch=new.epoch,
    )
    return stored


def remove(tx: Unit, task_id: int) -> int:
    """Note that the files of a task are gone; what they were stays on record. Return how many that are."""
    return tx.run(REMOVE, (task_id,))


def of_task(q: Query, task_id: int) -> list[Artifact]:
    """Return every version of every file of a task."""
    return [Artifact(*tuple(row)[1:]) for row in q.all(LIST, (task_id,))]
