"""From Telegram's updates to ours."""

import pytest

from gateway.platforms.telegram.convert import Me, clean
from kernel.messages import Address, AttachmentKind, InboundKind
from tests.unit.telegram.wire import (
    ANN,
    AT,
    BOT,
    FORUM,
    GROUP,
    PRIVATE,
    Json,
    convert_update,
    converted,
    entity,
    message,
)

FILE: Json = {"file_id": "F", "file_unique_id": "U", "file_size": 9}
NAMED: Json = FILE | {"file_name": "a.txt", "mime_type": "text/plain"}


def test_a_private_message_is_for_the_bot() -> None:
    inbound = converted(message("hello"))
    assert inbound.address == Address("telegram", "4242", "7")
    assert (inbound.key, inbound.message_id, inbound.text) == ("m:7:5", "5", "hello")
    assert (inbound.sender.id, inbound.sender.name) == ("7", "Ann Lee")
    assert (inbound.private, inbound.addressed, inbound.sent_at) == (True, True, AT * 1000)


@pytest.mark.parametrize(
    ("chat", "fields", "thread"),
    [
        (FORUM, {"message_thread_id": 12, "is_topic_message": True}, "12"),
        (FORUM, {"message_thread_id": 1, "is_topic_message": True}, None),
        (FORUM, {}, None),
        (GROUP, {"message_thread_id": 12}, None),
        (PRIVATE, {"message_thread_id": 12, "is_topic_message": True}, "12"),
        (PRIVATE, {}, None),
    ],
)
def test_a_topic_is_the_thread_of_its_messages(chat: Json, fields: Json, thread: str | None) -> None:
    assert converted(message("hi", chat=chat, **fields)).address.thread == thread


@pytest.mark.parametrize(
    ("fields", "addressed"),
    [
        ({"text": "hello all"}, False),
        ({"text": "@hermes_bot hello", "entities": [entity("mention", 0, 11)]}, True),
        ({"text": "ask @Hermes_Bot then", "entities": [entity("mention", 4, 11)]}, True),
        ({"text": "🙂🙂 @hermes_bot", "entities": [entity("mention", 5, 11)]}, True),
        ({"text": "@hermes_bot2 hello", "entities": [entity("mention", 0, 12)]}, False),
        ({"text": "@other hello", "entities": [entity("mention", 0, 6)]}, False),
        ({"text": "see Hermes", "entities": [entity("text_mention", 4, 6, user=BOT)]}, True),
        ({"text": "see Ann", "entities": [entity("text_mention", 4, 3, user=ANN)]}, False),
        ({"text": "/status", "entities": [entity("bot_command", 0, 7)]}, True),
        ({"text": "/status@hermes_bot", "entities": [entity("bot_command", 0, 18)]}, True),
        ({"text": "/status@other_bot", "entities": [entity("bot_command", 0, 17)]}, False),
        (
            {
                "text": "/status@other_bot @hermes_bot",
                "entities": [entity("bot_command", 0, 17), entity("mention", 18, 11)],
            },
            False,
        ),
        ({"text": "run /status later", "entities": [entity("bot_command", 4, 7)]}, False),
        ({"caption": "@hermes_bot look", "caption_entities": [entity("mention", 0, 11)], "photo": []}, True),
        ({"text": "yes", "reply_to_message": message("?", chat=GROUP, **{"from": BOT})}, True),
        ({"text": "yes", "reply_to_message": message("?", chat=GROUP)}, False),
    ],
)
def test_in_a_group_the_bot_is_addressed_by_name_command_or_reply(fields: Json, *, addressed: bool) -> None:
    inbound = converted(message(chat=GROUP, **fields))
    assert not inbound.private
    assert inbound.addressed == addressed


def test_a_topic_the_bot_opened_does_not_make_every_message_in_it_a_reply() -> None:
    opening = message(
        chat=FORUM,
        forum_topic_created={"name": "Deploy", "icon_color": 1},
        message_id=12,
        **{"from": BOT},
    )
    inbound = converted(
        message("hi", chat=FORUM, message_thread_id=12, is_topic_message=True, reply_to_message=opening)
    )
    assert (inbound.addressed, inbound.reply_to) == (False, "")


def test_without_a_known_name_only_what_needs_none_is_addressed() -> None:
    nameless = Me(4242)
    mention = message("@ hi", chat=GROUP, entities=[entity("mention", 0, 1)])
    command = message("/help", chat=GROUP, entities=[entity("bot_command", 0, 5)])
    assert not converted(mention, nameless).addressed
    assert converted(command, nameless).addressed


