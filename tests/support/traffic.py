"""Traffic on several platforms at once, with faults that a seed chooses: dropped, late, twice, out of order, refused.

A platform plugs in as a ``Town``: people who each have a chat with Hermes, and what can go wrong between them.
"""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from tests.fakes import discord_server, slack_server, telegram_server
from tests.fakes.discord_server import DiscordServer
from tests.fakes.faults import Delay, DropAfter, DropBefore, Fault, Refuse
from tests.fakes.slack_server import SlackServer
from tests.fakes.telegram_server import TelegramServer

UNLIMITED = {"per_second": 10_000, "per_chat": 10_000, "per_group_minute": 600_000}
RESEND = "↻"
FIRST = 1000
SLOW = 0.1
CREATE = "create_message"


class Town(Protocol):
    """One platform with its people."""

    name: str

    def settings(self) -> Mapping[str, Any]:
        """Return the platform's section of the settings."""
        ...

    async def say(self, person: int, text: str) -> None:
        """Have somebody write."""
        ...

    def told(self, person: int) -> Sequence[str]:
        """Return what somebody was told, message by message."""
        ...

    def trouble(self, chance: random.Random) -> None:
        """Let one thing go wrong soon."""
        ...

    def calm(self) -> None:
        """Let nothing go wrong any more."""
        ...


class TelegramTown:
    """People on the fake Telegram."""

    name = "telegram"

    def __init__(self, server: TelegramServer) -> None:
        self._server = server

    def settings(self) -> Mapping[str, Any]:
        return {"token": self._server.token, "api_base": self._server.url}

    async def say(self, person: int, text: str) -> None:
        self._server.user_says(FIRST + person, text)

    def told(self, person: int) -> Sequence[str]:
        return [message.text for message in self._server.messages(FIRST + person)]

    def trouble(self, chance: random.Random) -> None:
        sending = _wire(chance, telegram_server.flood(1), telegram_server.server_error())
        self._server.fault("sendMessage", sending, skip=chance.randint(0, 10))
        # A poll that is carried out and whose answer is lost brings its messages again.
        polling = chance.choice((DropBefore(), DropAfter(), Delay(0.3), telegram_server.server_error(500)))
        self._server.fault("getUpdates", polling, skip=chance.randint(0, 2))

    def calm(self) -> None:
        self._server.faults.clear()


class SlackTown:
    """People on the fake Slack, each in a direct message."""

    name = "slack"

    def __init__(self, server: SlackServer) -> None:
        self._server = server
        self._direct: dict[int, str] = {}
        self._held: list[Any] = []
        self._again = self._reorder = False

    def settings(self) -> Mapping[str, Any]:
        server = self._server
        return {"bot_token": server.bot_token, "app_token": server.app_token, "api_base": server.url}

    def _chat(self, person: int) -> str:
        if person not in self._direct:
            self._direct[person] = self._server.person(f"U{FIRST + person:08}", f"Person {person}")
        return self._direct[person]

    async def say(self, person: int, text: str) -> None:
        chat = self._chat(person)
        message = self._server.world.add(chat, self._server.world.place(chat).user, text, thread_ts="")
        self._held.append(message)
        if self._reorder:
            self._reorder = False
            return
        for held in reversed(self._held):
            envelope = self._server.tell(held)
            if self._again and envelope is not None:
                self._again = False
                self._server.sockets.again(envelope)
        self._held.clear()

    def told(self, person: int) -> Sequence[str]:
        return [message.shown for message in self._server.messages(self._chat(person))]

    def trouble(self, chance: random.Random) -> None:
        sending = _wire(chance, slack_server.flood(1), slack_server.server_error())
        self._server.fault("chat.postMessage", sending, skip=chance.randint(0, 10))
        match chance.randint(0, 5):
            case 0:
                self._server.sockets.drop()
            case 1 | 2:
                self._again = True
            case 3 | 4:
                self._reorder = True
            case _:
                self._server.fault("apps.connections.open", slack_server.server_error(), times=1)
                self._server.sockets.drop()

    def calm(self) -> None:
        self._server.faults.clear()
        self._again = self._reorder = False
        for held in self._held:
            self._server.tell(held)
        self._held.clear()


