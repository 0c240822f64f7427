"""Turns with a model behind a real SDK and a loopback server that fails in every way a model can."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from agent.settings import (
    AgentSettings,
    BudgetSettings,
    ContextSettings,
    ModelSettings,
    RetrySettings,
    TimeoutSettings,
)
from kernel.errors import AgentError, BudgetSpent, ModelUnavailable
from kernel.messages import Attachment, AttachmentKind
from kernel.turns import Spending, TurnInput
from tests.fakes.agent_ports import Chat, Ports, Surface, runner_on, turn_request
from tests.fakes.faults import DropBefore, Hang
from tests.fakes.model_replies import (
    Reply,
    ToolCall,
    calls,
    cut_mid_json,
    huge,
    many_calls,
    refused,
    unknown_tool,
)
from tests.fakes.model_server import ModelServer, overloaded, rate_limited, revoked_key

# Long enough for a busy machine; and, for a model that stays silent, short enough to wait for.
PATIENT = TimeoutSettings(first_byte=20, idle=20, answer=30, turn=50)
IMPATIENT = TimeoutSettings(first_byte=0.5, idle=0.5, answer=2, turn=20)


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    async with ModelServer() as running:
        yield running


@pytest.fixture
def ports() -> Ports:
    return Ports()


def settings(server: ModelServer, **changes: object) -> AgentSettings:
    """Return settings for the fake model, which is asked again at once."""
    base = AgentSettings(
        model="openai:test-model",
        base_url=server.base_url,
        api_key=SecretStr(server.key or ""),
        retries=RetrySettings(first_wait=0.01, longest_wait=0.2),
        timeouts=PATIENT,
    )
    return base.model_copy(update=changes)


@pytest.fixture
async def make_chat(server: ModelServer, ports: Ports, tmp_path: Path):
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    made: list[Chat] = []

    def make(**changes: object) -> Chat:
        made.append(Chat(runner_on(ports, tmp_path, settings(server, **changes)), ports, workspace))
        return made[-1]

    yield make
    for chat in made:
        await chat.runner.close()


async def still_usable(chat: Chat, server: ModelServer) -> None:
    """Show that the session goes on: the next message is answered and the server accepts the history."""
    server.script("fine again")
    assert (await chat.send("still there?")).text == "fine again"


async def test_an_answer_streams_and_its_usage_is_reported(make_chat, server: ModelServer):
    chat = make_chat()
    server.script(Reply("one two three", tokens=(11, 3)))
    outcome = await chat.send("count")
    assert outcome.text == chat.surface.written == "one two three"
    assert len(chat.surface.shown) > 1
    assert (outcome.usage[0].input_tokens, outcome.usage[0].output_tokens) == (11, 3)
    assert outcome.usage[0].cost is None
    assert not outcome.failed


async def test_tools_run_and_the_next_turn_sees_the_history(make_chat, server: ModelServer):
    chat = make_chat()
    server.script(calls("write_file", path="a.txt", text="hello"), "written")
    assert (await chat.send("write it")).text == "written"
    assert (chat.workspace / "a.txt").read_text() == "hello"
    await still_usable(chat, server)
    assert "Wrote 5 bytes" in server.requests[-1].transcript


async def test_a_held_question_makes_no_further_request_and_the_answer_continues(
    make_chat, server: ModelServer
):
    chat = make_chat()
    server.script(
        Reply(
            "Let me ask.",
            tools=(ToolCall("ask_person", {"question": "Which?", "options": ["a"]}), ToolCall("list_files")),
        )
    )
    asked = await chat.send("decide")
    assert (asked.text, asked.held) == ("Let me ask.", ("q_1",))
    assert len(server.requests) == 1
    server.script("meanwhile", "thanks")
    assert (await chat.send("other thing")).text == "meanwhile"
    assert (await chat.send("Which? was answered: a", internal=True)).text == "thanks"
    assert "<event>Which? was answered: a</event>" in server.requests[-1].user_text


@pytest.mark.parametrize(
    "fault", [rate_limited(0), rate_limited("soon"), overloaded(), overloaded(500), DropBefore()]
)
async def test_a_passing_failure_is_tried_again(make_chat, server: ModelServer, fault):
    server.fault(fault, times=2)
    server.script("at last")
    outcome = await make_chat().send("hello")
    assert (outcome.text, outcome.notices) == ("at last", ())


async def test_a_revoked_key_is_explained_and_not_tried_again(make_chat, server: ModelServer):
    chat = make_chat()
    server.fault(revoked_key())
    with pytest.raises(ModelUnavailable, match=r"refuses the key.*hermes setup"):
        await chat.send("hello")
    assert len(server.requests) <= 1
    await still_usable(chat, server)


async def test_a_silent_model_is_given_up_after_two_attempts(make_chat, server: ModelServer):
    chat = make_chat(timeouts=IMPATIENT)
    server.fault(Hang(), times=2)
    with pytest.raises(ModelUnavailable, match="stays silent"):
        await chat.send("hello")
    await still_usable(chat, server)


async def test_an_answer_that_stops_half_way_is_silence_too(make_chat, server: ModelServer):
    chat = make_chat(timeouts=IMPATIENT)
    gate = asyncio.Event()
    server.script(*[Reply("half of an answer", gate=gate, gate_after=3)] * 2)
    outcome = await chat.send("hello")
    assert outcome.failed
    assert outcome.text.startswith("half ")
    assert "openai:test-model stays silent." in outcome.text
    gate.set()
    await still_usable(chat, server)


async def test_a_dripping_answer_ends_when_its_time_is_up(make_chat, server: ModelServer):
    chat = make_chat(timeouts=TimeoutSettings(first_byte=0.5, idle=0.5, answer=0.6, turn=20))
    server.script(Reply("never to be heard in full", pace=0.2))
    outcome = await chat.send("hello")
    assert outcome.failed
    assert outcome.text.startswith("never ")
    assert "too slow" in outcome.text
    await still_usable(chat, server)


async def test_a_turn_that_takes_too_long_is_ended_and_says_so(make_chat, server: ModelServer):
    chat = make_chat(timeouts=TimeoutSettings(first_byte=5, idle=5, answer=5, turn=0.3))
    server.script(Reply("a long answer", gate=asyncio.Event(), gate_after=2))
    assert (await chat.send("hello")).text.endswith("longer than the 0.3 seconds it may take.")
    await still_usable(chat, server)


async def test_an_answer_that_ends_before_it_begins_is_asked_for_again(make_chat, server: ModelServer):
    chat = make_chat()
    server.script(Reply(""), "something")
    assert (await chat.send("hello")).text == "something"


async def test_an_answer_cut_in_the_middle_of_its_json_is_asked_for_again(make_chat, server: ModelServer):
    chat = make_chat()
    server.script(cut_mid_json(), "whole")
    assert (await chat.send("hello")).text == "whole"
    await still_usable(chat, server)


async def test_a_fallback_steps_in_visibly_and_the_failed_model_rests(make_chat, server: ModelServer):
    other = ModelSettings(model="openai:other", base_url=server.base_url, api_key=SecretStr(server.key or ""))
    chat = make_chat(fallback=(other,))
    server.fault(revoked_key())
    server.script("from the other", "again")
    outcome = await chat.send("hello")
    assert outcome.text == "from the other"
    assert outcome.notices == ("openai:test-model refuses the key; openai:other answers instead.",)
    assert (await chat.send("more")).text == "again"
    assert server.requests[-1].model == "other"


async def test_a_refusal_is_explained(make_chat, server: ModelServer):
    chat = make_chat()
    server.script(refused())
    try:
        text = (await chat.send("something bad")).text
    except AgentError as error:
        text = str(error)
    assert "refused" in text or "cannot help" in text
    await still_usable(chat, server)


async def test_ten_megabytes_are_cut_off(make_chat, server: ModelServer):
    chat = make_chat(context=ContextSettings(answer=100_000))
    server.script(huge(10))
    outcome = await chat.send("talk")
    assert outcome.text.endswith("I was cut off after 100,000 characters.")
    assert len(outcome.text) < 300_000
    await still_usable(chat, server)


async def test_an_unknown_tool_is_answered_and_the_turn_goes_on(make_chat, server: ModelServer):
    chat = make_chat()
    server.script(unknown_tool(), "sorry")
    assert (await chat.send("hello")).text == "sorry"
    await still_usable(chat, server)


async def test_unknown_tools_without_end_are_bounded(make_chat, server: ModelServer):
    chat = make_chat(budget=BudgetSettings(steps=10))
    server.respond = lambda request: None if request.user_text == "still there?" else unknown_tool()
    outcome = await chat.send("hello")
    assert outcome.text
    assert len(server.requests) <= 10
    await still_usable(chat, server)


async def test_a_thousand_calls_are_answered_and_few_run(make_chat, server: ModelServer, ports: Ports):
    chat = make_chat()
    server.script(many_calls("list_files", 1000), "done")
    assert (await chat.send("hello")).text == "done"
    assert len(ports.journal.begun) == 32
    assert len(server.requests[-1].tool_results) == 1000
    await still_usable(chat, server)


async def test_arguments_that_are_no_json_are_given_back_to_the_model(make_chat, server: ModelServer):
    chat = make_chat()
    server.script(Reply(tools=(ToolCall("read_file", '{"path": "a'),)), "sorry")
    assert (await chat.send("hello")).text == "sorry"
    await still_usable(chat, server)


async def test_the_step_limit_ends_a_turn_and_keeps_what_was_done(make_chat, server: ModelServer):
    chat = make_chat(budget=BudgetSettings(steps=3))
    server.respond = lambda request: None if request.user_text == "still there?" else calls("list_files")
    outcome = await chat.send("loop")
    assert "3 steps" in outcome.text
    assert len(server.requests) == 3
    await still_usable(chat, server)


async def test_the_token_limit_of_a_turn_ends_it(make_chat, server: ModelServer):
    chat = make_chat(budget=BudgetSettings(tokens=100))
    server.script(Reply(tools=(ToolCall("list_files"),), tokens=(90, 20)))
    assert "110 tokens of the 100" in (await chat.send("hello")).text
    await still_usable(chat, server)


async def test_a_spent_day_is_said_before_the_model_is_asked(make_chat, server: ModelServer, ports: Ports):
    chat = make_chat(budget=BudgetSettings(day_money=2.0))
    ports.ledger.spent = Spending(10, 1.9)
    server.script("yes")
    assert (await chat.send("hello")).notices == ("Today's budget is nearly used up: $1.90 of $2.00.",)
    ports.ledger.spent = Spending(10, 2.0)
    with pytest.raises(BudgetSpent, match=r"\$2.00 of \$2.00"):
        await chat.send("hello")
    assert len(server.requests) == 1


async def test_stop_ends_a_running_answer_and_the_history_keeps_it(make_chat, server: ModelServer):
    chat = make_chat()
    gate = asyncio.Event()
    server.script(Reply("a long answer that is stopped", gate=gate, gate_after=3))
    surface = Surface()
    turn = asyncio.create_task(chat.runner.run(turn_request("talk", chat.workspace), surface))
    await surface.begun.wait()
    surface.stop.set()
    outcome = await turn
    await chat.ports.commit(outcome)
    assert outcome.stopped
    assert outcome.text.startswith("a ")
    gate.set()
    await still_usable(chat, server)


async def test_a_message_during_the_turn_is_seen_with_the_next_step(make_chat, server: ModelServer):
    chat = make_chat()
    gate = asyncio.Event()
    server.script(Reply(tools=(ToolCall("list_files"),), gate=gate, gate_after=1), "noted")
    surface = Surface()
    turn = asyncio.create_task(chat.runner.run(turn_request("work", chat.workspace), surface))
    await server.wait_for(lambda: server.requests or None)
    surface.say(77, "and hurry")
    gate.set()
    outcome = await turn
    assert outcome.text == "noted"
    assert outcome.consumed == (77,)
    assert "and hurry" in server.requests[-1].transcript


async def test_a_message_during_the_last_answer_gets_its_own_answer(make_chat, server: ModelServer):
    chat = make_chat()
    gate = asyncio.Event()
    server.script(Reply("first answer", gate=gate, gate_after=1), "second answer")
    surface = Surface()
    turn = asyncio.create_task(chat.runner.run(turn_request("work", chat.workspace), surface))
    await server.wait_for(lambda: server.requests or None)
    surface.say(78, "one more thing")
    gate.set()
    outcome = await turn
    assert outcome.text == surface.written == "first answer\n\nsecond answer"
    assert outcome.consumed == (78,)


async def test_a_failure_after_work_was_done_keeps_the_work(make_chat, server: ModelServer):
    chat = make_chat()
    server.script(calls("write_file", path="a.txt", text="x"))
    server.fault(revoked_key(), skip=1)
    outcome = await chat.send("write")
    assert outcome.failed
    assert "refuses the key" in outcome.text
    await still_usable(chat, server)
    assert "Wrote 1 bytes" in json.dumps(server.requests[-1].messages)


async def test_an_unreachable_server_is_said(make_chat, server: ModelServer):
    chat = make_chat(base_url="http://127.0.0.1:9/v1")
    with pytest.raises(ModelUnavailable, match="cannot be reached"):
        await chat.send("hello")


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("nonsense", "is no model"),
        ("nobody:x", "is no provider"),
        ("groq:x", "not installed"),
        ("anthropic:x", "no key"),
    ],
)
async def test_a_model_that_cannot_be_had_is_explained(
    make_chat, server: ModelServer, model: str, words: str
):
    with pytest.raises(ModelUnavailable, match=words):
        await make_chat(model=model, base_url="", api_key=SecretStr("")).send("hello")


async def test_compact_replaces_older_turns_by_a_summary(make_chat, server: ModelServer):
    chat = make_chat(context=ContextSettings(keep_messages=2))
    assert await chat.runner.compact("s_1") == "There is nothing to shorten yet."
    for number in range(4):
        await chat.send(f"message {number} " + "x" * 400)
    server.script(Reply("they counted", tokens=(500, 5)))
    assert "6 older messages became a summary" in await chat.runner.compact("s_1")
    assert "PERSON: message 0" in server.requests[-1].user_text
    server.script(Reply("going on", tokens=(50, 5)))
    outcome = await chat.send("and now?")
    assert outcome.text == "going on"
    assert outcome.usage[0].input_tokens == 550
    sent = server.requests[-1].transcript
    assert "they counted" in sent
    assert "message 0" not in sent
    assert "message 3" in sent


async def test_a_long_conversation_is_trimmed_and_then_summarised_by_itself(make_chat, server: ModelServer):
    chat = make_chat(
        context=ContextSettings(keep_messages=2, trim_above=400, compact_above=900, kept_output=10)
    )
    (chat.workspace / "big.txt").write_text("0123456789" * 100)
    for _ in range(7):
        server.script(calls("read_file", path="big.txt"), "read")
        await chat.send("read it")
    server.script("trimmed")
    await chat.send("and?")
    assert "characters of old output left out" in server.requests[-1].transcript
    server.script("y" * 4000)
    await chat.send("write much")
    server.script("a short summary", "answer")
    assert (await chat.send("last")).text == "answer"
    assert "a short summary" in server.requests[-1].transcript
    assert "read it" not in server.requests[-1].transcript


async def test_an_unreadable_summary_does_not_stop_the_turn(make_chat, server: ModelServer):
    chat = make_chat(context=ContextSettings(keep_messages=2, compact_above=100))
    for number in range(3):
        server.script("z" * 100)
        await chat.send(f"message {number} " + "x" * 200)
    server.fault(overloaded(500))
    server.script("answered anyway")
    assert (await chat.send("hello")).text == "answered anyway"


async def test_a_passing_failure_after_a_tool_ran_does_not_run_it_again(
    make_chat, server: ModelServer, ports: Ports
):
    chat = make_chat()
    server.script(calls("remember", text="tea"), "noted")
    server.fault(overloaded(), skip=1, times=2)
    assert (await chat.send("remember tea")).text == "noted"
    assert len(ports.notes.kept) == 1
    await still_usable(chat, server)
    assert server.requests[-1].transcript.count("Kept as note #1.") == 1


async def test_a_message_said_while_the_model_failed_is_not_lost(make_chat, server: ModelServer):
    chat = make_chat()
    surface = Surface()
    surface.say(31, "also this")
    server.fault(overloaded(), times=2)
    server.script("both")
    outcome = await chat.runner.run(turn_request("this", chat.workspace), surface)
    assert (outcome.text, outcome.consumed) == ("both", (31,))
    assert "also this" in server.requests[-1].transcript


async def test_a_model_can_be_tried(make_chat, server: ModelServer):
    chat = make_chat(timeouts=IMPATIENT)
    assert await chat.runner.try_model() == "openai:test-model"
    assert await chat.runner.try_model("other") == "openai:other"
    server.fault(revoked_key())
    with pytest.raises(ModelUnavailable, match="refuses the key"):
        await chat.runner.try_model()
    server.fault(Hang())
    with pytest.raises(ModelUnavailable, match="stays silent"):
        await chat.runner.try_model()


async def test_a_session_can_choose_another_model(make_chat, server: ModelServer):
    chat = make_chat()
    server.script("from other")
    assert (await chat.send("hello", model="other")).text == "from other"
    assert server.requests[-1].model == "other"
    assert (await chat.send("say by myself", model="offline")).text == "by myself"
    assert chat.runner.models() == ["openai:test-model"]


async def test_an_image_is_shown_once_and_named_afterwards(make_chat, server: ModelServer, tmp_path: Path):
    chat = make_chat()
    (tmp_path / "cat.png").write_bytes(b"\x89PNG cat")
    image = Attachment(AttachmentKind.PHOTO, "r", "cat.png", "image/png", 8, str(tmp_path / "cat.png"))
    request = turn_request("what is it?", chat.workspace)
    request = replace(request, inputs=(TurnInput(1, "what is it?", (image,)),))
    server.script("a cat", "still a cat")
    await chat.ports.commit(await chat.runner.run(request, Surface()))
    assert len(server.requests[-1].images) == 1
    await chat.send("sure?")
    assert server.requests[-1].images == []
    assert "image/png shown before" in server.requests[-1].transcript
    assert "cat.png" in server.requests[-1].transcript