@pytest.mark.parametrize(
    ("text", "kind", "length", "result"),
    [
        ("/help@hermes_bot me", "bot_command", 16, "/help me"),
        ("/help@HERMES_BOT", "bot_command", 16, "/help"),
        ("/help@other_bot me", "bot_command", 15, "/help@other_bot me"),
        ("@hermes_bot, deploy", "mention", 11, "deploy"),
        ("@hermes_bot /help", "mention", 11, "/help"),
        ("@hermes_bot", "mention", 11, "@hermes_bot"),
        ("@other deploy", "mention", 6, "@other deploy"),
    ],
)
def test_the_name_that_only_says_who_is_meant_is_left_out(
    text: str, kind: str, length: int, result: str
) -> None:
    assert converted(message(text, chat=GROUP, entities=[entity(kind, 0, length)])).text == result


@pytest.mark.parametrize(
    ("fields", "kind", "name", "ref"),
    [
        (
            {
                "photo": [
                    FILE | {"file_id": "small", "width": 90, "height": 90},
                    FILE | {"file_id": "large", "width": 900, "height": 900},
                ]
            },
            AttachmentKind.PHOTO,
            "photo-5.jpg",
            "large",
        ),
        ({"document": NAMED}, AttachmentKind.DOCUMENT, "a.txt", "F"),
        ({"document": FILE}, AttachmentKind.DOCUMENT, "document-5", "F"),
        ({"voice": FILE | {"duration": 3}}, AttachmentKind.VOICE, "voice-5.ogg", "F"),
        ({"audio": FILE | {"duration": 3}}, AttachmentKind.AUDIO, "audio-5.mp3", "F"),
        (
            {"video": FILE | {"duration": 3, "width": 1, "height": 1}},
            AttachmentKind.VIDEO,
            "video-5.mp4",
            "F",
        ),
        (
            {"video_note": FILE | {"duration": 3, "length": 1}},
            AttachmentKind.VIDEO,
            "video_note-5.mp4",
            "F",
        ),
        (
            {"animation": FILE | {"duration": 3, "width": 1, "height": 1}, "document": NAMED},
            AttachmentKind.VIDEO,
            "animation-5.mp4",
            "F",
        ),
    ],
)
def test_a_file_becomes_one_attachment(fields: Json, kind: AttachmentKind, name: str, ref: str) -> None:
    inbound = converted(message(caption="look", **fields))
    (attachment,) = inbound.attachments
    assert (attachment.kind, attachment.name, attachment.ref, attachment.size) == (kind, name, ref, 9)
    assert inbound.text == "look"


def test_the_parts_of_an_album_share_a_group() -> None:
    photo = [FILE | {"width": 1, "height": 1}]
    assert converted(message(photo=photo, media_group_id="G")).group == "G"


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        (
            {
                "sticker": FILE
                | {
                    "type": "regular",
                    "width": 1,
                    "height": 1,
                    "is_animated": False,
                    "is_video": False,
                    "emoji": "🙂",
                }
            },
            "[sticker 🙂]",
        ),
        ({"location": {"latitude": 52.5, "longitude": 13.4}}, "[location: 52.5, 13.4]"),
        ({"contact": {"phone_number": "+49", "first_name": "Bob"}}, "[contact: Bob, +49]"),
        ({"dice": {"emoji": "🎲", "value": 3}}, "[a dice, which cannot be read here]"),
        ({"hologram": {"depth": 3}}, "[a kind of message this version cannot read]"),
    ],
)
def test_what_is_no_text_and_no_file_is_put_into_words(fields: Json, text: str) -> None:
    assert converted(message(**fields)).text == text


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("message", message()),
        ("message", message(new_chat_members=[ANN], chat=GROUP)),
        ("message", message(left_chat_member=ANN, chat=GROUP)),
        ("message", message(pinned_message=message("x"))),
        ("message", message(forum_topic_created={"name": "n", "icon_color": 1}, chat=FORUM)),
        ("message", message(text="")),
        (
            "my_chat_member",
            {
                "chat": PRIVATE,
                "from": ANN,
                "date": AT,
                "old_chat_member": {"status": "member", "user": BOT},
                "new_chat_member": {"status": "kicked", "user": BOT, "until_date": 0},
            },
        ),
        (
            "message_reaction",
            {
                "chat": PRIVATE,
                "message_id": 5,
                "date": AT,
                "user": ANN,
                "old_reaction": [],
                "new_reaction": [{"type": "emoji", "emoji": "👍"}],
            },
        ),
        ("callback_query", {"id": "q", "from": ANN, "chat_instance": "c", "data": "x"}),
        ("callback_query", {"id": "q", "from": ANN, "chat_instance": "c", "message": message("card")}),
        ("a_kind_from_the_future", {"what": "ever"}),
    ],
)
def test_what_says_nothing_is_only_acknowledged(kind: str, payload: Json) -> None:
    assert convert_update(kind, payload) is None


