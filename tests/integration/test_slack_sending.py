"""Sending to Slack: texts, cards, menus, forms, edits, reconciled receipts, and servers that know less."""

import asyncio
import json

import pytest

from gateway.adapter import Form, Mark
from gateway.platforms.slack.convert import Tap
from gateway.platforms.slack.sending import EVENT
from kernel.errors import DeliveryDeferred, DeliveryRejected, DeliveryUncertain, PlatformUnauthorised
from kernel.messages import Button, InboundKind, Outbound, OutboundKind
from tests.fakes.faults import DropAfter, Refuse
from tests.fakes.slack_server import flood, refusal, server_error
from tests.fakes.slack_world import BOT_USER
from tests.integration.slack_apps import CHANNEL, CHAT, PERSON, app


async def test_markdown_is_shown_with_its_format_and_nothing_in_it_is_a_mention() -> None:
    async with app(run=False) as slack:
        await slack.adapter.send(
            Outbound(slack.at(), "**bold** <!channel> & [here](https://example.org/?a=1&b=2)", nonce="a")
        )
        (message,) = slack.server.messages(CHAT)
        assert message.text == "*bold* &lt;!channel&gt; &amp; <https://example.org/?a=1&amp;b=2|here>"
        (call,) = slack.server.calls("chat.postMessage")
        assert call.given["unfurl_links"] is False
        assert call.given["metadata"] == {
            "event_type": EVENT,
            "event_payload": {"nonce": "a", "part": 0},
        }


async def test_a_text_without_format_is_sent_as_it_is() -> None:
    async with app(run=False) as slack:
        await slack.adapter.send(Outbound(slack.at(), r"2\*3\*4 ~/a and ~/b", nonce="a"))
        (message,) = slack.server.messages(CHAT)
        assert (message.text, message.mrkdwn) == ("2*3*4 ~/a and ~/b", False)


async def test_a_text_longer_than_a_message_becomes_several() -> None:
    async with app(run=False) as slack:
        receipt = await slack.adapter.send(Outbound(slack.at(), "& word " * 2000, nonce="a"))
        shown = slack.server.messages(CHAT)
        assert len(shown) > 1
        assert list(receipt.message_ids) == [message.ts for message in shown]
        assert all(len(message.text) <= 4000 for message in shown)
        assert " ".join(message.shown for message in shown).split() == ("& word " * 2000).split()


async def test_a_message_that_failed_in_its_middle_continues_there() -> None:
    async with app(run=False) as slack:
        slack.server.fault("chat.postMessage", flood(1), skip=1)
        message = Outbound(slack.at(), "word " * 1500, nonce="a")
        with pytest.raises(DeliveryDeferred):
            await slack.adapter.send(message)
        await asyncio.sleep(1.05)
        receipt = await slack.adapter.send(message)
        assert list(receipt.message_ids) == [shown.ts for shown in slack.server.messages(CHAT)]
        assert len(receipt.message_ids) == 2


async def test_no_call_is_made_before_the_wait_is_over() -> None:
    async with app(run=False) as slack:
        slack.server.fault("chat.update", flood(30))
        bubble = await slack.adapter.bubble(slack.at(), "", "thinking")
        for _ in range(3):
            with pytest.raises(DeliveryDeferred):
                await slack.adapter.bubble(slack.at(), bubble, "reading")
        assert len(slack.server.calls("chat.update")) == 1
        await slack.adapter.bubble(slack.at(CHANNEL), "", "another channel")


async def test_a_long_card_shows_all_of_its_text_and_every_button() -> None:
    async with app(run=False) as slack:
        text = "```\n" + "\n".join(f"line {number}" for number in range(900)) + "\n```"
        rows = (tuple(Button(f"B{number}", f"v{number}") for number in range(12)),)
        rows += tuple((Button(f"R{number}", f"w{number}"),) for number in range(40))
        await slack.adapter.send(Outbound(slack.at(), text, buttons=rows, nonce="a"))
        (message,) = slack.server.messages(CHAT)
        assert message.labels == [*(f"B{n}" for n in range(12)), *(f"R{n}" for n in range(40))]
        words = message.shown.replace("`", "").split()
        assert words == " ".join(f"line {number}" for number in range(900)).split()
        kinds = {e["type"] for block in message.blocks for e in block.get("elements", ())}
        assert kinds == {"button", "static_select"}


