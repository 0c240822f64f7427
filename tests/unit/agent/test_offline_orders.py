"""What the offline operator makes of a task: all of its lines, or none."""

import pytest
from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)

from agent.offline import agenda
from agent.offline.language import Call, Fail, Say, parse, parse_order
from board.workers.endings import LASTING


def test_a_task_of_commands_is_carried_out_line_by_line():
    assert parse_order("say a\nthen read b.txt") == [Say("a"), Call("read_file", {"path": "b.txt"})]


@pytest.mark.parametrize(
    ("text", "line", "hint"),
    [
        ("write notes.txt what I know", 1, "Write it as `write FILE: TEXT`."),
        ("say first\nwrite notes.txt", 2, "Write it as `write FILE: TEXT`."),
        ("say first\n\nThank you!", 2, "`Thank you!` is no command"),
    ],
)
def test_a_task_with_a_line_that_is_not_understood_fails_before_its_first_step(
    text: str, line: int, hint: str
):
    (step,) = parse_order(text)
    assert isinstance(step, Fail)
    assert f"Line {line} of this task" in step.reason
    assert "nothing of it was run" in step.reason
    assert hint in step.reason
    assert any(words in step.reason.casefold() for words in LASTING)


def test_a_person_in_a_chat_is_told_how_it_is_written_and_the_other_lines_run():
    assert parse("write a.txt\nsay b") == [Say("Write it as `write FILE: TEXT`."), Say("b")]


def order(text: str) -> ModelRequest:
    return ModelRequest([UserPromptPart(f"<event>{text}</event>\n<note>Task 7: a job. Attempt 1</note>")])


def told(result: str) -> list[ModelMessage]:
    """Return a call and what it brought."""
    call = ToolCallPart("read_file", "{}", tool_call_id="1")
    return [ModelResponse([call]), ModelRequest([ToolReturnPart("read_file", result, tool_call_id="1")])]


def test_a_task_whose_step_does_not_work_fails_with_what_was_said_and_its_other_steps_do_not_run():
    found = agenda.read([order("read a.txt\nsay done"), *told("Failed: There is no file a.txt.")])
    (step,) = found.next_part()
    assert isinstance(step, Fail)
    assert step.reason == "Step 1 of this task did not work: There is no file a.txt."
    assert agenda.read([order("read a.txt\nsay done"), *told("hello")]).next_part() == [Say("done")]


def test_in_a_chat_what_does_not_work_is_said_and_the_other_lines_run():
    asked = ModelRequest([UserPromptPart("read a.txt\nsay done")])
    found = agenda.read([asked, *told("Failed: There is no file a.txt.")])
    assert (found.results, found.next_part()) == (["Failed: There is no file a.txt."], [Say("done")])
