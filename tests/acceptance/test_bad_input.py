"""Bad input: each is a clear sentence with the way out, an exit code that is not zero, and nothing lost."""

import asyncio
import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.fakes.telegram_server import TelegramServer, refusal
from tests.integration.telegram_bots import free_port
from tests.support.daemon import OWNER, Daemon, merged, quiet_settings

OFF = quiet_settings()
WEB = merged(OFF, {"web": {"enabled": True}})


async def refused(daemon: Daemon) -> tuple[int, str]:
    """Start a daemon that cannot serve, and return its exit code and its last words."""
    await daemon.launch()
    code = await daemon.ended()
    assert "Traceback" not in daemon.text
    return code, daemon.text


async def test_a_key_that_does_not_exist_is_named_with_the_one_that_was_meant(tmp_path: Path) -> None:
    async with Daemon(tmp_path / "home", merged(OFF, {"acess": {"owners": []}})) as daemon:
        code, words = await refused(daemon)
    assert code == 78
    assert "acess" in words
    assert "did you mean access?" in words


async def test_yaml_that_is_none_is_named_with_its_line(tmp_path: Path) -> None:
    async with Daemon(tmp_path / "home", OFF) as daemon:
        daemon.home.config.write_text("access:\n  owners: [telegram:1\nweb: {", encoding="utf-8")
        code, words = await refused(daemon)
    assert code == 78
    assert "config.yaml" in words
    assert "line" in words


async def test_a_value_of_the_wrong_kind_is_named_with_its_place(tmp_path: Path) -> None:
    async with Daemon(tmp_path / "home", merged(OFF, {"turns": {"at_once": "many"}})) as daemon:
        code, words = await refused(daemon)
    assert code == 78
    assert "turns.at_once" in words


async def test_a_token_that_is_none_is_refused_before_anything_is_asked(tmp_path: Path) -> None:
    settings = merged(OFF, {"platforms": {"telegram": {"token": "not a token"}}})
    async with Daemon(tmp_path / "home", settings) as daemon:
        code, words = await refused(daemon)
    assert code == 78
    assert "@BotFather" in words
    assert "not a token" not in words


async def test_a_token_that_telegram_refuses_is_said_and_the_rest_works(
    tmp_path: Path, telegram: TelegramServer
) -> None:
    settings = quiet_settings(telegram, web={"enabled": True})
    settings["platforms"]["telegram"]["token"] = "4242:AAH-another-token-that-nobody-knows-of"
    async with Daemon(tmp_path / "home", settings) as daemon:
        await daemon.start()
        await daemon.says("refuses the bot token")
        code, words = await daemon.command("status")
        assert code == 0
        assert "set a valid one" in words
        assert "AAH-another" not in words + daemon.text
        assert await daemon.stop() == 0


async def test_without_a_network_the_daemon_serves_and_keeps_trying(tmp_path: Path) -> None:
    settings = merged(
        OFF,
        {
            "platforms": {
                "telegram": {"token": "4242:" + "A" * 35, "api_base": f"http://127.0.0.1:{free_port()}"}
            }
        },
    )
    async with Daemon(tmp_path / "home", settings) as daemon:
        await daemon.start()
        await daemon.says("cannot be reached")
        assert await daemon.stop() == 0


async def test_when_the_network_comes_back_what_waited_is_answered(tmp_path: Path) -> None:
    server = await TelegramServer().start()
    port = server.port
    async with Daemon(tmp_path / "home", quiet_settings(server)) as daemon:
        await daemon.start()
        server.user_says(OWNER, "say before")
        await server.wait_for_text(OWNER, "before", within=20)
        await server.stop()
        await daemon.says("telegram is degraded")
        server.user_says(OWNER, "say meanwhile")
        await server.start(port)
        await server.wait_for_text(OWNER, "meanwhile", within=30)
        assert await daemon.stop() == 0
        assert daemon.findings() == []
    await server.stop()


