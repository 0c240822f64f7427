"""Sending on Discord: format, cards, menus, forms, threads, rate limits, and nothing twice."""

import asyncio
from pathlib import Path

import pytest

from gateway.adapter import Form, Mark, MenuEntry
from kernel.errors import DeliveryDeferred, DeliveryRejected, DeliveryUncertain
from kernel.messages import Button, InboundKind, Outbound, OutboundKind
from tests.fakes.discord_server import BOT_ID, DropAfter, too_many
from tests.integration.discord_bots import ANN, Bot, bots

FORM = Form("Refuse", "Why?", "r:1", preset="no", multiline=True)


async def test_markdown_is_shown_with_its_format_and_pings_nobody() -> None:
    async with bots() as bot:
        await bot.adapter.send(
            Outbound(bot.dm, "# Title\n\n**bold** @everyone <@7> a_b_c\n\n| a | b |\n|---|---|\n| 1 | 2 |")
        )
        (call,) = bot.server.made("create_message")
        assert call.body["content"].startswith(
            "**Title**\n\n**bold** @everyone \\<@7\\> a\\_b\\_c\n\n```\na | b"
        )
        assert call.body["allowed_mentions"]["parse"] == []


async def test_a_text_longer_than_a_message_becomes_several_with_whole_fences() -> None:
    async with bots() as bot:
        code = "\n".join(f"line {number}" for number in range(300))
        receipt = await bot.adapter.send(
            Outbound(bot.dm, f"Look:\n\n```python\n{code}\n```\n\nDone.", nonce="a")
        )
        shown = [message["content"] for message in bot.server.heard(bot.dm.chat)]
        assert len(receipt.message_ids) == len(shown) > 1
        assert all(text.count("```") == 2 for text in shown)
        assert sum(text.count("line ") for text in shown) == 300


async def test_a_card_has_its_head_in_the_text_and_the_rest_in_a_coloured_frame() -> None:
    async with bots() as bot:
        text = "⚠️ **High risk**\n\n```\n" + "x" * 3000 + "\n```"
        await bot.adapter.send(Outbound(bot.dm, text, card="high", nonce="a"))
        (message,) = bot.server.heard(bot.dm.chat)
        assert message["content"] == "⚠️ **High risk**"
        assert "x" * 3000 in message["embeds"][0]["description"]
        assert message["embeds"][0]["color"] == 0xED4245


async def test_a_card_that_is_closed_loses_its_buttons_and_keeps_its_frame() -> None:
    async with bots() as bot:
        card = Outbound(bot.dm, "Head\n\nBody", buttons=((Button("✅ Go", "y"),),), card="low", nonce="a")
        receipt = await bot.adapter.send(card)
        edit = Outbound(
            bot.dm, "Head\n\nDone", OutboundKind.EDIT, replaces=receipt.message_ids[0], card="closed"
        )
        await bot.adapter.send(edit)
        (message,) = bot.server.heard(bot.dm.chat)
        assert (message["components"], message["embeds"][0]["description"]) == ([], "Done")


async def test_more_than_25_buttons_become_menus_whose_options_come_back() -> None:
    async with bots() as bot:
        await bot.start()
        rows = tuple((Button(f"Choice {number}", f"c:{number}"),) for number in range(60))
        await bot.adapter.send(Outbound(bot.dm, "Which?", buttons=rows, nonce="a"))
        (message,) = bot.server.heard(bot.dm.chat)
        assert len(bot.server.labels(message)) == 60
        await bot.server.taps(ANN, message, "Choice 42")
        (inbound,) = await bot.link.until_committed(1)
        assert (inbound.kind, inbound.tap) == (InboundKind.TAP, "c:42")


async def test_buttons_with_one_value_are_told_apart_and_bring_it_back() -> None:
    async with bots() as bot:
        await bot.start()
        await bot.adapter.send(Outbound(bot.dm, "?", buttons=((Button("A", "v"), Button("B", "v")),)))
        (message,) = bot.server.heard(bot.dm.chat)
        await bot.server.taps(ANN, message, "B")
        assert (await bot.link.until_committed(1))[0].tap == "v"


async def test_a_form_brings_its_text_back() -> None:
    async with bots() as bot:
        await bot.start()
        await bot.adapter.send(Outbound(bot.dm, "?", buttons=((Button("Refuse", "r"),),)))
        (message,) = bot.server.heard(bot.dm.chat)
        pressed = await bot.server.taps(ANN, message, "Refuse")
        (tap,) = await bot.link.until_committed(1)
        assert await bot.adapter.open_form(tap.tap_id, FORM)
        await bot.adapter.acknowledge(tap.tap_id, "")
        sent = await bot.server.fills_in(ANN, pressed, "not today")
        filled = (await bot.link.until_committed(2))[1]
        assert (filled.kind, filled.tap, filled.text) == (InboundKind.TAP, "r:1", "not today")
        assert filled.message_id == message["id"]
        await bot.adapter.acknowledge(filled.tap_id, "Refused.")
        assert sent.told == "Refused."


