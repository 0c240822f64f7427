"""Who may speak to the real daemon: the owner's one-time code, pairing by chat and by command, strangers."""

import re
from pathlib import Path

from tests.fakes.telegram_server import TelegramServer
from tests.support.daemon import OWNER, Daemon, quiet_settings

STRANGER = 66


async def test_the_code_that_is_printed_makes_the_owner_and_a_stranger_is_paired(
    tmp_path: Path, telegram: TelegramServer
) -> None:
    settings = quiet_settings(telegram)
    settings["access"], settings["web"] = {}, {"enabled": True}
    async with Daemon(tmp_path / "home", settings) as daemon:
        await daemon.start()
        line = await daemon.says("send this one-time code to your telegram bot")
        telegram.user_says(STRANGER, "AAAABBBB")
        telegram.user_says(OWNER, line.rpartition(" ")[2])
        await telegram.wait_for_text(OWNER, "you are the owner now", within=20)
        telegram.user_says(OWNER, "say at your service")
        await telegram.wait_for_text(OWNER, "at your service", within=20)

        telegram.user_says(STRANGER, "let me in")
        greeting = await telegram.wait_for_text(STRANGER, "Your pairing code is", within=20)
        for _ in range(3):
            telegram.user_says(STRANGER, "please")
        code = re.search(r"code is ([A-Z0-9]{8})", greeting.text)
        assert code is not None
        exit_code, words = await daemon.command("pairing", "approve", code[1])
        assert exit_code == 0, words
        telegram.user_says(STRANGER, "say thank you")
        await telegram.wait_for_text(STRANGER, "thank you", within=20)
        assert len(telegram.messages(STRANGER)) == 2
        assert await daemon.stop() == 0
        assert daemon.findings() == []
        stored = daemon.rows("SELECT hash, salt FROM pairing")
        assert all(code[1].encode() not in bytes(value) for row in stored for value in row)

        await daemon.start()
        assert "one-time code" not in daemon.text
        telegram.user_says(STRANGER, "say still admitted")
        await telegram.wait_for_text(STRANGER, "still admitted", within=20)
        assert await daemon.stop() == 0


async def test_strangers_cost_nothing_and_learn_nothing(tmp_path: Path, telegram: TelegramServer) -> None:
    async with Daemon(tmp_path / "home", quiet_settings(telegram, access={"pairing": False})) as daemon:
        await daemon.start()
        for stranger in range(100, 120):
            telegram.user_says(stranger, "/status")
            telegram.user_says(stranger, "say hello")
        telegram.user_says(OWNER, "say hello")
        await telegram.wait_for_text(OWNER, "hello", within=20)
        assert await daemon.stop() == 0
        assert {call.raw.chat_id() for call in telegram.calls("sendMessage")} == {OWNER}
        assert daemon.rows("SELECT count(*) FROM session")[0][0] == 1
