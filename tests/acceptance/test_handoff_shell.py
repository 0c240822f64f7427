"""Conversations and channels from a shell, with every platform connected: found, shown, moved, named, written to."""

import json
from pathlib import Path

from tests.fakes.telegram_server import TelegramServer
from tests.support.daemon import OWNER, Daemon
from tests.support.desk import WITHIN, everywhere


async def said(daemon: Daemon, *arguments: str) -> str:
    """Run a command that has to succeed, and return what it prints."""
    code, out = await daemon.command(*arguments)
    assert code == 0, out
    return out


async def test_a_shell_finds_shows_moves_and_names_what_is_on_every_platform(
    tmp_path: Path, phone: TelegramServer
) -> None:
    async with everywhere(phone, tmp_path / "home") as world:
        daemon, team = world.daemon, world.targets["discord"]
        await daemon.quiet()
        (found,) = json.loads(await said(daemon, "sessions", "search", "hello slack", "--json"))
        assert "No conversation mentions that." in await said(daemon, "sessions", "search", "nowhere said")
        assert f"where: {found['address']}" in await said(daemon, "sessions", "show", found["id"])
        assert "say hello slack" in await said(daemon, "sessions", "export", found["address"])
        await said(daemon, "channels", "name", team, "team")
        listed = await said(daemon, "channels", "list")
        assert "team" in next(line for line in listed.splitlines() if team in line)
        assert "hello guild" in await said(daemon, "channels", "read", "team")
        moved = await said(daemon, "handoff", "team", "--session", found["id"], "--note", "from the shell")
        assert f"continues at {team}:" in moved
        shown = json.loads(await said(daemon, "sessions", "show", found["id"], "--json"))
        assert shown["address"].startswith(f"{team}:")
        code, refused = await daemon.command("sessions", "handoff", found["id"], "telegram:404404")
        assert (code, "I do not know the chat" in refused) == (1, True), refused
        await said(daemon, "send", "the build is done", "--to", "team")
        await world.discord.wait_for(
            lambda: [
                m for m in world.discord.heard(team.partition(":")[2]) if "build is done" in m["content"]
            ],
            within=WITHIN,
        )
        phone.user_says(OWNER, "/platforms pause discord")
        await phone.wait_for_text(OWNER, "paused", within=WITHIN)
        assert "discord: Paused" in await said(daemon, "status")
        phone.user_says(OWNER, "/platforms resume discord")
        await phone.wait_for_text(OWNER, "discord is resumed", within=WITHIN)
        await daemon.quiet()
        assert await daemon.stop() == 0
        assert daemon.findings() == []