async def test_a_card_has_the_colour_of_its_risk_until_it_is_closed() -> None:
    async with app(run=False) as slack:
        card = Outbound(slack.at(), "Go?", buttons=((Button("Yes", "y"),),), nonce="a", card="high")
        receipt = await slack.adapter.send(card)
        (message,) = slack.server.messages(CHAT)
        assert [strip["color"] for strip in message.attachments] == ["#ed4245"]
        assert message.labels == ["Yes"]
        (id,) = receipt.message_ids
        await slack.adapter.send(Outbound(slack.at(), "Gone.", replaces=id, nonce="b", card="closed"))
        assert (message.shown, message.labels, message.attachments) == ("Gone.", [], [])


async def test_a_choice_from_an_overflow_menu_is_a_tap() -> None:
    async with app() as slack:
        await slack.connected()
        row = tuple(Button(f"Choice {number}", f"c{number}") for number in range(7))
        await slack.adapter.send(Outbound(slack.at(), "Which?", buttons=(row,), nonce="a"))
        (message,) = slack.server.messages(CHAT)
        assert [e["type"] for e in message.blocks[-1]["elements"]] == ["button"] * 4 + ["overflow"]
        slack.server.tap(message, "Choice 6")
        (inbound,) = await slack.link.until_committed(1)
        assert (inbound.tap, inbound.message_id) == ("c6", message.ts)


async def test_a_server_without_blocks_shows_the_words_of_a_card() -> None:
    async with app(run=False) as slack:
        slack.server.fault("chat.postMessage", refusal("invalid_blocks"))
        await slack.adapter.send(
            Outbound(slack.at(), "**Go?** /yes", buttons=((Button("Yes", "y"),),), nonce="a")
        )
        (message,) = slack.server.messages(CHAT)
        assert (message.shown, message.labels) == ("Go? /yes", [])


async def test_a_form_opens_after_a_tap_and_its_answer_is_a_tap_with_a_text() -> None:
    async with app() as slack:
        await slack.connected()
        await slack.adapter.send(Outbound(slack.at(), "Go?", buttons=((Button("Edit", "e"),),), nonce="a"))
        (card,) = slack.server.messages(CHAT)
        slack.server.tap(card, "Edit")
        (tap,) = await slack.link.until_committed(1)
        form = Form(
            "A title that is longer than Slack's", "What instead?", "v:1", "old & <text>", required=True
        )
        assert await slack.adapter.open_form(tap.tap_id, form)
        (view,) = slack.server.world.views.values()
        assert view["blocks"][0]["element"]["initial_value"] == "old & <text>"
        assert not await slack.adapter.open_form(tap.tap_id, form)
        envelope = slack.server.submits(view, "new & <text>", user=PERSON)
        slack.server.sockets.again(envelope)
        _, one, two = await slack.link.until_committed(3)
        assert one == two
        assert (one.kind, one.tap, one.text) == (InboundKind.TAP, "v:1", "new & <text>")
        assert (one.address, one.message_id, one.sender.id) == (tap.address, card.ts, PERSON)


@pytest.mark.parametrize("code", ["unknown_method", "expired_trigger_id", "missing_scope"])
async def test_where_no_form_opens_the_gateway_is_told(code: str) -> None:
    async with app(run=False) as slack:
        slack.server.fault("views.open", refusal(code))
        handle = str(Tap(slack.server.trigger(), CHAT, PERSON))
        assert not await slack.adapter.open_form(handle, Form("Title", "Label", "v"))
        assert not await slack.adapter.open_form("long ago", Form("Title", "Label", "v"))


async def test_a_sentence_for_who_tapped_is_seen_by_them_alone() -> None:
    async with app(run=False) as slack:
        await slack.adapter.acknowledge(str(Tap("t", CHANNEL, PERSON, "1.2", "1.1")), "Only owners <decide>.")
        (said,) = slack.server.world.ephemeral
        assert (said["user"], said["channel"], said["thread_ts"]) == (PERSON, CHANNEL, "1.1")
        assert said["text"] == "Only owners &lt;decide&gt;."
        await slack.adapter.acknowledge(str(Tap("t", CHANNEL, "U0GONE")), "too late")


@pytest.mark.parametrize("fault", [DropAfter(), refusal("fatal_error"), refusal("internal_error")])
async def test_what_may_have_arrived_is_looked_for_before_it_is_sent_again(fault: Refuse) -> None:
    async with app(run=False) as slack:
        slack.server.fault("chat.postMessage", fault)
        message = Outbound(slack.at(), "once", nonce="a")
        with pytest.raises(DeliveryUncertain):
            await slack.adapter.send(message)
        await slack.restart_sender()
        again = Outbound(slack.at(), "once", nonce="a", resend=True)
        receipt = await slack.adapter.send(again)
        (shown,) = slack.server.messages(CHAT)
        assert list(receipt.message_ids) == [shown.ts]


