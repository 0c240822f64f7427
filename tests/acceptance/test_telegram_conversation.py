"""Conversations over Telegram with the real daemon: everything a person sends, and how it comes back."""

import pytest

from tests.acceptance.conftest import Shared

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_message_is_answered_and_the_answer_is_shown_while_it_is_written(shared: Shared) -> None:
    ann = shared.person()
    ann.says("say first\nsleep 2\nsay second")
    await shared.telegram.wait_for(lambda: any("first" in draft for draft in shared.telegram.drafts(ann.id)))
    message = await ann.hears("second")
    assert message.text == "first\n\nsecond"
    assert len(ann.heard) == 1


async def test_a_question_is_answered_by_a_button_and_the_card_shows_it(shared: Shared) -> None:
    ann = shared.person()
    card = await ann.asks("ask Which colour? | red | blue\nsay thank you", "Which colour?")
    assert card.labels == ["red", "blue"]
    press = shared.telegram.tap(card, "blue")
    await ann.hears("thank you")
    await shared.telegram.wait_for(lambda: press.answered and "blue" in card.text)
    assert card.labels == []
    assert press.text == "Answered: blue"


async def test_a_text_of_a_megabyte_is_taken_and_answered(shared: Shared) -> None:
    ann = shared.person()
    ann.says("say " + "word " * 200_000)
    await shared.telegram.wait_for(lambda: ann.heard, within=30)
    await ann.asks("say still here", "still here")


async def test_a_long_answer_comes_in_pieces_within_the_limit(shared: Shared) -> None:
    ann = shared.person()
    words = " ".join(f"w{n}" for n in range(2500))
    await ann.asks(f"say {words}", "w2499")
    assert len(ann.heard) > 2
    assert " ".join(ann.heard).split() == words.split()


async def test_an_album_is_one_turn(shared: Shared) -> None:
    ann = shared.person()
    shared.telegram.user_sends_album(
        ann.id, [b"\xff\xd8one", b"\xff\xd8two", b"\xff\xd8three"], caption="say an album"
    )
    await ann.hears("an album")
    turns = shared.daemon.rows(
        "SELECT DISTINCT turn_id FROM inbox WHERE chat = ? AND kind = 'message'", str(ann.id)
    )
    assert len(turns) == 1
    files = [path for path in shared.daemon.home.media.rglob("*") if path.is_file()]
    assert sorted(
        path.read_bytes() for path in files if path.read_bytes()[2:] in (b"one", b"two", b"three")
    ) == [
        b"\xff\xd8one",
        b"\xff\xd8three",
        b"\xff\xd8two",
    ]


async def test_a_file_is_written_and_sent(shared: Shared) -> None:
    ann = shared.person()
    ann.says("write report.txt: all is well\nsend report.txt")
    sent = await shared.telegram.wait_for(
        lambda: next((m for m in shared.telegram.messages(ann.id) if m.media == "document"), None), within=20
    )
    assert sent is not None
    assert sent.content["document"]["file_name"] == "report.txt"


@pytest.mark.parametrize("kind", ["voice", "audio", "video", "document", "photo"])
async def test_whatever_is_attached_is_answered_and_kept(shared: Shared, kind: str) -> None:
    ann = shared.person()
    shared.telegram.user_sends(ann.id, kind, b"data of " + kind.encode())
    await shared.telegram.wait_for(lambda: ann.heard, within=20)
    kept = [path.read_bytes() for path in shared.daemon.home.media.rglob("*") if path.is_file()]
    assert b"data of " + kind.encode() in kept
    assert ("I cannot listen to it" in ann.heard[-1]) == (kind in {"voice", "audio"})
    assert "I have received" in ann.heard[-1]


async def test_what_the_bot_cannot_use_is_not_ignored(shared: Shared) -> None:
    ann = shared.person()
    shared.telegram.user_shares(ann.id, {"location": {"latitude": 1.0, "longitude": 2.0}})
    await shared.telegram.wait_for(lambda: ann.heard, within=20)


async def test_a_malformed_update_holds_up_nobody(shared: Shared) -> None:
    ann = shared.person()
    shared.telegram.push_malformed()
    shared.telegram.push_raw({"message": {"message_id": "not a number", "chat": None}})
    await ann.asks("say after it", "after it")
    dead = shared.daemon.rows("SELECT error FROM inbox WHERE state = 'dead'")
    assert dead
    assert all(row["error"] for row in dead)


async def test_in_a_group_the_bot_answers_who_mentions_it_and_nobody_else(shared: Shared) -> None:
    ann, ben = shared.person(), shared.person()
    group = -shared.person().id
    shared.telegram.add_group(group, members=[ann.id, ben.id])
    shared.telegram.user_says(group, "say just chatting", user=ben.id)
    asked = shared.telegram.user_says(group, "@hermes_bot say hello all", user=ann.id)
    answer = await shared.telegram.wait_for_text(group, "hello all")
    assert len(shared.telegram.messages(group)) == 1
    assert answer.reply_to is not None
    assert answer.reply_to.id == asked.id


async def test_a_topic_of_a_forum_is_a_conversation_of_its_own(shared: Shared) -> None:
    ann = shared.person()
    forum = -1_000_000_000_000 - shared.person().id
    shared.telegram.add_supergroup(forum, forum=True, members=[ann.id])
    thread = shared.telegram.add_topic(forum, "Plans", user=ann.id)
    shared.telegram.user_says(forum, "@hermes_bot say in the topic", user=ann.id, thread=thread)
    answer = await shared.telegram.wait_for_text(forum, "in the topic")
    assert answer.thread_id == thread


async def test_a_group_that_becomes_a_supergroup_keeps_its_conversation(shared: Shared) -> None:
    ann = shared.person()
    old, new = -shared.person().id, -1_000_000_000_000 - shared.person().id
    shared.telegram.add_group(old, members=[ann.id])
    shared.telegram.user_says(old, "@hermes_bot say before", user=ann.id)
    await shared.telegram.wait_for_text(old, "before")
    shared.telegram.migrate(old, new)
    shared.telegram.user_says(new, "@hermes_bot say afterwards", user=ann.id)
    await shared.telegram.wait_for_text(new, "afterwards")
    sessions = shared.daemon.rows(
        "SELECT DISTINCT session_id FROM inbox WHERE chat IN (?, ?) AND kind = 'message'", str(old), str(new)
    )
    assert len(sessions) == 1


async def test_markup_in_an_answer_is_shown_and_never_breaks_it(shared: Shared) -> None:
    ann = shared.person()
    message = await ann.asks(
        "say **bold** `code` <b>not html</b> & [link](http://example.test) _x", "not html"
    )
    assert "<b>not html</b>" in message.text
    assert {entity.kind for entity in message.entities} >= {"bold", "code"}


async def test_a_message_edited_later_is_known_to_the_next_turn(shared: Shared) -> None:
    ann = shared.person()
    message = ann.says("say monday")
    await ann.hears("monday")
    shared.telegram.user_edits(message, "say tuesday")
    await ann.asks("say between", "between")
    await ann.asks("say next", "next")
    notes = shared.daemon.rows("SELECT note FROM inbox WHERE chat = ? AND note <> ''", str(ann.id))
    assert any("tuesday" in row["note"] for row in notes)
