"""Logs of attempts and files of tasks go when their days are over: with a receipt, and never what is open."""

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from board.creating import Wanted, create
from board.deciding import cancel
from board.files import Given, keep
from board.keeping import DAY_MS, Keeper
from board.room import Room
from board.settings import BoardSettings
from kernel.bus import Bus
from kernel.clock import SystemClock
from kernel.tasks import Brief
from store import artifacts, tasks
from store.artifacts import Artifact
from store.database import Database
from store.tasks import New


@dataclass
class Shelf:
    """A board's folders and the clock that its keeper reads."""

    room: Room
    later: int = 0

    def now(self) -> int:
        return SystemClock().now() + self.later

    def monotonic(self) -> float:
        return SystemClock().monotonic()

    async def add(self, name: str) -> int:
        """Create a task with a log and a file."""
        new = New(name, "manual", "", "simple", "cli")
        task = await self.room.database.write(create, self.room.settings, Wanted(new, Brief()), actor="cli")
        self.room.logs.mkdir(parents=True, exist_ok=True)
        for attempt in (1, 2):
            (self.room.logs / f"{task.id}-{attempt}.log").write_text("what happened\n")
        given = self.room.home / f"{name}.txt"
        given.write_text(name)
        await keep(self.room, task.id, Given(given, "artifact", "cli"))
        return task.id

    async def tidy(self, days: int, **settings: Any) -> int:
        """Let so many days pass and tidy up."""
        self.later = days * DAY_MS
        self.room.clock = self
        self.room.settings = BoardSettings(**settings)
        return await Keeper(self.room).tidy()

    def logs(self) -> list[str]:
        return sorted(path.name for path in self.room.logs.iterdir())

    async def receipts(self) -> list[dict[str, Any]]:
        sql = "SELECT subject, body FROM event WHERE kind = 'task.prune'"
        return [dict(row) for row in await self.room.database.read(lambda q: q.all(sql))]

    async def file(self, task: int) -> tuple[Artifact, str]:
        """Return the file of a task, and what is in it."""
        (found,) = await self.room.database.read(artifacts.of_task, task)
        return found, Path(found.path).read_text() if found.path else ""  # noqa: ASYNC240 - a small file of the test's own


@pytest.fixture
async def shelf(tmp_path: Path) -> AsyncIterator[Shelf]:
    bus = Bus()
    database = await Database.open(tmp_path / "hermes.db", clock=SystemClock(), bus=bus)
    home = tmp_path / "board"
    home.mkdir()
    yield Shelf(Room(database, bus, SystemClock(), BoardSettings(), home, tmp_path))
    await database.close()


async def test_logs_of_what_is_over_go_after_their_days_with_a_receipt(shelf: Shelf) -> None:
    over, open_ = await shelf.add("over"), await shelf.add("open")
    await shelf.room.database.write(cancel, over, actor="cli")
    assert await shelf.tidy(89) == 0
    assert await shelf.tidy(91) == 1
    assert shelf.logs() == [f"{open_}-1.log", f"{open_}-2.log"]
    assert await shelf.receipts() == [{"subject": str(over), "body": '{"what":"logs","count":2,"bytes":28}'}]
    assert await shelf.tidy(92) == 0, "what is gone is not removed again"
    assert (await shelf.file(over))[1] == "over", "files are kept for ever unless a setting says otherwise"


async def test_files_go_only_where_a_setting_says_so_and_what_they_were_stays_on_record(shelf: Shelf) -> None:
    over, open_ = await shelf.add("over"), await shelf.add("open")
    await shelf.room.database.write(cancel, over, actor="cli")
    assert await shelf.tidy(31, log_days=0, file_days=30) == 1
    gone, _ = await shelf.file(over)
    assert (gone.name, gone.path, gone.size, bool(gone.digest)) == ("over.txt", "", 4, True)
    assert not (shelf.room.artifacts / str(over)).exists()
    assert (await shelf.file(open_))[1] == "open"
    assert len(shelf.logs()) == 4


async def test_what_was_over_for_a_shorter_time_than_its_files_are_old_is_kept(shelf: Shelf) -> None:
    task = await shelf.add("late")
    for name in shelf.logs():
        os.utime(shelf.room.logs / name, (1, 1))
    await shelf.room.database.write(cancel, task, actor="cli")
    assert await shelf.tidy(1) == 0
    assert await shelf.room.database.read(tasks.get, task)
    assert len(shelf.logs()) == 2
