"""Hermes on Discord with the real daemon: chat, slash commands, cards decided by button and by form, a restart."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.discord_server import DiscordServer
from tests.fakes.discord_world import Json
from tests.support.daemon import Daemon, quiet_settings

OWNER = "7"
UNLIMITED = {"discord": {"per_second": 10_000, "per_chat": 10_000, "per_group_minute": 600_000}}


@pytest.fixture
async def discord() -> AsyncIterator[DiscordServer]:
    """Run a Discord."""
    async with DiscordServer() as server:
        yield server


class Story:
    """A daemon and its owner's private chat; ``counted`` is a command that leaves one line a run."""

    def __init__(self, root: Path, discord: DiscordServer, daemon: Daemon) -> None:
        self.discord = discord
        self.daemon = daemon
        self.chat = discord.world.dm(OWNER)["id"]
        self.trace = root / "trace"
        self.counted = f"chmod 777 {root}; echo x >> {self.trace}"

    async def card(self) -> Json:
        """Have the agent try a command, and return the card that asks."""
        await self.discord.says(OWNER, f"run {self.counted}")
        return await self.discord.wait_for(
            lambda: next((m for m in self.discord.heard(self.chat) if m["components"]), None), within=30
        )  # pyright: ignore[reportReturnType]

    async def until(self, met, within: float = 30.0) -> None:
        """Wait for something the daemon does."""
        await self.discord.wait_for(met, within=within)


@pytest.fixture
async def story(tmp_path: Path, discord: DiscordServer) -> AsyncIterator[Story]:
    settings = quiet_settings(
        access={"owners": [f"discord:{OWNER}"]},
        platforms={"discord": discord.settings},
        delivery={"rates": UNLIMITED},
    )
    async with Daemon(tmp_path / "home", settings) as daemon:
        await daemon.start()
        yield Story(tmp_path, discord, daemon)
        await daemon.quiet()
        assert await daemon.stop() == 0
        assert daemon.findings() == []


async def test_a_message_is_answered(story: Story) -> None:
    await story.discord.says(OWNER, "say hello from here")
    await story.discord.wait_for_text(story.chat, "hello from here", within=30)


async def test_a_slash_command_is_answered_like_a_typed_one(story: Story) -> None:
    await story.until(lambda: story.discord.world.command_puts)
    used = await story.discord.commands(OWNER, "status")
    await story.discord.wait_for_text(story.chat, "iscord", within=30)
    await story.until(lambda: used.answers and used.original is None)


async def test_a_card_is_decided_by_a_button(story: Story) -> None:
    card = await story.card()
    assert story.counted.partition(";")[0] in story.discord.text(card)
    assert card["embeds"]
    pressed = await story.discord.taps(OWNER, card, "✅ Approve")
    await story.until(lambda: story.trace.exists() and not card["components"])
    await story.until(lambda: pressed.answers)
    assert pressed.answered_after < 3
    assert story.trace.read_text() == "x\n"


async def test_a_card_is_refused_with_a_reason_by_a_form(story: Story) -> None:
    card = await story.card()
    pressed = await story.discord.taps(OWNER, card, "❌ Refuse, because …")
    await story.until(lambda: pressed.form)
    sent = await story.discord.fills_in(OWNER, pressed, "not on a Friday")
    await story.until(lambda: sent.answers and not card["components"])
    assert "not on a Friday" in story.discord.text(card)
    assert not story.trace.exists()


async def test_what_was_said_while_the_daemon_was_down_is_answered(story: Story) -> None:
    await story.discord.says(OWNER, "say before")
    await story.discord.wait_for_text(story.chat, "before", within=30)
    await story.daemon.quiet()
    await story.daemon.kill()
    await story.discord.says(OWNER, "say while you were away")
    await story.daemon.start()
    await story.discord.wait_for_text(story.chat, "while you were away", within=30)
    await story.discord.says(OWNER, "say and after")
    await story.discord.wait_for_text(story.chat, "and after", within=30)
    said = [story.discord.text(message) for message in story.discord.heard(story.chat)]
    assert [text for text in said if "away" in text or "after" in text] == [
        "while you were away",
        "and after",
    ]