class DiscordTown:
    """People on the fake Discord, each in a direct message."""

    name = "discord"

    def __init__(self, server: DiscordServer) -> None:
        self._server = server
        self._again = False

    def settings(self) -> Mapping[str, Any]:
        return self._server.settings

    async def say(self, person: int, text: str) -> None:
        message = await self._server.says(str(FIRST + person), text)
        if self._again:
            self._again = False
            await self._server.tell_message(message)

    def told(self, person: int) -> Sequence[str]:
        chat = self._server.world.dm(str(FIRST + person))["id"]
        return [self._server.text(message) for message in self._server.heard(chat)]

    def trouble(self, chance: random.Random) -> None:
        sending = _wire(chance, discord_server.too_many(1), Refuse(502, b"Bad Gateway"))
        self._server.fault(CREATE, sending, skip=chance.randint(0, 10))
        match chance.randint(0, 5):
            case 0:
                self._server.gateway.drop()
            case 1:
                self._server.gateway.forget()
                self._server.gateway.drop()
            case _:
                self._again = True

    def calm(self) -> None:
        self._server.faults.clear()


def _wire(chance: random.Random, flood: Fault, failure: Fault) -> Fault:
    return chance.choice((DropBefore(), DropAfter(), Delay(0.5), flood, failure))


@dataclass
class Traffic:
    """What was said in all towns, and the account of what was answered."""

    towns: Sequence[Town]
    people: int
    said: dict[tuple[int, int], list[str]] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """How many things were said."""
        return sum(map(len, self.said.values()))

    def settings(self) -> dict[str, Any]:
        """Return the sections of the settings that open the towns to their people."""
        names = [town.name for town in self.towns]
        return {
            "platforms": {town.name: dict(town.settings()) for town in self.towns},
            "delivery": {"rates": dict.fromkeys(names, UNLIMITED)},
            "access": {"open_to_everyone": names},
        }

    async def greet(self) -> None:
        """Have everybody say something while all is well: a platform may show nobody a stranger's missed words."""
        for town in range(len(self.towns)):
            for person in range(self.people):
                await self.speak(town, person)

    async def speak(self, town: int, person: int, *, slowly: bool = False) -> None:
        """Have somebody say one more thing that they wait to hear back; ``slowly``: the answer is shown as it grows."""
        words = self.said.setdefault((town, person), [])
        word = f"word-{town}-{person}-{len(words)}."
        words.append(word)
        await self.towns[town].say(person, f"say {word}" + ("\nsleep 1" if slowly else ""))

    async def storm(self, chance: random.Random, messages: int, *, beat: float = 0.05) -> None:
        """Let so many more things be said, while things go wrong; then let it become calm."""
        goal = self.total + messages
        while self.total < goal:
            for number, town in enumerate(self.towns):
                if chance.random() < 0.3:
                    town.trouble(chance)
                for _ in range(chance.randint(1, 4)):
                    slowly = chance.random() < SLOW
                    await self.speak(number, chance.randrange(self.people), slowly=slowly)
            await asyncio.sleep(beat * chance.random())
        for town in self.towns:
            town.calm()

    def answers(self) -> dict[str, tuple[int, int]]:
        """Return how often each word stands in what people see: plain, and marked as sent again."""
        found: dict[str, tuple[int, int]] = {}
        for (town, person), words in self.said.items():
            told = self.towns[town].told(person)
            for word in words:
                fitting = [text for text in told if word in text]
                marked = sum(text.startswith(RESEND) for text in fitting)
                found[word] = len(fitting) - marked, marked
        return found

    def unheard(self) -> list[str]:
        """Return what was not answered yet."""
        return [word for word, (plain, marked) in self.answers().items() if not plain + marked]

    def doubled(self) -> list[str]:
        """Return what was answered twice without the mark of a second sending."""
        return [word for word, (plain, _) in self.answers().items() if plain > 1]

    async def until_heard(self, within: float, dead: Callable[[], Sequence[str]] = tuple) -> None:
        """Wait until everything was answered, or is in a dead letter whose texts ``dead()`` returns.

        Raises TimeoutError that names what was not.
        """
        until = asyncio.get_running_loop().time() + within
        while missing := self.unheard():
            letters = "\n".join(await asyncio.to_thread(dead))
            missing = [word for word in missing if word not in letters]
            if not missing:
                return
            if asyncio.get_running_loop().time() > until:
                raise TimeoutError(f"{len(missing)} of {self.total} were not answered, such as {missing[:5]}")
            # Looking costs as much as there was said, so it is not done at every message.
            await asyncio.sleep(0.25)
