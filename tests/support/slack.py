"""A workspace on loopback with the people of the tests, and a daemon connected to it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.fakes.slack_server import SlackServer
from tests.fakes.slack_world import Message
from tests.support.daemon import Daemon, merged, quiet_settings

OWNER, OTHER = "U0OWNER01", "U0OTHER02"
DIRECT, CHANNEL = "D0OWNER01", "C0GENERAL"
APPROVE = ("✅ Approve", "✅ Approve once")
UNLIMITED = {"per_second": 10_000, "per_chat": 10_000, "per_group_minute": 600_000}


def settings(slack: SlackServer, **sections: Any) -> dict[str, Any]:
    base = {
        "access": {"owners": [f"slack:{OWNER}"]},
        "delivery": {"rates": {"slack": UNLIMITED}},
        "platforms": {
            "slack": {"bot_token": slack.bot_token, "app_token": slack.app_token, "api_base": slack.url}
        },
    }
    return quiet_settings(**merged(base, sections))


@asynccontextmanager
async def workspace() -> AsyncGenerator[SlackServer]:
    """Run a workspace with the owner, somebody else and a channel of both."""
    async with SlackServer() as server:
        server.person(OWNER, "Ada")
        server.person(OTHER, "Bob")
        server.channel(CHANNEL, "general", OWNER, OTHER)
        yield server


@asynccontextmanager
async def connected(home: Path, slack: SlackServer) -> AsyncGenerator[Daemon]:
    """Run a daemon; at its end the invariants hold and no token was written."""
    async with Daemon(home, settings(slack)) as running:
        await running.start()
        yield running
        await running.quiet()
        assert await running.stop() == 0
        assert running.findings() == []
        assert slack.bot_token not in running.text
        assert slack.app_token not in running.text


async def card_of(slack: SlackServer, folder: Path, trace: Path, word: str = "x") -> Message:
    """Ask for a command that needs an approval and writes a word, and return its card."""
    slack.types(DIRECT, f"run chmod 777 {folder}; echo {word} >> {trace}")
    cards = await slack.wait_for(
        lambda: [m for m in slack.messages(DIRECT) if m.labels and str(folder) in m.shown], within=30
    )
    return cards[-1]


def approving(card: Message) -> str:
    """Return the label that approves."""
    return next(label for label in card.labels if label in APPROVE)
