"""Handoff with the real daemon: from the terminal to the phone and back, and at every step a kill."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from itertools import pairwise, permutations
from pathlib import Path

import pytest
from playwright.async_api import Browser, async_playwright, expect

from kernel.crashpoints import CRASHPOINTS
from tests.acceptance.test_page import ARGUMENTS, CHROMIUM, say
from tests.acceptance.test_terminal import conversation
from tests.fakes.telegram_server import TelegramServer, server_error
from tests.support.daemon import OWNER, Daemon, quiet_settings
from tests.support.desk import SURFACES, WITHIN, everywhere, ready, settings

# What becomes of a handoff that was under way when the daemon died at a point: nothing had moved, or it arrives.
ENDS = {
    "handoff.after_request": "completed",
    "handoff.after_claim": "failed",
    "handoff.after_thread": "failed",
    "handoff.after_move": "completed",
    "handoff.after_reply": "completed",
    "handoff.after_complete": "completed",
    "handoff.after_fail": "failed",
    "handoff.after_take": "completed",
}


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """Run the distribution's Chromium."""
    async with async_playwright() as playwright:
        found = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield found
        await found.close()


def thread_of(phone: TelegramServer, text: str) -> int | None:
    """Return the topic in which a message of the bot stands."""
    (found,) = [message for message in phone.messages(OWNER) if text in message.text]
    return found.thread_id


async def test_a_conversation_goes_to_the_phone_and_comes_back(tmp_path: Path, phone: TelegramServer) -> None:
    async with Daemon(tmp_path / "home", settings(phone)) as daemon:
        await daemon.start()
        desk = await ready(daemon, phone)
        await desk.say("/handoff telegram look after it")
        await desk.hears("continues on **telegram**")
        summary = await phone.wait_for_text(OWNER, "it was on terminal", within=WITHIN)
        assert "Your note: look after it" in summary.text
        thread = thread_of(phone, "it was on terminal")
        assert thread is not None
        phone.user_says(OWNER, "say still the same", thread=thread)
        await phone.wait_for_text(OWNER, "still the same", within=WITHIN)
        await desk.say("is anybody here?")
        await desk.hears("here it can only be read")
        code, shown = await daemon.command("sessions", "list", "--json")
        assert code == 0
        places = {one["title"]: one["address"] for one in json.loads(shown)}
        assert places["say hello desk"] == f"telegram:{OWNER}:{thread}"
        await desk.say("/take")
        await desk.hears("Continuing **say hello desk**")
        code, shown = await daemon.command("handoff", "--last", "telegram")
        assert (code, "continues at telegram:" in shown) == (0, True), shown
        code, exported = await daemon.command("sessions", "export", "last")
        assert "still the same" in exported
        assert await daemon.stop() == 0
        assert daemon.findings() == []


async def test_the_terminal_says_where_it_went_and_how_to_come_back_and_leaves(tmp_path: Path) -> None:
    async with Daemon(tmp_path / "home", quiet_settings(web={"enabled": True})) as daemon:
        await daemon.start()
        async with conversation(daemon) as terminal:
            terminal.types("/handoff nowhere\r")
            await terminal.sees("There is no platform 'nowhere' here")
            terminal.types("say good **morning**\r")
            await terminal.sees("good morning")
            await daemon.quiet()
            terminal.types("/handoff web\r")
            await terminal.sees("It continues at web:")
            await terminal.sees("hermes sessions resume s_")
        async with conversation(daemon) as terminal:
            terminal.types("still there?\r")
            await terminal.sees("here it can only be read")
            await terminal.sees("Take it back")
            terminal.types("/take\r")
            await terminal.sees("Continuing say good")
        assert await daemon.stop() == 0
        assert daemon.findings() == []


def walk(surfaces: Sequence[str]) -> list[str]:
    """Return a way from the first surface back to it that goes from each to each other exactly once."""
    left = {one: [other for other in reversed(surfaces) if other != one] for one in surfaces}
    stack, way = [surfaces[0]], list[str]()
    while stack:
        if left[stack[-1]]:
            stack.append(left[stack[-1]].pop())
        else:
            way.append(stack.pop())
    return way[::-1]


