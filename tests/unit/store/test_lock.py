"""The home lock: one process a home, and the second one knows who is there."""

import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kernel.errors import ConfigError, HomeLocked
from store.lock import HomeLock, holder

HOLD = """
import sys
from pathlib import Path
from store.lock import HomeLock
lock = HomeLock.acquire(Path(sys.argv[1]), sys.argv[2])
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def held_elsewhere(home: Path, kind: str) -> Generator[subprocess.Popen[str]]:
    """Let another process hold the home's lock."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(home), kind],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


@pytest.mark.parametrize(("kind", "named"), [("gateway", "a gateway"), ("embedded", "a terminal session")])
def test_a_second_process_is_refused_and_told_who_holds_the_home(
    tmp_path: Path, kind: str, named: str
) -> None:
    with held_elsewhere(tmp_path, kind) as process:
        with pytest.raises(HomeLocked, match=f"in use by {named} with process id {process.pid}") as refusal:
            HomeLock.acquire(tmp_path, "gateway")
        assert (refusal.value.pid, refusal.value.kind) == (process.pid, kind)
        found = holder(tmp_path)
        assert found is not None
        assert (found.pid, found.kind) == (process.pid, kind)


def test_the_lock_ends_with_its_process(tmp_path: Path) -> None:
    with held_elsewhere(tmp_path, "gateway") as process:
        process.kill()
        process.wait()
        assert holder(tmp_path) is None
        HomeLock.acquire(tmp_path, "gateway").release()


def test_a_released_lock_can_be_taken_again(tmp_path: Path) -> None:
    home = tmp_path / "new" / "home"
    assert holder(home) is None
    with HomeLock.acquire(home, "embedded") as lock:
        assert lock.kind == "embedded"
        assert home.stat().st_mode & 0o077 == 0
        with pytest.raises(HomeLocked):
            HomeLock.acquire(home, "gateway")
    lock.release()
    assert holder(home) is None
    HomeLock.acquire(home, "gateway").release()


def test_a_home_that_is_no_directory_is_explained(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("not a directory", encoding="utf-8")
    with pytest.raises(ConfigError, match="cannot be used"):
        HomeLock.acquire(tmp_path / "home", "gateway")
    with pytest.raises(ConfigError, match="cannot be used"):
        holder(tmp_path / "home")


def test_a_holder_that_has_not_said_who_it_is_still_holds(tmp_path: Path) -> None:
    with HomeLock.acquire(tmp_path, "gateway"):
        (tmp_path / "lock").write_text("", encoding="utf-8")
        with pytest.raises(HomeLocked, match="another process") as refusal:
            HomeLock.acquire(tmp_path, "gateway")
        assert refusal.value.pid is None