async def test_a_form_that_cannot_be_shown_whole_or_in_time_is_not_shown() -> None:
    async with bots() as bot:
        await bot.start()
        await bot.adapter.send(Outbound(bot.dm, "?", buttons=((Button("Edit", "e"),),)))
        (message,) = bot.server.heard(bot.dm.chat)
        pressed = await bot.server.taps(ANN, message, "Edit")
        (tap,) = await bot.link.until_committed(1)
        assert not await bot.adapter.open_form(tap.tap_id, Form("Edit", "Command", "e", preset="x" * 4001))
        assert not await bot.adapter.open_form("long ago", FORM)
        await bot.server.wait_for(lambda: pressed.answers)
        assert not await bot.adapter.open_form(tap.tap_id, FORM)


async def test_an_interaction_nobody_answers_in_time_is_put_off_and_answered_later() -> None:
    async with bots() as bot:
        await bot.start()
        used = await bot.server.commands(ANN, "status", "all")
        (inbound,) = await bot.link.until_committed(1)
        assert (inbound.kind, inbound.text) == (InboundKind.MESSAGE, "/status all")
        await bot.server.wait_for(lambda: used.answers)
        assert used.answered_after < 3
        assert used.original is not None
        await bot.adapter.acknowledge(inbound.tap_id, "")
        assert used.original is None


async def test_a_tap_that_could_not_be_stored_is_not_acknowledged() -> None:
    async with bots() as bot:
        await bot.start()
        bot.link.hold()
        used = await bot.server.commands(ANN, "status")
        await bot.link.until_offered(1)
        await asyncio.sleep(2.3)
        assert used.answers == []


async def test_what_went_wrong_with_a_command_is_told_to_whoever_used_it() -> None:
    async with bots() as bot:
        await bot.start()
        used = await bot.server.commands(ANN, "approve", "7")
        (inbound,) = await bot.link.until_committed(1)
        await bot.adapter.acknowledge(inbound.tap_id, "There is no request 7.")
        assert used.told == "There is no request 7."


async def test_commands_are_registered_once_and_again_when_they_change() -> None:
    async with bots() as bot:
        await bot.start()
        entries = [MenuEntry("status", "How it is."), MenuEntry("approve", "Approve it.", "<id> [note]")]
        for _ in range(2):
            await bot.adapter.menu(entries)
        assert bot.server.world.command_puts == 1
        (option,) = bot.server.world.commands[1]["options"]
        assert (option["description"], option["required"]) == ("<id> [note]", True)
        await bot.adapter.menu(entries[:1])
        assert [one["name"] for one in bot.server.world.commands] == ["status"]


async def lose_receipt(bot: Bot, text: str = "hello") -> Outbound:
    bot.server.fault("create_message", DropAfter())
    message = Outbound(bot.dm, text, nonce="turn:1:0")
    with pytest.raises(DeliveryUncertain):
        await bot.adapter.send(message)
    return Outbound(bot.dm, text, nonce="turn:1:0", resend=True)


async def test_an_uncertain_message_is_not_doubled_within_the_nonce_s_time() -> None:
    async with bots() as bot:
        again = await lose_receipt(bot)
        receipt = await bot.adapter.send(again)
        (message,) = bot.server.heard(bot.dm.chat)
        assert list(receipt.message_ids) == [message["id"]]
        nonces = {call.body["nonce"] for call in bot.server.made("create_message")}
        assert len(nonces) == 1
        assert all(len(nonce) <= 25 for nonce in nonces)


@pytest.mark.parametrize("restarted", [False, True])
async def test_an_uncertain_message_is_found_in_history_after_the_nonce_s_time(*, restarted: bool) -> None:
    async with bots() as bot:
        await bot.start()
        bot.server.world.nonce_seconds = 0
        again = await lose_receipt(bot, "**hello** there")
        if restarted:
            await bot.replaced()
            await bot.start()
        await bot.adapter.send(again)
        assert len(bot.server.heard(bot.dm.chat)) == 1


async def test_an_equal_message_that_was_received_before_is_not_taken_for_the_uncertain_one() -> None:
    async with bots() as bot:
        await bot.start()
        bot.server.world.nonce_seconds = 0
        await bot.adapter.send(Outbound(bot.dm, "Done.", nonce="turn:1"))
        await bot.adapter.send(Outbound(bot.dm, "Done.", nonce="turn:2", resend=True))
        assert len(bot.server.heard(bot.dm.chat)) == 2


