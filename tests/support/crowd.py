"""A crowd on the fake Telegram: many chats that say numbered things, and the account of what they were answered."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.fakes.telegram_server import TelegramServer
from tests.support.answers import Count, count

FIRST = 1000


@dataclass
class Crowd:
    """People who each have a private chat; ``said`` are the words they wait to hear back, by chat."""

    server: TelegramServer
    people: int
    said: dict[int, list[str]] = field(default_factory=dict)

    @property
    def chats(self) -> Sequence[int]:
        """The people's chats."""
        return range(FIRST, FIRST + self.people)

    def speak(self, number: int) -> None:
        """Have everybody say one more thing."""
        for chat in self.chats:
            word = f"word-{chat}-{number}."
            self.said.setdefault(chat, []).append(word)
            self.server.user_says(chat, f"say {word}")

    def heard(self) -> int:
        """Return how many things were answered, marked or not."""
        told = {chat: "\n".join(message.text for message in self.server.messages(chat)) for chat in self.said}
        return sum(word in told[chat] for chat, words in self.said.items() for word in words)

    @property
    def total(self) -> int:
        """How many things were said."""
        return sum(map(len, self.said.values()))

    async def until_heard(self, number: int, *, within: float = 60.0) -> None:
        """Wait until so many things were answered."""
        await self.server.wait_for(lambda: self.heard() >= number, within=within)

    def wrong(self) -> dict[str, Count]:
        """Return what was not answered, or answered twice without the mark of a second sending."""
        counts = {word: count(self.server, chat, word) for chat, words in self.said.items() for word in words}
        return {
            word: found
            for word, found in counts.items()
            if found.plain > 1 or found.plain + found.marked == 0
        }

    def marked(self) -> int:
        """Return how many answers were sent again with the mark."""
        return sum(
            count(self.server, chat, word).marked for chat, words in self.said.items() for word in words
        )
