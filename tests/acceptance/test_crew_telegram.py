"""A task from a chat on its way through triage and a review: both are cards, and a tap on each is enough."""

from collections.abc import Callable
from pathlib import Path

from tests.fakes.telegram_server import Message, TelegramServer
from tests.support.daemon import OWNER, Daemon, quiet_settings

TEMPLATE = """
name = "letter"
sentence = "Written by one agent, reviewed by people."
review = true
words = ["letter"]
acceptance = "It is polite and says what is wanted."

[[stage]]
phase = "drafting"
agent = "essayist"
offline = '''
write letter-{id}.md: {title}
submit The letter is written. | letter-{id}.md
'''
"""


class Chat:
    """The owner's chat with a daemon."""

    def __init__(self, telegram: TelegramServer) -> None:
        self._telegram = telegram

    async def found(self, wanted: Callable[[Message], bool]) -> Message:
        """Wait for a message."""
        fitting = await self._telegram.wait_for(
            lambda: [message for message in self._telegram.messages(OWNER) if wanted(message)], within=30
        )
        return fitting[0]

    async def tap(self, card: Message, label: str) -> str:
        """Press a button and return the sentence in answer to it."""
        data = next(button["callback_data"] for button in card.buttons if button["text"] == label)
        press = self._telegram.tap_data(card, data, user=OWNER)
        await self._telegram.wait_for(lambda: press.answered, within=20)
        return press.text


async def test_a_task_from_a_chat_is_sorted_and_reviewed_by_two_taps(
    tmp_path: Path, telegram: TelegramServer
) -> None:
    settings = quiet_settings(telegram, board={"triage": "any", "first_wait": 0.1})
    async with Daemon(tmp_path / "home", settings) as daemon:
        files = daemon.home.root / "crew/templates"
        files.mkdir(parents=True)
        (files / "letter.toml").write_text(TEMPLATE, encoding="utf-8")
        await daemon.start()
        chat = Chat(telegram)
        telegram.user_says(OWNER, "task: A letter to the city", user=OWNER)
        card = await chat.found(lambda message: "Triage: task 1" in message.text)
        assert "template letter, by essayist" in card.text.replace("*", "")
        assert "polite" in card.text
        assert await chat.tap(card, "✅ As suggested") == "Task 1 is assigned, for essayist."
        review = await chat.found(lambda message: "Review: task 1, version 1" in message.text)
        assert "The letter is written." in review.text
        assert "Write: /review 1 changes" in await chat.tap(review, "✏️ Changes…")
        assert await chat.tap(review, "✅ Approve") == "Task 1 is done."
        telegram.user_says(OWNER, "/leaderboard", user=OWNER)
        await chat.found(lambda message: "essayist" in message.text and "XP" in message.text)
        telegram.user_says(OWNER, "/shiplog", user=OWNER)
        await chat.found(lambda message: "1 A letter to the city: essayist" in message.text)
        await daemon.quiet()
        assert await daemon.stop() == 0
        assert daemon.findings() == []
