"""Turns of the offline operator, from the message to what is committed."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from agent.settings import AgentSettings, BudgetSettings
from kernel.errors import AgentError
from kernel.messages import Attachment, AttachmentKind
from kernel.turns import TurnInput
from tests.fakes.agent_ports import Chat, Ports, Surface, runner_on, turn_request
from tests.fakes.gate import trusting


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
    answered = await chat.send("[Answer from Ann to the question 'Which colour?']\nred", internal=True)
    assert answered.text == "You answered: red\n\nthanks"
    assert (await chat.send("say bye")).text == "bye"


async def test_told_to_fail_it_fails_with_the_reason_and_the_session_goes_on(chat: Chat):
    with pytest.raises(AgentError, match="told to fail: no reason given"):
        await chat.send("fail")
    assert (await chat.send("say still here")).text == "still here"


async def test_run_runs_a_command_that_the_gate_lets_pass(chat: Chat):
    chat.ports.gate.verdict = trusting
    assert (await chat.send("run echo hello")).text == "hello"
    assert chat.surface.activities == ["$ echo hello"]


async def test_a_command_that_must_be_approved_suspends_the_rest_until_its_result_arrives(chat: Chat):
    held = await chat.send("say first\nrun git push --force\nthen say pushed")
    assert (held.text, held.held) == ("first", ("a_1",))
    result = "[Approved by Ann: git push --force]\nforced\n[exit code 0]"
    assert (await chat.send(result, internal=True)).text == "forced\n\npushed"


async def test_of_an_approved_command_only_its_output_is_shown(chat: Chat):
    await chat.send("run git push --force\nthen say pushed")
    rule = "-" * 20
    told = "[Request y96ct: terminal]\nApproved by Ann, now. It ran:\ngit push --force\n\nIts output:"
    result = f"{told}\n{rule}\nforced\n[exit code 0]\n{rule}"
    assert (await chat.send(result, internal=True)).text == "forced\n\npushed"


async def test_output_of_several_lines_keeps_its_columns(chat: Chat):
    chat.ports.gate.verdict = trusting
    assert (await chat.send("run printf 'a   b\\n- c\\n'")).text == "```\na   b\n- c\n```"
    (chat.workspace / "table.md").write_text("| x | y |\n```\ncode\n```\n")
    assert (await chat.send("read table.md")).text == "````\n| x | y |\n```\ncode\n```\n````"
    assert (await chat.send("list")).text == "table.md"


async def test_how_a_command_ended_is_said_only_where_it_is_news(chat: Chat):
    chat.ports.gate.verdict = trusting
    assert (await chat.send("run true")).text == "Done; it wrote nothing."
    assert (await chat.send("run echo no; exit 3")).text == "no\nExit code 3."
    assert (await chat.send("run false")).text == "Exit code 1."
    (chat.workspace / "sub").mkdir()
    assert (await chat.send("run cd sub")).text == f"The next command starts in {chat.workspace / 'sub'}."


async def test_a_person_hears_that_it_was_refused_and_nothing_that_is_meant_for_a_model(chat: Chat):
    await chat.send("run git push --force\nthen say pushed")
    told = (
        "[Request y96ct: terminal]\nRefused by Ann, now. Reason: not today\n"
        "It did not run. Do not try to reach the same in another way.\ngit push --force"
    )
    answer = (await chat.send(told, internal=True)).text
    assert answer == "Refused by Ann, now. Reason: not today It did not run."


async def test_files_without_a_word_are_acknowledged_and_a_voice_message_gets_a_way_out(chat: Chat):
    voice = Attachment(AttachmentKind.VOICE, "r", "v.ogg", "audio/ogg", 5, "/kept/v.ogg")
    (chat.workspace / "n.txt").write_text("one\n")
    notes = Attachment(AttachmentKind.DOCUMENT, "r", "n.txt", "text/plain", 4, str(chat.workspace / "n.txt"))
    lost = Attachment(AttachmentKind.PHOTO, "r", "p.jpg", "image/jpeg", 9, problem="It is larger than 20 MB.")

    async def said(*files: Attachment, text: str = "") -> str:
        request = turn_request(text, chat.workspace)
        request = replace(request, inputs=(replace(request.inputs[0], attachments=files),))
        return (await chat.runner.run(request, Surface())).text

    told = await said(voice)
    assert "- voice v.ogg (audio/ogg), kept at `/kept/v.ogg`\n" in told
    assert "I cannot listen to it" in told
    assert "say that it is kept" not in told
    told = await said(notes, lost)
    assert "- n.txt" in told
    assert "It is larger than 20 MB." in told
    assert await said(voice, text="say one") == "one"


async def test_a_background_process_is_started_shown_and_ended(chat: Chat):
    chat.ports.gate.verdict = trusting
    assert "as p1" in (await chat.send("start echo ready; sleep 60")).text
    process = "echo ready; sleep 60"
    assert process in (await chat.send("poll p1")).text
    assert f"[p1 ended, exit code 143: '{process}']" in (await chat.send("kill p1")).text


async def test_reading_outside_the_workspace_is_refused_and_writing_there_waits(chat: Chat):
    (chat.workspace / "out").symlink_to("/etc")
    for path in ("../x", "/etc/passwd", "out/passwd"):
        assert "outside the workspace" in (await chat.send(f"read {path}")).text
        assert (await chat.send(f"write {path}: x")).held
    assert not (chat.workspace.parent / "x").exists()


async def test_each_of_two_answers_continues_its_own_message(chat: Chat):
    await chat.send("ask Tea?\nthen say tea is {answer}\nwrite tea.txt: {answer}")
    await chat.send("ask Milk?\nthen say milk is {answer}")
    tea = await chat.send("[Answer from Ann to the question 'Tea?']\ngreen", internal=True)
    assert tea.text == "You answered: green\n\ntea is green\n\nWrote 6 bytes to tea.txt."
    milk = await chat.send("[Answer from Ann to the question 'Milk?']\nno", internal=True)
    assert milk.text == "You answered: no\n\nmilk is no"


async def test_stopping_a_message_forgets_its_remaining_lines(chat: Chat):
    surface = Surface()
    request = turn_request("list\nsleep 30\nsay never", chat.workspace, turn="t_0", inbox=50)
    running = asyncio.create_task(chat.runner.run(request, surface))
    await surface.begun.wait()
    surface.stop.set()
    outcome = await running
    assert outcome.stopped
    await chat.ports.commit(outcome)
    assert (await chat.send("say on we go")).text == "on we go"


async def test_the_step_limit_ends_a_long_message_and_the_next_begins_anew(
    ports: Ports, tmp_path: Path, workspace: Path
):
    chat = Chat(runner_on(ports, tmp_path, AgentSettings(budget=BudgetSettings(steps=2))), ports, workspace)
    outcome = await chat.send("list\nlist\nlist")
    assert outcome.text.endswith("I stopped after 2 steps, which is the limit for one turn.")
    assert (await chat.send("say new")).text == "new"


async def test_two_messages_of_one_turn_are_both_carried_out(chat: Chat):
    request = turn_request("say one", chat.workspace)
    request = replace(request, inputs=(*request.inputs, TurnInput(2, "say two", author="Bob", note="edited")))
    assert (await chat.runner.run(request, Surface())).text == "one\n\ntwo"


@pytest.mark.parametrize("line", ["write x", "ask", "sleep long", "read", "say", "search"])
async def test_a_badly_written_command_shows_how_it_is_written(chat: Chat, line: str):
    assert (await chat.send(line)).text.startswith("Write it as `")


async def test_a_line_that_is_no_command_among_commands_is_said(chat: Chat):
    outcome = await chat.send("say one\nnonsense here\nsay two")
    assert outcome.text == "one\n\n`nonsense here` is no command; `help` lists them.\n\ntwo"
