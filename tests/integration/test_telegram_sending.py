"""Sending through a Bot API server on loopback."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.adapter import Drafts, Mark, Reactions, Streaming
from gateway.platforms.telegram.adapter import TelegramAdapter
from kernel.errors import DeliveryDeferred, DeliveryRejected, DeliveryUncertain
from kernel.messages import Button, InboundKind, OutboundKind
from tests.fakes.telegram_server import TelegramServer, flood, refusal, server_error
from tests.fakes.telegram_updates import Webhook
from tests.integration.telegram_bots import ANN, bot, owed, place, running

YES = ((Button("Yes", "y"),),)


@pytest.fixture
async def server() -> AsyncIterator[TelegramServer]:
    async with TelegramServer() as server:
        server.world.private_chat(ANN)
        yield server


@pytest.fixture
async def adapter(server: TelegramServer) -> AsyncIterator[TelegramAdapter]:
    async with bot(server) as adapter:
        yield adapter


async def test_markdown_is_shown_with_its_format(server: TelegramServer, adapter: TelegramAdapter) -> None:
    await adapter.send(owed("**bold** and `a < b` 🙂"))
    (message,) = server.messages(ANN)
    assert message.text == "bold and a < b 🙂"
    assert [(e.kind, e.offset, e.length) for e in message.entities] == [("bold", 0, 4), ("code", 9, 5)]


async def test_a_format_telegram_cannot_read_goes_out_as_plain_text(
    server: TelegramServer, adapter: TelegramAdapter
) -> None:
    server.fault("sendMessage", refusal(400, "Bad Request: can't parse entities: odd tag"))
    await adapter.send(owed("**bold** <b>", buttons=YES))
    (message,) = server.messages(ANN)
    assert (message.text, message.entities, message.labels) == ("bold <b>", [], ["Yes"])


async def test_a_text_longer_than_a_message_becomes_several(
    server: TelegramServer, adapter: TelegramAdapter
) -> None:
    said = server.user_says(ANN, "tell me")
    text = "\n\n".join(f"paragraph {number} " + "word " * 150 for number in range(12))
    receipt = await adapter.send(owed(text, buttons=YES, reply_to=str(said.id)))
    messages = server.messages(ANN)
    assert [str(message.id) for message in messages] == list(receipt.message_ids)
    assert len(messages) > 1
    assert [bool(message.labels) for message in messages] == [False] * (len(messages) - 1) + [True]
    assert [bool(message.reply_to) for message in messages] == [True] + [False] * (len(messages) - 1)


async def test_a_failure_between_two_messages_is_continued_there(
    server: TelegramServer, adapter: TelegramAdapter
) -> None:
    message = owed("\n\n".join(["word " * 700] * 3), nonce="n")
    server.fault("sendMessage", flood(1), skip=1)
    with pytest.raises(DeliveryDeferred):
        await adapter.send(message)
    receipt = await adapter.send(message)
    assert [str(shown.id) for shown in server.messages(ANN)] == list(receipt.message_ids)
    assert len(receipt.message_ids) == 3


async def test_a_topic_that_was_deleted_becomes_its_chat(
    server: TelegramServer, adapter: TelegramAdapter
) -> None:
    server.add_supergroup(-100, "Team", forum=True, members=(ANN,))
    thread = server.add_topic(-100, "Deploy")
    server.delete_topic(-100, thread)
    await adapter.send(owed("done", address=place(-100, thread)))
    assert [message.thread_id for message in server.messages(-100)] == [None]


async def test_an_answer_to_a_message_that_is_gone_is_sent(
    server: TelegramServer, adapter: TelegramAdapter
) -> None:
    said = server.user_says(ANN, "tell me")
    server.user_deletes(said)
    await adapter.send(owed("told", reply_to=str(said.id)))
    assert [message.text for message in server.messages(ANN)] == ["told"]


async def test_an_edit_of_what_is_gone_is_sent_anew(server: TelegramServer, adapter: TelegramAdapter) -> None:
    first = await adapter.send(owed("card"))
    await adapter.burst(place(), first.message_ids[0])
    second = await adapter.send(owed("answered", kind=OutboundKind.EDIT, replaces=first.message_ids[0]))
    assert [str(message.id) for message in server.messages(ANN)] == list(second.message_ids)
    assert first.message_ids != second.message_ids


async def test_an_edit_without_an_answer_is_simply_made_again(
    server: TelegramServer, adapter: TelegramAdapter
) -> None:
    first = await adapter.send(owed("card"))
    server.fault("editMessageText", server_error(504))
    with pytest.raises(DeliveryDeferred):
        await adapter.send(owed("answered", replaces=first.message_ids[0]))


async def test_a_group_that_moved_is_written_to_at_its_new_id_and_the_gateway_told(
    server: TelegramServer,
) -> None:
    server.add_group(-5, "Old", members=(ANN,))
    async with running(server) as (adapter, link):
        await server.wait_for(lambda: server.updates.waiting)
        server.migrate(-5, -100)
        server.updates.drop()
        link.committed.clear()
        receipt = await adapter.send(owed("news", -5, reply_to="1", replaces="1", nonce="n"))
        assert [str(message.id) for message in server.messages(-100)] == list(receipt.message_ids)
        assert {(m.kind, m.address.chat, m.text) for m in link.committed} == {
            (InboundKind.MIGRATE, "-5", "-100")
        }


async def test_a_group_that_moved_is_written_to_without_a_running_connection(
    server: TelegramServer, adapter: TelegramAdapter
) -> None:
    server.add_group(-5, "Old", members=(ANN,))
    server.migrate(-5, -100)
    await adapter.send(owed("news", -5))
    assert [message.text for message in server.messages(-100)] == ["news"]


async def test_a_picture_is_shown_and_other_files_are_attached(
    server: TelegramServer, adapter: TelegramAdapter, tmp_path: Path
) -> None:
    for name in ("chart.png", "table.csv"):
        (tmp_path / name).write_bytes(b"data")
        await adapter.send(owed("**Figure** 1", kind=OutboundKind.FILE, file=tmp_path / name))
    assert [(message.media, message.text) for message in server.messages(ANN)] == [
        ("photo", "Figure 1"),
        ("document", "Figure 1"),
    ]
    assert [call.files.popitem()[1].data for call in server.calls() if call.files] == [b"data", b"data"]


async def test_a_picture_telegram_refuses_is_attached(
    server: TelegramServer, adapter: TelegramAdapter, tmp_path: Path
) -> None:
    (tmp_path / "wide.png").write_bytes(b"data")
    server.fault("sendPhoto", refusal(400, "Bad Request: PHOTO_INVALID_DIMENSIONS"))
    await adapter.send(owed("", kind=OutboundKind.FILE, file=tmp_path / "wide.png"))
    assert [message.media for message in server.messages(ANN)] == ["document"]


async def test_a_caption_that_is_too_long_follows_its_file(
    server: TelegramServer, adapter: TelegramAdapter, tmp_path: Path
) -> None:
    (tmp_path / "a.bin").write_bytes(b"data")
    text = "word " * 400
    receipt = await adapter.send(owed(text, kind=OutboundKind.FILE, file=tmp_path / "a.bin", buttons=YES))
    file, words = server.messages(ANN)
    assert (file.media, file.text, file.labels) == ("document", "", [])
    assert (words.text, words.labels) == (text.strip(), ["Yes"])
    assert list(receipt.message_ids) == [str(file.id), str(words.id)]


async def test_a_silent_message_is_silent_and_links_show_no_preview(
    server: TelegramServer, adapter: TelegramAdapter
) -> None:
    await adapter.send(owed("see https://example.org", silent=True))
    (call,) = server.calls("sendMessage")
    assert server.messages(ANN)[0].silent
    assert call.params["link_preview_options"] == {"is_disabled": True}


async def test_a_receipt_nobody_can_read_is_an_uncertain_delivery(
    server: TelegramServer, adapter: TelegramAdapter
) -> None:
    for answer in (b"", b'{"ok": true}', b'{"ok": true, "result": {"message_id": 5}}'):
        server.fault("sendMessage", type(flood())(200, answer))
        with pytest.raises(DeliveryUncertain):
            await adapter.send(owed("hello"))


async def test_two_hundred_chats_are_served_at_once(server: TelegramServer, adapter: TelegramAdapter) -> None:
    for chat in range(1, 201):
        server.world.private_chat(chat)
    await asyncio.gather(*(adapter.send(owed(f"to {chat}", chat)) for chat in range(1, 201)))
    assert all(server.messages(chat)[0].text == f"to {chat}" for chat in range(1, 201))


async def test_drafts_stream_and_keep_the_end_in_sight(
    server: TelegramServer, adapter: TelegramAdapter
) -> None:
    await adapter.draft(place(), 5, "Once **upon")
    await adapter.draft(place(), 5, "a time. " * 1000)
    first, second = server.drafts(ANN)
    assert first == "Once **upon"
    assert second.endswith("a time.")


async def test_a_server_without_drafts_is_not_asked_twice(
    server: TelegramServer, adapter: TelegramAdapter
) -> None:
    server.fault("sendMessageDraft", refusal(404, "Not Found: method not found"))
    assert adapter.capabilities.streaming is Streaming.DRAFT
    for _ in range(2):
        with pytest.raises((DeliveryRejected, DeliveryDeferred)):
            await adapter.draft(place(), 5, "Once")
    assert adapter.capabilities.streaming is Streaming.EDIT
    assert Drafts not in adapter.capabilities.abilities
    assert len(server.calls("sendMessageDraft")) == 1


async def test_a_chat_that_takes_no_drafts_is_not_asked_twice(
    server: TelegramServer, adapter: TelegramAdapter
) -> None:
    server.fault("sendMessageDraft", refusal(400, "Bad Request: TEXTDRAFT_PEER_INVALID"))
    for chat in (ANN, ANN, -100):
        with pytest.raises(DeliveryRejected):
            await adapter.draft(place(chat), 5, "Once")
    assert len(server.calls("sendMessageDraft")) == 1
    assert adapter.capabilities.streaming is Streaming.DRAFT


async def test_switches_take_abilities_away(server: TelegramServer) -> None:
    async with bot(server, drafts=False, reactions=False) as adapter:
        assert not {Drafts, Reactions} & adapter.capabilities.abilities
        assert adapter.capabilities.streaming is Streaming.EDIT
        with pytest.raises(DeliveryRejected):
            await adapter.draft(place(), 5, "Once")


async def test_reactions_are_ones_telegram_allows(server: TelegramServer, adapter: TelegramAdapter) -> None:
    said = server.user_says(ANN, "go")
    seen: list[list[str]] = []
    for mark in Mark:
        await adapter.react(place(), str(said.id), mark)
        seen.append(said.reactions)
    assert seen == [["👀"], ["👍"], ["👎"]]
    with pytest.raises(DeliveryRejected):
        await adapter.react(place(), "999", Mark.SEEN)


async def test_a_flood_of_signs_says_how_long_to_wait(
    server: TelegramServer, adapter: TelegramAdapter
) -> None:
    server.fault("sendChatAction", flood(9))
    with pytest.raises(DeliveryDeferred) as caught:
        await adapter.typing(place())
    assert caught.value.retry_after == 9


@pytest.mark.parametrize(("chat", "forum", "topics"), [(-100, False, False), (ANN, False, False)])
async def test_a_chat_without_topics_has_no_threads(
    server: TelegramServer, adapter: TelegramAdapter, chat: int, *, forum: bool, topics: bool
) -> None:
    server.add_supergroup(-100, "Team", forum=forum, members=(ANN,))
    server.world.has_topics_enabled = topics
    assert await adapter.create_thread(place(chat), "Deploy") is None


@pytest.mark.parametrize("chat", [-100, ANN])
async def test_a_chat_with_topics_has_threads(
    server: TelegramServer, adapter: TelegramAdapter, chat: int
) -> None:
    server.add_supergroup(-100, "Team", forum=True, members=(ANN,))
    server.world.has_topics_enabled = True
    address = await adapter.create_thread(place(chat), "Deploy " * 40)
    assert address is not None
    assert address.thread is not None
    assert server.world.chats[chat].topics[int(address.thread)].startswith("Deploy")


async def test_a_bot_that_may_open_no_topics_has_no_threads(
    server: TelegramServer, adapter: TelegramAdapter
) -> None:
    server.add_supergroup(-100, "Team", forum=True, members=(ANN,))
    server.world.chats[-100].bot_can_manage_topics = False
    assert await adapter.create_thread(place(-100), "Deploy") is None


async def test_a_topic_that_has_to_wait_is_waited_for(
    server: TelegramServer, adapter: TelegramAdapter
) -> None:
    server.add_supergroup(-100, "Team", forum=True, members=(ANN,))
    server.fault("createForumTopic", flood(9))
    with pytest.raises(DeliveryDeferred) as caught:
        await adapter.create_thread(place(-100), "Deploy")
    assert caught.value.retry_after == 9


async def test_the_probe_says_what_is_not_as_it_should_be(
    server: TelegramServer, adapter: TelegramAdapter
) -> None:
    server.updates.set_webhook(Webhook("http://127.0.0.1:1/other"))
    probe = await adapter.probe()
    assert probe.name == "@hermes_bot"
    assert any("Privacy mode" in warning for warning in probe.warnings)
    assert any("http://127.0.0.1:1/other" in warning for warning in probe.warnings)


async def test_a_probe_without_anything_wrong_warns_of_nothing(
    server: TelegramServer, adapter: TelegramAdapter
) -> None:
    server.world.reads_all_group_messages = True
    assert (await adapter.probe()).warnings == ()
