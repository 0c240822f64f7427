"""What the disk does to the store: full, failing to sync, gone with the power; and what a user sees of it."""

import asyncio
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from kernel.errors import StoreFull
from store import events
from store.units import Unit
from tests.unit.store.small import add, items, opened

ROOT = Path(__file__).parents[2]

SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <sys/types.h>
#include <unistd.h>

/* A fault is on while a file of its name is in FAULTS; a freed reserve is room on a full disk. */
static int on(const char *name) {
    char path[4096];
    const char *folder = getenv("FAULTS");
    if (!folder) return 0;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return access(path, F_OK) == 0;
}
static int full(void) { return on("full") && on("home/reserve"); }
#define REAL(type, name) ((type)dlsym(RTLD_NEXT, name))

int fsync(int fd) { if (on("sync")) { errno = EIO; return -1; } return REAL(int (*)(int), "fsync")(fd); }
int fdatasync(int fd) { if (on("sync")) { errno = EIO; return -1; } return REAL(int (*)(int), "fdatasync")(fd); }
ssize_t pwrite(int fd, const void *b, size_t n, off_t o) {
    if (full()) { errno = ENOSPC; return -1; }
    return REAL(ssize_t (*)(int, const void *, size_t, off_t), "pwrite")(fd, b, n, o);
}
ssize_t pwrite64(int fd, const void *b, size_t n, off64_t o) {
    if (full()) { errno = ENOSPC; return -1; }
    return REAL(ssize_t (*)(int, const void *, size_t, off64_t), "pwrite64")(fd, b, n, o);
}
int posix_fallocate64(int fd, off64_t o, off64_t n) {
    return on("full") ? ENOSPC : REAL(int (*)(int, off64_t, off64_t), "posix_fallocate64")(fd, o, n);
}
int statvfs64(const char *path, struct statvfs64 *s) {
    int rc = REAL(int (*)(const char *, struct statvfs64 *), "statvfs64")(path, s);
    if (on("full")) s->f_bavail = 0;
    return rc;
}
"""

FULL_DISK = """
import asyncio, sys
from pathlib import Path
from kernel.errors import StoreFull
from store import events
from tests.unit.store.small import add, opened

async def main(faults):
    home = faults / "home"
    async with opened(home) as database:
        states = []
        database.watch(states.append)
        assert await database.write(add, 1) == 1 and (home / "reserve").stat().st_blocks > 0
        (faults / "full").touch()
        for number in (2, 3):
            try:
                await database.write(add, number)
            except StoreFull as error:
                print("refused:", error)
        print("state:", database.state, (home / "reserve").exists())
        print("read:", await database.read(lambda query: query.all("SELECT count(*) FROM item")[0][0]))
        print("alert:", await database.write_urgent(add, 100))
        (faults / "full").unlink()
        print("again:", await database.write(add, 4), database.state, (home / "reserve").exists())
        await asyncio.sleep(0)
        print("told:", *states)
        print("trail:", (await events.verify(database)).ok)

asyncio.run(main(Path(sys.argv[1])))
"""

START_ON_A_FULL_DISK = """
import asyncio, sys
from pathlib import Path
from tests.unit.store.small import add, opened

async def main(faults):
    async with opened(faults / "home") as database:
        await database.write(add, 1)
    (faults / "full").touch()
    async with opened(faults / "home") as database:
        print(await database.read(lambda query: query.all("SELECT count(*) FROM item")[0][0]))
        print(await database.write_urgent(add, 100))

asyncio.run(main(Path(sys.argv[1])))
"""

FAILED_SYNC = """
import asyncio, sys
from pathlib import Path
from tests.unit.store.small import add, opened

async def main(faults):
    async with opened(faults / "home") as database:
        await database.write(add, 1)
        (faults / "sync").touch()
        await database.write(add, 2)
        print("went on", flush=True)

asyncio.run(main(Path(sys.argv[1])))
"""

AFTER_FAILED_SYNC = """
import asyncio, sys
from pathlib import Path
from tests.unit.store.small import add, opened

async def main(faults):
    failures = []
    async with opened(faults / "home") as database:
        database.on_failure = failures.append
        (faults / "sync").touch()
        writes = [asyncio.ensure_future(database.write(add, number)) for number in range(20)]
        for outcome in await asyncio.gather(*writes, return_exceptions=True):
            print(type(outcome).__name__, database.state)
        (faults / "sync").unlink()
        for number in range(20, 30):
            try:
                await database.write(add, number)
            except Exception as error:
                print(type(error).__name__, database.state)
    print(len(failures), "failure")

asyncio.run(main(Path(sys.argv[1])))
"""

ENDLESS = """
import asyncio, sys
from pathlib import Path
from tests.unit.store.small import add, opened

async def main(faults):
    async with opened(faults / "home") as database:
        async def caller(first):
            for number in range(first, 10**9, 8):
                print(await database.write(add, number), flush=True)
        await asyncio.gather(*(caller(first) for first in range(1, 9)))

