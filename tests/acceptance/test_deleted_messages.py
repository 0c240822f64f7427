"""A message that its author deletes, with the real daemon: before its turn it is cancelled, afterwards it is noted."""

from pathlib import Path

from tests.fakes.discord_server import DiscordServer
from tests.support.daemon import Daemon, quiet_settings

OWNER = "7"
UNLIMITED = {"discord": {"per_second": 10_000, "per_chat": 10_000, "per_group_minute": 600_000}}


async def test_a_message_deleted_before_its_turn_is_never_answered(tmp_path: Path) -> None:
    async with DiscordServer() as discord:
        settings = quiet_settings(
            access={"owners": [f"discord:{OWNER}"]},
            platforms={"discord": discord.settings},
            delivery={"rates": UNLIMITED},
            sessions={"on_message": "queue"},
        )
        async with Daemon(tmp_path / "home", settings) as daemon:
            await daemon.start()
            chat = discord.world.dm(OWNER)["id"]
            first = await discord.says(OWNER, "say begun\nsleep 3\nsay first is done")
            await discord.wait_for_text(chat, "begun", within=30)
            await discord.deletes(await discord.says(OWNER, "say never mind"))
            await discord.says(OWNER, "say third is done")
            await discord.wait_for_text(chat, "third is done", within=30)
            await discord.deletes(first)
            await discord.says(OWNER, "say goodbye")
            await discord.wait_for_text(chat, "goodbye", within=30)
            await daemon.quiet()

            said = " ".join(discord.text(message) for message in discord.heard(chat))
            assert "first is done" in said
            assert "never mind" not in said
            turns = daemon.rows("SELECT DISTINCT turn_id FROM inbox WHERE turn_id IS NOT NULL")
            assert len(turns) == 3
            assert await daemon.stop() == 0
            assert daemon.findings() == []
