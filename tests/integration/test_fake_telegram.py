"""The Bot API server for tests keeps the protocol, seen through python-telegram-bot."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from aiohttp import web
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, InputMediaPhoto
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)
from telegram.request import HTTPXRequest

from tests.fakes.telegram_server import (
    DropAfter,
    DropBefore,
    HalfOpen,
    Hang,
    TelegramServer,
    flood,
    refusal,
    server_error,
)

ROOT = Path(__file__).parents[2]
YES = InlineKeyboardButton("Yes", callback_data="y")
NO = InlineKeyboardButton("No", callback_data="n")
KEYBOARD = InlineKeyboardMarkup([[YES, NO]])


@pytest.fixture
async def server() -> AsyncIterator[TelegramServer]:
    async with TelegramServer() as running:
        yield running


def client(server: TelegramServer, token: str | None = None) -> Bot:
    """Return a bot whose calls give up after half a second."""
    patience = HTTPXRequest(read_timeout=0.5, httpx_kwargs={"trust_env": False})
    polls = HTTPXRequest(read_timeout=5, httpx_kwargs={"trust_env": False})
    return Bot(
        token or server.token,
        base_url=server.base_url,
        base_file_url=server.base_file_url,
        request=patience,
        get_updates_request=polls,
    )


@pytest.fixture
async def bot(server: TelegramServer) -> AsyncIterator[Bot]:
    async with client(server) as ready:
        yield ready


async def test_an_update_comes_again_until_a_later_offset_confirms_it(
    server: TelegramServer, bot: Bot
) -> None:
    server.user_says(7, "one")
    server.user_says(7, "two")
    first = await bot.get_updates(limit=1)
    again = await bot.get_updates()
    rest = await bot.get_updates(offset=first[0].update_id + 1)
    assert [u.message.text for u in first if u.message] == ["one"]
    assert len(again) == 2
    assert [u.message.text for u in rest if u.message] == ["two"]
    assert server.updates.confirmed == first[0].update_id


async def test_a_long_poll_returns_when_somebody_speaks(server: TelegramServer, bot: Bot) -> None:
    async with asyncio.TaskGroup() as group:
        poll = group.create_task(bot.get_updates(timeout=20))
        await server.wait_for(lambda: server.updates.waiting)
        server.user_says(7, "/start")
    update = poll.result()[0]
    assert update.message is not None
    assert update.message.entities[0].type == "bot_command"


async def test_the_second_poller_ends_the_first_with_a_conflict(server: TelegramServer, bot: Bot) -> None:
    async with client(server) as rival, asyncio.TaskGroup() as group:
        first = group.create_task(_poll_into_conflict(bot))
        await server.wait_for(lambda: server.updates.waiting)
        second = group.create_task(rival.get_updates(timeout=20))
        assert "terminated by other getUpdates" in await first
        server.user_says(7, "hello")
        assert len(await second) == 1


async def _poll_into_conflict(bot: Bot) -> str:
    with pytest.raises(Conflict) as caught:
        await bot.get_updates(timeout=20)
    return str(caught.value)


async def test_a_webhook_gets_updates_with_its_secret_and_forbids_polling(
    server: TelegramServer, bot: Bot
) -> None:
    got: list[tuple[str | None, str]] = []
    statuses = iter([500, 200])

    async def hook(request: web.Request) -> web.Response:
        update = await request.json()
        got.append((request.headers.get("X-Telegram-Bot-Api-Secret-Token"), update["message"]["text"]))
        return web.Response(status=next(statuses))

    app = web.Application()
    app.router.add_post("/hook", hook)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    await bot.set_webhook(f"http://127.0.0.1:{runner.addresses[0][1]}/hook", secret_token="s3cret")
    server.user_says(7, "hello")
    await server.wait_for(lambda: not server.updates.pending)
    info = await bot.get_webhook_info()
    with pytest.raises(Conflict, match="webhook is active"):
        await bot.get_updates()
    await bot.delete_webhook()
    await bot.get_updates()
    await runner.cleanup()
    assert got == [("s3cret", "hello")] * 2
    assert info.last_error_message == "Wrong response from the webhook: 500 Internal Server Error"


async def test_dropping_pending_updates_really_drops_them(server: TelegramServer, bot: Bot) -> None:
    server.user_says(7, "gone")
    await bot.delete_webhook(drop_pending_updates=True)
    assert list(await bot.get_updates()) == []
    assert len(server.updates.dropped) == 1


async def test_reactions_arrive_only_when_asked_for(server: TelegramServer, bot: Bot) -> None:
    said = server.user_says(7, "hello")
    assert server.user_reacts(said, "👍") is None
    await bot.get_updates(allowed_updates=["message", "message_reaction"])
    server.user_reacts(said, "👍")
    last = (await bot.get_updates())[-1]
    assert last.message_reaction is not None


@pytest.mark.parametrize(
    ("html", "problem"),
    [
        ("<b>open", 'can\'t find end tag corresponding to start tag "b"'),
        ("a</b>", "unexpected end tag at byte offset 1"),
        ("<b>ä<i>x</b></i>", "unmatched end tag at byte offset 9, expected"),
        ("<h1>x</h1>", 'unsupported start tag "h1" at byte offset 0'),
        ("1 < 2", "unclosed start tag at byte offset 2"),
    ],
)
async def test_broken_markup_is_refused_in_telegrams_words(
    server: TelegramServer, bot: Bot, html: str, problem: str
) -> None:
    server.user_says(7, "hi")
    with pytest.raises(BadRequest) as caught:
        await bot.send_message(7, html, parse_mode="HTML")
    assert f"can't parse entities: {problem}".lower() in str(caught.value).lower()


async def test_entities_are_counted_in_utf16_units(server: TelegramServer, bot: Bot) -> None:
    server.user_says(7, "hi")
    html = '😀 <b>bold <i>both</i></b> &lt;<a href="https://example.org/?a=1&amp;b=2">link</a>'
    html += '<pre><code class="language-python">x = 1</code></pre>'
    sent = await bot.send_message(7, html, parse_mode="HTML")
    marks = [(e.type, e.offset, e.length, e.url, e.language) for e in sent.entities]
    assert sent.text == "😀 bold both <linkx = 1"
    assert marks == [
        ("bold", 3, 9, None, None),
        ("italic", 8, 4, None, None),
        ("text_link", 14, 4, "https://example.org/?a=1&b=2", None),
        ("pre", 18, 5, None, "python"),
    ]


async def test_the_length_limit_counts_visible_utf16_units(server: TelegramServer, bot: Bot) -> None:
    server.user_says(7, "hi")
    await bot.send_message(7, "<b>" + "😀" * 2048 + "</b>", parse_mode="HTML")
    with pytest.raises(BadRequest, match=r"[Mm]essage is too long"):
        await bot.send_message(7, "😀" * 2048 + "x")
    with pytest.raises(BadRequest, match=r"[Mm]essage text is empty"):
        await bot.send_message(7, "<b> </b>", parse_mode="HTML")


async def test_edits_and_deletions_meet_their_refusals(server: TelegramServer, bot: Bot) -> None:
    server.user_says(7, "hi")
    sent = await bot.send_message(7, "one")
    await bot.edit_message_text("two", 7, sent.message_id)
    with pytest.raises(BadRequest, match="not modified"):
        await bot.edit_message_text("two", 7, sent.message_id)
    await bot.edit_message_reply_markup(7, sent.message_id, reply_markup=KEYBOARD)
    await bot.set_message_reaction(7, 1, "👀")
    await bot.delete_message(7, sent.message_id)
    with pytest.raises(BadRequest, match="to edit not found"):
        await bot.edit_message_text("three", 7, sent.message_id)
    with pytest.raises(BadRequest, match="to delete not found"):
        await bot.delete_message(7, sent.message_id)
    with pytest.raises(BadRequest, match=r"(?i)reaction_invalid"):
        await bot.set_message_reaction(7, 1, "✅")
    assert server.messages(7) == []
    assert server.history(7)[1].versions == ["one"]


async def test_a_tapped_button_is_answered_once_and_not_when_too_old(
    server: TelegramServer, bot: Bot
) -> None:
    server.user_says(7, "hi")
    await bot.send_message(7, "Sure?", reply_markup=KEYBOARD)
    press = server.tap(server.messages(7)[0], "Yes")
    update = (await bot.get_updates())[-1]
    assert update.callback_query is not None
    assert update.callback_query.data == "y"
    await update.callback_query.answer("done")
    assert press.answered
    assert press.text == "done"
    server.expire_presses()
    with pytest.raises(BadRequest, match=r"(?i)query is too old"):
        await update.callback_query.answer()
    with pytest.raises(LookupError):
        server.tap(server.messages(7)[0], "Maybe")


async def test_files_go_both_ways(server: TelegramServer, bot: Bot) -> None:
    server.user_sends(7, "document", b"notes", name="notes.txt", caption="read this")
    message = (await bot.get_updates())[0].message
    assert message is not None
    assert message.document is not None
    remote = await message.document.get_file()
    assert bytes(await remote.download_as_bytearray()) == b"notes"
    sent = await bot.send_document(
        7, b"answer", filename="answer.txt", caption="<b>here</b>", parse_mode="HTML"
    )
    await bot.send_photo(7, b"jpeg")
    await bot.send_voice(7, b"ogg")
    await bot.send_audio(7, b"mp3")
    await bot.send_video(7, b"mp4")
    album = await bot.send_media_group(7, [InputMediaPhoto(b"a", caption="both"), InputMediaPhoto(b"b")])
    assert sent.document is not None
    assert server.world.files[sent.document.file_id].data == b"answer"
    assert sent.caption == "here"
    assert len({m.media_group_id for m in album}) == 1
    assert [m.media for m in server.messages(7)] == [
        "document",
        "photo",
        "voice",
        "audio",
        "video",
        "photo",
        "photo",
    ]


async def test_an_album_of_a_person_is_several_updates_with_one_group(
    server: TelegramServer, bot: Bot
) -> None:
    server.user_sends_album(7, [b"a", b"b"], caption="both")
    messages = [update.message for update in await bot.get_updates()]
    assert len({m.media_group_id for m in messages if m}) == 1
    assert [m.caption for m in messages if m] == ["both", None]


async def test_topics_exist_in_forums_and_in_direct_messages_that_have_them(
    bot: Bot, server: TelegramServer
) -> None:
    server.add_supergroup(-1001, "Forum", forum=True, members=[7])
    topic = await bot.create_forum_topic(-1001, "Build")
    sent = await bot.send_message(-1001, "in topic", message_thread_id=topic.message_thread_id)
    assert sent.is_topic_message
    await bot.edit_forum_topic(-1001, topic.message_thread_id, name="Ship")
    with pytest.raises(BadRequest, match=r"(?i)thread not found"):
        await bot.send_message(-1001, "x", message_thread_id=999)
    server.user_says(7, "hi")
    with pytest.raises(BadRequest, match="not a forum"):
        await bot.create_forum_topic(7, "Notes")
    server.world.has_topics_enabled = True
    private = await bot.create_forum_topic(7, "Notes")
    await bot.send_message(7, "noted", message_thread_id=private.message_thread_id)
    assert [m.text for m in server.messages(7, thread=private.message_thread_id)] == ["noted"]
    assert (await bot.get_me()).to_dict()["has_topics_enabled"] is True


async def test_drafts_stream_into_a_private_chat_and_leave_no_message(
    server: TelegramServer, bot: Bot
) -> None:
    server.user_says(7, "hi")
    await bot.send_message_draft(7, 1, "thin")
    await bot.send_message_draft(7, 1, "thinking")
    await bot.send_chat_action(7, "typing")
    assert server.drafts(7) == ["thin", "thinking"]
    assert server.messages(7) == []


async def test_a_group_hides_what_is_not_addressed_to_the_bot(server: TelegramServer, bot: Bot) -> None:
    server.add_group(-5, members=[7])
    await bot.send_message(-5, "I am here")
    for text in ("chatter", "/status", "/status@other_bot", "@hermes_bot hello"):
        server.user_says(-5, text)
    server.user_says(-5, "an answer", reply_to=server.messages(-5)[0])
    seen = [update.message.text for update in await bot.get_updates() if update.message]
    assert seen == ["/status", "@hermes_bot hello", "an answer"]


async def test_a_migrated_group_names_its_successor(server: TelegramServer, bot: Bot) -> None:
    server.add_group(-5, members=[7])
    server.migrate(-5, -1005)
    with pytest.raises(ChatMigrated) as caught:
        await bot.send_message(-5, "hello?")
    assert caught.value.new_chat_id == -1005
    services = [u.message for u in await bot.get_updates() if u.message]
    assert services[0].migrate_to_chat_id == -1005
    assert services[1].migrate_from_chat_id == -5


async def test_strangers_blocked_chats_and_bad_tokens_are_refused(server: TelegramServer, bot: Bot) -> None:
    with pytest.raises(BadRequest, match=r"(?i)chat not found"):
        await bot.send_message(99, "hello")
    server.user_says(7, "hi")
    server.block(7)
    with pytest.raises(Forbidden, match="blocked by the user"):
        await bot.send_message(7, "hello")
    with pytest.raises(InvalidToken):
        async with client(server, "4242:" + "x" * 35):
            pass


async def test_commands_chats_and_members_can_be_asked_for(server: TelegramServer, bot: Bot) -> None:
    await bot.set_my_commands([("help", "what I can do")])
    server.add_supergroup(-1001, "Team", members=[7])
    assert [c.command for c in await bot.get_my_commands()] == ["help"]
    assert (await bot.get_chat(-1001)).title == "Team"
    assert (await bot.get_chat_member(-1001, 7)).status == "member"
    assert (await bot.get_chat_member(-1001, bot.id)).status == "administrator"
    with pytest.raises(BadRequest, match=r"(?i)bot_command_invalid"):
        await bot.set_my_commands([("Help", "x")])


async def test_a_malformed_update_breaks_its_whole_batch_in_the_client(
    server: TelegramServer, bot: Bot
) -> None:
    server.user_says(7, "fine")
    server.push_malformed()
    with pytest.raises((TypeError, ValueError, AttributeError, TelegramError)):
        await bot.get_updates()


async def test_a_duplicate_comes_with_its_old_update_id(server: TelegramServer, bot: Bot) -> None:
    said = server.user_says(7, "once")
    first = (await bot.get_updates())[0]
    server.duplicate(said)
    server.duplicate(said, same_update=False)
    again = await bot.get_updates(offset=first.update_id + 1)
    assert [u.update_id for u in again] == [first.update_id, first.update_id + 1]
    assert {u.message.message_id for u in again if u.message} == {said.id}


@pytest.mark.filterwarnings("ignore:.*retry_after.*")
async def test_planned_faults_hit_the_planned_calls_only(server: TelegramServer, bot: Bot) -> None:
    server.user_says(7, "hi")
    server.user_says(8, "hi")
    planned = [
        (flood(7), RetryAfter),
        (flood("soon"), AttributeError),
        (flood(None), NetworkError),
        (server_error(502), NetworkError),
        (refusal(500, "Internal Server Error"), NetworkError),
    ]
    for fault, _ in planned:
        server.fault("sendMessage", fault, chat=7)
    await bot.send_message(8, "unharmed")
    for _, error in planned:
        with pytest.raises(error):
            await bot.send_message(7, "refused")
    await bot.send_message(7, "through")
    assert [m.text for m in server.messages(7)] == ["through"]
    assert [c.status for c in server.calls("sendMessage")] == [200, 429, 429, 429, 502, 500, 200]


async def test_a_dropped_connection_may_have_stored_the_message(server: TelegramServer, bot: Bot) -> None:
    server.user_says(7, "hi")
    server.fault("sendMessage", DropBefore())
    with pytest.raises(NetworkError):
        await bot.send_message(7, "lost")
    server.fault("sendMessage", DropAfter())
    with pytest.raises(NetworkError):
        await bot.send_message(7, "kept")
    assert [m.text for m in server.messages(7)] == ["kept"]


@pytest.mark.parametrize(("fault", "stored"), [(Hang(), []), (HalfOpen(), ["hello"])])
async def test_silence_ends_in_the_clients_timeout(
    server: TelegramServer, bot: Bot, fault: Hang | HalfOpen, stored: list[str]
) -> None:
    server.user_says(7, "hi")
    server.fault("sendMessage", fault)
    with pytest.raises(TimedOut):
        await bot.send_message(7, "hello")
    assert [m.text for m in server.messages(7)] == stored


async def test_a_server_that_came_back_still_knows_everything(server: TelegramServer, bot: Bot) -> None:
    server.user_says(7, "hi")
    port = server.port
    await server.stop()
    with pytest.raises(NetworkError):
        await bot.send_message(7, "anybody?")
    await server.start(port)
    assert len(await bot.get_updates()) == 1


def test_it_runs_as_a_program_with_a_control_api() -> None:
    command = [sys.executable, "-m", "tests.fakes.telegram_server", "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            address = json.loads(process.stdout.readline())
            with httpx.Client(base_url=address["url"], trust_env=False) as http:
                http.post("/control/user_says", json={"chat": 7, "text": "hello"}).raise_for_status()
                api = f"/bot{address['token']}"
                update = http.get(f"{api}/getUpdates").json()["result"][0]
                http.post(f"{api}/sendMessage", data={"chat_id": 7, "text": "pong"})
                waited = http.post("/control/wait", json={"chat": 7, "contains": "pong"}).json()
                missed = http.post("/control/wait", json={"chat": 7, "contains": "x", "within": 0.01})
        finally:
            process.terminate()
    assert update["message"]["text"] == "hello"
    assert waited[0]["text"] == "pong"
    assert missed.status_code == 408
