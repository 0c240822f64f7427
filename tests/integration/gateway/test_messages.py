"""What people send: albums, long pastes, edits, deletions, groups, files, commands beside a running turn."""

import asyncio
from pathlib import Path

from kernel.errors import DeliveryDeferred
from kernel.messages import Attachment, AttachmentKind, InboundKind
from tests.fakes.adapter import ANN, BEN, SHOWY, ScriptedAdapter
from tests.fakes.turn_runner import Held, ScriptedRunner
from tests.support.gateway import findings, running


async def test_an_album_is_one_message(tmp_path: Path) -> None:
    adapter = ScriptedAdapter(**SHOWY)
    async with running(tmp_path, adapter, sessions={"on_message": "queue"}) as rig:
        for number in range(4):
            adapter.files[f"f{number}"] = b"picture"
            photo = Attachment(AttachmentKind.PHOTO, f"f{number}", f"p{number}.jpg")
            await adapter.say("look" if not number else "", attachments=(photo,), group="album1")
            await asyncio.sleep(0.1)
        await rig.settled()
        assert len(rig.runner.requests) == 1
        given = rig.runner.requests[0].inputs
        assert [len(each.attachments) for each in given] == [1, 1, 1, 1]
        assert all(
            Path(each.attachments[0].path).parent.name == rig.runner.requests[0].session_id for each in given
        )


async def test_a_paste_that_the_client_split_is_one_message(tmp_path: Path) -> None:
    adapter = ScriptedAdapter(client_split=100)
    async with running(tmp_path, adapter, sessions={"on_message": "queue"}) as rig:
        for piece in ("a" * 100, "b" * 100, "c" * 10):
            await adapter.say(piece)
            await asyncio.sleep(0.2)
        await rig.settled()
        assert rig.runner.asked == [["a" * 100, "b" * 100, "c" * 10]]


async def test_an_ordinary_message_never_waits(tmp_path: Path) -> None:
    async with running(tmp_path, ScriptedAdapter(client_split=100)) as rig:
        begun = rig.clock.monotonic()
        await rig.adapter.say("short")
        await rig.adapter.until_sent()
        assert rig.clock.monotonic() - begun < 0.5


async def test_a_last_piece_that_never_comes_is_not_waited_for_long(tmp_path: Path) -> None:
    async with running(tmp_path, ScriptedAdapter(client_split=100)) as rig:
        begun = rig.clock.monotonic()
        await rig.adapter.say("a" * 100)
        await rig.adapter.until_sent()
        assert 0.8 <= rig.clock.monotonic() - begun <= 2


async def test_an_edit_before_its_turn_replaces_the_message(tmp_path: Path) -> None:
    held = Held()
    held.takes_steering = False
    async with running(tmp_path, runner=ScriptedRunner(held), sessions={"on_message": "queue"}) as rig:
        await rig.adapter.say("first")
        await held.begun.wait()
        second = await rig.adapter.say("secnod")
        await rig.adapter.edit(second, "second")
        await rig.until_event("inbox.handle")
        held.released.set()
        await rig.settled()
        assert rig.runner.asked == [["first"], ["second"]]
    assert findings(tmp_path) == []


