"""``hermes update`` on a checkout: what is fetched from the remote is installed, and the home follows it."""

import os
import shutil
import sqlite3
import subprocess
import sys
import sysconfig
from contextlib import closing
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAM = ("kernel", "store", "agent", "approvals", "board", "gateway", "cron", "web", "hermes")
BESIDE = ("pyproject.toml", "Makefile", "requirements.lock", "README.md", "LICENSE", "scripts")
AUTHOR = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
TABLE = "CREATE TABLE newer (id INTEGER PRIMARY KEY) STRICT;\n"


class Checkout:
    """A checkout whose remote is a bare repository beside it, installed into an environment of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home = folder / "checkout", folder / "home"
        self._author, self._remote, self._venv = folder / "author", folder / "remote.git", folder / "venv"
        for name in (*PROGRAM, *BESIDE):
            _copied(ROOT / name, self._author / name)
        self._run("git", "init", "-q", "-b", "main", str(self._author))
        self._git("add", ".")
        self._git("commit", "-q", "-m", "The version of before.")
        self._run("git", "clone", "-q", "--bare", str(self._author), str(self._remote))
        self._run("git", "clone", "-q", str(self._remote), str(self.folder))
        self._environment()
        self._run("make", "-C", str(self.folder), "install", f"VENV={self._venv}")

    def _environment(self) -> None:
        """Make the environment as ``make install`` does; the locked dependencies are those of the tests."""
        self._run(sys.executable, "-m", "venv", str(self._venv))
        site = next(self._venv.glob("lib/python*/site-packages"))
        for old in site.glob("setuptools*"):
            shutil.rmtree(old)
        # They come last, so that the program found is the checkout's.
        (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
        (self._venv / ".made-for").write_text(f"{self._venv}\n")
        (self._venv / ".runtime").touch()

    def _git(self, *words: str) -> None:
        self._run("git", "-C", str(self._author), *AUTHOR, *words)

    def publish(self, version: str, number: int, sql: str) -> None:
        """Push a version with one migration to the remote."""
        for name in ("pyproject.toml", "hermes/version.py"):
            path = self._author / name
            path.write_text(path.read_text().replace('"0.1.0"', f'"{version}"'))
        (self._author / f"store/migrations/{number:04}_next.sql").write_text(sql)
        self._git("add", ".")
        self._git("commit", "-q", "-m", "The next version.")
        self._git("push", "-q", str(self._remote), "main")

    def go_back(self) -> None:
        """Check the version before out again."""
        self._run("git", "-C", str(self.folder), "reset", "-q", "--hard", "HEAD~1")

    def hermes(self, *words: str) -> tuple[int, str]:
        """Run the program that is installed; return its exit code and all it printed."""
        done = self._run(str(self._venv / "bin/hermes"), *words, check=False)
        return done.returncode, done.stdout

    def _run(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        known = {"PATH": os.environ["PATH"], "HOME": str(self._author.parent), "HERMES_HOME": str(self.home)}
        done = subprocess.run(
            words,
            env=known,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=50,
        )
        assert not (check and done.returncode), done.stdout
        return done


def _copied(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    else:
        target.parent.mkdir(exist_ok=True)
        shutil.copy(source, target)


def tables(path: Path) -> set[str]:
    """Return the names of a database's tables."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return {row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}


@pytest.mark.timeout(120)
def test_an_update_copies_fetches_installs_and_migrates(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path)
    database, backups = checkout.home / "hermes.db", checkout.home / "backups"
    assert checkout.hermes("debug", "migrate")[0] == 0
    number = len(list((ROOT / "store/migrations").glob("*.sql"))) + 1

    checkout.publish("0.1.1", number, TABLE)
    code, out = checkout.hermes("update")
    assert (code, "Hermes is up to date." in out) == (0, True), out
    assert checkout.hermes("--version") == (0, "hermes 0.1.1\n")
    assert "newer" in tables(database)
    copy = next(backups.glob("hermes-*.db"))
    assert "newer" not in tables(copy)

    # Whoever went back to the old program finds the way forward in its refusal.
    checkout.go_back()
    code, out = checkout.hermes("backup")
    assert (code, "written by a newer Hermes" in out, "Run: hermes update." in out) == (78, True, True), out
    assert checkout.hermes("update")[0] == 0
    assert checkout.hermes("backup")[0] == 0
