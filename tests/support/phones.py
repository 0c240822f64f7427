"""One person's phone on each platform: where jobs are handed over, heard of, answered and steered."""

import re
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from tests.fakes.discord_server import DiscordServer
from tests.fakes.slack_server import SlackServer
from tests.fakes.telegram_server import TelegramServer
from tests.support.daemon import OWNER, merged, quiet_settings

WITHIN = 30.0
T = TypeVar("T")
MARKUP = re.compile(r"[*_`]")
UNLIMITED = {"per_second": 10_000, "per_chat": 10_000, "per_group_minute": 600_000}


@dataclass(frozen=True, slots=True)
class Shown:
    """A message of the bot as it stands now; ``thread`` names the thread it is in, ``raw`` is the platform's."""

    text: str
    thread: str
    labels: Sequence[str]
    raw: Any


class Phone(Protocol):
    """What a test does with a platform."""

    settings: dict[str, Any]

    async def command(self, line: str) -> None:
        """Use a slash command in the chat that is not a thread."""
        ...

    async def says(self, text: str, thread: str = "", reply_to: Shown | None = None) -> None:
        """Write, in a thread where one is named."""
        ...

    def shown(self) -> list[Shown]:
        """Return what the bot has said, everywhere."""
        ...

    async def tap(self, message: Shown, label: str) -> None:
        """Press a button."""
        ...

    async def wait(self, condition: Callable[[], T]) -> T:
        """Wait until a condition on what is shown is met."""
        ...


async def hears(phone: Phone, text: str, *, thread: str | None = None, count: int = 1) -> Shown:
    """Wait until the bot has said something, so many times, and return the last of them."""

    def found() -> Shown | None:
        fitting = [one for one in phone.shown() if text in one.text and thread in (None, one.thread)]
        return fitting[count - 1] if len(fitting) >= count else None

    try:
        met = await phone.wait(found)
    except TimeoutError:
        raise AssertionError(f"never heard {text!r}; it said:\n{said(phone)}") from None
    assert met is not None
    return met


def said(phone: Phone) -> str:
    """Return all that the bot has said, for the message of a test that failed."""
    return "\n---\n".join(f"[{one.thread}] {one.text} {list(one.labels)}" for one in phone.shown())


async def approve(phone: Phone, words: str) -> Shown:
    """Approve the action that shows certain words."""

    def found() -> Shown | None:
        asked = (one for one in phone.shown() if words in one.text)
        return next(
            (one for one in asked if any(label.startswith("✅ Approve") for label in one.labels)), None
        )

    try:
        card = await phone.wait(found)
    except TimeoutError:
        raise AssertionError(f"nobody asked about {words!r}; it said:\n{said(phone)}") from None
    assert card is not None
    await phone.tap(card, next(label for label in card.labels if label.startswith("✅ Approve")))
    return card


class TelegramPhone:
    """A private chat with topics, or without."""

    def __init__(self, server: TelegramServer) -> None:
        self._server = server
        self.settings = quiet_settings(server)

    async def command(self, line: str) -> None:
        """Type it."""
        self._server.user_says(OWNER, line)

    async def says(self, text: str, thread: str = "", reply_to: Shown | None = None) -> None:
        """Write in the chat or a topic."""
        more: dict[str, Any] = {"thread": int(thread)} if thread else {}
        if reply_to is not None:
            more["reply_to"] = reply_to.raw
        self._server.user_says(OWNER, text, **more)

    def shown(self) -> list[Shown]:
        """Return what the bot has said."""
        return [
            Shown(one.text, str(one.thread_id or ""), one.labels, one) for one in self._server.messages(OWNER)
        ]

    async def tap(self, message: Shown, label: str) -> None:
        """Press a button."""
        found = next(one["callback_data"] for one in message.raw.buttons if one["text"] == label)
        self._server.tap_data(message.raw, found, user=OWNER)

    async def wait(self, condition: Callable[[], T]) -> T:
        """Wait on the server."""
        return await self._server.wait_for(condition, within=WITHIN)


