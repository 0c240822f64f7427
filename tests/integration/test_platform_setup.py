"""``hermes setup PLATFORM``: credentials are checked where they belong and written, or refused and not written."""

import asyncio
import json
import sys
from pathlib import Path

from tests.fakes.discord_server import DiscordServer
from tests.fakes.slack_server import SlackServer

PROGRAM = Path(sys.executable).with_name("hermes")


async def hermes(folder: Path, *words: str, given: str = "", **environ: str) -> tuple[int, str, str]:
    """Run a command in a home of its own; return its exit code and what it wrote."""
    process = await asyncio.create_subprocess_exec(
        PROGRAM,
        *words,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"PATH": str(folder), "HOME": str(folder), "HERMES_HOME": str(folder / "home"), **environ},
    )
    out, err = await process.communicate(given.encode())
    return process.returncode or 0, out.decode(), err.decode()


def secrets(folder: Path) -> str:
    path = folder / "home/secrets.env"
    return path.read_text() if path.exists() else ""


async def test_the_manifest_of_the_slack_app_is_printed(tmp_path: Path) -> None:
    code, out, err = await hermes(tmp_path, "setup", "slack", "--manifest")
    assert (code, err) == (0, "")
    manifest = json.loads(out)
    assert manifest["settings"]["socket_mode_enabled"] is True
    assert "chat:write" in manifest["oauth_config"]["scopes"]["bot"]


async def test_tokens_that_slack_takes_are_written_and_others_are_not(tmp_path: Path) -> None:
    async with SlackServer() as slack:
        there = {"HERMES_PLATFORMS__SLACK__API_BASE": slack.url}
        code, _, err = await hermes(tmp_path, "setup", "slack", "--yes", "--token", "xoxb-1-2-wrong", **there)
        assert code != 0
        assert "Slack" in err
        assert secrets(tmp_path) == ""
        both = f"{slack.bot_token}\n{slack.app_token}\n"
        code, out, err = await hermes(
            tmp_path, "setup", "slack", "--yes", "--token", "-", "--app-token", "-", given=both, **there
        )
        assert (code, err) == (0, "")
        assert "It is known there as @" in out
        assert slack.bot_token not in out
        assert secrets(tmp_path) == f"SLACK_BOT_TOKEN={slack.bot_token}\nSLACK_APP_TOKEN={slack.app_token}\n"


async def test_a_token_that_discord_takes_is_written_and_another_is_not(tmp_path: Path) -> None:
    async with DiscordServer() as discord:
        there = {
            "HERMES_PLATFORMS__DISCORD__API_BASE": discord.settings["api_base"],
            "HERMES_PLATFORMS__DISCORD__GATEWAY_URL": discord.settings["gateway_url"],
        }
        given = discord.settings["token"]
        code, _, err = await hermes(
            tmp_path, "setup", "discord", "--yes", "--token", "-", given="wrong\n", **there
        )
        assert code != 0
        assert "Discord" in err
        assert secrets(tmp_path) == ""
        code, out, err = await hermes(
            tmp_path, "setup", "discord", "--yes", "--token", "-", given=f"{given}\n", **there
        )
        assert (code, err) == (0, "")
        assert "It is known there as " in out
        assert "scopes bot and applications.commands" in out
        assert given not in out
        assert secrets(tmp_path) == f"DISCORD_BOT_TOKEN={given}\n"


async def test_discord_without_message_content_is_warned_of_it(tmp_path: Path) -> None:
    async with DiscordServer() as discord:
        discord.gateway.content_allowed = False
        there = {"HERMES_PLATFORMS__DISCORD__API_BASE": discord.settings["api_base"]}
        code, out, _ = await hermes(
            tmp_path, "setup", "discord", "--yes", "--token", discord.settings["token"], **there
        )
        assert code == 0
        assert "Message Content" in out


async def test_a_platform_that_is_not_there_or_takes_no_such_credential_is_refused(tmp_path: Path) -> None:
    code, _, err = await hermes(tmp_path, "setup", "irc", "--yes", "--token", "x")
    assert code != 0
    assert "There are: telegram, discord, slack" in err
    code, _, err = await hermes(tmp_path, "setup", "discord", "--yes", "--no-check", "--app-token", "x")
    assert code != 0
    assert "discord has no app_token" in err
    code, _, err = await hermes(tmp_path, "setup", "slack", "--yes")
    assert code != 0
    assert "Nothing was given for slack" in err