def test_the_walk_has_every_ordered_pair_of_surfaces_once() -> None:
    steps = list(pairwise(walk(SURFACES)))
    assert sorted(steps) == sorted(permutations(SURFACES, 2))


async def test_a_conversation_walks_over_every_pair_of_surfaces(
    tmp_path: Path, phone: TelegramServer
) -> None:
    async with everywhere(phone, tmp_path / "home") as world:
        daemon, targets = world.daemon, world.targets
        desk = await ready(daemon, phone)
        found = await desk.ask("GET", "/api/hermes/sessions/terminal:main")
        id, places, way = found["id"], [found["address"]], walk(SURFACES)
        for number, platform in enumerate(way[1:], 1):
            done = await desk.hands_over(id, targets[platform], note=f"step {number}")
            assert (done["state"], done["number"], done["error"]) == ("completed", number, ""), done
            assert done["origin"] == places[-1]
            places.append(done["place"])
            shown = await desk.ask("GET", f"/api/hermes/sessions/{id}")
            assert (shown["address"], shown["handoff"]) == (done["place"], "completed")
        assert [place.partition(":")[0] for place in places] == way
        fresh = [place for place in places if not place.startswith("terminal:")]
        assert len(set(fresh)) == len(fresh), places
        exported = await desk.ask("GET", f"/api/hermes/sessions/{id}/export")
        told = [line["text"] for line in exported["messages"] if "Your note" in line["text"]]
        assert len(told) == len(way) - 1
        assert await daemon.stop() == 0
        assert daemon.findings() == []


async def test_the_page_says_where_a_conversation_went_and_takes_it_back(
    tmp_path: Path, phone: TelegramServer, browser: Browser
) -> None:
    async with Daemon(tmp_path / "home", settings(phone)) as daemon:
        await daemon.start()
        await ready(daemon, phone)
        page = await browser.new_page()
        await page.goto((await daemon.command("login"))[1].strip())
        await say(page, "say hello page")
        await expect(page.locator(".message.out")).to_contain_text("hello page", timeout=20_000)
        await expect(page.locator("#departed")).to_be_hidden()
        await daemon.quiet()
        await say(page, "/handoff telegram")
        banner = page.locator("#departed")
        await expect(banner).to_contain_text("This conversation continues on telegram", timeout=20_000)
        await page.reload()
        await expect(banner).to_contain_text("here it can only be read")
        await daemon.quiet()
        await banner.get_by_role("button", name="Take back").click()
        await expect(banner).to_be_hidden(timeout=20_000)
        await expect(page.locator(".message.out").last).to_contain_text("Continuing say hello page")
        assert await daemon.stop() == 0
        assert daemon.findings() == []


def test_every_step_of_a_handoff_has_its_end() -> None:
    assert set(ENDS) == {point for point in CRASHPOINTS if point.startswith("handoff.")}


@pytest.mark.parametrize("point", ENDS)
async def test_after_a_kill_at_any_step_the_session_has_exactly_one_owner(
    point: str, tmp_path: Path, phone: TelegramServer
) -> None:
    async with Daemon(tmp_path / "home", settings(phone)) as daemon:
        await daemon.start()
        desk = await ready(daemon, phone)
        await daemon.stop()
        if point == "handoff.after_fail":
            phone.fault("createForumTopic", server_error(), times=None)
        await daemon.start(point)
        await desk.quietly("/handoff telegram")
        if point == "handoff.after_take":
            await desk.hears("continues on **telegram**")
            await desk.quietly("/take")
        await daemon.died()
        await daemon.start()
        state = ENDS[point]
        async with asyncio.timeout(WITHIN):
            while True:
                found = await desk.ask("GET", "/api/hermes/sessions/terminal:main/handoff")
                if found.get("state") in ("completed", "failed", "cancelled"):
                    break
                await asyncio.sleep(0.1)
        assert found["state"] == state, found
        await daemon.quiet()
        assert await daemon.stop() == 0
        assert daemon.findings() == []
        at = daemon.rows(
            "SELECT platform FROM binding JOIN session ON id = session_id WHERE title = 'say hello desk'"
        )
        back = state == "failed" or point == "handoff.after_take"
        assert [row["platform"] for row in at] == ["terminal" if back else "telegram"]
