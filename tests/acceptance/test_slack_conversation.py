"""Slack with the real daemon: words, cards, commands and threads over Socket Mode."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.fakes.slack_server import SlackServer
from tests.fakes.slack_world import Json, Message
from tests.support.slack import CHANNEL, DIRECT, OTHER, OWNER, approving, card_of, connected, workspace

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def slack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SlackServer]:
    """Run one workspace and one daemon for the whole file."""
    async with workspace() as server, connected(tmp_path_factory.mktemp("shared") / "home", server):
        yield server


async def form_of(slack: SlackServer, card: Message, words: str) -> Json:
    """Press the button that opens a form, and return the form."""
    known = len(slack.world.views)
    slack.tap(card, next(label for label in card.labels if words in label))
    views = await slack.wait_for(lambda: list(slack.world.views.values())[known:])
    return views[-1]


async def test_a_message_is_answered_and_the_reaction_says_so(slack: SlackServer) -> None:
    asked = slack.types(DIRECT, "sleep 1\nsay a < b & *c*")
    answer = await slack.wait_for_text(DIRECT, "a < b & ")
    assert "a &lt; b &amp; _c_" in answer.text
    assert sum("a < b" in m.shown for m in slack.messages(DIRECT)) == 1
    await slack.wait_for(lambda: asked.reactions == ["white_check_mark"])
    await slack.wait_for(lambda: not slack.sockets.pending)


async def test_a_tap_decides_a_request_and_the_action_runs_once(slack: SlackServer, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    card = await card_of(slack, tmp_path, trace)
    assert str(trace) in card.shown
    label = approving(card)
    slack.tap(card, label)
    slack.sockets.again(slack.tap(card, label))
    await slack.wait_for(lambda: "Exit code 0." in card.shown, within=30)
    assert card.labels == []
    assert trace.read_text() == "x\n"
    told = await slack.wait_for(
        lambda: [said["user"] for said in slack.world.ephemeral if "it runs now" in said["text"]]
    )
    assert set(told) == {OWNER}


async def test_slash_commands_are_commands_and_words_are_messages(slack: SlackServer) -> None:
    before = len(slack.messages(DIRECT))
    slack.slash(DIRECT, "status")
    await slack.wait_for(lambda: any("slack" in m.shown for m in slack.messages(DIRECT)[before:]))
    slack.slash(DIRECT, "say by slash")
    await slack.wait_for_text(DIRECT, "by slash")


async def test_in_a_channel_only_a_mention_is_answered_and_in_its_thread(slack: SlackServer) -> None:
    slack.says(CHANNEL, "say nobody asked", user=OWNER)
    first = slack.says(CHANNEL, "a thread of ours", user=OWNER)
    asked = slack.says(CHANNEL, "<@UHERMES01> say here", user=OWNER, thread=first.ts)
    slack.tell(asked, "app_mention")
    answer = await slack.wait_for_text(CHANNEL, "here")
    assert answer.thread_ts == first.ts
    slack.says(CHANNEL, "<@UHERMES01> say in the open", user=OWNER)
    assert (await slack.wait_for_text(CHANNEL, "in the open")).thread_ts == ""
    assert len(slack.messages(CHANNEL)) == 2


async def test_a_form_refuses_with_a_reason_and_another_approves_an_edited_text(
    slack: SlackServer, tmp_path: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    card = await card_of(slack, tmp_path, first)
    view = await form_of(slack, card, "because")
    slack.submits(view, "not on a Friday & not <now>", user=OWNER)
    await slack.wait_for(lambda: "not on a Friday & not <now>" in card.shown)
    assert card.labels == []
    card = await card_of(slack, tmp_path, first, "y")
    view = await form_of(slack, card, "Edit")
    preset = view["blocks"][0]["element"]["initial_value"]
    slack.submits(view, preset.replace(str(first), str(second)), user=OWNER)
    await slack.wait_for(lambda: second.exists() and second.read_text(), within=30)
    assert second.read_text() == "y\n"
    assert not first.exists()


async def test_somebody_else_s_form_decides_nothing(slack: SlackServer, tmp_path: Path) -> None:
    card = await card_of(slack, tmp_path, tmp_path / "trace")
    view = await form_of(slack, card, "because")
    slack.submits(view, "I am nobody", user=OTHER)
    slack.types(DIRECT, "say still open")
    await slack.wait_for_text(DIRECT, "still open")
    assert card.labels
    slack.tap(card, next(label for label in card.labels if label == "❌ Refuse"))
    await slack.wait_for(lambda: not card.labels)
