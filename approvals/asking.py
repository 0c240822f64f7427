"""Programs that ask: a question or an action of their own, the wait for its decision, and its one execution."""

import json
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from approvals import wording
from approvals.foreign import NOWHERE, ForeignCall, action_of
from approvals.policy import raised
from approvals.reading import Reading
from approvals.service import ApprovalService
from approvals.spans import Span
from approvals.views import ApprovalView
from kernel.approvals import Action, ActionKind, Approval, arguments_text, digest
from kernel.clock import Clock
from kernel.errors import AccessDenied, InvalidInput, Stale
from kernel.people import Principal
from kernel.risk import Tier
from kernel.states import ApprovalState
from store import approvals
from store.approvals import Filter
from store.database import Database

OPEN = (ApprovalState.PENDING, ApprovalState.HELD)
# One program's requests that may wait at a time: a loop gone wild must not bury what others ask.
MOST_OPEN = 100
LONGEST_WAIT = 300.0
# How long after its end a request is still waited for, so that the answer is the request's own.
GRACE = 5.0
HOUR = 3600.0
YEAR = 8760 * HOUR
HANDED = "Handed to the program that asked."


class Ask(BaseModel):
    """A question to a person, or a command that the program will run by itself once it is approved."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(min_length=1, max_length=100_000, description="The question, or the whole command.")
    kind: Literal["question", "terminal"] = Field(
        default="question", description="question, or terminal for a command, which is then classified."
    )
    risk: Literal["none", "low", "medium", "high"] = Field(
        default="none", description="At least this risky; what is asked is never below medium."
    )
    timeout: Span | None = Field(
        default=None,
        gt=0,
        le=YEAR,
        description="Seconds, or 10m, 2h, 7d, after which no answer is a refusal.",
    )
    wait: Span = Field(default=0, ge=0, le=LONGEST_WAIT, description="Seconds to wait for the decision.")
    cwd: str = Field(default="", max_length=4096, pattern=r"^(/.*)?$", description="Where a command runs.")
    host: str = Field(default="", max_length=255, description="On which machine a command runs.")
    environment: dict[str, str] = Field(
        default_factory=dict[str, str],
        max_length=100,
        description="Variables that a command gets beside its own.",
    )


class Wait(BaseModel):
    """Which request to wait for, and how long."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(description="The request's id or short name.")
    seconds: Span = Field(default=20, ge=0, le=LONGEST_WAIT, description="At most this long.")
    over: bool = Field(default=False, description="Wait until it was carried out, not only decided.")


class Consume(BaseModel):
    """Which approval to use up."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(description="The request's id or short name.")


class Report(BaseModel):
    """What came of an action that the asking program ran."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(description="The request's id or short name.")
    result: str = Field(default="", max_length=200_000, description="What it gave, or the end of it.")
    exit_code: int | None = Field(default=None, description="The process's exit code.")


