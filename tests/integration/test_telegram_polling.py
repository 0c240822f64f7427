"""Long polling against a Bot API server on loopback."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from telegram.request import RequestData

from gateway.platforms.telegram.introduction import Introduction
from gateway.platforms.telegram.polling import Polling
from gateway.platforms.telegram.request import LOGGERS, ApiRequest, connect
from kernel.errors import (
    OutcomeUnknown,
    PlatformConflict,
    PlatformError,
    PlatformUnauthorised,
    PlatformUnavailable,
)
from kernel.messages import InboundKind
from tests.contract.harness import Recorder
from tests.fakes.faults import Fault
from tests.fakes.telegram_server import Delay, HalfOpen, Hang, TelegramServer, flood, refusal, server_error
from tests.fakes.telegram_updates import Webhook
from tests.integration.telegram_bots import ANN, ended, free_port, running, settings_for


@pytest.fixture
async def server() -> AsyncIterator[TelegramServer]:
    async with TelegramServer() as server:
        yield server


async def test_nothing_stands_before_the_first_poll(server: TelegramServer) -> None:
    server.user_says(ANN, "hello")
    async with running(server) as (_, link):
        await link.until_committed(1)
        await server.wait_for(lambda: server.calls("getMe"))
    order = [call.method for call in server._calls]  # noqa: SLF001 - the only record with the polls in it
    assert order[0] == "getUpdates"
    assert set(order) == {"getUpdates", "getMe"}


async def test_a_poll_asks_for_what_we_understand_and_drops_nothing(server: TelegramServer) -> None:
    server.user_says(ANN, "before the start")
    async with running(server) as (_, link):
        await link.until_committed(1)
    (first, *_) = server.calls("getUpdates")
    assert first.params["allowed_updates"] == [
        "message", "edited_message", "callback_query", "my_chat_member",
    ]  # fmt: skip
    assert server.updates.dropped == []


async def test_a_confirmed_batch_is_not_handed_over_again(server: TelegramServer) -> None:
    async with running(server) as (_, link):
        server.user_says(ANN, "one")
        await link.until_committed(1)
        await server.wait_for(lambda: not server.updates.pending)
        server.user_says(ANN, "two")
        await link.until_committed(2)
    assert [inbound.text for inbound in link.committed] == ["one", "two"]


async def test_numbers_that_start_anew_after_a_quiet_week_are_received(server: TelegramServer) -> None:
    async with running(server, poll_seconds=1) as (_, link):
        server.push_raw({"update_id": 900_000, "message": text_of("high")})
        await link.until_committed(1)
        polls = server.updates.polls
        await server.wait_for(lambda: server.updates.polls >= polls + 2)
        server.push_raw({"update_id": 5, "message": text_of("low") | {"message_id": 2}})
        await link.until_committed(2)
    assert [inbound.text for inbound in link.committed] == ["high", "low"]


async def test_a_malformed_update_is_kept_and_hides_no_other(server: TelegramServer) -> None:
    server.user_says(ANN, "before")
    number = server.push_malformed()
    server.push_raw({"message": text_of("odd") | {"entities": [{"type": "mention", "offset": "x"}]}})
    server.push_raw({"message": "no object"})
    server.user_says(ANN, "after")
    async with running(server) as (_, link):
        await link.until(lambda: [m.text for m in link.committed] == ["before", "after"])
        await server.wait_for(lambda: not server.updates.pending)
    assert len(link.quarantined) == 3
    key, raw, reason = link.quarantined[0]
    assert key.startswith(f"u:{number}:")
    assert '"date": "never"' in raw
    assert reason


async def test_what_cannot_be_stored_waits_at_telegram(server: TelegramServer) -> None:
    server.user_says(ANN, "hello")
    refusing = Recorder()
    refusing.fail(1)
    async with running(server, refusing) as (_, link):
        await link.until_committed(1)
        await server.wait_for(lambda: not server.updates.pending)
    assert link.states[0] == "connected"
    assert "The disk is full" in link.states[1]
    assert link.states[2] == "connected"


class Allergic(Recorder):
    """A gateway with a bug that one text sets off."""

    async def receive(self, batch) -> None:
        if any(inbound.text == "poison" for inbound in batch):
            raise OverflowError("Python int too large to convert to SQLite INTEGER")
        await super().receive(batch)


async def test_a_message_that_breaks_the_gateway_holds_up_no_other(server: TelegramServer) -> None:
    for text in ("one", "poison", "two"):
        server.user_says(ANN, text)
    async with running(server, Allergic()) as (_, link):
        await server.wait_for(lambda: server.updates.polls >= 2 and not server.updates.pending)
    assert [inbound.text for inbound in link.committed] == ["one", "two"]
    ((key, raw, reason),) = link.quarantined
    assert (key, raw) == ("x:m:7:2", "poison")
    assert "OverflowError" in reason


class Unsure(Recorder):
    """A store that cannot tell whether it committed."""

    async def receive(self, batch) -> None:
        raise OutcomeUnknown("The disk did not answer.")


async def test_an_unknown_commit_is_never_tried_again_here(server: TelegramServer) -> None:
    server.user_says(ANN, "hello")
    with pytest.raises(OutcomeUnknown):
        await ended(server, Unsure())
    assert len(server.updates.pending) == 1


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (refusal(401, "Unauthorized"), PlatformUnauthorised),
        (refusal(404, "Not Found"), PlatformUnauthorised),
        (refusal(409, "Conflict: terminated by other getUpdates request"), PlatformConflict),
        (refusal(400, "Bad Request: odd"), PlatformUnavailable),
        (server_error(502), PlatformUnavailable),
        (flood(7), PlatformUnavailable),
        (flood("soon"), PlatformUnavailable),
    ],
)
async def test_a_refused_poll_ends_the_run_with_its_reason(
    server: TelegramServer, fault: Fault, kind: type[PlatformError]
) -> None:
    server.fault("getUpdates", fault)
    with pytest.raises(kind) as caught:
        await ended(server)
    assert server.token not in repr(caught.value)
    if fault == flood(7):
        assert isinstance(caught.value, PlatformUnavailable)
        assert caught.value.retry_after == 7


async def test_a_server_that_is_away_is_unavailable(server: TelegramServer) -> None:
    await server.stop()
    with pytest.raises(PlatformUnavailable, match="ConnectError"):
        await ended(server)


@pytest.mark.parametrize("fault", [HalfOpen(), Hang()])
async def test_a_connection_that_went_deaf_ends(server: TelegramServer, fault: Fault) -> None:
    settings = settings_for(server, poll_seconds=1)
    server.fault("getUpdates", fault)
    request = ApiRequest(settings, 1, 5)
    polling = Polling(settings, Introduction(4242), slack=0.2)
    try:
        async with asyncio.timeout(5):
            with pytest.raises(PlatformUnavailable):
                await polling.run(Recorder(), connect(settings, request))
    finally:
        await request.shutdown()


async def test_every_poll_that_returns_proves_that_the_connection_lives(server: TelegramServer) -> None:
    async with running(server, poll_seconds=1) as (_, link):
        await server.wait_for(lambda: server.updates.polls >= 3)
        assert link.proofs >= 2


async def test_a_webhook_somebody_set_is_named_and_left_alone(server: TelegramServer) -> None:
    server.updates.set_webhook(Webhook(f"http://127.0.0.1:{free_port()}/other"))
    with pytest.raises(PlatformConflict, match="webhook"):
        await ended(server)
    assert server.updates.webhook is not None


@pytest.mark.parametrize("ours", [True, False])
async def test_a_webhook_that_is_ours_or_may_be_taken_over_is_removed(
    server: TelegramServer, *, ours: bool
) -> None:
    url = f"http://127.0.0.1:{free_port()}/hook"
    server.updates.set_webhook(Webhook(url))
    server.user_says(ANN, "said meanwhile")
    fields: dict[str, Any] = {"webhook": {"url": url}} if ours else {"take_over": True}
    async with running(server, None, **fields) as (_, link):
        await link.until_committed(1)
    assert server.updates.webhook is None
    assert server.updates.dropped == []


async def test_a_mention_waits_until_the_bot_knows_its_name(server: TelegramServer) -> None:
    server.fault("getMe", Delay(0.3))
    server.add_supergroup(-100, "Team", members=(ANN,))
    server.user_says(-100, "@hermes_bot deploy", user=ANN)
    async with running(server) as (_, link):
        (inbound,) = await link.until_committed(1)
    assert (inbound.addressed, inbound.text) == (True, "deploy")


async def test_the_name_is_asked_for_until_it_is_known(server: TelegramServer) -> None:
    server.fault("getMe", server_error())
    server.add_supergroup(-100, "Team", members=(ANN,))
    async with running(server) as (_, link):
        server.user_says(-100, "/status@hermes_bot", user=ANN)
        (inbound,) = await link.until_committed(1)
    assert (inbound.addressed, inbound.text) == (True, "/status")


async def test_edits_taps_albums_and_moves_arrive(server: TelegramServer) -> None:
    server.add_group(-5, "Old", members=(ANN,))
    async with running(server) as (adapter, link):
        said = server.user_says(ANN, "frist")
        server.user_edits(said, "first")
        server.user_sends_album(ANN, [b"a", b"b"], caption="two")
        server.migrate(-5, -100)
        await link.until_committed(6)
    kinds = [inbound.kind for inbound in link.committed]
    assert kinds[:2] == [InboundKind.MESSAGE, InboundKind.EDIT]
    assert link.committed[2].group == link.committed[3].group != ""
    assert kinds[4:] == [InboundKind.MIGRATE, InboundKind.MIGRATE]
    assert link.committed[4].key == link.committed[5].key
    assert adapter.identity.account == link.committed[0].address.account


async def test_the_token_reaches_no_log(server: TelegramServer, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("", *LOGGERS):
        caplog.set_level(logging.DEBUG, name)
    server.push_malformed()
    async with running(server) as (adapter, link):
        await link.until(lambda: link.quarantined)
        await server.wait_for(lambda: server.calls("getMe"))
        server.fault("getMe", server_error())
        with pytest.raises(PlatformUnavailable):
            await adapter.probe()
    assert caplog.records
    assert [r.getMessage() for r in caplog.records if server.token in r.getMessage()] == []


def test_a_request_is_shown_without_its_token(server: TelegramServer) -> None:
    settings = settings_for(server)
    request = ApiRequest(settings, 1, 5)
    shown = repr([connect(settings, request), request, RequestData([])])
    assert server.token not in shown


def text_of(text: str) -> dict:
    """Return a private message as Telegram writes it."""
    return {
        "message_id": 1,
        "date": 1_700_000_000,
        "chat": {"id": ANN, "type": "private", "first_name": "Ann"},
        "from": {"id": ANN, "is_bot": False, "first_name": "Ann"},
        "text": text,
    }


async def test_an_unanswered_question_for_the_name_ends_with_the_run(server: TelegramServer) -> None:
    server.fault("getMe", Hang(), times=None)
    introduction = Introduction(4242)
    settings = settings_for(server)
    request = ApiRequest(settings, 1, 5)
    try:
        assert not await introduction.soon()
        introduction.begin(connect(settings, request))
        assert not await introduction.wait(0.01)
    finally:
        await introduction.end()
        await request.shutdown()
