"""Slack in HTTP mode: signed posts, answered after the commit; and a webhook alone, which only speaks."""

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest

from gateway.adapter import Closes
from gateway.platforms.slack.build import build
from gateway.platforms.slack.outgoing import SlackOutlet
from gateway.platforms.slack.settings import SlackSettings
from kernel.clock import SystemClock
from kernel.errors import (
    DeliveryDeferred,
    DeliveryRejected,
    DeliveryUncertain,
    PlatformUnauthorised,
    PlatformUnavailable,
)
from kernel.messages import Address, Button, InboundKind, Outbound, OutboundKind
from tests.contract.harness import Recorder
from tests.fakes.faults import DropAfter, Refuse
from tests.fakes.slack_server import SlackServer, flood, post, server_error
from tests.fakes.slack_world import BOT_USER
from tests.integration.slack_apps import CHANNEL, CHAT, PERSON, App, app

HTTP: dict[str, Any] = {"mode": "http", "http": {"port": 0}}


async def listening(slack: App) -> str:
    await slack.connected()
    return f"http://127.0.0.1:{slack.adapter.http.port}/slack/events"


def event(slack: App, text: str = "hello") -> dict[str, Any]:
    """Return what Slack posts for a message; it is told over no socket."""
    message = slack.server.world.add(CHAT, PERSON, text)
    envelope = slack.server.tell(message)
    assert envelope is not None
    return envelope.payload


async def test_a_post_is_answered_only_after_its_commit() -> None:
    async with app(**HTTP) as slack:
        url = await listening(slack)
        slack.link.hold()
        posting = asyncio.ensure_future(post(url, event(slack)))
        await slack.link.until_offered(1)
        assert not posting.done()
        slack.link.release()
        assert (await posting)[0] == 200
        assert slack.texts == ["hello"]


async def test_what_cannot_be_stored_is_refused_and_the_retry_has_the_same_key() -> None:
    async with app(**HTTP) as slack:
        url = await listening(slack)
        slack.link.fail(1)
        payload = event(slack)
        assert (await post(url, payload))[0] == 503
        assert (await post(url, payload, retry=1))[0] == 200
        assert (await post(url, payload, retry=2))[0] == 200
        one, two = slack.link.committed
        assert one == two


async def test_the_address_is_verified_with_its_challenge() -> None:
    async with app(**HTTP) as slack:
        url = await listening(slack)
        status, body = await post(url, {"type": "url_verification", "challenge": "c-1"})
        assert (status, "c-1" in body) == (200, True)


@pytest.mark.parametrize(
    ("secret", "age"), [("wrong", 0), ("8f742231b10e8888abcd99yyyzzz85a5", 301), ("", 0)]
)
async def test_a_post_with_a_wrong_signature_or_an_old_one_is_refused(secret: str, age: float) -> None:
    async with app(**HTTP) as slack:
        url = await listening(slack)
        assert (await post(url, event(slack), secret=secret, age=age))[0] == 401
        assert (await post(url, {"type": "url_verification", "challenge": "c"}, secret=secret, age=age))[
            0
        ] == 401
        assert slack.link.offered == []


async def test_buttons_forms_and_commands_come_as_posts_too() -> None:
    async with app(**HTTP) as slack:
        url = await listening(slack)
        receipt = await slack.adapter.send(
            Outbound(slack.at(), "Go?", buttons=((Button("Yes", "y"),),), nonce="a")
        )
        card = slack.server.world.find(CHAT, receipt.message_ids[0])
        press = slack.server.tap(card, "Yes").payload
        assert (await post(url, press, form="payload"))[0] == 200
        command = slack.server.slash_payload(CHANNEL, "status", PERSON)
        assert (await post(url, command, form="fields"))[0] == 200
        tap, said = slack.link.committed
        assert (tap.kind, tap.tap) == (InboundKind.TAP, "y")
        assert (said.text, said.address.chat) == ("/status", CHANNEL)


