"""Runs agents: one turn from its request to the outcome that the gateway commits."""

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path

import pydantic_ai
from pydantic_ai import Agent
from pydantic_ai.conversation import Conversation
from pydantic_ai.exceptions import AgentRunError, UserError
from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, TextPart

from agent import framing
from agent.compaction import compacted, estimate, trimmed
from agent.conversation import MessageCache, TurnConversation
from agent.failures import explained
from agent.mcp.servers import McpServers, McpStatus
from agent.models.chain import Chain
from agent.models.table import ModelTable
from agent.models.verdict import ModelSilent, judge, unavailable
from agent.offline.model import NAME
from agent.sessions import Sessions
from agent.settings import AgentSettings
from agent.shaping import Shaping
from agent.spending import check_day, usage_of
from agent.toolbox import Toolbox, TurnState
from agent.turn import Turn, TurnAgent
from kernel.approvals import Action, ActionKind, ApprovedCall, CallResult
from kernel.clock import Clock
from kernel.errors import AgentError, HermesError, ModelUnavailable, NotFound, Stale
from kernel.people import Principal
from kernel.ports import ConversationLog, Ledger
from kernel.specs import Tool
from kernel.turns import StagedConversation, ToolContext, TurnInput, TurnIO, TurnOutcome, TurnRequest

log = logging.getLogger("hermes.agent")

# The library greets whoever runs an agent in a terminal for the first time; the terminal here is the person's chat.
pydantic_ai.BANNER_ENABLED = False

_PROBE: Agent[None, str] = Agent(name="probe")
_SUMMARY: Agent[None, str] = Agent(name="summary", instructions=framing.RULES)


def _instructed(shaping: str, request: TurnRequest) -> str:
    """Return what an agent is told about itself: as whom it works stands behind what holds for all."""
    return f"{shaping}\n\n{request.persona.instructions}" if request.persona is not None else shaping


