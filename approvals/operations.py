"""The operations of approvals: what programs, the page and the command line read, ask and decide."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from approvals.asking import Ask, Asked, Consume, Permission, Programs, Report, RequestApproval, Wait
from approvals.foreign import NOWHERE
from approvals.reading import Reading, everybodys
from approvals.service import ApprovalService
from approvals.views import ApprovalView, GrantView, ReasonView, Redact, grant_view, reason_view
from kernel.approvals import Action, ActionKind, Approval, How, Outcome, Reach, Verdict
from kernel.clock import Clock
from kernel.errors import AccessDenied, InvalidInput, NotFound, Stale
from kernel.people import Principal, Scope
from kernel.risk import Tier
from kernel.specs import Operation
from kernel.states import ApprovalState
from store import approvals, grants
from store.approvals import FOR_EVER, Filter
from store.database import Database

WAITING = (ApprovalState.PENDING, ApprovalState.HELD)
OVER = tuple(state for state in ApprovalState if state not in WAITING)
TierName = Literal["", "low", "medium", "high"]
HOW = {
    "approve": How.ONCE,
    "approve_session": How.SESSION,
    "approve_always": How.ALWAYS,
    "reject": How.REFUSE,
    "hold": How.HOLD,
    "release": How.RELEASE,
    "edit": How.ONCE,
}
SAME_WORDS = {"deny": "reject", "refuse": "reject", "approve_once": "approve"}
# Verdicts that change nothing because something else was quicker; whoever decides has to look again.
TOO_LATE = (Outcome.ALREADY, Outcome.EXPIRED, Outcome.SUPERSEDED, Outcome.DRIFTED)


class Given(BaseModel):
    """What an operation is given; an unknown field is an error."""

    model_config = ConfigDict(extra="forbid")


class ListApprovals(Given):
    """Which requests to list."""

    state: Literal[
        "waiting",
        "over",
        "all",
        "pending",
        "held",
        "approved",
        "running",
        "done",
        "refused",
        "expired",
        "void",
        "unknown",
        "cancelled",
    ] = Field(
        default="waiting", description="waiting for a decision, over for the decided, all, or one state."
    )
    tier: TierName = Field(default="", description="low, medium or high.")
    kind: ActionKind | Literal[""] = Field(default="", description="What sort of action.")
    session: str = Field(default="", description="Only those of one session.")
    by: str = Field(default="", description="Only those decided by this person or program.")
    words: str = Field(default="", max_length=500, description="Only those whose action has these words.")
    since: int = Field(default=0, ge=0, description="Asked at this time (ms) or later.")
    until: int = Field(default=FOR_EVER, ge=0, description="Asked before this time (ms).")
    before: str = Field(default="", description="`next` of the page before.")
    limit: int = Field(default=50, ge=1, le=200, description="At most this many.")


class OneApproval(Given):
    """Which request."""

    id: str = Field(min_length=1, description="The request's id or short name.")


class Decide(OneApproval):
    """A decision."""

    decision: Annotated[
        Literal["approve", "approve_session", "approve_always", "reject", "hold", "release", "edit"],
        BeforeValidator(lambda word: SAME_WORDS.get(word, word) if isinstance(word, str) else word),
    ] = Field(description="approve is for this once; edit approves `text` instead; hold stops every clock.")
    reason: str = Field(default="", max_length=2000, description="Told to the one who asked.")
    text: str | None = Field(default=None, max_length=100_000, description="The edited text, judged afresh.")
    reach: Reach = Field(
        default=Reach.EXACT, description="How far a permission goes: exact, or target whatever the content."
    )
    code: str = Field(default="", max_length=20, description="The code that a second channel received.")

    @model_validator(mode="after")
    def _text_with_edit(self) -> Self:
        if (self.decision == "edit") != (self.text is not None):
            raise ValueError("edit needs text, and only edit takes it")
        return self


class Settle(OneApproval):
    """A person's word on an action whose outcome a crash left unknown."""

    happened: bool = Field(description="Whether it happened.")
    note: str = Field(default="", max_length=2000, description="What else is known.")


class ListGrants(Given):
    """Which permissions to list."""

    session: str = Field(default="", description="Only those of one session.")
    everything: bool = Field(default=False, description="Also those that ended.")
    limit: int = Field(default=100, ge=1, le=500, description="At most this many.")


class OneGrant(Given):
    """Which permission."""

    id: str = Field(description="The permission's id.")


class Classify(Given):
    """A command to judge; nothing that it names is opened, nothing is run."""

    text: str = Field(max_length=1_000_000, description="The whole command.")
    cwd: str = Field(default="", max_length=4096, pattern=r"^(/.*)?$", description="Where it would run.")