async def test_a_malformed_post_is_refused_or_kept() -> None:
    async with app(**HTTP) as slack:
        url = await listening(slack)
        assert (await post(url, [1], form=""))[0] == 400
        assert (await post(url, {"event": {"type": "message", "user": "U7", "text": "x"}}))[0] == 200
        await slack.link.until(lambda: len(slack.link.quarantined) == 1)


async def test_what_was_missed_is_fetched_in_http_mode_too() -> None:
    async with app(**HTTP) as slack:
        url = await listening(slack)
        await post(url, event(slack, "known"))
        slack.server.world.add(CHANNEL, PERSON, f"<@{BOT_USER}> missed")
        await slack.restart()
        await slack.link.until(lambda: "missed" in slack.texts)


async def test_without_a_signing_secret_nothing_listens() -> None:
    async with app(**HTTP, signing_secret="") as slack:
        error = await slack.ended()
        assert isinstance(error, PlatformUnauthorised)
        assert "signing secret" in error.message


async def test_a_port_that_is_taken_is_named() -> None:
    async with app(**HTTP) as slack:
        await slack.connected()
        taken = {**HTTP, "http": {"port": slack.adapter.http.port}}
        other = App(slack.server, **taken)
        other.run()
        error = await other.ended()
        await other.adapter.close()
        assert isinstance(error, PlatformUnavailable)
        assert str(slack.adapter.http.port) in error.message


class TestWebhookAlone:
    """What is left of Slack with nothing but an incoming webhook."""

    @staticmethod
    def outlet(server: SlackServer) -> SlackOutlet:
        made = build(SlackSettings.model_validate({"webhook_url": server.webhook}), SystemClock())
        assert isinstance(made, SlackOutlet)
        return made

    async def test_it_speaks_and_hears_nothing(
        self, caplog: pytest.LogCaptureFixture, tmp_path: Path
    ) -> None:
        caplog.set_level(logging.DEBUG)
        async with SlackServer() as server:
            outlet, link = self.outlet(server), Recorder()
            assert not outlet.capabilities.receives
            assert outlet.capabilities.abilities == {Closes}
            assert outlet.identity.account == "T0TEAM001-B0HOOK001"
            running = asyncio.create_task(outlet.run(link))
            where = Address("slack", outlet.identity.account, "webhook")
            buttons = ((Button("Yes", "y"),),)
            await outlet.send(Outbound(where, "**May** I <run>?", buttons=buttons, nonce="a"))
            assert [said["text"] for said in server.posts] == ["*May* I &lt;run&gt;?"]
            with pytest.raises(DeliveryRejected):
                await outlet.send(Outbound(where, "", OutboundKind.FILE, file=tmp_path / "x", nonce="b"))
            with pytest.raises(DeliveryRejected):
                await outlet.send(Outbound(where, " ", nonce="b"))
            assert link.states == ["connected"]
            running.cancel()
            await asyncio.wait([running])
            await outlet.close()
            assert "s3cr3tWebhookPart" not in caplog.text

    async def test_its_refusals_say_what_to_do(self) -> None:
        async with SlackServer() as server:
            outlet = self.outlet(server)
            message = Outbound(Address("slack", outlet.identity.account, "webhook"), "hello", nonce="a")
            server.faults.add("webhook", Refuse(404, b"no_service", content_type="text/plain"))
            with pytest.raises(DeliveryRejected, match="no_service"):
                await outlet.send(message)
            server.faults.add("webhook", server_error())
            with pytest.raises(DeliveryDeferred):
                await outlet.send(message)
            server.faults.add("webhook", DropAfter())
            with pytest.raises(DeliveryUncertain):
                await outlet.send(message)
            server.faults.add("webhook", flood(9))
            for _ in range(2):
                with pytest.raises(DeliveryDeferred) as caught:
                    await outlet.send(message)
                assert 8 <= caught.value.retry_after <= 9
            assert len(server.posts) == 1
            await outlet.close()
