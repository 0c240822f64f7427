"""The offline operator as a model: the runner, the tools and the log treat it like any other."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic_ai import RunContext
from pydantic_ai.messages import ModelMessage, ModelResponse, ModelResponseStreamEvent, TextPart, ToolCallPart
from pydantic_ai.models import Model, ModelRequestParameters, StreamedResponse
from pydantic_ai.settings import ModelSettings

from agent.offline import agenda
from agent.offline.language import Call, Fail, Say, Sleep
from kernel.clock import Clock, at
from kernel.errors import AgentError

NAME = "offline"
# A long answer is streamed in this many pieces, so that its length does not decide what it costs.
PIECES = 8
SHORTEST_PIECE = 40


class OfflineModel(Model):
    """Answers from the conversation alone, always the same for the same messages."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    @property
    def model_name(self) -> str:
        """The name that usage is booked under."""
        return NAME

    @property
    def system(self) -> str:
        """The provider: Hermes itself."""
        return "hermes"

    @property
    def provider(self) -> None:
        """There is no provider behind it."""
        return None

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        """Answer at once."""
        del model_settings, model_request_parameters
        plan = agenda.read(messages)
        spoken = "".join([piece async for piece in _spoken(plan)])
        call = _call_of(plan)
        parts = [*([TextPart(spoken)] if spoken else []), *([call] if call else [])]
        return ModelResponse(parts=parts, model_name=NAME, timestamp=at(self._clock.now()))

    @asynccontextmanager
    async def request_stream(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
        run_context: RunContext[Any] | None = None,
    ) -> AsyncGenerator[StreamedResponse]:
        """Answer piece by piece."""
        del model_settings, run_context
        yield _Answer(model_request_parameters, agenda.read(messages), at(self._clock.now()))


@dataclass
class _Answer(StreamedResponse):
    """One answer as a stream."""

    _agenda: agenda.Agenda
    _at: datetime
    _provider: str = field(default="hermes", init=False)

    async def _get_event_iterator(self) -> AsyncIterator[ModelResponseStreamEvent]:
        async for piece in _spoken(self._agenda):
            for event in self._parts_manager.handle_text_delta(vendor_part_id="text", content=piece):
                yield event
        if (call := _call_of(self._agenda)) is not None:
            yield self._parts_manager.handle_tool_call_part(
                vendor_part_id="call",
                tool_name=call.tool_name,
                args=call.args,
                tool_call_id=call.tool_call_id,
            )

    async def close_stream(self) -> None:
        """Do nothing: there is no connection."""

    @property
    def model_name(self) -> str:
        """The name that usage is booked under."""
        return NAME

    @property
    def provider_name(self) -> str:
        """Hermes itself."""
        return self._provider

    @property
    def provider_url(self) -> None:
        """There is no address."""
        return None

    @property
    def timestamp(self) -> datetime:
        """When the answer began."""
        return self._at


async def _spoken(plan: agenda.Agenda) -> AsyncIterator[str]:
    """Yield the text of the next answer piece by piece, sleeping and failing where the steps say so."""
    silent = True
    for text in plan.results:
        async for piece in _written(text, first=silent):
            yield piece
        silent = False
    for step in plan.next_part():
        if isinstance(step, Sleep):
            await asyncio.sleep(step.seconds)
        elif isinstance(step, Fail):
            words = "The offline operator was told to fail: " if step.told else ""
            raise AgentError(f"{words}{step.reason}")
        elif isinstance(step, Say):
            async for piece in _written(step.text, first=silent):
                yield piece
            silent = False
    if silent and _call_of(plan) is None:
        yield "Done."


async def _written(text: str, *, first: bool) -> AsyncIterator[str]:
    """Yield a paragraph in pieces and let others run in between."""
    whole = text if first else f"\n\n{text}"
    size = max(SHORTEST_PIECE, -(-len(whole) // PIECES))
    for start in range(0, len(whole), size):
        yield whole[start : start + size]
        await asyncio.sleep(0)


def _call_of(plan: agenda.Agenda) -> ToolCallPart | None:
    """Return the call that ends the next part; its number in the agenda is its id."""
    part = plan.next_part()
    if not part or not isinstance(call := part[-1], Call):
        return None
    arguments = json.dumps(dict(call.arguments), ensure_ascii=False)
    return ToolCallPart(call.tool, arguments, tool_call_id=f"step-{plan.done + len(part)}")
