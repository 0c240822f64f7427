"""Questions over Telegram with the real daemon: durable, answered once, by whoever is admitted."""

from pathlib import Path

from tests.fakes.telegram_server import TelegramServer
from tests.support.answers import Count, count
from tests.support.daemon import OWNER, Daemon, quiet_settings


async def test_a_question_outlives_kills_and_is_answered_in_words(
    tmp_path: Path, telegram: TelegramServer
) -> None:
    async with Daemon(tmp_path / "home", quiet_settings(telegram)) as daemon:
        await daemon.start()
        telegram.user_says(OWNER, "ask Go on? | yes | no\nsay we went on")
        card = await telegram.wait_for_text(OWNER, "Go on?", within=20)
        # A second answer in the chat tells that the receipt of the first is stored.
        telegram.user_says(OWNER, "say something else")
        await telegram.wait_for_text(OWNER, "something else", within=20)
        await daemon.kill()
        await daemon.start()
        telegram.user_says(OWNER, "say and more")
        await telegram.wait_for_text(OWNER, "and more", within=20)
        await daemon.kill()
        telegram.user_says(OWNER, "yes")
        telegram.tap(card, "no")
        await daemon.start()
        await telegram.wait_for_text(OWNER, "we went on", within=20)
        await telegram.wait_for(lambda: not card.labels, within=20)
        assert "yes" in card.text
        assert await daemon.stop() == 0
        assert count(telegram, OWNER, "we went on") == Count(1, 0)
        assert count(telegram, OWNER, "Go on?").plain == 1
        assert daemon.findings() == []


async def test_a_waiting_question_holds_up_nothing_and_costs_nothing(
    tmp_path: Path, telegram: TelegramServer
) -> None:
    settings = quiet_settings(telegram, turns={"at_once": 1}, access={"open_to_everyone": ["telegram"]})
    async with Daemon(tmp_path / "home", settings) as daemon:
        await daemon.start()
        telegram.user_says(OWNER, "ask One?\nsay first is")
        await telegram.wait_for_text(OWNER, "One?", within=20)
        telegram.user_says(100, "say others go on")
        await telegram.wait_for_text(100, "others go on", within=20)
        telegram.user_says(OWNER, "my answer")
        await telegram.wait_for_text(OWNER, "first is", within=20)
        assert await daemon.stop() == 0
        assert daemon.findings() == []
