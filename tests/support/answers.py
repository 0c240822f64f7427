"""Counting answers on the fake Telegram: each exactly once, or once more and marked."""

from dataclasses import dataclass

from gateway.platforms.telegram.sending import RESEND_MARK
from tests.fakes.telegram_server import TelegramServer


@dataclass(frozen=True, slots=True)
class Count:
    """How often a text was sent, and how often of these with the mark of a second sending."""

    plain: int
    marked: int


def count(server: TelegramServer, chat: int, text: str) -> Count:
    """Count the bot's messages in a chat that contain ``text``."""
    found = [message for message in server.messages(chat) if text in message.text]
    marked = sum(message.text.startswith(RESEND_MARK.strip()) for message in found)
    return Count(len(found) - marked, marked)


def reached(server: TelegramServer, chat: int, text: str) -> bool:
    """Tell whether an answer has arrived, marked or not."""
    return any(text in message.text for message in server.messages(chat))


def doubled(server: TelegramServer, expected: dict[int, list[str]]) -> dict[str, Count]:
    """Return every expected answer that is missing or was sent a second time without the mark."""
    counts = {
        f"{chat}: {text}": count(server, chat, text) for chat, texts in expected.items() for text in texts
    }
    return {
        name: found for name, found in counts.items() if found.plain > 1 or found.plain + found.marked == 0
    }