asyncio.run(main(Path(sys.argv[1])))
"""


@dataclass(frozen=True, slots=True)
class Faults:
    """A folder with a home in it, and the environment in which its disk fails as files in the folder say."""

    folder: Path
    environment: dict[str, str]

    @property
    def home(self) -> Path:
        """The home of the process that meets the faults."""
        return self.folder / "home"

    def run(self, script: str) -> subprocess.CompletedProcess[str]:
        """Run a script with the folder as its argument."""
        return subprocess.run(
            [sys.executable, "-c", script, str(self.folder)],
            env=self.environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
        )


@pytest.fixture
def faults(tmp_path: Path) -> Faults:
    """Build the shim that makes the disk fail."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("there is no C compiler")
    source, shim = tmp_path / "shim.c", tmp_path / "shim.so"
    source.write_text(SHIM, encoding="utf-8")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", str(shim), str(source), "-ldl"], check=True)
    return Faults(tmp_path, {**os.environ, "LD_PRELOAD": str(shim), "FAULTS": str(tmp_path)})


def limit(tx: Unit, spare: int) -> int:
    """Let the file grow by ``spare`` pages and no further."""
    pages = tx.all("PRAGMA page_count")[0][0]
    return tx.all(f"PRAGMA max_page_count = {pages + spare}")[0][0]


async def test_a_full_database_refuses_cleanly_and_recovers_by_itself(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        await database.write(add, 1)
        await database.write(limit, 2)
        with pytest.raises(StoreFull, match="disk is full"):
            await database.write(add, 2, "x" * 100_000)
        assert database.state == "full"
        assert not (tmp_path / "reserve").exists()
        assert items(tmp_path) == [1]
        await database.write(limit, 1000)
        assert await database.write(add, 3, "x" * 100_000) == 3
        assert database.state == "open"
        assert (tmp_path / "reserve").stat().st_size > 0
        assert (await events.verify(database)).events == 2


async def test_one_unit_too_large_for_the_disk_takes_nobody_with_it(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        await database.write(limit, 4)
        outcomes = await asyncio.gather(
            *(database.write(add, number, "x" * (100_000 if number == 5 else 1)) for number in range(1, 11)),
            return_exceptions=True,
        )
        assert isinstance(outcomes.pop(4), StoreFull)
        assert outcomes == items(tmp_path) == [1, 2, 3, 4, 6, 7, 8, 9, 10]
        assert (await events.verify(database)).events == 9


async def test_a_read_that_changes_nothing_is_no_recovery(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        await database.write(limit, 0)
        with pytest.raises(StoreFull):
            await database.write(add, 1, "x" * 100_000)
        await database.write(lambda tx: tx.one("SELECT 1"))
        assert database.state == "full"


def test_on_a_full_disk_one_alert_gets_out(faults: Faults) -> None:
    done = faults.run(FULL_DISK)
    assert done.returncode == 0, done.stderr
    refused = "refused: The disk is full; nothing was written. Free some space; Hermes goes on by itself."
    assert done.stdout.splitlines() == [
        refused,
        refused,
        "state: full False",
        "read: 1",
        "alert: 100",
        "again: 4 open True",
        "told: full open",
        "trail: True",
    ]
    assert items(faults.home) == [1, 4, 100]


def test_a_start_on_a_full_disk_uses_the_reserve(faults: Faults) -> None:
    done = faults.run(START_ON_A_FULL_DISK)
    assert (done.returncode, done.stdout.split()) == (0, ["1", "100"]), done.stderr


async def test_a_commit_that_cannot_be_confirmed_ends_the_process(faults: Faults) -> None:
    done = faults.run(FAILED_SYNC)
    assert done.returncode == 70, done.stderr
    assert "went on" not in done.stdout
    assert "could not confirm a commit" in done.stderr
    async with opened(faults.home) as database:
        stored = items(faults.home)
        assert stored in ([1], [1, 2])
        assert (await events.verify(database)).events == len(stored)


def test_after_an_unconfirmed_commit_nothing_is_written_any_more(faults: Faults) -> None:
    done = faults.run(AFTER_FAILED_SYNC)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["OutcomeUnknown failed"] * 30 + ["1 failure"]


def test_what_was_confirmed_survives_kill_9(faults: Faults) -> None:
    confirmed: list[int] = []
    with subprocess.Popen(
        [sys.executable, "-c", ENDLESS, str(faults.folder)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        confirmed += [int(process.stdout.readline()) for _ in range(400)]
        process.send_signal(signal.SIGKILL)
        confirmed += [int(line) for line in process.stdout if line.endswith("\n")]
    assert set(confirmed) <= set(items(faults.home))
    with closing(sqlite3.connect(faults.home / "small.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        # Every item has its event and every event its item: no unit is there by half.
        odd = "SELECT count(*) FROM item LEFT JOIN event ON event.subject = CAST(item.id AS TEXT) WHERE seq IS NULL"
        assert connection.execute(odd).fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM event").fetchone()[0] == len(items(faults.home))
