"""Slack with a daemon that is killed, and with a webhook alone: what a pause must not lose."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.slack_server import SlackServer
from tests.support.daemon import Daemon, quiet_settings
from tests.support.slack import DIRECT, approving, card_of, connected, workspace


@pytest.fixture
async def slack() -> AsyncIterator[SlackServer]:
    async with workspace() as server:
        yield server


@pytest.fixture
async def daemon(tmp_path: Path, slack: SlackServer) -> AsyncIterator[Daemon]:
    async with connected(tmp_path / "home", slack) as running:
        yield running


async def test_a_card_survives_a_kill_and_the_tap_made_meanwhile_counts(
    slack: SlackServer, daemon: Daemon, tmp_path: Path
) -> None:
    trace = tmp_path / "trace"
    card = await card_of(slack, tmp_path, trace)
    await daemon.kill()
    slack.tap(card, approving(card))
    await daemon.start()
    await slack.wait_for(lambda: "Exit code 0." in card.shown, within=30)
    assert trace.read_text() == "x\n"


async def test_what_was_said_while_nobody_listened_is_answered_in_order(
    slack: SlackServer, daemon: Daemon
) -> None:
    slack.types(DIRECT, "say before")
    await slack.wait_for_text(DIRECT, "before")
    slack.slash(DIRECT, "say by slash")
    await slack.wait_for_text(DIRECT, "by slash")
    await daemon.quiet()
    await daemon.kill()
    slack.tells_events = False
    for number in range(3):
        slack.types(DIRECT, f"say missed {number}")
    slack.tells_events = True
    await daemon.start()
    await slack.wait_for_text(DIRECT, "missed 2", within=30)
    rows = daemon.rows("SELECT text FROM inbox WHERE chat = ? AND kind = 'message' ORDER BY id", DIRECT)
    missed = [f"say missed {number}" for number in range(3)]
    assert [row[0] for row in rows] == ["say before", "say by slash", *missed]


async def test_a_reply_whose_receipt_was_lost_to_a_kill_is_not_said_twice(
    slack: SlackServer, daemon: Daemon
) -> None:
    slack.types(DIRECT, "say warm")
    await slack.wait_for_text(DIRECT, "warm")
    await daemon.quiet()
    await daemon.kill()
    await daemon.start("outbox.after_send")
    slack.types(DIRECT, "say once only")
    await slack.wait_for_text(DIRECT, "once only")
    await daemon.died()
    await daemon.start()
    slack.types(DIRECT, "say afterwards")
    await slack.wait_for_text(DIRECT, "afterwards", within=30)
    assert [m.shown for m in slack.messages(DIRECT)].count("once only") == 1


async def test_a_webhook_alone_tells_of_requests_and_how_to_answer_elsewhere(
    slack: SlackServer, tmp_path: Path
) -> None:
    chosen = quiet_settings(
        platforms={"slack": {"webhook_url": slack.webhook}},
        notices={"start": True},
        web={"enabled": True},
    )
    async with Daemon(tmp_path / "home", chosen) as running:
        await running.start()
        await slack.wait_for(lambda: slack.posts, within=30)
        code, told = await running.command("status")
        assert code in (0, 1)
        assert "nobody can answer" in told
        script = f"chmod 777 {tmp_path}; echo x"
        asking = asyncio.create_task(running.command("guard", "--timeout", "3s", "--", "sh", "-c", script))
        posted = await slack.wait_for(
            lambda: [said["text"] for said in slack.posts if "/approve" in said["text"]], within=30
        )
        assert "Nobody can answer here" in posted[0]
        code, _ = await asking
        assert code != 0
        assert await running.stop() == 0
        assert "s3cr3tWebhookPart" not in running.text
