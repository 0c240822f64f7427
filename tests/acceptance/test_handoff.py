"""Handoff with the real daemon: from the terminal to the phone and back, and at every step a kill."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import count, pairwise, permutations
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, async_playwright, expect

from kernel.crashpoints import CRASHPOINTS
from tests.acceptance.test_page import ARGUMENTS, CHROMIUM, say
from tests.acceptance.test_terminal import conversation
from tests.fakes.discord_server import BOT_ID, DiscordServer
from tests.fakes.slack_server import SlackServer
from tests.fakes.telegram_server import Message, TelegramServer, server_error
from tests.support.daemon import OWNER, Daemon, quiet_settings
from tests.support.traffic import UNLIMITED

WITHIN = 30.0
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


@pytest.fixture
async def phone() -> AsyncIterator[TelegramServer]:
    """Run a Telegram whose private chats have topics."""
    async with TelegramServer(topics_in_dms=True) as server:
        yield server


class Desk:
    """The terminal's chat, as its program reaches it."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._numbers = count(1)

    async def ask(self, method: str, path: str, **body: object) -> Any:
        """Call the API with this machine's token."""
        info = self._daemon.info
        headers = {"Authorization": f"Bearer {info.token}"}
        async with httpx.AsyncClient(trust_env=False, timeout=40) as client:
            answer = await client.request(
                method, info.url.rstrip("/") + path, headers=headers, json=body or None
            )
        return answer.json()

    async def say(self, text: str) -> None:
        """Say something."""
        key = f"desk-key-{next(self._numbers)}"
        await self.ask("POST", "/api/chat/terminal/main/messages", key=key, text=text)

    async def quietly(self, text: str) -> None:
        """Say something that may be the last that the daemon hears."""
        with suppress(httpx.TransportError):
            await self.say(text)

    async def hears(self, text: str) -> Any:
        """Wait until a message of Hermes in the chat contains a text."""
        async with asyncio.timeout(WITHIN):
            while True:
                history = await self.ask("GET", "/api/chat/terminal/main/history")
                for message in history["messages"]:
                    if message["direction"] == "out" and text in message["text"]:
                        return message
                await asyncio.sleep(0.1)


def settings(phone: TelegramServer, **sections: Any) -> dict[str, Any]:
    return quiet_settings(phone, web={"enabled": True, "port": 0}, **sections)


async def ready(daemon: Daemon, phone: TelegramServer) -> Desk:
    """Make the phone a home channel and begin a conversation at the desk."""
    phone.user_says(OWNER, "say hello phone")
    await phone.wait_for_text(OWNER, "hello phone", within=WITHIN)
    await daemon.quiet()
    desk = Desk(daemon)
    await desk.say("say hello desk")
    await desk.hears("hello desk")
    return desk


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


DIRECT = "D00000007"
SURFACES = ("terminal", "telegram", "discord", "slack", "web")


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


@dataclass(frozen=True, slots=True)
class World:
    """A daemon on every surface; ``targets`` is what a handoff to each names."""

    daemon: Daemon
    discord: DiscordServer
    slack: SlackServer
    targets: Mapping[str, str]

    def discord_card(self, *, closed: bool) -> Any:
        """Return the card of a request on Discord, with its buttons or without."""
        said = [one for channel in list(self.discord.world.channels) for one in self.discord.heard(channel)]
        cards = [
            one for one in said if "may I?" in self.discord.text(one) or "is asked" in self.discord.text(one)
        ]
        return next((one for one in cards if bool(one["components"]) is not closed), None)

    def slack_card(self) -> Any:
        """Return the card of a request on Slack."""
        said = self.slack.messages(DIRECT)
        return next((one for one in said if "may I?" in one.shown), None)


@asynccontextmanager
async def everywhere(phone: TelegramServer, root: Path) -> AsyncGenerator[World]:
    """Run a daemon on every surface, whose owner was heard on each."""
    async with DiscordServer() as discord, SlackServer() as slack:
        general = discord.channel(discord.guild(str(OWNER)))["id"]
        direct = slack.person("U00000007")
        named = {"discord": f"discord:{general}"}
        sections = {
            "platforms": {
                "discord": dict(discord.settings),
                "slack": {
                    "bot_token": slack.bot_token,
                    "app_token": slack.app_token,
                    "api_base": slack.url,
                },
            },
            "access": {"owners": [f"telegram:{OWNER}", f"discord:{OWNER}", "slack:U00000007"]},
            "delivery": {"rates": dict.fromkeys(("telegram", "discord", "slack"), UNLIMITED)},
        }
        async with Daemon(root, settings(phone, **sections)) as daemon:
            await daemon.start()
            await discord.says(str(OWNER), f"<@{BOT_ID}> say hello guild", channel=general)
            slack.says(direct, "say hello slack")
            await discord.wait_for(lambda: discord.made("create_message"), within=WITHIN)
            await slack.wait_for_text(direct, "hello slack", within=WITHIN)
            yield World(daemon, discord, slack, {one: named.get(one, one) for one in SURFACES})


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
            path = f"/api/hermes/sessions/{id}/handoff"
            done = await desk.ask("POST", path, to=targets[platform], note=f"step {number}", wait=25)
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