async def test_a_part_that_arrived_is_not_sent_twice_and_the_rest_is_sent() -> None:
    async with app(run=False) as slack:
        slack.server.fault("chat.postMessage", DropAfter(), skip=1)
        text = "word " * 2200
        with pytest.raises(DeliveryUncertain):
            await slack.adapter.send(Outbound(slack.at(), text, nonce="a"))
        await slack.restart_sender()
        receipt = await slack.adapter.send(Outbound(slack.at(), text, nonce="a", resend=True))
        shown = slack.server.messages(CHAT)
        assert list(receipt.message_ids) == [message.ts for message in shown]
        assert len(shown) == 3


async def test_in_a_thread_the_thread_is_looked_through() -> None:
    async with app(run=False) as slack:
        root = slack.server.says(CHANNEL, "root", user=PERSON)
        where = slack.at(CHANNEL, root.ts)
        slack.server.fault("chat.postMessage", DropAfter())
        with pytest.raises(DeliveryUncertain):
            await slack.adapter.send(Outbound(where, "once", nonce="a"))
        await slack.adapter.send(Outbound(where, "once", nonce="a", resend=True))
        (shown,) = slack.server.messages(CHANNEL)
        assert shown.thread_ts == root.ts


async def test_the_end_of_a_long_thread_is_looked_through_too() -> None:
    async with app(run=False) as slack:
        root = slack.server.says(CHANNEL, "root", user=PERSON)
        for number in range(320):
            slack.server.world.add(CHANNEL, PERSON, f"reply {number}", thread_ts=root.ts)
        where = slack.at(CHANNEL, root.ts)
        slack.server.fault("chat.postMessage", DropAfter())
        with pytest.raises(DeliveryUncertain):
            await slack.adapter.send(Outbound(where, "once", nonce="a"))
        await slack.adapter.send(Outbound(where, "once", nonce="a", resend=True))
        assert len(slack.server.messages(CHANNEL)) == 1


async def test_where_a_thread_is_gone_its_channel_is_written_to() -> None:
    async with app(run=False) as slack:
        await slack.adapter.send(Outbound(slack.at(CHANNEL, "1700000000.000100"), "still here", nonce="a"))
        (shown,) = slack.server.messages(CHANNEL)
        assert shown.thread_ts == ""


async def test_a_history_that_cannot_be_asked_now_is_asked_again_and_nothing_sent() -> None:
    async with app(run=False) as slack:
        slack.server.fault("conversations.history", server_error())
        message = Outbound(slack.at(), "once", nonce="a", resend=True)
        with pytest.raises(DeliveryDeferred):
            await slack.adapter.send(message)
        assert slack.server.messages(CHAT) == []


async def test_without_a_history_a_second_sending_is_marked() -> None:
    async with app(run=False) as slack:
        slack.server.fault("conversations.history", refusal("missing_scope", needed="im:history"))
        await slack.adapter.send(Outbound(slack.at(), "maybe twice", nonce="a", resend=True))
        (shown,) = slack.server.messages(CHAT)
        assert shown.text == "↻ maybe twice"


async def test_a_server_error_that_took_the_message_all_the_same_does_not_double_it() -> None:
    async with app(run=False) as slack:
        slack.server.fault("chat.postMessage", server_error())
        message = Outbound(slack.at(), "once", nonce="a")
        with pytest.raises(DeliveryDeferred):
            await slack.adapter.send(message)
        # The message had been taken: it stands in the channel with its metadata.
        slack.server.world.add(
            CHAT,
            BOT_USER,
            "once",
            bot=True,
            metadata={"event_type": EVENT, "event_payload": {"nonce": "a", "part": 0}},
        )
        await slack.adapter.send(message)
        assert len(slack.server.messages(CHAT)) == 1


async def test_an_edit_of_a_message_that_is_gone_is_sent_anew() -> None:
    async with app(run=False) as slack:
        first = await slack.adapter.send(Outbound(slack.at(), "one", nonce="a"))
        await slack.adapter.burst(slack.at(), first.message_ids[0])
        edit = Outbound(slack.at(), "two", OutboundKind.EDIT, replaces=first.message_ids[0], nonce="b")
        second = await slack.adapter.send(edit)
        (shown,) = slack.server.messages(CHAT)
        assert (shown.text, shown.ts) == ("two", second.message_ids[0])
        assert shown.ts != first.message_ids[0]