async def test_an_equal_message_from_before_a_restart_is_not_taken_for_the_uncertain_one() -> None:
    async with bots() as bot:
        await bot.start()
        bot.server.world.nonce_seconds = 0
        known = await bot.adapter.send(Outbound(bot.dm, "Done.", nonce="turn:1"))
        await bot.replaced()
        await bot.start()
        again = Outbound(bot.dm, "Done.", nonce="turn:2", resend=True, after=known.message_ids[-1])
        await bot.adapter.send(again)
        assert len(bot.server.heard(bot.dm.chat)) == 2


async def test_a_bucket_that_is_empty_lets_messages_wait_and_none_is_refused() -> None:
    async with bots() as bot:
        bot.server.limits["create_message"] = (2, 0.4)
        for number in range(6):
            await bot.adapter.send(Outbound(bot.dm, f"message {number}", nonce=f"n{number}"))
        assert {call.status for call in bot.server.made("create_message")} == {200}


async def test_a_long_wait_is_handed_on_and_asked_for_once() -> None:
    async with bots() as bot:
        bot.server.fault("create_message", too_many(600))
        for _ in range(3):
            with pytest.raises(DeliveryDeferred) as caught:
                await bot.adapter.send(Outbound(bot.dm, "hello", nonce="a"))
            assert 590 < caught.value.retry_after <= 600
        assert len(bot.server.made("create_message")) == 1


async def test_a_wait_for_everything_holds_up_other_chats_too() -> None:
    async with bots() as bot:
        other = bot.server.world.dm("8")
        bot.server.fault("create_message", too_many(60, everything=True))
        for address in (bot.dm, bot.at(other)):
            with pytest.raises(DeliveryDeferred):
                await bot.adapter.send(Outbound(address, "hello", nonce="a"))
        assert len(bot.server.made("create_message")) == 1


async def test_a_thread_is_opened_in_a_channel_and_none_in_private() -> None:
    async with bots() as bot:
        general = bot.server.channel(bot.server.guild(ANN))
        await bot.start()
        opened = await bot.adapter.create_thread(bot.at(general), "A long\nstory " + "x" * 200)
        assert opened is not None
        assert opened.parent == bot.at(general)
        assert bot.server.world.channels[str(opened.thread)]["name"].startswith("A long story x")
        assert await bot.adapter.create_thread(opened, "Inside") is not None
        assert await bot.adapter.create_thread(bot.dm, "Private") is None


async def test_a_post_is_opened_in_a_forum_with_the_tag_it_insists_on() -> None:
    async with bots() as bot:
        tags = [{"id": "1", "moderated": True}, {"id": "2", "moderated": False}]
        forum = bot.server.channel(bot.server.guild(ANN), "ideas", 15, flags=16, available_tags=tags)
        await bot.start()
        opened = await bot.adapter.create_thread(bot.at(forum), "An idea")
        assert opened is not None
        assert bot.server.world.channels[str(opened.thread)]["applied_tags"] == ["2"]
        await bot.adapter.send(Outbound(opened, "more of it", nonce="a"))
        assert len(bot.server.heard(str(opened.thread))) == 2


async def test_where_threads_are_refused_a_seed_message_carries_one_or_there_is_none() -> None:
    async with bots() as bot:
        general = bot.server.channel(bot.server.guild(ANN))
        bot.server.world.denied.add(("threads", general["id"]))
        opened = await bot.adapter.create_thread(bot.at(general), "Story")
        assert opened is not None
        assert [m["id"] for m in bot.server.heard(general["id"])] == [opened.thread]
        bot.server.world.denied.add(("message threads", general["id"]))
        assert await bot.adapter.create_thread(bot.at(general), "Another") is None
        assert len(bot.server.heard(general["id"])) == 1


async def test_an_archived_thread_is_reopened_and_a_locked_one_refuses() -> None:
    async with bots() as bot:
        general = bot.server.channel(bot.server.guild(ANN))
        await bot.start()
        opened = await bot.adapter.create_thread(bot.at(general), "Story")
        assert opened is not None
        receipt = await bot.adapter.send(Outbound(opened, "one", nonce="a"))
        thread = bot.server.world.channels[str(opened.thread)]
        bot.server.strict_archive = True
        thread["thread_metadata"]["archived"] = True
        await bot.adapter.send(Outbound(opened, "two", nonce="b"))
        thread["thread_metadata"]["archived"] = True
        edit = Outbound(opened, "one, changed", replaces=receipt.message_ids[0], nonce="c")
        assert (await bot.adapter.send(edit)).message_ids == receipt.message_ids
        thread["thread_metadata"]["archived"] = True
        bot.server.world.denied.add(("threads", thread["id"]))
        with pytest.raises(DeliveryRejected):
            await bot.adapter.send(Outbound(opened, "three", nonce="d"))


