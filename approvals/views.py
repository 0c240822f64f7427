"""A request as programs and pages see it: complete, with odd characters escaped and secrets taken out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from approvals import wording
from approvals.grants import AIMED
from approvals.shell.characters import escape
from kernel.approvals import Action, Approval, Grant, Runs
from kernel.events import Scalar
from kernel.risk import Reason, Tier
from kernel.states import ApprovalState
from store.approval_trail import Step

Redact = Callable[[str], str]
UNLIMITED = 100_000_000
# Characters of a result in a list; the request itself has all of it.
RESULT_SHOWN = 2_000


@dataclass(frozen=True, slots=True)
class ReasonView:
    """Why something has its tier: the rule, a sentence, and the piece of text it is about."""

    tier: str
    rule: str
    why: str
    text: str


@dataclass(frozen=True, slots=True)
class StepView:
    """Something that happened to a request; ``body`` holds ids and digests."""

    at: int
    kind: str
    actor: str
    body: Mapping[str, Scalar]


@dataclass(frozen=True, slots=True)
class ApprovalView:
    """A request for approval; times are in milliseconds since the epoch, secrets are replaced by ``[redacted]``.

    ``text`` is the whole action with odd characters escaped; ``editable`` is the exact text where a person may edit it.
    ``choices`` are the decisions that are possible now, ``exact`` and ``target`` what a standing permission would let
    pass. ``sentence`` says how it stands. ``result`` is cut in lists.
    """

    id: str
    short: str
    state: str
    tier: str
    kind: str
    tool: str
    text: str
    effect: str
    target: str
    cwd: str
    host: str
    environment: Mapping[str, str]
    reasons: list[ReasonView]
    consequence: str
    sentence: str
    requester: str
    behalf: str
    session: str
    runs: str
    digest: str
    created_at: int
    expires_at: int
    veto_until: int | None
    clock: bool
    needed: int
    agreed: list[str]
    decided_by: str
    decided_name: str
    decided_how: str
    decided_at: int | None
    reason: str
    result: str
    exit_code: int | None
    started_at: int | None
    ended_at: int | None
    supersedes: str
    superseded_by: str
    choices: list[str]
    editable: str
    exact: str
    target_pattern: str
    trail: list[StepView] = field(default_factory=list[StepView])


@dataclass(frozen=True, slots=True)
class GrantView:
    """A standing permission; ``session`` is empty where it holds everywhere."""

    id: str
    session: str
    kind: str
    tool: str
    pattern: str
    tier: str
    approval: str
    granted_by: str
    granted_at: int
    expires_at: int
    revoked_at: int | None
    revoked_by: str
    uses: int
    used_at: int | None


@dataclass(frozen=True, slots=True)
class Around:
    """What a request's row does not hold: who agrees, what took its place, and its trail."""

    agreed: tuple[str, ...] = ()
    follower: str = ""
    trail: tuple[Step, ...] = ()


NOTHING_AROUND = Around()


def view(approval: Approval, redact: Redact, around: Around = NOTHING_AROUND, *, whole: bool) -> ApprovalView:
    """Return a request as it is shown; ``whole`` keeps a long result."""
    action = approval.action

    def shown(text: str) -> str:
        return escape(redact(text), UNLIMITED)

    return ApprovalView(
        id=approval.id,
        short=approval.short,
        state=approval.state,
        tier=str(approval.tier),
        kind=action.kind,
        tool=action.tool,
        text=shown(action.text),
        effect=action.effect,
        target=shown(action.target),
        cwd=shown(action.cwd),
        host=action.host,
        environment={name: shown(value) for name, value in action.environment},
        reasons=[reason_view(reason, redact) for reason in approval.reasons],
        consequence=shown(approval.consequence),
        sentence=shown(wording.decided(approval)),
        requester=approval.requester,
        behalf=approval.behalf,
        session=approval.session_id,
        runs=approval.runs,
        digest=approval.digest,
        created_at=approval.created_at,
        expires_at=approval.expires_at,
        veto_until=approval.veto_until,
        clock=approval.veto_left is not None,
        needed=approval.needed,
        agreed=list(around.agreed),
        decided_by=approval.decided_by,
        decided_name=shown(approval.decided_name),
        decided_how=approval.decided_how,
        decided_at=approval.decided_at,
        reason=shown(approval.reason),
        result=redact(approval.result if whole else approval.result[:RESULT_SHOWN]),
        exit_code=approval.exit_code,
        started_at=approval.started_at,
        ended_at=approval.ended_at,
        supersedes=approval.supersedes,
        superseded_by=around.follower,
        choices=choices(approval, redact),
        editable=_editable(action, redact) if approval.open else "",
        exact=shown(wording.pattern(action, exact=True)) if _may_last(approval) else "",
        target_pattern=_target_pattern(approval, shown),
        trail=[StepView(step.at, step.kind, step.actor, step.body) for step in around.trail],
    )


def reason_view(reason: Reason, redact: Redact) -> ReasonView:
    """Return a reason; its text is escaped by whoever found it."""
    return ReasonView(str(reason.tier), reason.rule, redact(reason.why), redact(reason.text))


def _editable(action: Action, redact: Redact) -> str:
    """Return the text to edit; one with a secret in it could only be approved mutilated."""
    return action.text if action.editable and redact(action.text) == action.text else ""


def _may_last(approval: Approval) -> bool:
    return approval.open and approval.runs is Runs.HERE and approval.tier <= Tier.MEDIUM


def _target_pattern(approval: Approval, shown: Redact) -> str:
    aimed = approval.action.kind in AIMED and approval.action.target
    return shown(wording.pattern(approval.action, exact=False)) if aimed and _may_last(approval) else ""


def choices(approval: Approval, redact: Redact) -> list[str]:
    """Return the words of the decisions that a request takes as it stands."""
    if approval.state is ApprovalState.UNKNOWN:
        return ["happened", "failed"]
    if approval.state in (ApprovalState.EXPIRED, ApprovalState.VOID):
        return ["again"]
    if not approval.open:
        return []
    lasting = ["approve_session", "approve_always"] if _may_last(approval) else []
    edit = ["edit"] if _editable(approval.action, redact) else []
    hold = "release" if approval.state is ApprovalState.HELD else "hold"
    return ["approve", "reject", *lasting, *edit, hold]


def grant_view(grant: Grant, redact: Redact) -> GrantView:
    """Return a standing permission as it is shown."""
    return GrantView(
        grant.id,
        grant.session_id,
        grant.kind,
        grant.tool,
        escape(redact(grant.pattern), UNLIMITED),
        str(grant.tier),
        grant.approval_id,
        grant.granted_by,
        grant.granted_at,
        grant.expires_at,
        grant.revoked_at,
        grant.revoked_by,
        grant.uses,
        grant.used_at,
    )