class DiscordPhone:
    """A channel of a guild, with threads."""

    def __init__(self, server: DiscordServer) -> None:
        self._server = server
        person = str(OWNER)
        self._channel = server.channel(server.guild(person))["id"]
        self.settings = quiet_settings(
            access={"owners": [f"discord:{person}"]},
            platforms={"discord": server.settings},
            delivery={"rates": {"discord": UNLIMITED}},
        )

    async def command(self, line: str) -> None:
        """Choose it from the menu."""
        name, _, text = line.removeprefix("/").partition(" ")
        await self._server.wait_for(lambda: self._server.world.command_puts, within=WITHIN)
        await self._server.commands(str(OWNER), name, text, channel=self._channel)

    async def says(self, text: str, thread: str = "", reply_to: Shown | None = None) -> None:
        """Write in the channel or a thread."""
        more = {"reply_to": reply_to.raw["id"]} if reply_to is not None else {}
        await self._server.says(str(OWNER), text, channel=thread or self._channel, **more)

    def shown(self) -> list[Shown]:
        """Return what the bot has said."""
        return [
            Shown(
                MARKUP.sub("", self._server.text(one)),
                "" if channel == self._channel else channel,
                self._server.labels(one),
                one,
            )
            for channel in list(self._server.world.messages)
            for one in self._server.heard(channel)
        ]

    async def tap(self, message: Shown, label: str) -> None:
        """Press a button."""
        await self._server.taps(str(OWNER), message.raw, label)

    async def wait(self, condition: Callable[[], T]) -> T:
        """Wait on the server."""
        return await self._server.wait_for(condition, within=WITHIN)


class SlackPhone:
    """A channel with threads."""

    PERSON, CHANNEL = "U0OWNER01", "C0GENERAL"

    def __init__(self, server: SlackServer) -> None:
        self._server = server
        server.person(self.PERSON, "Ada")
        server.channel(self.CHANNEL, "general", self.PERSON)
        slack = {"bot_token": server.bot_token, "app_token": server.app_token, "api_base": server.url}
        base = {
            "access": {"owners": [f"slack:{self.PERSON}"]},
            "delivery": {"rates": {"slack": UNLIMITED}},
            "platforms": {"slack": slack},
        }
        self.settings = quiet_settings(**merged(base, {}))

    async def command(self, line: str) -> None:
        """Use the app's one command."""
        await self._server.wait_for(lambda: self._server.sockets.lines, within=WITHIN)
        self._server.slash(self.CHANNEL, line.removeprefix("/"), user=self.PERSON)

    async def says(self, text: str, thread: str = "", reply_to: Shown | None = None) -> None:
        """Write in the channel or a thread."""
        under = thread or (reply_to.raw.ts if reply_to is not None else "")
        self._server.types(self.CHANNEL, text, user=self.PERSON, thread=under)

    def shown(self) -> list[Shown]:
        """Return what the bot has said."""
        return [
            Shown(MARKUP.sub("", one.shown), one.thread_ts, one.labels, one)
            for one in self._server.messages(self.CHANNEL)
        ]

    async def tap(self, message: Shown, label: str) -> None:
        """Press a button."""
        self._server.tap(message.raw, label, user=self.PERSON)

    async def wait(self, condition: Callable[[], T]) -> T:
        """Wait on the server."""
        return await self._server.wait_for(condition, within=WITHIN)


@asynccontextmanager
async def phone_on(platform: str) -> AsyncGenerator[Phone]:
    """Run a platform and return its owner's phone."""
    match platform:
        case "discord":
            async with DiscordServer() as server:
                yield DiscordPhone(server)
        case "slack":
            async with SlackServer() as server:
                yield SlackPhone(server)
        case _:
            async with TelegramServer(topics_in_dms=platform == "telegram") as server:
                yield TelegramPhone(server)