@dataclass(frozen=True, slots=True)
class Approvals:
    """Requests, newest first; ``waiting`` counts all that want a decision, ``next`` leads to the next page."""

    approvals: list[ApprovalView]
    waiting: int
    next: str


@dataclass(frozen=True, slots=True)
class Decided:
    """What came of a decision, in a word and in a sentence, and the requests as they are now."""

    outcome: str
    sentence: str
    approval: ApprovalView
    replacement: ApprovalView | None


@dataclass(frozen=True, slots=True)
class Grants:
    """Standing permissions, newest first."""

    grants: list[GrantView]


@dataclass(frozen=True, slots=True)
class SegmentView:
    """One simple command of a text with its own tier; ``argv`` is null where it is not statically known."""

    text: str
    tier: str
    argv: list[str] | None
    paths: list[dict[str, str]]
    scripts: list[str]


@dataclass(frozen=True, slots=True)
class Classified:
    """The verdict on a text: its tier, why, its simple commands, and the SHA-256 of its bytes."""

    tier: str
    reasons: list[ReasonView]
    segments: list[SegmentView]
    digest: str


def operations(
    service: ApprovalService, database: Database, clock: Clock, redact: Redact = str
) -> Sequence[Operation]:
    """Return this room's operations; ``redact`` takes secrets out of what is shown."""
    reading = Reading(service, database, redact)
    desk = Desk(service, database, clock, reading)
    programs = Programs(service, database, clock, reading)
    read, ask, decide = Scope.APPROVALS_READ, Scope.APPROVALS_ASK, Scope.APPROVALS_DECIDE
    return (
        Operation(
            "approvals.list", "List requests for approval.", read, ListApprovals, Approvals,
            desk.list, "GET", "/approvals",
        ),
        Operation(
            "approvals.export", "List requests with their whole results and trails.", read, ListApprovals,
            Approvals, desk.export, "GET", "/approvals/export", mcp=False,
        ),
        Operation(
            "approvals.ask", "Ask a person, and wait for the decision if you like.", ask, Ask, Asked,
            programs.ask, "POST", "/approvals", mcp=False,
        ),
        Operation(
            "request_approval", "Ask a person before something risky, and wait for the decision.", ask,
            RequestApproval, Permission, programs.request, "POST", "/approvals/request",
        ),
        Operation(
            "approvals.get", "Show one request with everything that happened to it.", read, OneApproval,
            ApprovalView, desk.get, "GET", "/approvals/{id}",
        ),
        Operation(
            "approvals.decide", "Decide a request.", decide, Decide, Decided,
            desk.decide, "POST", "/approvals/{id}", mcp=False,
        ),
        Operation(
            "approvals.wait", "Wait for a decision.", ask, Wait, ApprovalView,
            programs.wait, "GET", "/approvals/{id}/wait",
        ),
        Operation(
            "approvals.consume", "Use an approval up: you run the action now, once.", ask, Consume, ApprovalView,
            programs.consume, "POST", "/approvals/{id}/consume", mcp=False,
        ),
        Operation(
            "approvals.report", "Tell what came of an action that you ran.", ask, Report, ApprovalView,
            programs.report, "POST", "/approvals/{id}/report", mcp=False,
        ),
        Operation(
            "approvals.again", "Ask anew for what expired or became void.", decide, OneApproval, Decided,
            desk.again, "POST", "/approvals/{id}/again", mcp=False,
        ),
        Operation(
            "approvals.settle", "Say whether an action happened during which Hermes stopped.", decide, Settle,
            Decided, desk.settle, "POST", "/approvals/{id}/settle", mcp=False,
        ),
        Operation(
            "grants.list", "List standing permissions.", read, ListGrants, Grants,
            desk.grants, "GET", "/grants",
        ),
        Operation(
            "grants.revoke", "End a standing permission.", decide, OneGrant, GrantView,
            desk.revoke, "DELETE", "/grants/{id}", mcp=False,
        ),
        Operation(
            "classify", "Judge how risky a command is; nothing is run.", Scope.READ, Classify, Classified,
            desk.classify, "POST", "/classify",
        ),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Desk:
    """Carries out the operations of people and of those who watch."""

    service: ApprovalService
    database: Database
    clock: Clock
    reading: Reading

    async def list(self, principal: Principal, asked: ListApprovals) -> Approvals:
        """Return requests, each with a long result cut."""
        found = await self.reading.listed(principal, _filter(asked))
        return await self._page(principal, asked, found, self.reading.rows(principal, found))

    async def export(self, principal: Principal, asked: ListApprovals) -> Approvals:
        """Return requests, each with all that is known of it."""
        found = await self.reading.listed(principal, _filter(asked))
        shown = [await self.reading.shown(principal, approval) for approval in found]
        return await self._page(principal, asked, found, shown)

    async def _page(
        self,
        principal: Principal,
        asked: ListApprovals,
        found: Sequence[Approval],
        shown: Sequence[ApprovalView],
    ) -> Approvals:
        following = found[-1].id if len(found) == asked.limit else ""
        return Approvals([*shown], await self._waiting(principal), following)

    async def _waiting(self, principal: Principal) -> int:
        if everybodys(principal):
            counted = await self.database.read(approvals.counts)
            return sum(counted.get(state, 0) for state in WAITING)
        return len(await self.reading.listed(principal, Filter(states=WAITING, limit=200)))

    async def get(self, principal: Principal, asked: OneApproval) -> ApprovalView:
        """Return one request; that somebody who may decide has looked at it is part of its trail."""
        found = await self.reading.visible(principal, asked.id)
        if principal.may(Scope.APPROVALS_DECIDE):
            await self.reading.opened(principal, found)
        return await self.reading.shown(principal, found)

    async def decide(self, principal: Principal, asked: Decide) -> Decided:
        """Take a decision; raise what keeps it from counting."""
        how = HOW[asked.decision]
        if not everybodys(principal):
            raise AccessDenied(
                "Only operators and owners decide.", remedy="Use a token with the role operator."
            )
        found = await self.reading.visible(principal, asked.id)
        if how is How.ONCE and found.veto_left is not None and asked.text is None:
            how = How.RUN_NOW
        verdict = await self.service.decide(
            found,
            principal,
            how,
            reason=asked.reason,
            edited=asked.text,
            reach=asked.reach,
            code=asked.code,
        )
        return await self._told(principal, verdict)

    async def again(self, principal: Principal, asked: OneApproval) -> Decided:
        """Ask anew."""
        return await self._told(principal, await self.service.ask_again(asked.id, principal))

    async def settle(self, principal: Principal, asked: Settle) -> Decided:
        """Store a person's word."""
        verdict = await self.service.settle(asked.id, principal, happened=asked.happened, note=asked.note)
        return await self._told(principal, verdict)

    async def _told(self, principal: Principal, verdict: Verdict) -> Decided:
        if verdict.approval is None or verdict.outcome is Outcome.UNKNOWN:
            raise NotFound(verdict.sentence)
        if verdict.outcome is Outcome.NOT_YOURS:
            raise AccessDenied(verdict.sentence)
        if verdict.outcome is Outcome.NOT_POSSIBLE:
            raise InvalidInput(verdict.sentence)
        if verdict.outcome in TOO_LATE:
            raise Stale(verdict.sentence)
        replacement = verdict.replacement
        return Decided(
            verdict.outcome,
            verdict.sentence,
            await self.reading.shown(principal, verdict.approval),
            await self.reading.shown(principal, replacement) if replacement else None,
        )

    async def grants(self, principal: Principal, asked: ListGrants) -> Grants:
        """Return standing permissions; operators and owners see them."""
        if not everybodys(principal):
            return Grants([])
        found = await self.database.read(
            grants.listed,
            self.clock.now(),
            session_id=asked.session,
            everything=asked.everything,
            limit=asked.limit,
        )
        return Grants([grant_view(grant, self.reading.redact) for grant in found])

    async def revoke(self, principal: Principal, asked: OneGrant) -> GrantView:
        """End a standing permission."""
        return grant_view(await self.service.revoke(asked.id, principal), self.reading.redact)

    async def classify(self, _principal: Principal, asked: Classify) -> Classified:
        """Judge a text by the rules and the owner's own table."""
        folder = asked.cwd or NOWHERE
        action = Action(ActionKind.TERMINAL, "classify", "{}", asked.text, cwd=folder, workspaces=(folder,))
        found = await self.service.read(action)
        redact = self.reading.redact
        return Classified(
            str(found.tier),
            [reason_view(reason, redact) for reason in found.reasons],
            [
                SegmentView(
                    redact(one.text),
                    str(one.tier),
                    None if one.argv is None else [redact(word) for word in one.argv],
                    [{"effect": use.effect, "path": redact(use.path)} for use in one.paths],
                    [*one.scripts],
                )
                for one in found.segments
            ],
            found.digest,
        )


def _filter(asked: ListApprovals) -> Filter:
    states = {"waiting": WAITING, "over": OVER, "all": ()}.get(asked.state)
    wanted = Filter(
        states=(ApprovalState(asked.state),) if states is None else states,
        session_id=asked.session,
        kind=asked.kind,
        by=asked.by,
        words=asked.words,
    )
    tier = Tier.named(asked.tier) if asked.tier else Tier.NONE
    return replace(
        wanted, tier=tier, since=asked.since, until=asked.until, before=asked.before, limit=asked.limit
    )
