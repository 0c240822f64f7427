"""Slack with the real daemon: words, cards, commands and threads over Socket Mode, and what a pause must not lose."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.slack_server import SlackServer
from tests.fakes.slack_world import Message
from tests.support.daemon import Daemon, merged, quiet_settings

OWNER, OTHER = "U0OWNER01", "U0OTHER02"
DIRECT, CHANNEL = "D0OWNER01", "C0GENERAL"
APPROVE, ONCE = "✅ Approve", "✅ Approve once"
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


@pytest.fixture
async def slack() -> AsyncIterator[SlackServer]:
    async with SlackServer() as server:
        server.person(OWNER, "Ada")
        server.person(OTHER, "Bob")
        server.channel(CHANNEL, "general", OWNER, OTHER)
        yield server


@pytest.fixture
async def daemon(tmp_path: Path, slack: SlackServer) -> AsyncIterator[Daemon]:
    async with Daemon(tmp_path / "home", settings(slack)) as running:
        await running.start()
        yield running
        await running.quiet()
        assert await running.stop() == 0
        assert running.findings() == []
        assert slack.bot_token not in running.text
        assert slack.app_token not in running.text


async def card_of(slack: SlackServer, command: str) -> Message:
    slack.types(DIRECT, f"run {command}")
    cards = await slack.wait_for(lambda: [m for m in slack.messages(DIRECT) if m.labels], within=30)
    return cards[-1]


async def test_a_message_is_answered_and_the_reaction_says_so(slack: SlackServer, daemon: Daemon) -> None:
    asked = slack.types(DIRECT, "sleep 1\nsay a < b & *c*")
    answer = await slack.wait_for_text(DIRECT, "a < b & ")
    assert "a &lt; b &amp; _c_" in answer.text
    assert len(slack.messages(DIRECT)) == 1
    await slack.wait_for(lambda: asked.reactions == ["white_check_mark"])
    await slack.wait_for(lambda: not slack.sockets.pending)


async def test_a_tap_decides_a_request_and_the_action_runs_once(
    slack: SlackServer, daemon: Daemon, tmp_path: Path
) -> None:
    trace = tmp_path / "trace"
    card = await card_of(slack, f"chmod 777 {tmp_path}; echo x >> {trace}")
    assert str(trace) in card.shown
    label = next(label for label in card.labels if label in (ONCE, APPROVE))
    slack.tap(card, label)
    slack.sockets.again(slack.tap(card, label))
    await slack.wait_for(lambda: "Exit code 0." in card.shown, within=30)
    assert card.labels == []
    assert trace.read_text() == "x\n"
    await slack.wait_for(lambda: any("it runs now" in said["text"] for said in slack.world.ephemeral))
    assert slack.world.ephemeral[0]["user"] == OWNER


async def test_a_card_survives_a_kill_and_the_tap_made_meanwhile_counts(
    slack: SlackServer, daemon: Daemon, tmp_path: Path
) -> None:
    trace = tmp_path / "trace"
    card = await card_of(slack, f"chmod 777 {tmp_path}; echo x >> {trace}")
    await daemon.kill()
    slack.tap(card, next(label for label in card.labels if label in (ONCE, APPROVE)))
    await daemon.start()
    await slack.wait_for(lambda: "Exit code 0." in card.shown, within=30)
    assert trace.read_text() == "x\n"


async def test_slash_commands_are_commands_and_words_are_messages(slack: SlackServer, daemon: Daemon) -> None:
    slack.slash(DIRECT, "status")
    await slack.wait_for_text(DIRECT, "slack")
    slack.slash(DIRECT, "say by slash")
    await slack.wait_for_text(DIRECT, "by slash")


async def test_in_a_channel_only_a_mention_is_answered_and_in_its_thread(
    slack: SlackServer, daemon: Daemon
) -> None:
    slack.says(CHANNEL, "say nobody asked", user=OWNER)
    first = slack.says(CHANNEL, "a thread of ours", user=OWNER)
    asked = slack.says(CHANNEL, "<@UHERMES01> say here", user=OWNER, thread=first.ts)
    slack.tell(asked, "app_mention")
    answer = await slack.wait_for_text(CHANNEL, "here")
    assert answer.thread_ts == first.ts
    slack.says(CHANNEL, "<@UHERMES01> say in the open", user=OWNER)
    assert (await slack.wait_for_text(CHANNEL, "in the open")).thread_ts == ""
    assert len(slack.messages(CHANNEL)) == 2


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


async def test_a_form_refuses_with_a_reason_and_another_approves_an_edited_text(
    slack: SlackServer, daemon: Daemon, tmp_path: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    card = await card_of(slack, f"chmod 777 {tmp_path}; echo x >> {first}")
    slack.tap(card, next(label for label in card.labels if "because" in label))
    await slack.wait_for(lambda: slack.world.views)
    (view,) = slack.world.views.values()
    slack.submits(view, "not on a Friday & not <now>", user=OWNER)
    await slack.wait_for(lambda: "not on a Friday & not <now>" in card.shown)
    assert card.labels == []
    card = await card_of(slack, f"chmod 777 {tmp_path}; echo y >> {first}")
    slack.tap(card, next(label for label in card.labels if "Edit" in label))
    await slack.wait_for(lambda: len(slack.world.views) == 2)
    view = list(slack.world.views.values())[-1]
    preset = view["blocks"][0]["element"]["initial_value"]
    slack.submits(view, preset.replace(str(first), str(second)), user=OWNER)
    await slack.wait_for(lambda: "Exit code 0." in card.shown or second.exists(), within=30)
    await daemon.until(second.exists)
    assert second.read_text() == "y\n"
    assert not first.exists()


async def test_somebody_else_s_form_decides_nothing(
    slack: SlackServer, daemon: Daemon, tmp_path: Path
) -> None:
    card = await card_of(slack, f"chmod 777 {tmp_path}; echo x")
    slack.tap(card, next(label for label in card.labels if "because" in label))
    await slack.wait_for(lambda: slack.world.views)
    (view,) = slack.world.views.values()
    slack.submits(view, "I am nobody", user=OTHER)
    slack.types(DIRECT, "say still open")
    await slack.wait_for_text(DIRECT, "still open")
    assert card.labels
    slack.tap(card, next(label for label in card.labels if label == "❌ Refuse"))
    await slack.wait_for(lambda: not card.labels)


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
