"""A person at the desk and elsewhere: the terminal's chat over its API, and a daemon on every surface at once."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import httpx

from tests.fakes.discord_server import BOT_ID, DiscordServer
from tests.fakes.slack_server import SlackServer
from tests.fakes.telegram_server import TelegramServer
from tests.support.daemon import OWNER, Daemon, quiet_settings
from tests.support.traffic import UNLIMITED

WITHIN = 30.0
DIRECT = "D00000007"
SURFACES = ("terminal", "telegram", "discord", "slack", "web")


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

    async def hands_over(self, id: str, to: str, note: str = "") -> Any:
        """Hand a session over, and return how that ended however long it takes: the daemon ends it in time."""
        path = f"/api/hermes/sessions/{id}/handoff"
        found = await self.ask("POST", path, to=to, note=note, wait=25)
        while found.get("state") in ("pending", "running"):
            found = await self.ask("GET", f"{path}?wait=25")
        return found

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
    """Return settings with Telegram and the page."""
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