async def test_a_person_s_id_is_an_address_of_their_direct_messages() -> None:
    async with app(run=False) as slack:
        first = await slack.adapter.send(Outbound(slack.at(PERSON), "hello", nonce="a"))
        edit = Outbound(slack.at(PERSON), "hello again", replaces=first.message_ids[0], nonce="b")
        await slack.adapter.send(edit)
        await slack.adapter.send(Outbound(slack.at(PERSON), "hello again", nonce="a", resend=True))
        assert [message.text for message in slack.server.messages(CHAT)] == ["hello again"]


@pytest.mark.parametrize("broadcast", [True, False])
async def test_an_answer_in_a_thread_is_shown_in_the_channel_where_that_is_set(*, broadcast: bool) -> None:
    async with app(run=False, broadcast=broadcast) as slack:
        root = slack.server.says(CHANNEL, "root", user=PERSON)
        await slack.adapter.send(Outbound(slack.at(CHANNEL, root.ts), "inside", nonce="a"))
        await slack.adapter.send(Outbound(slack.at(CHANNEL), "outside", nonce="b"))
        assert [m.broadcast for m in slack.server.messages(CHANNEL)] == [broadcast, False]


async def test_reactions_replace_one_another() -> None:
    async with app(run=False) as slack:
        asked = slack.server.says(CHAT, "hello")
        await slack.adapter.react(slack.at(), asked.ts, Mark.SEEN)
        await slack.adapter.react(slack.at(), asked.ts, Mark.SEEN)
        assert asked.reactions == ["eyes"]
        await slack.adapter.react(slack.at(), asked.ts, Mark.DONE)
        assert asked.reactions == ["white_check_mark"]


async def test_an_assistant_thread_shows_a_status_and_gets_a_title() -> None:
    async with app() as slack:
        await slack.connected()
        root = slack.server.world.add(CHAT, BOT_USER, "New chat", bot=True)
        begun = {"user_id": PERSON, "channel_id": CHAT, "thread_ts": root.ts}
        slack.server.event({"type": "assistant_thread_started", "assistant_thread": begun})
        slack.server.types(CHAT, "plan my week", thread=root.ts)
        (inbound,) = await slack.link.until_committed(1)
        await slack.adapter.typing(inbound.address)
        await slack.server.wait_for(lambda: len(slack.server.world.statuses) == 2)
        assert {said.get("title") or said["status"] for said in slack.server.world.statuses} == {
            "plan my week",
            "is thinking…",
        }


async def test_a_server_without_assistants_is_asked_once() -> None:
    async with app(run=False) as slack:
        slack.server.fault("assistant.threads.setStatus", refusal("unknown_method"), times=None)
        for _ in range(3):
            await slack.adapter.typing(slack.at(CHAT, "1.1"))
        await slack.adapter.typing(slack.at())
        assert len(slack.server.calls("assistant.threads.setStatus")) == 1


async def test_a_channel_is_read_and_the_channels_have_names() -> None:
    async with app(run=False) as slack:
        await slack.adapter.probe()
        all_of_them = [
            slack.server.says(CHANNEL, f"message {number} &amp; more", user=PERSON) for number in range(5)
        ]
        root = all_of_them[-1]
        slack.server.says(CHANNEL, "inside", user=PERSON, thread=root.ts)
        said = await slack.adapter.read_channel(slack.at(CHANNEL), 0, 3)
        assert [one.text for one in said] == [f"message {number} & more" for number in (2, 3, 4)]
        thread = await slack.adapter.read_channel(slack.at(CHANNEL, root.ts), 0, 10)
        assert [one.text for one in thread] == ["message 4 & more", "inside"]
        with pytest.raises(DeliveryRejected):
            await slack.adapter.read_channel(slack.at("C0NOWHERE"), 0, 3)
        names = await slack.adapter.channels()
        assert names[slack.at(CHANNEL)] == "#general"


async def test_the_probe_says_what_is_not_as_it_should_be() -> None:
    async with app(run=False) as slack:
        assert (await slack.adapter.probe()).warnings == ()
        few = json.dumps({"ok": True, "user": "hermes", "user_id": "U1"}).encode()
        slack.server.fault("auth.test", Refuse(200, few, {"x-oauth-scopes": "chat:write,im:history"}))
        slack.server.fault("apps.connections.open", refusal("not_allowed_token_type"))
        warnings = (await slack.adapter.probe()).warnings
        assert any("files:write" in warning for warning in warnings)
        assert any("app-level token" in warning for warning in warnings)
        slack.server.fault("auth.test", refusal("invalid_auth"))
        with pytest.raises(PlatformUnauthorised):
            await slack.adapter.probe()
