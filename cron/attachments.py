"""Attachments: files that a script has written and that go along with its result."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from cron.room import Room
from kernel.errors import InvalidInput
from kernel.schedules import Fire, JobKind, Schedule

MOST = 10
# Some file systems keep the time of a change in whole seconds, or in two.
COARSE_MS = 2_000


def checked(kind: JobKind, patterns: Sequence[str]) -> tuple[str, ...]:
    """Return patterns as they are kept; raise InvalidInput for those that lead out of the folder."""
    if patterns and kind is not JobKind.SCRIPT:
        raise InvalidInput("Only a script has files to attach.", remedy="Leave attach out.")
    for pattern in patterns:
        path = PurePosixPath(pattern)
        if path.is_absolute() or ".." in path.parts or not path.parts:
            raise InvalidInput(f"{pattern!r} is no file in the folder of the script.")
    return tuple(patterns)


def written(room: Room, schedule: Schedule, fire: Fire) -> tuple[str, ...]:
    """Return the files that a script has written in its run, as absolute paths; a link that leads out is none."""
    job = schedule.job
    folder = (Path(job.folder) if job.folder else room.ports.workspace("")).resolve()
    found = (path for pattern in job.attach for path in sorted(folder.glob(pattern)))
    new = [path for path in found if _is_new(path, folder, fire.started_at - COARSE_MS)]
    return tuple(str(path) for path in dict.fromkeys(new))[:MOST]


def _is_new(path: Path, folder: Path, since: int) -> bool:
    real = path.resolve()
    return real.is_relative_to(folder) and real.is_file() and real.stat().st_mtime * 1000 >= since