class RequestApproval(BaseModel):
    """A question, or the tool call of another agent in the form of a permission prompt."""

    # A client may say more about a call than is needed here.
    model_config = ConfigDict(extra="ignore")

    tool_name: str = Field(
        default="", max_length=200, description="The tool that wants to run, such as Bash."
    )
    input: dict[str, Any] = Field(default_factory=dict[str, Any], description="That tool's input.")
    tool_use_id: str = Field(default="", max_length=200, description="The call's own id; only passed along.")
    question: str = Field(
        default="", max_length=100_000, description="Instead of a tool: what a person decides."
    )
    risk: Literal["medium", "high"] = Field(default="medium", description="At least this risky.")
    timeout: Span = Field(
        default=HOUR, gt=0, le=YEAR, description="Seconds, or 10m, 2h, after which no answer is a refusal."
    )
    cwd: str = Field(
        default="", max_length=4096, pattern=r"^(/.*)?$", description="The agent's folder, if known."
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if bool(self.tool_name.strip()) == bool(self.question.strip()):
            raise ValueError("give either tool_name with input, or question")
        return self


class Permission(BaseModel):
    """The answer to a permission prompt: ``allow`` with the input to use, or ``deny`` with a sentence; nothing else.

    A question is answered with ``approved``, the request's short name and its state as well.
    """

    behavior: Literal["allow", "deny"]
    updatedInput: dict[str, Any] | None = None  # noqa: N815 - the contract's own spelling
    message: str | None = None
    approved: bool | None = None
    request: str | None = None
    state: str | None = None

    @model_serializer(mode="wrap")
    def _what_is_said(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in handler(self).items() if value is not None}


@dataclass(frozen=True, slots=True)
class Asked:
    """Whether somebody has to be asked, and the request if so; ``tier`` is what the action was found to be."""

    needed: bool
    tier: str
    approval: ApprovalView | None


@dataclass(frozen=True, slots=True)
class Programs:
    """Carries out the operations of programs that ask."""

    service: ApprovalService
    database: Database
    clock: Clock
    reading: Reading
    # Which call waits for a request at last: of two with the same action the later one gets the answer.
    latest: dict[str, object] = field(default_factory=dict[str, object])

    async def ask(self, principal: Principal, asked: Ask) -> Asked:
        """Ask, where the action has to be asked about, and wait for the decision as long as it was wished."""
        action = _action(asked)
        risk = Tier.named(asked.risk)
        if action.kind is ActionKind.TERMINAL and risk is Tier.NONE:
            assessed = await self.service.assess(action)
            if assessed.tier is Tier.NONE:
                return Asked(needed=False, tier=str(Tier.NONE), approval=None)
        found = await self._ask(principal, action, risk, asked.timeout)
        if asked.wait:
            found = await self._settled(found.id, asked.wait)
        return Asked(True, str(found.tier), await self.reading.shown(principal, found))

    async def _ask(self, principal: Principal, action: Action, risk: Tier, limit: float | None) -> Approval:
        mine = Filter(states=OPEN, asker=principal.id, limit=MOST_OPEN)
        if len(await self.database.read(approvals.find, mine)) >= MOST_OPEN:
            raise InvalidInput(
                f"{MOST_OPEN} of your requests wait already.", remedy="Wait for their decisions."
            )
        milliseconds = None if limit is None else int(limit * 1000)
        return await self.service.ask(principal, action, risk=risk, timeout_ms=milliseconds)

    async def _settled(self, id: str, seconds: float, *, over: bool = False) -> Approval:
        """Wait for a request, and for the one that was asked in its place where it became void."""
        ends = self.clock.monotonic() + seconds
        while True:
            found = await self.service.wait(id, max(0.0, ends - self.clock.monotonic()), over=over)
            follower = (
                await self.database.read(approvals.follower, found.id)
                if found.state is ApprovalState.VOID
                else None
            )
            if follower is None:
                return found
            id = follower.id

    async def wait(self, principal: Principal, asked: Wait) -> ApprovalView:
        """Return a request once it is decided, or when time is up; a void one leads to the one in its place."""
        found = await self.reading.visible(principal, asked.id)
        settled = await self._settled(found.id, asked.seconds, over=asked.over)
        return await self.reading.shown(principal, settled)

    async def consume(self, principal: Principal, asked: Consume) -> ApprovalView:
        """Use an approval up: the program that asked runs the action now, once."""
        found = await self.reading.visible(principal, asked.id)
        return await self.reading.shown(principal, await self.service.consume(found.id, principal))

    async def report(self, principal: Principal, asked: Report) -> ApprovalView:
        """Store what came of an action that its asker ran."""
        found = await self.reading.visible(principal, asked.id)
        done = await self.service.report(found.id, principal, asked.result, asked.exit_code)
        return await self.reading.shown(principal, done)

    async def request(self, principal: Principal, asked: RequestApproval) -> Permission:
        """Answer a permission prompt, or a plain question, once a person has decided."""
        try:
            if asked.question:
                return await self._question(principal, asked)
            return await self._tool_call(principal, asked)
        except (AccessDenied, Stale) as refused:
            return Permission(behavior="deny", message=str(refused))

    async def _question(self, principal: Principal, asked: RequestApproval) -> Permission:
        action = Action(
            ActionKind.QUESTION, "request_approval", arguments_text({"text": asked.question}), asked.question
        )
        found = await self._once(principal, action, asked)
        return Permission(
            behavior="allow" if found.granted else "deny",
            message=wording.decided(found),
            approved=found.granted,
            request=found.short,
            state=found.state,
        )

    async def _tool_call(self, principal: Principal, asked: RequestApproval) -> Permission:
        action = action_of(ForeignCall(asked.tool_name.strip(), asked.input, asked.cwd))
        assessed = await self.service.assess(action)
        if assessed.tier is Tier.NONE:
            return Permission(behavior="allow", updatedInput=asked.input)
        found = await self._once(principal, action, asked)
        if found.state is not ApprovalState.APPROVED:
            return Permission(behavior="deny", message=_told(found))
        used = await self.service.consume(found.id, principal)
        # The client runs it and tells nobody how it went.
        await self.service.report(used.id, principal, HANDED, None)
        return Permission(behavior="allow", updatedInput=json.loads(used.action.arguments))

    async def _once(self, principal: Principal, action: Action, asked: RequestApproval) -> Approval:
        """Wait for the request of an action; a client that gave up and calls again finds the one it made before."""
        found = await self._known(principal, action, Tier.named(asked.risk))
        if found is None:
            found = await self._ask(principal, action, Tier.named(asked.risk), asked.timeout)
        mine = self.latest[found.id] = object()
        try:
            settled = await self._settled(found.id, asked.timeout + GRACE)
            if self.latest.get(found.id) is not mine:
                raise Stale("The same was asked again by a later call, which has the answer.")
            return settled
        finally:
            if self.latest.get(found.id) is mine:
                del self.latest[found.id]

    async def _known(self, principal: Principal, action: Action, risk: Tier) -> Approval | None:
        assessed = raised(await self.service.assess(action), max(risk, Tier.MEDIUM))
        wanted = digest(assessed.action, principal.id)
        mine = Filter(states=(*OPEN, ApprovalState.APPROVED), asker=principal.id, limit=MOST_OPEN)
        found = await self.database.read(approvals.find, mine)
        now = self.clock.now()
        return next(
            (
                one
                for one in found
                if one.digest == wanted and one.tier >= assessed.tier and one.expires_at > now
            ),
            None,
        )


def _action(asked: Ask) -> Action:
    kind = ActionKind(asked.kind)
    name = "command" if kind is ActionKind.TERMINAL else "text"
    action = Action(kind, "ask", arguments_text({name: asked.text}), asked.text, host=asked.host)
    if kind is not ActionKind.TERMINAL:
        return action
    folder = (asked.cwd or NOWHERE,)
    environment = tuple(sorted(asked.environment.items()))
    return replace(action, tool="guard", cwd=asked.cwd, workspaces=folder, environment=environment)


def _told(approval: Approval) -> str:
    if approval.open:
        return f"Nobody has decided yet (request {approval.short}). Call again to go on waiting."
    return f"{wording.decided(approval)} Do not try to reach the same in another way."
