"""Conditions of jobs, what the settings say of new ones, and who hears of trouble where no home channel is set."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from kernel.schedules import Missed, Overlap
from tests.support.cronhouse import HOME, MINUTE, SECOND, START, cronhouse

PRIVATE = ("127.0.0.0/8",)


@asynccontextmanager
async def page(text: list[str]) -> AsyncGenerator[str]:
    """Serve a text on loopback, and yield its address."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = text[0].encode()
        writer.write(
            b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
        )
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1")
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


async def test_an_address_decides_by_what_it_says_and_whether_that_is_new(tmp_path: Path) -> None:
    text = ["all quiet"]
    async with page(text) as url, cronhouse(tmp_path, allow_private=PRIVATE) as house:
        news = await house.add(
            "every 30m", "echo new", "script", name="news", check={"url": url, "changed": True}
        )
        loud = await house.add(
            "every 30m", "echo loud", "script", name="loud", check={"url": url, "contains": "LOUD"}
        )
        await house.look(START + 30 * MINUTE)
        await house.look(START + 60 * MINUTE)
        text[0] = "now it is LOUD"
        await house.look(START + 90 * MINUTE)
        assert await house.states(news) == ["done", "skipped", "done"]
        assert await house.states(loud) == ["skipped", "skipped", "done"]


async def test_another_attempt_of_a_run_still_sees_the_change_that_began_it(tmp_path: Path) -> None:
    async with page(["something"]) as url, cronhouse(tmp_path, allow_private=PRIVATE, first_wait=60) as house:
        (tmp_path / "workspace").mkdir()
        check = {"url": url, "changed": True}
        job = await house.add("every 30m", "test -e good && echo told", "script", check=check, retries=1)
        await house.look(START + 30 * MINUTE)
        assert await house.states(job) == ["due"]
        (tmp_path / "workspace" / "good").touch()
        await house.look(house.clock.at + 90 * SECOND)
        assert await house.states(job) == ["done"]


async def test_a_reminder_with_a_condition_is_said_where_that_is_met(tmp_path: Path) -> None:
    async with cronhouse(tmp_path) as house:
        await house.add("in 1 minute", "yes", name="yes", check={"script": "exit 0"})
        await house.add("in 1 minute", "no", name="no", check={"script": "exit 1"})
        await house.look(START + MINUTE)
        assert await house.said() == ["⏰ yes"]


async def test_a_new_job_deals_with_missed_times_and_overlaps_as_the_settings_say(tmp_path: Path) -> None:
    async with cronhouse(tmp_path, missed="skip", overlap="queue") as house:
        plain = await house.add("every 30m", "a", name="plain")
        own = await house.add("every 30m", "b", name="own", missed="all", overlap="parallel")
        assert (plain.job.missed, plain.job.overlap) == (Missed.SKIP, Overlap.QUEUE)
        assert (own.job.missed, own.job.overlap) == (Missed.ALL, Overlap.PARALLEL)


async def test_without_a_home_channel_trouble_is_told_where_the_job_was_made(tmp_path: Path) -> None:
    async with cronhouse(tmp_path, homes=()) as house:
        await house.add("every 30m", "false", "script", name="bad", deliver=["none"])
        for number in range(1, 6):
            await house.look(START + number * 30 * MINUTE)
        said = await house.said()
        assert "2 times in a row" in said[0]
        assert "is paused" in said[1]
        assert await house.said(HOME) == []


async def test_without_a_home_channel_missed_times_are_told_where_the_job_was_made(tmp_path: Path) -> None:
    async with cronhouse(tmp_path, homes=(), missed="skip") as house:
        await house.add("every 30m", "stretch")
        await house.look(START + 200 * MINUTE)
        assert "Times of jobs passed" in (await house.said())[0]
