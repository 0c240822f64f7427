"""What slack-bolt does with requests in between: who is heard, in which order, and what stays out."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from slack_bolt.request.async_request import AsyncBoltRequest

from gateway.platforms.slack.assistant import Assistant
from gateway.platforms.slack.intake import Parcel
from gateway.platforms.slack.introduction import Introduction
from gateway.platforms.slack.replies import Replies
from gateway.platforms.slack.routes import Routes
from gateway.platforms.slack.settings import SlackSettings
from gateway.platforms.slack.web import Api
from kernel.clock import SystemClock
from kernel.errors import DeliveryRejected, StoreFull
from kernel.messages import Outbound
from tests.fakes.slack_server import post
from tests.integration.slack_apps import CHANNEL, CHAT, PERSON, app


def routes() -> Routes:
    settings = SlackSettings.model_validate({"bot_token": "xoxb-1-2-x", "signing_secret": "s" * 32})
    clock = SystemClock()
    api = Api(settings, clock)
    return Routes(settings, Introduction("acme"), Assistant(api), Replies(settings, api, clock))


def request(kind: str, number: int) -> AsyncBoltRequest:
    """Return a message, a press, a command or an event nobody listens to, as Socket Mode brings them."""
    bodies: dict[str, dict[str, Any]] = {
        "message": {"type": "event_callback", "event": {"type": "message", "channel": "D1"}},
        "press": {"type": "block_actions", "actions": [{"action_id": "hermes.0.0", "type": "button"}]},
        "command": {"command": "/hermes", "text": "status", "channel_id": "D1"},
        "unheard": {"type": "event_callback", "event": {"type": "reaction_added"}},
        "broken": {"type": "event_callback", "event": 7},
        "empty": {"type": "event_callback"},
    }
    return AsyncBoltRequest(mode="socket_mode", body=bodies[kind] | {"number": number})


async def test_what_came_first_is_committed_first_whatever_it_is() -> None:
    kinds = ["command", "message", "unheard", "press", "broken", "empty", "command", "press"]
    committed: list[Any] = []

    async def commit(parcels: Sequence[Parcel]) -> None:
        committed.extend(parcel.payload["number"] for parcel in parcels)

    answers = await routes().dispatch([request(kind, n) for n, kind in enumerate(kinds)], commit)
    assert committed == [0, 1, 3, 4, 5, 6, 7]
    assert {answer.status for answer in answers} == {200}


async def test_a_commit_that_fails_answers_nobody() -> None:
    async def commit(_: Sequence[Parcel]) -> None:
        raise StoreFull("The disk is full.")

    with pytest.raises(StoreFull):
        await routes().dispatch([request("message", 0), request("press", 1)], commit)
    assert len(asyncio.all_tasks()) == 1


async def test_what_nobody_listens_to_is_acknowledged_and_not_kept() -> None:
    async with app() as slack:
        await slack.connected()
        slack.server.event({"type": "reaction_added", "user": PERSON, "reaction": "eyes"})
        slack.server.event({"type": "assistant_thread_started", "assistant_thread": {}})
        slack.server.sockets.push("interactive", {"type": "view_closed", "view": {}, "user": {"id": PERSON}})
        view: dict[str, Any] = {"type": "modal", "callback_id": "another's"}
        slack.server.sockets.push("interactive", {"type": "view_submission", "view": view})
        slack.server.sockets.push("interactive", {"type": "shortcut", "callback_id": "x"})
        slack.server.types(CHAT, "after")
        await slack.link.until_committed(1)
        await slack.server.wait_for(lambda: not slack.server.sockets.pending)
        assert (slack.texts, slack.link.quarantined) == (["after"], [])


async def test_bolt_asks_slack_nothing_for_an_event() -> None:
    async with app() as slack:
        slack.server.types(CHAT, "one")
        slack.server.types(CHAT, "two")
        await slack.link.until_committed(2)
        assert len(slack.server.calls("auth.test")) == 1


async def test_a_command_from_where_the_app_is_not_is_answered_to_its_writer() -> None:
    async with app() as slack:
        await slack.connected()
        slack.server.channel("C0FOREIGN", "foreign").members.clear()
        slack.server.slash("C0FOREIGN", "status", user=PERSON)
        await slack.link.until_committed(1)
        where = slack.at("C0FOREIGN")
        await slack.adapter.send(Outbound(where, "All is *well*.", nonce="a"))
        (said,) = slack.server.posts
        assert (said["response_type"], said["text"]) == ("ephemeral", "All is _well_.")
        (id,) = (await slack.adapter.send(Outbound(where, "And *so*.", nonce="c"))).message_ids
        await slack.adapter.send(Outbound(where, "And so on.", replaces=id, nonce="d"))
        assert [said["text"] for said in slack.server.posts] == ["All is _well_.", "And _so_.", "And so on."]
        with pytest.raises(DeliveryRejected):
            await slack.adapter.bubble(where, "", "thinking")
        slack.server.slash(CHANNEL, "status", user=PERSON)
        await slack.link.until_committed(2)
        await slack.adapter.send(Outbound(slack.at(CHANNEL), "Here.", nonce="b"))
        assert len(slack.server.posts) == 3


async def test_the_environment_s_own_names_for_bolt_change_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("BOT_TOKEN", "SIGNING_SECRET", "CLIENT_ID", "CLIENT_SECRET", "VERIFICATION_TOKEN"):
        monkeypatch.setenv(f"SLACK_{name}", "another")
    async with app() as slack:
        slack.server.types(CHAT, "hello")
        await slack.link.until_committed(1)
    assert [record for record in caplog.records if record.name.startswith("slack_bolt")] == []


@pytest.mark.parametrize("stamp", ["", "soon", "9" * 400, "\u0663"])
async def test_a_post_with_a_strange_time_is_refused_and_not_kept(stamp: str) -> None:
    async with app(mode="http", http={"port": 0}) as slack:
        await slack.connected()
        url = f"http://127.0.0.1:{slack.adapter.http.port}/slack/events"
        assert (await post(url, {"type": "event_callback", "event": 7}, stamp=stamp))[0] == 401
        assert slack.link.quarantined == []


async def test_slack_s_check_of_the_certificate_is_answered() -> None:
    async with app(mode="http", http={"port": 0}) as slack:
        await slack.connected()
        url = f"http://127.0.0.1:{slack.adapter.http.port}/slack/events"
        assert (await post(url, {"ssl_check": "1", "token": "t"}, form="fields"))[0] == 200
