"""One turn: drives the model step by step, listens to the surface, and keeps the conversation valid at every end."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from pydantic_ai import Agent, AgentRun, CallToolsNode, ModelRequestNode
from pydantic_ai.conversation import Conversation
from pydantic_ai.exceptions import RunCancelled
from pydantic_ai.messages import (
    AgentStreamEvent,
    ModelMessage,
    ModelRequest,
    ModelResponse,
    PartDeltaEvent,
    PartStartEvent,
    TextPart,
    TextPartDelta,
    ToolCallPart,
    ToolCallPartDelta,
    UserContent,
)
from pydantic_ai.models import Model
from pydantic_ai.usage import UsageLimits

from agent.conversation import TurnConversation
from agent.prompt import plain_prompt, prompt
from agent.settings import AgentSettings
from agent.spending import over_turn, usage_of
from agent.toolbox import TurnState
from agent.validity import closed
from kernel.crashpoints import crashpoint
from kernel.ports import ConversationLog
from kernel.turns import TurnInput

# Every limit is checked here, between steps, where the history can be left valid; the library's would raise midway.
_UNLIMITED = UsageLimits(request_limit=None)

TurnAgent = Agent[TurnState, str]
TurnRun = AgentRun[TurnState, str]


@dataclass(slots=True)
class Turn:
    """A running turn.

    ``view`` is the history as the model sees it. After ``drive``, ``fresh`` are the messages the turn added, and
    ``ending`` is the sentence that explains an early end (empty for a normal one).
    """

    agent: TurnAgent
    model: Model
    settings: AgentSettings
    log: ConversationLog
    store: TurnConversation
    state: TurnState
    instructions: str
    conversation: Conversation
    view: list[ModelMessage]
    carried: list[ModelMessage] = field(default_factory=list[ModelMessage])
    fresh: list[ModelMessage] = field(default_factory=list[ModelMessage])
    ending: str = ""
    stopped: bool = False
    _base: list[ModelMessage] = field(default_factory=list[ModelMessage])
    _queued: dict[str, int] = field(default_factory=dict[str, int])
    _steps: int = 0
    _written: int = 0
    _begun: bool = False
    _spoke: bool = False

    async def drive(self, inputs: Sequence[TurnInput]) -> None:
        """Run the model until it is done, held, stopped or out of budget; model errors are raised.

        ``fresh`` holds what was reached in every case, also when this raises.
        """
        self._base = list(self.conversation.messages)
        resumed = bool(self.carried)
        content = (
            [] if resumed else prompt(inputs, self.settings.context, internal=self.state.request.internal)
        )
        try:
            async with self._iterate(content) as run, self._watched(run):
                for given in inputs if resumed else ():
                    self._give(given, run)
                await self._go(run)
        except RunCancelled as cancelled:
            self.fresh = list(cancelled.new_messages())
        finally:
            self.fresh = closed(self._base, self.fresh)

    async def stage(self) -> None:
        """Hand the messages of this turn over to the conversation's store."""
        self.conversation.messages = [*self._base, *self.fresh]
        await self.store.save(self.conversation)

    def messages(self) -> list[ModelMessage]:
        """Return every message of this turn, those from before a crash included."""
        return [*self.carried, *self.fresh]

    @asynccontextmanager
    async def _iterate(self, content: Sequence[UserContent]) -> AsyncGenerator[TurnRun]:
        async with self.agent.iter(
            plain_prompt(content) if content else None,
            conversation=replace(self.conversation, messages=self.view, new_message_index=None),
            model=self.model,
            deps=self.state,
            instructions=self.instructions,
            usage_limits=_UNLIMITED,
        ) as run:
            yield run

    @asynccontextmanager
    async def _watched(self, run: TurnRun) -> AsyncGenerator[None]:
        """End the run when the person says stop or the turn has taken too long."""
        watch = asyncio.create_task(self._watch(run))  # noqa: TID251 - cancelled below, before the run ends
        try:
            yield
        finally:
            watch.cancel()

    async def _watch(self, run: TurnRun) -> None:
        limit = self.settings.timeouts.turn
        try:
            async with asyncio.timeout(limit):
                await self.state.io.stop.wait()
            self.stopped = True
        except TimeoutError:
            self.ending = f"I stopped: this turn took longer than the {limit:g} seconds it may take."
        run.cancel()

    async def _go(self, run: TurnRun) -> None:
        try:
            async for node in run:
                self._steer(run)
                if isinstance(node, ModelRequestNode):
                    self._begun = True
                    if self._is_over():
                        self._gather(run)
                        self.fresh.append(_last(node.request, interrupted=bool(self.ending)))
                        return
                    await self._ask(node, run)
                elif isinstance(node, CallToolsNode):
                    self._begun = True
                    await self._answered(run, node.model_response)
            self._gather(run)
        except Exception:
            self._gather(run)
            raise

    def _gather(self, run: TurnRun) -> None:
        """Note what was reached: the messages, and which of the person's words the model has been given."""
        if self._begun:
            self.fresh = list(run.new_messages())
        waiting = {message.enqueue_id for message in run.pending_messages}
        self.store.inputs.update(
            inbox_id for queued, inbox_id in self._queued.items() if queued not in waiting
        )

    def _is_over(self) -> bool:
        """Tell whether the next request to the model is not made, because of a question or a budget."""
        budget = self.settings.budget
        if self.state.held:
            return True
        if not self.ending and self._steps >= budget.steps:
            self.ending = f"I stopped after {budget.steps} steps, which is the limit for one turn."
        self._steps += 1
        return bool(self.ending)

    async def _ask(self, node: ModelRequestNode[TurnState, str], run: TurnRun) -> None:
        """Make one request and show the answer as it is written."""
        self.state.calls_in_step = 0
        begun = False
        async with node.stream(run.ctx) as stream:
            async for event in stream:
                text, size = _delta(event)
                self._written += size
                if text:
                    self.state.io.text(text if begun or not self._spoke else f"\n\n{text}")
                    begun = self._spoke = True
                if self._written > self.settings.context.answer and not self.ending:
                    self.ending = f"I was cut off after {self.settings.context.answer:,} characters."
                    run.cancel()

    def _steer(self, run: TurnRun) -> None:
        """Hand over what the person said since the last step; the model sees it with its next request."""
        for given in self.state.io.steering():
            self._give(given, run)

    def _give(self, given: TurnInput, run: TurnRun) -> None:
        content = prompt([given], self.settings.context, internal=self.state.request.internal)
        if (queued := run.enqueue(*content)) is not None:
            self._queued[queued] = given.inbox_id

    async def _answered(self, run: TurnRun, response: ModelResponse) -> None:
        """Book what an answer cost and, before its tools run, keep a working copy to go on from after a crash."""
        crashpoint("turn.after_model")
        self._gather(run)
        self.ending = self.ending or over_turn(usage_of(self.messages()), self.settings.budget)
        if not response.tool_calls:
            return
        await self.stage()
        self.state.response_id = self.store.head_id
        await self.log.checkpoint(self.state.request.id, self.store.staged())


def _delta(event: AgentStreamEvent) -> tuple[str, int]:
    """Return the text an event adds for the person, and how many characters it adds to the answer in all."""
    match event:
        case (
            PartStartEvent(part=TextPart(content=text))
            | PartDeltaEvent(delta=TextPartDelta(content_delta=text))
        ):
            return text, len(text)
        case PartStartEvent(part=ToolCallPart(args=str(text))):
            return "", len(text)
        case PartDeltaEvent(delta=ToolCallPartDelta(args_delta=str(text))):
            return "", len(text)
        case _:
            return "", 0


def _last(request: ModelRequest, *, interrupted: bool) -> ModelRequest:
    """Return a request that is kept although it was not sent; a turn cut short by a budget says so in its log."""
    return replace(request, state="interrupted") if interrupted else request