async def test_a_process_in_the_background_is_named_and_obeys_in_the_new_place(
    tmp_path: Path, phone: TelegramServer
) -> None:
    async with Daemon(tmp_path / "home", settings(phone)) as daemon:
        await daemon.start()
        desk = await ready(daemon, phone)
        await desk.say("start sleep 120")
        await desk.hears("Started in the background as p1")
        await daemon.quiet()
        await desk.say("/handoff telegram")
        summary = await phone.wait_for_text(OWNER, "it was on terminal", within=WITHIN)
        assert "Process p1 runs in the background: sleep 120" in summary.text
        await desk.hears("continues on **telegram**")
        phone.user_says(OWNER, "poll p1", thread=summary.thread_id)
        await phone.wait_for_text(OWNER, "p1 runs", within=WITHIN)
        phone.user_says(OWNER, "kill p1", thread=summary.thread_id)
        await phone.wait_for_text(OWNER, "It was ended", within=WITHIN)
        await daemon.quiet()
        await desk.say("/take")
        taken = await desk.hears("Continuing **say hello desk**")
        assert "Process" not in taken["text"]
        assert await daemon.stop() == 0


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


async def test_a_card_follows_its_conversation_from_platform_to_platform_and_is_decided_on_the_last(
    tmp_path: Path, phone: TelegramServer
) -> None:
    async with everywhere(phone, tmp_path / "home") as world:
        daemon, discord = world.daemon, world.discord
        desk = await ready(daemon, phone)
        await desk.say("run rm notes.txt; echo gone\nsay and that was it")
        await desk.hears("may I?")
        await daemon.quiet()
        await desk.say(f"/handoff {world.targets['discord']}")
        await discord.wait_for(lambda: world.discord_card(closed=False), within=WITHIN)
        await desk.hears("is asked on discord now")
        await daemon.quiet()
        id = (await desk.ask("GET", "/api/hermes/sessions/terminal:main"))["id"]
        done = await desk.ask("POST", f"/api/hermes/sessions/{id}/handoff", to="slack", wait=25)
        assert done["state"] == "completed", done
        await discord.wait_for(lambda: world.discord_card(closed=True), within=WITHIN)
        card = await world.slack.wait_for(world.slack_card, within=WITHIN)
        world.slack.tap(card, "✅ Approve", user="U00000007")
        await world.slack.wait_for_text(DIRECT, "gone", within=WITHIN)
        await daemon.quiet()
        assert await daemon.stop() == 0
        assert daemon.findings() == []


def continued(phone: TelegramServer) -> Message | None:
    """Return the answer of the turn that was held, which the summary quotes as well."""
    said = (message for message in phone.messages(OWNER) if "and that was it" in message.text)
    return next((message for message in said if "it was on terminal" not in message.text), None)


async def test_a_waiting_request_is_decided_with_live_buttons_in_the_new_place(
    tmp_path: Path, phone: TelegramServer
) -> None:
    async with Daemon(tmp_path / "home", settings(phone)) as daemon:
        await daemon.start()
        desk = await ready(daemon, phone)
        await desk.say("run rm notes.txt; echo gone\nsay and that was it")
        await desk.hears("may I?")
        await daemon.quiet()
        await desk.say("/handoff telegram")
        await desk.hears("continues on **telegram**")
        summary = await phone.wait_for_text(OWNER, "it was on terminal", within=WITHIN)
        assert "waits for a decision" in summary.text
        card = await phone.wait_for_text(OWNER, "may I?", within=WITHIN)
        assert card.thread_id == summary.thread_id
        await desk.hears("is asked on telegram now")
        phone.tap(card, "✅ Approve")
        answer = await phone.wait_for(lambda: continued(phone), within=WITHIN)
        assert answer is not None
        assert answer.thread_id == summary.thread_id
        await daemon.quiet()
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
