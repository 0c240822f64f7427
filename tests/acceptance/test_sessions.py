"""Sessions of the real daemon: memory over restarts, daily resets, one person on several surfaces."""

from pathlib import Path

from tests.fakes.telegram_server import TelegramServer
from tests.support.daemon import OWNER, Daemon, quiet_settings


async def test_a_conversation_continues_after_a_kill(tmp_path: Path, telegram: TelegramServer) -> None:
    async with Daemon(tmp_path / "home", quiet_settings(telegram)) as daemon:
        await daemon.start()
        telegram.user_says(OWNER, "say apples")
        await telegram.wait_for_text(OWNER, "apples", within=20)
        await daemon.kill()
        await daemon.start()
        telegram.user_says(OWNER, "say pears")
        await telegram.wait_for_text(OWNER, "pears", within=20)
        assert await daemon.stop() == 0
        assert daemon.rows("SELECT count(*) FROM session")[0][0] == 1
        bodies = [row["body"] for row in daemon.rows("SELECT body FROM entry ORDER BY position")]
        assert [word for body in bodies for word in ("say apples", "say pears") if word in body] == [
            "say apples",
            "say pears",
        ]
        assert daemon.findings() == []


async def test_one_answer_is_one_turn_though_the_daemon_dies_in_the_middle_of_its_steps(
    tmp_path: Path, telegram: TelegramServer
) -> None:
    async with Daemon(tmp_path / "home", quiet_settings(telegram)) as daemon:
        await daemon.start("tool.after_done:2")
        telegram.user_says(OWNER, "remember one\nremember two\nremember three\nrecall\nsay all noted")
        await daemon.died()
        await daemon.start("tool.after_done:2")
        await daemon.died()
        await daemon.start()
        await telegram.wait_for_text(OWNER, "all noted", within=20)
        assert await daemon.stop() == 0
        assert [row["text"] for row in daemon.rows("SELECT text FROM note ORDER BY id")] == [
            "one",
            "two",
            "three",
        ]
        assert daemon.findings() == []


async def test_a_tool_whose_outcome_is_unknown_is_not_run_again_and_the_owner_is_told(
    tmp_path: Path, telegram: TelegramServer
) -> None:
    async with Daemon(tmp_path / "home", quiet_settings(telegram)) as daemon:
        await daemon.start("tool.after_run")
        telegram.user_says(OWNER, "remember the milk\nsay noted")
        await daemon.died()
        await daemon.start()
        await telegram.wait_for_text(OWNER, "The outcome of remember is unknown", within=20)
        await telegram.wait_for_text(OWNER, "noted", within=20)
        assert await daemon.stop() == 0
        assert len(daemon.rows("SELECT 1 FROM note")) == 1
        assert daemon.findings() == []


async def test_the_trail_is_whole_after_it_all(tmp_path: Path, telegram: TelegramServer) -> None:
    async with Daemon(tmp_path / "home", quiet_settings(telegram)) as daemon:
        await daemon.start("turn.after_commit")
        telegram.user_says(OWNER, "say hello")
        await daemon.died()
        await daemon.start()
        await telegram.wait_for_text(OWNER, "hello", within=20)
        assert await daemon.stop() == 0
        for command in (("audit", "check", "--grace", "0"), ("audit", "verify")):
            code, words = await daemon.command(*command)
            assert code == 0, words