class AgentRunner:
    """The TurnRunner on pydantic-ai; one agent object serves every turn, ``toolbox`` holds what it may call."""

    def __init__(
        self,
        settings: AgentSettings,
        *,
        log: ConversationLog,
        ledger: Ledger,
        toolbox: Toolbox,
        home: Path,
        clock: Clock,
    ) -> None:
        self.toolbox = toolbox
        self._settings = settings
        self._log = log
        self._ledger = ledger
        self._models = ModelTable(settings, clock)
        self._shaping = Shaping(home, settings.context.shaping_file, settings.instructions)
        self._cache = MessageCache()
        self._sessions = Sessions(log, self._cache, settings.context)
        self._mcp = McpServers(settings.mcp, self.toolbox.publish, settings.tools.output)
        self._agent: TurnAgent = TurnAgent(
            name="hermes",
            deps_type=TurnState,
            toolsets=[self.toolbox],
            retries={"tools": 3, "output": 2},
        )

    async def run(self, request: TurnRequest, io: TurnIO) -> TurnOutcome:
        """Carry out one turn; raise AgentError when nothing came of it.

        A turn that fails after the model has answered at least once keeps what was done and returns the explanation
        as its text, with ``failed`` set.
        """
        self._mcp.start()
        notices = list(await check_day(self._ledger, self._settings.budget))
        turn = await self._prepare(request, io, notices)
        failure = await self._drive(turn, request.inputs)
        return await self._outcome(turn, notices, failure)

    async def affordable(self) -> tuple[str, ...]:
        """Return what a person should know about today's spending; raise BudgetSpent when it is used up."""
        return await check_day(self._ledger, self._settings.budget)

    async def history(self, session_id: str) -> list[tuple[str, str]]:
        """Return what was said, oldest first, as ``("user" | "assistant" | "event", text)``."""
        return await self._sessions.history(session_id)

    async def noted(self, session_id: str, said: Sequence[str], answer: str) -> StagedConversation:
        """Return a session's conversation with one exchange more that another brain has had with the person."""
        store = await TurnConversation.open(self._log, session_id, self._cache)
        conversation = await store.conversation()
        exchange = (
            ModelRequest.user_text_prompt("\n\n".join(said)),
            ModelResponse([TextPart(answer or "(nothing was said)")]),
        )
        conversation.messages = [*conversation.messages, *exchange]
        store.inputs = set()
        return await store.stage(conversation)

    async def undo(self, session_id: str, turns: int = 1, *, said: str = "") -> str:
        """Take back the last turns of a session and say which; raise NotFound when there is none.

        With ``said``, nothing happens (and an empty text is returned) unless the turn began with that message.
        """
        return await self._sessions.undo(session_id, turns, said=said)

    async def compact(self, session_id: str, model: str = "") -> str:
        """Replace the older turns of a session by a summary and say what that saved; raise AgentError."""
        await check_day(self._ledger, self._settings.budget)
        try:
            return await self._sessions.compact(session_id, lambda: self._chain(model, asyncio.Event(), []))
        except (AgentRunError, UserError) as error:
            raise explained(error) from error

    def _chain(self, model: str, stop: asyncio.Event, notices: list[str]) -> Chain:
        return Chain(self._models.candidates(model), self._settings.retries, stop, notices)

    def load(self) -> None:
        """Import the library of the configured model in the calling thread, so that no turn waits for it."""
        try:
            self._models.load()
        except ModelUnavailable as error:
            log.warning("%s", error)

    def start(self) -> None:
        """Connect to the MCP servers in the background; the first turn does it where nobody did."""
        self._mcp.start()

    async def close(self) -> None:
        """Close the connections to models and MCP servers."""
        await self._mcp.close()
        await self._models.close()

    async def call(self, call: ApprovedCall, principal: Principal, workspace: Path) -> CallResult:
        """Carry out an approved call with exactly its action; whatever goes wrong is a result as well.

        ``principal`` is the person behind ``call.behalf`` as they are admitted now.
        """
        request = TurnRequest(call.turn_id, call.session_id, call.origin, principal, (), workspace)
        context = ToolContext(request, call.call_key, Unheard(), call.action)
        try:
            tool = await self._tool(call.action)
            return await self.toolbox.carry_out_approved(tool, call.arguments, context)
        except HermesError as error:
            return CallResult(f"Failed: {error}")

    async def _tool(self, action: Action) -> Tool:
        """Return the tool of an action; one of an MCP server is waited for while it connects."""
        if action.kind is ActionKind.MCP:
            self._mcp.start()
            await self._mcp.settled(action.target.partition(".")[0])
        try:
            return self.toolbox.tool(action.tool)
        except KeyError:
            raise NotFound(f"There is no tool {action.tool} any more.") from None

    def mcp_status(self) -> list[McpStatus]:
        """Return how each configured MCP server fares."""
        return self._mcp.status()

    async def try_model(self, model: str = "") -> str:
        """Ask a model for one word and return the model's name; raise AgentError when no answer comes."""
        candidate = self._models.candidate(model)
        try:
            async with asyncio.timeout(self._settings.timeouts.first_byte):
                await _PROBE.run("Answer with one word: ready", model=await candidate.model())
        except TimeoutError as error:
            raise unavailable(candidate.name, ModelSilent()) from error
        except (AgentRunError, UserError) as error:
            raise (unavailable(candidate.name, error) if judge(error) else explained(error)) from error
        return candidate.name

    async def summarise(self, instruction: str, material: str) -> str:
        """Return what the first model makes of a text from outside, ``""`` where there is none or it fails."""
        candidate = self._models.candidate("")
        if candidate.name == NAME:
            return ""
        try:
            async with asyncio.timeout(self._settings.timeouts.answer):
                framed = f"{instruction}\n\n{framing.output(material, 'the material')}"
                return (await _SUMMARY.run(framed, model=await candidate.model())).output.strip()
        except (AgentRunError, UserError, HermesError, TimeoutError) as error:
            log.warning("No summary by %s: %s", candidate.name, error)
            return ""

    def models(self) -> list[str]:
        """Return the configured models, the first choice first."""
        return self._models.names

    def shaping_files(self, workspace: Path) -> list[Path]:
        """Return the files that shape conversations in ``workspace``: SOUL.md of the home, AGENTS.md of the folder."""
        return self._shaping.files(workspace)

    async def _prepare(self, request: TurnRequest, io: TurnIO, notices: list[str]) -> Turn:
        working = await self._log.working_copy(request.id) if request.attempt > 1 else None
        store = await self._open(request.session_id, working)
        conversation = await store.conversation()
        chain = self._chain(request.model, io.stop, notices)
        spent = self._sessions.unbooked(request.session_id)
        if not store.carried:
            spent += await self._shorten(conversation, chain)
        messages = conversation.messages
        return Turn(
            agent=self._agent,
            chain=chain,
            settings=self._settings,
            log=self._log,
            store=store,
            state=TurnState(request, io, response_id=store.head_id),
            instructions=_instructed(self._shaping.instructions(request.workspace), request),
            conversation=conversation,
            view=trimmed(messages, self._settings.context),
            spent=spent,
            carried=messages[len(messages) - store.carried :] if store.carried else [],
        )

    async def _shorten(self, conversation: Conversation, chain: Chain) -> list[ModelMessage]:
        """Summarise the older turns of a conversation that has become too long; return what that took."""
        context = self._settings.context
        view = trimmed(conversation.messages, context)
        if chain.current.name == NAME or estimate(view) <= context.compact_above:
            return []
        try:
            shortened = await compacted(conversation.messages, await chain.first(), context)
        except (AgentRunError, UserError, AgentError):
            # The turn goes on with the long history; if the model cannot take it, the person is told so.
            log.warning(
                "conversation %s could not be summarised", conversation.conversation_id, exc_info=True
            )
            return []
        if shortened is None:
            return []
        conversation.messages = shortened.messages
        return shortened.answers

    async def _open(self, session_id: str, working: StagedConversation | None) -> TurnConversation:
        """Open the conversation, with the working copy of an interrupted turn where it still fits."""
        try:
            return await TurnConversation.open(self._log, session_id, self._cache, working)
        except Stale:
            log.warning("session %s changed while a turn was interrupted; the turn starts again", session_id)
            return await TurnConversation.open(self._log, session_id, self._cache)

    async def _drive(self, turn: Turn, inputs: Sequence[TurnInput]) -> AgentError | None:
        """Run the turn; return why it failed if there is something to keep, else raise it."""
        given = [each for each in inputs if each.inbox_id not in turn.store.inputs]
        turn.store.inputs.update(each.inbox_id for each in inputs if not turn.carried)
        try:
            await turn.drive(given)
        except (AgentRunError, UserError, HermesError) as error:
            if not isinstance(error, AgentError):
                log.warning("turn %s failed", turn.state.request.id, exc_info=error)
            failure = error if isinstance(error, AgentError) else explained(error)
            if not any(isinstance(message, ModelResponse) for message in turn.messages()):
                raise failure from error
            return failure
        return None

    async def _outcome(self, turn: Turn, notices: Sequence[str], failure: AgentError | None) -> TurnOutcome:
        inputs = {each.inbox_id for each in turn.state.request.inputs}
        consumed = tuple(sorted(turn.store.inputs - inputs))
        turn.store.inputs = set()
        await turn.stage()
        messages = turn.messages()
        ending = str(failure) if failure is not None else turn.ending
        return TurnOutcome(
            text="\n\n".join([*_texts(messages), *([ending] if ending else [])]),
            conversation=turn.store.staged(),
            usage=usage_of([*turn.spent, *messages]),
            held=tuple(held.id for held in turn.state.held),
            consumed=consumed,
            stopped=turn.stopped,
            notices=tuple(notices),
            failed=failure is not None,
            cut=turn.ending,
        )


class Unheard:
    """The TurnIO of a call that runs outside a turn: there is no bubble, and a decision cannot be talked to."""

    def __init__(self) -> None:
        self.stop = asyncio.Event()

    def text(self, delta: str) -> None:
        """Show nothing."""

    def activity(self, label: str) -> None:
        """Show nothing."""

    def steering(self) -> Sequence[TurnInput]:
        """Return nothing: nobody speaks to it."""
        return ()

    async def steered(self) -> None:
        """Wait for ever."""
        await asyncio.Event().wait()


def _texts(messages: Sequence[ModelMessage]) -> list[str]:
    """Return what the model said in a turn, between its tool calls and at the end."""
    return [text for message in messages if isinstance(message, ModelResponse) and (text := message.text)]