def test_an_edit_has_a_key_of_its_own() -> None:
    inbound = converted(message("better", edit_date=AT + 60), kind="edited_message")
    assert (inbound.kind, inbound.key) == (InboundKind.EDIT, f"e:7:5:{AT + 60}")
    assert (inbound.message_id, inbound.text, inbound.sent_at) == ("5", "better", (AT + 60) * 1000)


def test_a_tap_comes_from_who_tapped_and_from_where_the_card_stands() -> None:
    card = message(
        "Go on?", chat=FORUM, message_thread_id=12, is_topic_message=True, message_id=9, **{"from": BOT}
    )
    inbound = converted(
        {"id": "q1", "from": ANN, "chat_instance": "c", "data": "yes", "message": card}, kind="callback_query"
    )
    assert (inbound.kind, inbound.key, inbound.tap, inbound.tap_id) == (InboundKind.TAP, "c:q1", "yes", "q1")
    assert (inbound.address.chat, inbound.address.thread, inbound.message_id) == ("-100", "12", "9")
    assert (inbound.sender.id, inbound.private) == ("7", False)


def test_a_tap_on_a_card_too_old_to_be_shown_still_has_its_place() -> None:
    card = {"chat": PRIVATE, "message_id": 9, "date": 0}
    inbound = converted(
        {"id": "q1", "from": ANN, "chat_instance": "c", "data": "yes", "message": card}, kind="callback_query"
    )
    assert (inbound.address.chat, inbound.message_id, inbound.private) == ("7", "9", True)


@pytest.mark.parametrize(
    "payload",
    [
        message(chat={"id": -5, "type": "group", "title": "Old"}, migrate_to_chat_id=-100),
        message(chat=GROUP, migrate_from_chat_id=-5),
    ],
)
def test_both_ends_of_a_move_tell_the_same(payload: Json) -> None:
    inbound = converted(payload)
    assert (inbound.kind, inbound.key) == (InboundKind.MIGRATE, "g:-5:-100")
    assert (inbound.address.chat, inbound.text) == ("-5", "-100")


CHANNEL: Json = {"id": -200, "type": "channel", "title": "News"}
HIDDEN: Json = {"id": 1087968824, "is_bot": True, "first_name": "Group", "username": "GroupAnonymousBot"}


@pytest.mark.parametrize(
    ("kind", "fields", "sender"),
    [
        ("message", {"chat": GROUP, "sender_chat": CHANNEL, "from": {**HIDDEN, "id": 136817688}}, "-200"),
        ("message", {"chat": GROUP, "sender_chat": GROUP, "from": HIDDEN}, "-100"),
        ("channel_post", {"chat": CHANNEL, "sender_chat": CHANNEL}, "-200"),
    ],
)
def test_who_hides_behind_a_chat_is_never_taken_for_a_person(kind: str, fields: Json, sender: str) -> None:
    body = message("/approve", **fields)
    if kind == "channel_post":
        del body["from"]
    assert converted(body, kind=kind).sender.id == sender


def test_another_bot_does_not_address_us() -> None:
    other = {"id": 99, "is_bot": True, "first_name": "Echo", "username": "echo_bot"}
    text = message("@hermes_bot hi", chat=GROUP, entities=[entity("mention", 0, 11)], **{"from": other})
    assert not converted(text).addressed


@pytest.mark.parametrize(
    ("origin", "name"),
    [
        ({"type": "user", "date": AT, "sender_user": ANN}, "Ann Lee"),
        ({"type": "hidden_user", "date": AT, "sender_user_name": "Somebody Shy"}, "Somebody Shy"),
        ({"type": "chat", "date": AT, "sender_chat": GROUP}, "Team"),
        ({"type": "channel", "date": AT, "chat": CHANNEL, "message_id": 3}, "News"),
    ],
)
def test_a_forwarded_command_is_marked_and_no_command(origin: Json, name: str) -> None:
    inbound = converted(message("/approve", forward_origin=origin, entities=[entity("bot_command", 0, 8)]))
    assert inbound.text == f"[Forwarded from {name}]\n/approve"


def test_a_quote_is_marked_as_one() -> None:
    answered = message("rm -rf /\nplease", message_id=3, **{"from": BOT})
    inbound = converted(
        message("why?", reply_to_message=answered, quote={"text": "rm -rf /\nplease", "position": 0})
    )
    assert inbound.text == "> rm -rf /\n> please\n\nwhy?"
    assert inbound.reply_to == "3"


def test_text_that_no_database_takes_is_made_whole() -> None:
    assert clean("ok 🙂") == "ok 🙂"
    assert clean("half \ud83d!") == "half �!"
    assert converted(message("half \ud83d!")).text == "half �!"
