"""What Slack hands over, read without asking anybody."""

from typing import Any

import pytest

from gateway.platforms.slack.convert import Me, Reading, happening, milliseconds, pressed, tap_of
from kernel.messages import AttachmentKind, InboundKind

ME = Me("acme", "UBOT", "BBOT", "AAPP", "hermes")
READING = Reading(ME, commands=frozenset({"status", "approve"}))


def said(text: str = "hello", **more: Any) -> dict[str, Any]:
    base = {"type": "message", "channel": "C1", "channel_type": "channel", "user": "U1", "ts": "10.000100"}
    return {"event": base | {"text": text} | more}


def read(payload: dict[str, Any]) -> Any:
    return happening(payload, READING)


def tapped(payload: dict[str, Any]) -> Any:
    return pressed(payload, READING)


def test_in_a_channel_the_app_is_addressed_by_name_or_in_its_own_thread() -> None:
    assert not read(said("hello")).addressed
    assert not read(said("<@UOTHER> hello")).addressed
    assert read(said("<@UBOT> hello")).addressed
    assert read(said("hello <@UBOT|hermes>")).addressed
    assert read(said("hello", type="app_mention")).addressed
    assert read(said("go on", thread_ts="9.1", parent_user_id="UBOT")).addressed
    assert not read(said("go on", thread_ts="9.1", parent_user_id="U2")).addressed


@pytest.mark.parametrize("kind", ["group", "mpim"])
def test_a_group_message_is_a_group(kind: str) -> None:
    assert not read(said(channel="G1", channel_type=kind)).private
    assert read(said(channel="D1", channel_type="im")).private
    assert read(said(channel="D1", channel_type="im")).addressed


def test_the_name_that_only_says_who_is_meant_is_left_off() -> None:
    assert read(said("<@UBOT>, /status now")).text == "/status now"
    assert read(said("tell <@UBOT> that")).text == "tell @hermes that"
    assert read(said(" /status")).text == "/status"


def test_ids_of_an_enterprise_grid_are_ids_like_any_other() -> None:
    message = read(said(user="W012A3CDE"))
    assert message.sender.id == "W012A3CDE"


@pytest.mark.parametrize(
    "more",
    [
        {"bot_id": "B2"},
        {"user": "UBOT"},
        {"user": "USLACKBOT"},
        {"user": None},
        {"subtype": "channel_join"},
        {"subtype": "bot_message"},
        {"text": " "},
        {"type": "reaction_added"},
    ],
)
def test_what_nobody_said_to_us_is_nothing(more: dict[str, Any]) -> None:
    assert read(said(**more)) is None


def test_a_message_in_a_thread_stands_in_it_and_the_first_in_the_channel() -> None:
    assert read(said(thread_ts="9.000100")).address.thread == "9.000100"
    assert read(said(thread_ts="10.000100")).address.thread is None
    assert read(said(subtype="thread_broadcast", thread_ts="9.000100")).address.thread == "9.000100"


def test_files_are_attachments_and_hidden_ones_are_not() -> None:
    files = [
        {
            "id": "F1",
            "name": "a.png",
            "mimetype": "image/png",
            "size": 3,
            "url_private": "https://files.slack.com/a",
        },
        {"id": "F2", "mode": "tombstone"},
        {"id": "F3", "mimetype": "audio/mp4", "subtype": "slack_audio", "size": 1},
        {"id": "F4", "file_access": "check_file_info"},
    ]
    found = read(said("", subtype="file_share", files=files)).attachments
    assert [(a.kind, a.ref) for a in found] == [
        (AttachmentKind.PHOTO, "https://files.slack.com/a"),
        (AttachmentKind.VOICE, "F3"),
        (AttachmentKind.DOCUMENT, "F4"),
    ]


def test_what_others_wrote_is_framed() -> None:
    shared = {"is_share": True, "author_name": "Bob", "text": "/approve\nall"}
    assert (
        read(said("look", attachments=[shared])).text == "look\n\n[Shared message of Bob]\n> /approve\n> all"
    )


def change(**new: Any) -> dict[str, Any]:
    message = {"type": "message", "user": "U1", "ts": "10.000100", "text": "old"}
    edited = {"edited": {"user": "U1", "ts": "11.0"}} | new
    event = {"type": "message", "subtype": "message_changed", "channel": "C1", "channel_type": "channel"}
    return {"event": event | {"ts": "12.0", "message": message | edited, "previous_message": message}}


def test_an_edit_has_a_key_of_its_own_and_a_preview_is_none() -> None:
    edit = read(change(text="new"))
    assert (edit.kind, edit.key, edit.message_id) == (InboundKind.EDIT, "e:C1:10.000100:11.0", "10.000100")
    assert read(change(attachments=[{"title": "a preview"}])) is None
    assert read(change(text="new", bot_id="B2")) is None
    assert read(change(subtype="tombstone", text="gone")) is None


def action(**more: Any) -> dict[str, Any]:
    press = {"action_id": "hermes.0.0", "type": "button", "value": "v", "action_ts": "20.1"}
    box = {"message_ts": "10.1", "channel_id": "C1", "thread_ts": "9.1"}
    base = {
        "type": "block_actions",
        "user": {"id": "U1", "name": "ada"},
        "trigger_id": "t.1",
        "container": box,
    }
    return (
        base
        | {"channel": {"id": "C1"}, "message": {"ts": "10.1", "thread_ts": "9.1"}, "actions": [press]}
        | more
    )


def test_a_press_names_its_card_its_thread_and_who() -> None:
    tap = tapped(action())
    assert (tap.kind, tap.tap, tap.message_id, tap.address.thread) == (InboundKind.TAP, "v", "10.1", "9.1")
    handle = tap_of(tap.tap_id)
    assert handle is not None
    assert (handle.trigger, handle.channel, handle.user, handle.thread) == ("t.1", "C1", "U1", "9.1")
    assert tapped(action()).key == tap.key
    later = {"action_id": "hermes.0.0", "value": "v", "action_ts": "20.2"}
    assert tapped(action(actions=[later])).key != tap.key
    assert tapped(action(user={"id": "U2", "name": "bob"})).key != tap.key


def test_a_link_that_was_opened_is_nothing() -> None:
    assert tapped(action(actions=[{"action_id": "x", "type": "button", "url": "https://x.y"}])) is None


def test_the_time_of_a_message_is_in_its_id() -> None:
    assert milliseconds("1700000000.123456") == 1_700_000_000_123
    assert milliseconds("1700000000") == 1_700_000_000_000


def test_only_what_we_wrote_is_read_as_a_tap() -> None:
    assert tap_of("long ago") is None
    assert tap_of("") is None