async def test_a_second_daemon_on_a_home_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    async with Daemon(tmp_path / "home", OFF) as daemon, Daemon(tmp_path / "home") as second:
        await daemon.start()
        code, words = await refused(second)
        assert code == 75
        assert str(daemon.pid) in words
        assert await daemon.stop() == 0


async def test_a_port_in_use_is_named_and_the_home_stays_free(tmp_path: Path) -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with Daemon(tmp_path / "home", WEB, {"HERMES_WEB__PORT": str(port)}) as daemon:
        code, words = await refused(daemon)
        assert code not in (0, 75)
        assert str(port) in words
    server.close()
    async with Daemon(tmp_path / "home", WEB) as daemon:
        await daemon.start()
        assert await daemon.stop() == 0


async def test_a_database_of_something_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    async with Daemon(tmp_path / "home", OFF) as daemon:
        with closing(sqlite3.connect(daemon.home.database)) as other:
            other.execute("CREATE TABLE recipes (name TEXT)")
            other.commit()
        before = daemon.home.database.read_bytes()
        code, words = await refused(daemon)
        assert code not in (0, 75)
        assert "hermes.db" in words
        assert daemon.home.database.read_bytes() == before


async def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    async with Daemon(tmp_path / "home", OFF) as daemon:
        daemon.home.database.write_bytes(b"This is no database at all. " * 500)
        before = daemon.home.database.read_bytes()
        code, words = await refused(daemon)
        assert code not in (0, 75)
        assert "hermes.db" in words
        assert daemon.home.database.read_bytes() == before


@pytest.mark.skipif(os.geteuid() == 0, reason="runs as root, who may write everywhere")
async def test_a_home_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o500)
    async with Daemon(tmp_path / "closed" / "home") as daemon:
        code, words = await refused(daemon)
    assert code == 78
    assert "cannot be used" in words


async def test_a_home_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("not a folder", encoding="utf-8")
    async with Daemon(tmp_path / "home") as daemon:
        code, words = await refused(daemon)
    assert code == 78
    assert "HERMES_HOME" in words


async def test_the_home_of_another_product_is_refused(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "state.db").write_bytes(b"")
    async with Daemon(tmp_path / "home") as daemon:
        code, words = await refused(daemon)
    assert code == 78
    assert "another product" in words


async def test_a_crash_point_that_does_not_exist_is_named(tmp_path: Path) -> None:
    async with Daemon(tmp_path / "home", OFF) as daemon:
        await daemon.launch("nowhere.at_all")
        assert await daemon.ended() == 78
        assert "hermes debug crashpoints" in daemon.text


async def test_an_environment_that_is_wrong_is_named(tmp_path: Path) -> None:
    async with Daemon(tmp_path / "home", OFF, {"HERMES_TURNS__AT_ONCE": "0"}) as daemon:
        code, words = await refused(daemon)
    assert code == 78
    assert "HERMES_TURNS__AT_ONCE" in words


async def test_empty_messages_are_answered_and_two_pollers_make_no_storm(
    tmp_path: Path, telegram: TelegramServer
) -> None:
    async with Daemon(tmp_path / "home", quiet_settings(telegram)) as daemon:
        await daemon.start()
        telegram.fault(
            "getUpdates", refusal(409, "Conflict: terminated by other getUpdates request"), times=50
        )
        telegram.user_says(OWNER, "   ")
        await daemon.says("telegram is conflict", within=40)
        polls = telegram.updates.polls
        telegram.faults.clear("getUpdates")
        assert polls < 20
        daemon.signal(signal.SIGTERM)
        assert await daemon.ended() == 0
        await daemon.start()
        await telegram.wait_for(lambda: telegram.messages(OWNER), within=20)
        assert await daemon.stop() == 0
        assert daemon.findings() == []


async def test_a_kill_during_the_first_start_leaves_a_home_that_starts(tmp_path: Path) -> None:
    for delay in (0.05, 0.15, 0.3):
        async with Daemon(tmp_path / str(delay), WEB) as daemon:
            await daemon.launch()
            await asyncio.sleep(delay)
            await daemon.kill()
            await daemon.start()
            assert await daemon.stop() == 0
            assert daemon.findings() == []