async def test_a_later_edit_is_told_with_the_next_message(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        message = await rig.adapter.say("on monday")
        await rig.settled()
        await rig.adapter.edit(message, "on tuesday")
        await rig.settled()
        assert len(rig.runner.requests) == 1
        await rig.adapter.say("so?")
        await rig.settled()
        assert "on tuesday" in rig.runner.requests[1].inputs[0].note


async def test_an_edit_of_a_message_that_was_handed_to_the_running_turn_reaches_the_agent(
    tmp_path: Path,
) -> None:
    held = Held()
    async with running(tmp_path, runner=ScriptedRunner(held)) as rig:
        await rig.adapter.say("first")
        await held.begun.wait()
        second = await rig.adapter.say("at noon")
        await asyncio.sleep(1)
        await rig.adapter.edit(second, "at midnight")
        await rig.until_event("inbox.handle")
        held.released.set()
        await rig.settled()
        await rig.adapter.say("well?")
        await rig.settled()
        told = [given.note + given.text for request in rig.runner.requests for given in request.inputs]
        assert any("at midnight" in words for words in [*told, *(given.text for given in held.steered)])


async def test_a_deletion_before_its_turn_cancels_the_message(tmp_path: Path) -> None:
    held = Held()
    held.takes_steering = False
    async with running(tmp_path, runner=ScriptedRunner(held), sessions={"on_message": "queue"}) as rig:
        await rig.adapter.say("first")
        await held.begun.wait()
        await rig.adapter.delete(await rig.adapter.say("never mind"))
        await rig.until_event("inbox.handle")
        held.released.set()
        await rig.settled()
        assert rig.runner.asked == [["first"]]
    assert findings(tmp_path) == []


async def test_commands_and_stop_do_not_queue_behind_the_turn_they_are_about(tmp_path: Path) -> None:
    held = Held()
    async with running(tmp_path, runner=ScriptedRunner(held)) as rig:
        await rig.adapter.say("work")
        await held.begun.wait()
        await rig.adapter.say("/status")
        await rig.adapter.until_sent(containing="at work")
        await rig.adapter.say("/stop")
        await rig.adapter.until_sent(containing="Stopped by Ann")
        assert await rig.states("turn") == ["cancelled"]
        await rig.settled()
    assert findings(tmp_path) == []


async def test_a_slash_that_is_no_command_is_a_message(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        await rig.adapter.say("/usr/bin is full")
        await rig.adapter.until_sent(containing="echo: /usr/bin is full")


async def test_in_a_group_only_what_is_addressed_to_the_bot_is_answered_and_as_a_reply(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as rig:
        await rig.adapter.say("chatter", chat="-1", private=False, addressed=False)
        message = await rig.adapter.say("hermes, help", chat="-1", private=False)
        await rig.settled()
        assert rig.adapter.texts() == ["echo: hermes, help"]
        assert rig.adapter.sent[0].message.reply_to == message.message_id
        assert await rig.states("inbox") == ["ignored", "done"]


async def test_a_group_has_a_session_per_person_and_a_thread_one_for_all(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        for sender in (ANN, BEN):
            await rig.adapter.say("hi", sender=sender, chat="-1", private=False)
            await rig.adapter.say("hi", sender=sender, chat="-1", private=False, thread="5")
            await rig.settled()
        sessions = [request.session_id for request in rig.runner.requests]
        assert len(sessions) == 4
        assert sessions[1] == sessions[3]
        assert len(set(sessions)) == 3


async def test_a_supergroup_keeps_the_sessions_of_its_group_and_what_was_owed_to_it(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        await rig.adapter.say("hi", chat="-1", private=False)
        await rig.settled()
        move = rig.adapter.message("-100", chat="-1", private=False, kind=InboundKind.MIGRATE)
        await rig.adapter.hand_over(move)
        await rig.settled()
        await rig.adapter.say("hi again", chat="-100", private=False)
        await rig.settled()
        assert len({request.session_id for request in rig.runner.requests}) == 1
        assert rig.adapter.sent[-1].message.address.chat == "-100"


async def test_answers_owed_to_a_group_that_moved_follow_it(tmp_path: Path) -> None:
    adapter = ScriptedAdapter()
    held = Held()
    async with running(tmp_path, adapter, runner=ScriptedRunner(held)) as rig:
        await adapter.say("hi", chat="-1", private=False)
        await held.begun.wait()
        await adapter.hand_over(adapter.message("-100", chat="-1", private=False, kind=InboundKind.MIGRATE))
        await rig.until_event("chat.migrate")
        held.released.set()
        await rig.settled()
        assert [sent.message.address.chat for sent in adapter.sent] == ["-100"]


async def test_what_waited_for_a_group_that_moved_goes_out_at_its_new_place(tmp_path: Path) -> None:
    adapter = ScriptedAdapter()
    adapter.refuse(DeliveryDeferred("Wait.", retry_after=600))
    async with running(tmp_path, adapter) as rig:
        await adapter.say("hi", chat="-1", private=False)
        await rig.until_event("outbox.defer")
        move = adapter.message("-100", chat="-1", private=False, kind=InboundKind.MIGRATE)
        await adapter.hand_over(move, adapter.message("hi again", chat="-100", private=False))
        await adapter.until_sent(2, within=1200)
        assert [sent.message.address.chat for sent in adapter.sent] == ["-100", "-100"]
        assert len({request.session_id for request in rig.runner.requests}) == 1
    assert findings(tmp_path) == []


async def test_messages_of_a_chat_are_answered_in_their_order(tmp_path: Path) -> None:
    async with running(tmp_path, sessions={"on_message": "queue"}) as rig:
        await rig.adapter.hand_over(*(rig.adapter.message(f"m{n}") for n in range(30)))
        await rig.settled()
        assert rig.runner.asked == [[f"m{n}"] for n in range(30)]
        assert rig.adapter.texts() == [f"echo: m{n}" for n in range(30)]
    assert findings(tmp_path) == []


async def test_a_file_that_cannot_be_fetched_is_told_to_the_agent(tmp_path: Path) -> None:
    async with running(tmp_path, ScriptedAdapter()) as rig:
        document = Attachment(AttachmentKind.DOCUMENT, "f1", "../../etc/passwd", size=10)
        await rig.adapter.say("read this", attachments=(document,))
        await rig.settled()
        assert rig.runner.requests[0].inputs[0].attachments[0].problem == "This platform gives no files."


async def test_file_names_never_leave_the_folder_of_media(tmp_path: Path) -> None:
    adapter = ScriptedAdapter(**SHOWY)
    adapter.files["f1"] = b"x"
    async with running(tmp_path, adapter) as rig:
        for name in ("../../evil", "/etc/passwd", "..\\..\\evil.exe", "\x00\n", "a" * 400 + ".txt", ".."):
            attachment = Attachment(AttachmentKind.DOCUMENT, "f1", name, size=1)
            await adapter.say("", attachments=(attachment,))
        await rig.settled()
        paths = [
            Path(item.path)
            for request in rig.runner.requests
            for given in request.inputs
            for item in given.attachments
        ]
        assert len(paths) == 6
        assert all(path.is_relative_to(tmp_path / "media") and len(path.name) < 120 for path in paths)
