"""From Discord's objects to ours."""

from typing import Any

import pytest

from gateway.platforms.discord import convert
from gateway.platforms.discord.convert import View
from gateway.platforms.discord.directory import Channel, Directory
from kernel.messages import AttachmentKind, Inbound, InboundKind

ME, ANN, BEN = "100", "7", "8"
GENERAL = Channel("20", 0, "1", "general")
THREAD = Channel("30", 11, "1", "plans", parent="20")
PRIVATE = Channel("40", 1)


def view(*, auto_thread: bool = False) -> View:
    """Return what a bot with the id 100 sees."""
    directory = Directory(ME)
    directory.ready({"user": {"id": ME, "username": "hermes"}, "application": {"id": "101"}})
    return View(directory, auto_thread)


def raw(content: str = "hello", **fields: Any) -> dict[str, Any]:
    """Return a message of Ann's."""
    author = {"id": ANN, "username": "ann", "global_name": "Ann"}
    return {"id": "175928847299117063", "channel_id": "20", "author": author, "content": content, **fields}


def said(content: str = "hello", channel: Channel = GENERAL, **fields: Any) -> Inbound:
    """Return it as ours."""
    found = convert.said(raw(content, **fields), channel, view())
    assert found is not None
    return found


NAMED: dict[str, Any] = {"mentions": [{"id": ME, "username": "hermes"}]}


def test_in_a_group_the_bot_is_addressed_by_mention_reply_or_in_its_thread() -> None:
    reply: dict[str, Any] = {
        "type": 19,
        "referenced_message": {"author": {"id": ME}},
        "message_reference": {"message_id": "5"},
    }
    assert not said().addressed
    assert said("<@100> hello", **NAMED).addressed
    assert said(**reply).addressed
    assert said(**reply).reply_to == "5"
    assert not said(channel=THREAD).addressed
    assert said(channel=Channel("30", 11, "1", "plans", parent="20", joined=True)).addressed
    assert said(channel=PRIVATE).addressed


def test_a_thread_s_chat_is_its_channel() -> None:
    assert str(said(channel=THREAD).address) == "discord:20:30"
    assert str(said(channel=GENERAL).address) == "discord:20"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("<@100> hello", "hello"),
        ("<@!100>, hello", "hello"),
        ("hello <@100>", "hello @hermes"),
        ("ask <@8> <@100>", "ask @Ben @hermes"),
        ("<@100> /status", "/status"),
        ("<#20> and <:wave:5>", "<#20> and <:wave:5>"),
    ],
)
def test_the_bot_s_name_is_left_out_where_it_only_says_who_is_meant(content: str, text: str) -> None:
    people = [{"id": ME, "username": "hermes"}, {"id": BEN, "username": "ben", "global_name": "Ben"}]
    assert said(content, mentions=people).text == text


@pytest.mark.parametrize(
    "fields",
    [{"author": {"id": ME, "bot": True}}, {"webhook_id": "5"}, {"type": 7}, {"type": 21}, {"content": ""}],
)
def test_what_is_no_person_s_message_is_left_alone(fields: dict[str, Any]) -> None:
    assert convert.said({**raw(), **fields}, GENERAL, view()) is None


def test_people_are_known_by_ids_and_carry_their_server_s_roles() -> None:
    sender = said(member={"nick": "owner", "roles": ["501", "502"]}).sender
    assert (sender.id, sender.name, sender.roles) == (ANN, "owner", ("1", "501", "502"))
    assert said(channel=PRIVATE).sender.roles == ()


def test_the_time_is_the_id_s() -> None:
    assert said().sent_at == 1_462_015_105_796
    assert convert.snowflake_ms(convert.snowflake(1_462_015_105_796)) == 1_462_015_105_796