async def test_a_mention_is_answered_in_a_thread_of_its_own_where_that_is_set() -> None:
    async with bots(auto_thread=True) as bot:
        general = bot.server.channel(bot.server.guild(ANN))
        await bot.start()
        asked = await bot.server.says(ANN, f"<@{BOT_ID}> what is new?", channel=general["id"])
        (inbound,) = await bot.link.until_committed(1)
        assert inbound.address == bot.at(general, asked["id"])
        assert asked["id"] not in bot.server.world.channels
        await bot.adapter.react(inbound.address, inbound.message_id, Mark.SEEN)
        await bot.adapter.send(Outbound(inbound.address, "This.", nonce="a"))
        assert bot.server.world.channels[asked["id"]]["name"] == "what is new?"
        assert len(bot.server.heard(asked["id"])) == 1
        await bot.server.says(ANN, "and more?", channel=asked["id"])
        more = (await bot.link.until_committed(2))[1]
        assert (more.address, more.addressed) == (inbound.address, True)


@pytest.mark.parametrize("allowed", [True, False])
async def test_after_a_restart_the_thread_is_made_or_its_channel_answered_in(*, allowed: bool) -> None:
    async with bots(auto_thread=True) as bot:
        general = bot.server.channel(bot.server.guild(ANN))
        asked = await bot.server.says(ANN, f"<@{BOT_ID}> hello", channel=general["id"])
        if not allowed:
            bot.server.world.denied.add(("message threads", general["id"]))
        await bot.start()
        for text in ("one", "two"):
            await bot.adapter.send(Outbound(bot.at(general, asked["id"]), text, nonce=text))
        where = asked["id"] if allowed else general["id"]
        assert [bot.server.text(m) for m in bot.server.heard(where)] == ["one", "two"]


async def test_a_channel_is_read_after_a_time_and_from_its_end() -> None:
    async with bots() as bot:
        general = bot.server.channel(bot.server.guild(ANN))
        await bot.start()
        made = [
            await bot.server.says(ANN, f"message {number}", channel=general["id"]) for number in range(130)
        ]
        found = await bot.adapter.read_channel(bot.at(general), 0, 120)
        assert [one.text for one in found] == [f"message {number}" for number in range(10, 130)]
        since = found[-1].sent_at - 10_000_000
        found = await bot.adapter.read_channel(bot.at(general), since, 105)
        assert [one.message_id for one in found] == [message["id"] for message in made[:105]]
        assert found[0].sender.id == ANN
        bot.server.world.denied.add(("history", general["id"]))
        with pytest.raises(DeliveryRejected):
            await bot.adapter.read_channel(bot.at(general), 0, 5)


async def test_channels_and_threads_are_listed_by_name() -> None:
    async with bots() as bot:
        general = bot.server.channel(bot.server.guild(ANN))
        thread = bot.server.world.add_thread(general, "Plans", ANN)
        await bot.start()
        await bot.link.until(lambda: True)
        await bot.server.says(ANN, "hello")
        await bot.link.until_committed(1)
        assert await bot.adapter.channels() == {
            bot.at(general): "Office #general",
            bot.at(general, thread["id"]): "Office #general / Plans",
        }


async def test_a_file_and_its_caption_are_one_message(tmp_path: Path) -> None:
    async with bots() as bot:
        path = tmp_path / "made"
        path.write_bytes(b"data")
        await bot.adapter.send(
            Outbound(bot.dm, "Here", OutboundKind.FILE, file=path, file_name="report.txt", nonce="a")
        )
        (message,) = bot.server.heard(bot.dm.chat)
        assert (message["content"], message["attachments"][0]["filename"]) == ("Here", "report.txt")
        assert bot.server.world.files[message["attachments"][0]["id"]] == b"data"


async def test_an_attachment_whose_address_expired_is_asked_for_again(tmp_path: Path) -> None:
    async with bots() as bot:
        await bot.start()
        file = bot.server.stored("notes.txt", b"data")
        message = await bot.server.says(ANN, "", attachments=[file])
        (inbound,) = await bot.link.until_committed(1)
        new = bot.server.stored("notes.txt", b"data")
        message["attachments"] = [{**new, "id": file["id"]}]
        del bot.server.world.files[file["id"]]
        assert await bot.adapter.fetch(inbound.attachments[0], tmp_path / "kept", 100) == 4


async def test_reactions_follow_the_work_on_a_message() -> None:
    async with bots() as bot:
        message = await bot.server.says(ANN, "hello")
        await bot.adapter.react(bot.dm, message["id"], Mark.SEEN)
        assert message["signs"] == ["👀"]
        await bot.adapter.react(bot.dm, message["id"], Mark.DONE)
        assert message["signs"] == ["✅"]


async def test_the_probe_says_what_is_not_as_it_should_be() -> None:
    async with bots() as bot:
        assert (await bot.adapter.probe()).warnings == ()
        bot.server.gateway.content_allowed = False
        assert "Message Content Intent is off" in (await bot.adapter.probe()).warnings[0]
