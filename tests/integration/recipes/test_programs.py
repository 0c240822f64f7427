"""Programs that recipes start, on the event loop of the daemon and on Python's own."""

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import uvloop

from cron.recipe import RecipeFailed
from cron.recipes import programs

LOOPS: tuple[Callable[[], asyncio.AbstractEventLoop], ...] = (asyncio.new_event_loop, uvloop.new_event_loop)


@pytest.mark.parametrize("loop", LOOPS, ids=["asyncio", "uvloop"])
def test_a_program_that_does_not_read_what_it_is_given_ends_well(
    loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    async def several() -> list[int]:
        return [(await programs.run("true", given="x" * 200_000)).code for _ in range(5)]

    with asyncio.Runner(loop_factory=loop) as runner:
        assert runner.run(several()) == [0] * 5


async def test_what_is_given_is_read_and_both_outputs_are_kept() -> None:
    finished = await programs.run("sh", "-c", "cat; echo wrong >&2; exit 3", given="words")
    assert (finished.code, finished.out, finished.said) == (3, "words", "wrong")


async def test_nothing_of_the_own_environment_reaches_a_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HERMES_CRON__SECRETS__MAIL", "hidden")
    assert "hidden" not in (await programs.run("env")).out


async def test_a_program_that_is_not_there_is_said() -> None:
    with pytest.raises(RecipeFailed, match="cannot be started"):
        await programs.run("no-such-program")


async def test_whoever_stops_waiting_ends_the_program_with_what_it_started(tmp_path: Path) -> None:
    started = tmp_path / "started"
    script = f"sleep 600 & echo $! > {started}.new; mv {started}.new {started}; wait"
    running = asyncio.get_running_loop().create_task(programs.run("sh", "-c", script))
    await until(started.exists)
    child = Path("/proc", (await asyncio.to_thread(started.read_text)).strip(), "status")
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await until(partial(ended, child))


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - the kernel tells nobody about foreign processes
            await asyncio.sleep(0.02)


def ended(status: Path) -> bool:
    try:
        return "State:\tZ" in status.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
