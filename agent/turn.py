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
    ModelRequestPart,
    ModelResponse,
    PartDeltaEvent,
    PartStartEvent,
    TextPart,
    TextPartDelta,
    ToolCallPart,
    ToolCallPartDelta,
    ToolReturnPart,
    UserContent,
)
from pydantic_ai.models import Model
from pydantic_ai.usage import UsageLimits

from agent.conversation import TurnConversation
from agent.models.chain import Chain
from agent.models.verdict import ModelSilent, ModelSlow, judge
from agent.prompt import plain_prompt, prompt
from agent.settings import AgentSettings
from agent.spending import over_task, over_turn, usage_of
from agent.toolbox import ENDED, TurnState
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

    ``view`` is the history as the model sees it, ``carried`` what an interrupted attempt had added to it, ``spent``
    the answers that summarising took. After
    ``drive``, ``fresh`` are the messages this attempt added, and ``ending`` is the sentence that explains an early
    end (empty for a normal one).
    """

    agent: TurnAgent
    chain: Chain
    settings: AgentSettings
    log: ConversationLog
    store: TurnConversation
    state: TurnState
    instructions: str
    conversation: Conversation
    view: list[ModelMessage]
    carried: list[ModelMessage] = field(default_factory=list[ModelMessage])
    spent: list[ModelMessage] = field(default_factory=list[ModelMessage])
    fresh: list[ModelMessage] = field(default_factory=list[ModelMessage])
    ending: str = ""
    stopped: bool = False
    _base: list[ModelMessage] = field(default_factory=list[ModelMessage])
    _kept: list[ModelMessage] = field(default_factory=list[ModelMessage])
    _run: TurnRun | None = None
    _queued: dict[str, TurnInput] = field(default_factory=dict[str, TurnInput])
    _steps: int = 0
    _written: int = 0
    _begun: bool = False
    _spoke: bool = False

    async def drive(self, inputs: Sequence[TurnInput]) -> None:
        """Run the model until it is done, held, stopped or out of budget.

        Raises what no further attempt can help; ``fresh`` holds what was reached in every case.
        """
        self._base = list(self.conversation.messages)
        resumed = bool(self.carried)
        content = (
            [] if resumed else prompt(inputs, self.settings.context, internal=self.state.request.internal)
        )
        try:
            async with self._watched():
                await self._attempts(content, inputs if resumed else ())
        finally:
            self.fresh = closed(self._base, self.fresh)

    async def stage(self) -> None:
        """Hand the messages of this turn over to the conversation's store."""
        self.conversation.messages = [*self._base, *self.fresh]
        await self.store.save(self.conversation)

    def messages(self) -> list[ModelMessage]:
        """Return every message of this turn, those from before a crash included."""
        return [*self.carried, *self.fresh]

    async def _attempts(self, content: list[UserContent], steering: Sequence[TurnInput]) -> None:
        """Run, and after a failure that another attempt may help, go on where the answer was missing."""
        model = await self.chain.first()
        while not self._is_ended():
            try:
                await self._attempt(model, content, steering)
            except RunCancelled as cancelled:
                self.fresh = [*self._kept, *cancelled.new_messages()]
                return
            except Exception as error:  # what no further attempt can help is raised again right here
                if judge(error) is None or self.state.held:
                    raise
                model = await self.chain.after(error)
                self._restart()
                content = [] if self._kept else content
                steering = tuple(self._queued.values())
                self._queued.clear()
            else:
                return

    def _is_ended(self) -> bool:
        return bool(self.stopped or self.ending)

    def _restart(self) -> None:
        """Prepare another attempt at the request that was not answered; a broken answer is dropped."""
        while self.fresh and isinstance(self.fresh[-1], ModelResponse):
            self.fresh.pop()
        self._kept = self.fresh
        self._begun = False

    async def _attempt(self, model: Model, content: list[UserContent], steering: Sequence[TurnInput]) -> None:
        view = [*self.view, *self._kept]
        async with self.agent.iter(
            plain_prompt(content) if content else None,
            conversation=replace(self.conversation, messages=view, new_message_index=None),
            model=model,
            deps=self.state,
            instructions=self.instructions,
            usage_limits=_UNLIMITED,
        ) as run:
            self._run = run
            if self._is_ended():
                # The person said stop while the model was still being loaded.
                run.cancel()
            for given in steering:
                self._give(given, run)
            try:
                await self._go(run)
            finally:
                self._run = None

    @asynccontextmanager
    async def _watched(self) -> AsyncGenerator[None]:
        """End the turn when the person says stop or it has taken too long."""
        watch = asyncio.create_task(self._watch())  # noqa: TID251 - cancelled below, before the turn ends
        try:
            yield
        finally:
            watch.cancel()

    async def _watch(self) -> None:
        limit = self.settings.timeouts.turn
        try:
            async with asyncio.timeout(limit):
                await self.state.io.stop.wait()
            self.stopped = True
        except TimeoutError:
            self.ending = f"I stopped: this turn took longer than the {limit:g} seconds it may take."
        if self._run is not None:
            self._run.cancel()

    async def _go(self, run: TurnRun) -> None:
        try:
            async for node in run:
                self._steer(run)
                if isinstance(node, ModelRequestNode):
                    self._begun = True
                    if self._is_over():
                        self._gather(run)
                        self.fresh.append(_last(node.request, ended=bool(self.ending)))
                        return
                    await self._ask(node, run)
                elif isinstance(node, CallToolsNode):
                    self._begun = True
                    await self._answered(run, node.model_response)
        except Exception:
            self._gather(run)
            raise
        self._gather(run)

    def _gather(self, run: TurnRun) -> None:
        """Note what was reached: the messages, and which of the person's words the model has been given."""
        if self._begun:
            self.fresh = [*self._kept, *run.new_messages()]
        waiting = {message.enqueue_id for message in run.pending_messages}
        for queued in [queued for queued in self._queued if queued not in waiting]:
            self.store.inputs.add(self._queued.pop(queued).inbox_id)

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
        timeouts = self.settings.timeouts
        loop = asyncio.get_running_loop()
        latest = loop.time() + timeouts.answer
        begun = False
        try:
            async with asyncio.timeout(timeouts.first_byte) as patience, node.stream(run.ctx) as stream:
                async for event in stream:
                    patience.reschedule(min(loop.time() + timeouts.idle, latest))
                    begun = self._show(event, begun=begun)
                    self._cut(run)
        except TimeoutError as error:
            raise (ModelSlow if loop.time() >= latest else ModelSilent) from error

    def _show(self, event: AgentStreamEvent, *, begun: bool) -> bool:
        """Pass the text of an event on, set off from an earlier answer; return whether this one has begun."""
        text, size = _delta(event)
        self._written += size
        if not text:
            return begun
        self.state.io.text(text if begun or not self._spoke else f"\n\n{text}")
        self._spoke = True
        return True

    def _cut(self, run: TurnRun) -> None:
        """Cut an answer off that has no end."""
        limit = self.settings.context.answer
        if self._written > limit and not self.ending:
            self.ending = f"I was cut off after {limit:,} characters."
            run.cancel()

    def _steer(self, run: TurnRun) -> None:
        """Hand over what the person said since the last step; the model sees it with its next request."""
        for given in self.state.io.steering():
            self._give(given, run)

    def _give(self, given: TurnInput, run: TurnRun) -> None:
        content = prompt([given], self.settings.context, internal=self.state.request.internal)
        if (queued := run.enqueue(*content)) is not None:
            self._queued[queued] = given

    async def _answered(self, run: TurnRun, response: ModelResponse) -> None:
        """Book what an answer cost and, before its tools run, keep a working copy to go on from after a crash."""
        crashpoint("turn.after_model")
        self._gather(run)
        if not response.tool_calls:
            return
        used = usage_of([*self.spent, *self.messages()])
        self.ending = (
            self.ending
            or over_turn(used, self.settings.budget)
            or over_task(used, self.state.request.persona)
        )
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


def _last(request: ModelRequest, *, ended: bool) -> ModelRequest:
    """Return a request that is kept although it was not sent; where a budget ended the turn, its results say so."""
    if not ended:
        return request
    return replace(request, parts=[_ended(part) for part in request.parts])


def _ended(part: ModelRequestPart) -> ModelRequestPart:
    return replace(part, metadata={ENDED: True}) if isinstance(part, ToolReturnPart) else part
