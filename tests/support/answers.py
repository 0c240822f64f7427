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
