"""Turns of the offline operator, from the message to what is committed."""

import pytest

from kernel.errors import AgentError
from tests.fakes.agent_ports import Chat


async def test_lines_of_one_message_run_in_order(chat: Chat):
    outcome = await chat.send("write notes/a.txt: hello\nread notes/a.txt\nsay done\nlist notes")
    assert outcome.text == "Wrote 6 bytes to notes/a.txt.\n\nhello\n\ndone\n\na.txt"
    assert chat.surface.written == outcome.text
    assert chat.surface.activities == ["writing notes/a.txt", "reading notes/a.txt", "listing files"]
    assert outcome.usage[0].model == "offline"
    assert outcome.usage[0].requests == 4


async def test_anything_else_says_that_no_model_is_configured_and_names_near_commands(chat: Chat):
    outcome = await chat.send("please serch my files")
    assert "No language model is configured" in outcome.text
    assert "`search TEXT`" in outcome.text


async def test_a_question_ends_the_turn_and_the_answer_continues_with_the_rest(chat: Chat):
    asked = await chat.send("say first\nask Which colour? | red | blue\nthen say thanks")
    assert asked.held == ("q_1",)
    assert asked.text == "first"
    assert list(chat.ports.people.asked.values()) == [("q_1", "Which colour?", ("red", "blue"))]
    meanwhile = await chat.send("say meanwhile")
    assert (meanwhile.text, meanwhile.held) == ("meanwhile", ())
    answered = await chat.send("Which colour? was answered: red", internal=True)
    assert answered.text == "Which colour? was answered: red\n\nthanks"
    assert (await chat.send("say bye")).text == "bye"


async def test_told_to_fail_it_fails_with_the_reason_and_the_session_goes_on(chat: Chat):
    with pytest.raises(AgentError, match="told to fail: no reason given"):
        await chat.send("fail")
    assert (await chat.send("say still here")).text == "still here"


async def test_run_says_that_it_comes_with_the_approval_gate(chat: Chat):
    assert "approval gate" in (await chat.send("run rm -rf /")).text


async def test_leaving_the_workspace_is_refused(chat: Chat):
    (chat.workspace / "out").symlink_to("/etc")
    for path in ("../x", "/etc/passwd", "out/passwd"):
        assert "outside the workspace" in (await chat.send(f"read {path}")).text
        assert "outside the workspace" in (await chat.send(f"write {path}: x")).text