def test_an_edit_has_a_key_of_its_own_and_a_preview_is_none() -> None:
    assert convert.changed(raw(), GENERAL, view()) is None
    one = convert.changed(raw(edited_timestamp="2026-01-01T00:00:00"), GENERAL, view())
    two = convert.changed(raw(edited_timestamp="2026-01-01T00:00:09"), GENERAL, view())
    assert one is not None
    assert two is not None
    assert len({one.key, two.key, said().key}) == 3
    assert one.kind is InboundKind.EDIT


def test_what_was_forwarded_is_marked_as_such() -> None:
    assert said("", message_snapshots=[{"message": {"content": "run it"}}]).text == "[Forwarded]\nrun it"


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"sticker_items": [{"name": "Wave"}]}, "[sticker Wave]"),
        ({"poll": {"question": {"text": "When?"}}}, "[a poll: When?]"),
        ({"embeds": [{}]}, "[an embed, which cannot be read here]"),
    ],
)
def test_what_has_no_words_is_named(fields: dict[str, Any], text: str) -> None:
    assert said("", **fields).text == text


@pytest.mark.parametrize(
    ("mime", "flags", "kind"),
    [
        ("image/png", 0, AttachmentKind.PHOTO),
        ("audio/ogg", 1 << 13, AttachmentKind.VOICE),
        ("audio/mpeg", 0, AttachmentKind.AUDIO),
        ("video/mp4", 0, AttachmentKind.VIDEO),
        ("text/plain; charset=utf-8", 0, AttachmentKind.DOCUMENT),
    ],
)
def test_several_files_of_one_message_come_together(mime: str, flags: int, kind: AttachmentKind) -> None:
    file = {"id": "9", "filename": "a", "size": 5, "url": "https://cdn/x?ex=1", "content_type": mime}
    found = said("", attachments=[file, file], flags=flags).attachments
    assert [one.kind for one in found] == [kind, kind]
    assert found[0].ref == "https://cdn/x?ex=1#20/175928847299117063/9"
    assert found[0].mime == mime.partition(";")[0]


def test_a_mention_in_a_channel_has_its_thread_where_that_is_set_and_nothing_else_has() -> None:
    wanted = view(auto_thread=True)

    def thread(content: str, channel: Channel, **fields: Any) -> str | None:
        found = convert.said(raw(content, **fields), channel, wanted)
        assert found is not None
        return found.address.thread

    assert thread("<@100> hi", GENERAL, **NAMED) == "175928847299117063"
    assert thread("hi", GENERAL) is None
    assert thread("<@100> hi", THREAD, **NAMED) == "30"
    assert thread("<@100> hi", PRIVATE, **NAMED) is None


def interaction(kind: int, data: dict[str, Any], **fields: Any) -> Inbound | None:
    """Return an interaction of Ann's as ours."""
    user = {"id": ANN, "username": "ann"}
    whole = {
        "id": "175928847299117064",
        "type": kind,
        "data": data,
        "member": {"user": user, "roles": ["501"]},
    }
    return convert.interaction({**whole, **fields}, GENERAL, view())


def test_a_slash_command_is_what_a_person_would_type() -> None:
    found = interaction(2, {"name": "approve", "options": [{"name": "text", "value": "7 looks fine"}]})
    assert found is not None
    assert (found.kind, found.text) == (InboundKind.MESSAGE, "/approve 7 looks fine")
    assert (found.sender.id, found.sender.roles) == (ANN, ("1", "501"))


def test_a_form_s_text_is_found_however_it_is_wrapped() -> None:
    for components in (
        [{"type": 1, "components": [{"type": 4, "value": "because"}]}],
        [{"type": 18, "component": {"type": 4, "value": "because"}}],
    ):
        found = interaction(5, {"custom_id": "r:1", "components": components}, message={"id": "60"})
        assert found is not None
        assert (found.tap, found.text, found.message_id) == ("r:1", "because", "60")


def test_an_interaction_that_asks_for_suggestions_is_left_alone() -> None:
    assert interaction(4, {"name": "approve"}) is None
