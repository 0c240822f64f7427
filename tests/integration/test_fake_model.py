"""The model server for tests keeps the protocol, seen through the OpenAI SDK and pydantic-ai."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import openai
import pytest
from openai import AsyncOpenAI
from pydantic_ai import Agent, BinaryContent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

from tests.fakes.faults import Fault, Hang
from tests.fakes.model_replies import (
    Reply,
    calls,
    cut_mid_json,
    huge,
    many_calls,
    refused,
    trickle,
    unknown_tool,
)
from tests.fakes.model_server import MODEL, ModelServer, overloaded, rate_limited, revoked_key

ROOT = Path(__file__).parents[2]


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    async with ModelServer() as running:
        yield running


@pytest.fixture
async def client(server: ModelServer) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=server.base_url, api_key=server.key, max_retries=0, timeout=5) as ready:
        yield ready


def agent(client: AsyncOpenAI) -> "Agent[None, str]":
    """Return an agent with one tool, on the fake model."""
    model = OpenAIChatModel(MODEL, provider=OpenAIProvider(openai_client=client))
    made: Agent[None, str] = Agent(model, instructions="Be brief.")

    @made.tool_plain
    def double(number: int) -> int:
        return number * 2

    return made


async def ask(client: AsyncOpenAI, text: str = "hello") -> str | None:
    """Return the answer to one message, not streamed."""
    answer = await client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": text}])
    return answer.choices[0].message.content


async def stream(client: AsyncOpenAI, text: str = "hello") -> list[str]:
    """Return the pieces of a streamed answer."""
    events = await client.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": text}], stream=True
    )
    return [
        e.choices[0].delta.content or "" async for e in events if e.choices and e.choices[0].delta.content
    ]


async def test_without_a_script_it_echoes_and_records(server: ModelServer, client: AsyncOpenAI) -> None:
    assert await ask(client) == "pong hello"
    assert await stream(client, "again") == ["pong ", "again"]
    assert [request.user_text for request in server.requests] == ["hello", "again"]
    assert server.requests[0].key == server.key
    assert [model.id async for model in client.models.list()] == [MODEL]


async def test_scripted_replies_come_in_order_then_the_function_speaks(
    server: ModelServer, client: AsyncOpenAI
) -> None:
    server.script("first", Reply("second"))
    server.respond = lambda request: "third" if "hello" in request.user_text else None
    assert [await ask(client) for _ in range(3)] == ["first", "second", "third"]
    assert await ask(client, "else") == "pong else"


async def test_an_agent_runs_a_tool_and_sees_usage(server: ModelServer, client: AsyncOpenAI) -> None:
    server.script(calls("double", number=21), Reply("It is 42.", tokens=(100, 5)))
    result = await agent(client).run("double 21")
    assert result.output == "It is 42."
    assert server.requests[0].tool_names == ["double"]
    assert server.requests[1].tool_results == ["42"]
    assert server.requests[0].system_text == "Be brief."
    assert result.usage.output_tokens >= 5


async def test_an_agent_streams_and_sees_pictures_sent(server: ModelServer, client: AsyncOpenAI) -> None:
    server.script(Reply("a picture of a cat", tokens=(10, 6)))
    picture = BinaryContent(b"\x89PNG", media_type="image/png")
    async with agent(client).run_stream(["what is it?", picture]) as run:
        pieces = [piece async for piece in run.stream_text(delta=True, debounce_by=None)]
    assert "".join(pieces) == "a picture of a cat"
    assert len(pieces) > 1
    assert server.requests[0].images[0].startswith("data:image/png;base64,")
    assert run.usage.output_tokens == 6


async def test_a_gate_holds_an_answer_back_in_the_middle(server: ModelServer, client: AsyncOpenAI) -> None:
    gate = asyncio.Event()
    server.script(Reply("one two", gate=gate, gate_after=2))
    async with asyncio.TaskGroup() as group:
        answer = group.create_task(stream(client))
        await server.wait_for(lambda: server.requests)
        assert not answer.done()
        gate.set()
    assert answer.result() == ["one ", "two"]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (rate_limited("soon"), openai.RateLimitError),
        (overloaded(), openai.InternalServerError),
        (revoked_key(), openai.AuthenticationError),
    ],
)
async def test_refusals_of_the_service_reach_the_client(
    server: ModelServer, client: AsyncOpenAI, fault: Fault, error: type[Exception]
) -> None:
    server.fault(fault)
    with pytest.raises(error):
        await ask(client)
    assert await ask(client) == "pong hello"


async def test_a_fault_can_be_for_one_model_only(server: ModelServer, client: AsyncOpenAI) -> None:
    server.fault(overloaded(), model="other", times=None)
    assert await ask(client) == "pong hello"
    with pytest.raises(openai.InternalServerError):
        await client.chat.completions.create(model="other", messages=[{"role": "user", "content": "x"}])


async def test_retry_after_is_sent(server: ModelServer, client: AsyncOpenAI) -> None:
    server.fault(rate_limited(17))
    with pytest.raises(openai.RateLimitError) as caught:
        await ask(client)
    assert caught.value.response.headers["retry-after"] == "17"


async def test_another_key_is_refused(server: ModelServer) -> None:
    async with AsyncOpenAI(base_url=server.base_url, api_key="sk-other", max_retries=0) as stranger:
        with pytest.raises(openai.AuthenticationError):
            await ask(stranger)


async def test_silence_and_one_byte_at_a_time_end_in_the_clients_timeout(
    server: ModelServer, client: AsyncOpenAI
) -> None:
    server.fault(Hang())
    server.script(trickle("slow", 30))
    impatient = client.with_options(timeout=0.2)
    for talk in (ask, stream):
        with pytest.raises((openai.APITimeoutError, httpx.TimeoutException)):
            await talk(impatient)
    await server.wait_for(lambda: server.aborted == 2)


@pytest.mark.parametrize("talk", [ask, stream])
async def test_an_answer_cut_mid_json_is_an_error(server: ModelServer, client: AsyncOpenAI, talk) -> None:
    server.script(cut_mid_json())
    with pytest.raises(Exception, match=r"(?i)connection|peer|closed|incomplete"):
        await talk(client)


async def test_the_model_can_refuse(server: ModelServer, client: AsyncOpenAI) -> None:
    server.script(refused("No."))
    answer = await client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "x"}])
    assert answer.choices[0].message.refusal == "No."


async def test_ten_megabytes_arrive_both_ways(server: ModelServer, client: AsyncOpenAI) -> None:
    server.script(huge(), huge())
    whole = await ask(client)
    assert whole is not None
    assert len(whole) == 10 << 20
    assert "".join(await stream(client)) == whole


async def test_a_thousand_tool_calls_and_an_unknown_tool(server: ModelServer, client: AsyncOpenAI) -> None:
    server.script(many_calls("double", 1000, number=1), unknown_tool(), "done")
    result = await agent(client).run("go")
    assert result.output == "done"
    assert len(server.requests[1].tool_results) == 1000
    assert "no_such_tool" in server.requests[2].tool_results[-1]


def test_it_runs_as_a_program_with_a_control_api() -> None:
    command = [sys.executable, "-m", "tests.fakes.model_server", "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            address = json.loads(process.stdout.readline())
            base, headers = address["base_url"], {"Authorization": f"Bearer {address['key']}"}
            root = base.removesuffix("/v1")
            with httpx.Client(headers=headers, trust_env=False) as http:
                tool = {"tools": [{"name": "look", "arguments": {}}]}
                http.post(f"{root}/control/script", json={"replies": ["one", tool]}).raise_for_status()
                asked = {"model": MODEL, "messages": [{"role": "user", "content": "x"}]}
                first = http.post(f"{base}/chat/completions", json=asked).json()
                second = http.post(f"{base}/chat/completions", json=asked).json()
                seen = http.post(f"{root}/control/requests").json()
        finally:
            process.terminate()
    assert first["choices"][0]["message"]["content"] == "one"
    assert second["choices"][0]["message"]["tool_calls"][0]["function"]["name"] == "look"
    assert len(seen) == 2
