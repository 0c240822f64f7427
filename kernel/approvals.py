"""Approvals: an exact action, the request that a person decides, and what came of it."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from kernel.messages import Address
from kernel.risk import Reason, Tier
from kernel.states import ApprovalState


class ActionKind(StrEnum):
    """What sort of thing is to be done."""

    TERMINAL = "terminal"
    FILE = "file"
    REQUEST = "request"
    MCP = "mcp"
    SEND = "send"
    CONFIG = "config"
    QUESTION = "question"


@dataclass(frozen=True, slots=True)
class Action:
    """One exact action, with all that its effect depends on.

    ``arguments`` are the tool's as canonical JSON and ``text`` is the whole thing a person is shown. ``effect`` is the
    verb where the kind has several: a file's ``write``, ``append`` or ``delete_tree``, a request's method, the setting
    of a change. ``target`` is what it is aimed at: an absolute path, a URL, ``server.tool``, an address. ``cwd``,
    ``environment`` (the delta to the pinned one) and ``binary`` (absolute) bind a command; ``argv`` is set by the gate
    where it is one simple command, to be run without a shell, else the exact text runs in bash. ``inputs`` are absolute
    paths with the SHA-256 of their contents, or what a link points at, which must be the same when it runs; the gate
    adds programs and scripts. ``workspaces`` are the folders that count as the agent's own; ``branch`` is the
    checked-out git branch where known; ``host`` is the machine. ``editable`` names the argument that ``text`` is, where
    a person may edit it.
    """

    kind: ActionKind
    tool: str
    arguments: str
    text: str
    effect: str = ""
    target: str = ""
    cwd: str = ""
    environment: tuple[tuple[str, str], ...] = ()
    binary: str = ""
    argv: tuple[str, ...] | None = None
    inputs: tuple[tuple[str, str], ...] = ()
    workspaces: tuple[str, ...] = ()
    branch: str = ""
    host: str = ""
    editable: str = ""


def canonical(value: object) -> str:
    """Return the one JSON text of a value: sorted keys, no spaces, characters as they are."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def action_text(action: Action) -> str:
    """Return the canonical JSON of an action, as it is stored and as its digest is made."""
    return canonical(asdict(action))


def parse_action(text: str) -> Action:
    """Read what ``action_text`` wrote."""
    fields: dict[str, Any] = json.loads(text)
    argv = fields["argv"]
    return replace(
        Action(ActionKind(fields["kind"]), fields["tool"], fields["arguments"], fields["text"]),
        **{
            name: fields[name] for name in ("effect", "target", "cwd", "binary", "branch", "host", "editable")
        },
        environment=_pairs(fields["environment"]),
        inputs=_pairs(fields["inputs"]),
        workspaces=tuple(fields["workspaces"]),
        argv=None if argv is None else tuple(argv),
    )


def _pairs(rows: Iterable[Iterable[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in rows)


def digest(action: Action, requester: str) -> str:
    """Return the SHA-256, in hexadecimal, over everything an action's effect depends on and over who asks for it."""
    return hashlib.sha256(f"{canonical(requester)}\n{action_text(action)}".encode()).hexdigest()


def arguments_text(arguments: Mapping[str, Any]) -> str:
    """Return a tool's arguments as an action holds them."""
    return canonical(dict(arguments))


def edited(action: Action, text: str) -> Action:
    """Return the action with another text; what was bound to the old one is left open to be bound anew."""
    arguments: dict[str, Any] = json.loads(action.arguments)
    arguments[action.editable] = text
    return replace(action, arguments=arguments_text(arguments), text=text, binary="", argv=None, inputs=())


class How(StrEnum):
    """What a person decides."""

    ONCE = "once"
    SESSION = "session"
    ALWAYS = "always"
    RUN_NOW = "run_now"
    REFUSE = "refuse"
    HOLD = "hold"
    RELEASE = "release"

    @property
    def approves(self) -> bool:
        """Tell whether the action is to run."""
        return self in (How.ONCE, How.SESSION, How.ALWAYS, How.RUN_NOW)


class Reach(StrEnum):
    """How far a grant reaches; shown before it is given."""

    EXACT = "exact"
    TARGET = "target"


class Outcome(StrEnum):
    """What came of a decision, said to the one who decided."""

    APPLIED = "applied"
    COUNTED = "counted"
    CODE_NEEDED = "code_needed"
    ALREADY = "already"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    NOT_YOURS = "not_yours"
    NOT_POSSIBLE = "not_possible"
    DRIFTED = "drifted"
    UNKNOWN = "unknown"


class Runs(StrEnum):
    """Who carries the action out once it is approved: the daemon, or the one who asked."""

    HERE = "here"
    ASKER = "asker"


@dataclass(frozen=True, slots=True)
class Approval:
    """A request as it stands.

    ``id`` is 128 random bits in hexadecimal, ``short`` what a person types. ``requester`` is who asks
    (``agent:SESSION`` or a principal's id) and may never decide; ``behalf`` is the person whose turn it is. ``origin``
    is where the request came from, ``None`` for a program. ``needed`` approvers have to agree. Times are milliseconds
    since the epoch. ``veto_left`` are the milliseconds the low tier's clock still has and ``veto_since`` since when it
    runs (``None``: it stands). ``decided_how`` is a ``How``, ``"auto"`` for the clock, or ``""``; ``reason`` is a
    person's or says why the request became void. ``supersedes`` is the id of the request this one replaces.
    """

    id: str
    short: str
    state: ApprovalState
    requester: str
    behalf: str
    origin: Address | None
    session_id: str
    turn_id: str
    call_key: str
    action: Action
    digest: str
    tier: Tier
    reasons: tuple[Reason, ...]
    consequence: str
    runs: Runs
    created_at: int
    expires_at: int
    needed: int = 1
    veto_left: int | None = None
    veto_since: int | None = None
    decided_by: str = ""
    decided_name: str = ""
    decided_how: str = ""
    decided_at: int | None = None
    reason: str = ""
    result: str = ""
    exit_code: int | None = None
    started_at: int | None = None
    ended_at: int | None = None
    escalation: int = 0
    supersedes: str = ""

    @property
    def open(self) -> bool:
        """Tell whether it still waits for a decision."""
        return self.state in (ApprovalState.PENDING, ApprovalState.HELD)

    @property
    def granted(self) -> bool:
        """Tell whether it was decided in favour."""
        return self.state in (
            ApprovalState.APPROVED,
            ApprovalState.RUNNING,
            ApprovalState.DONE,
            ApprovalState.UNKNOWN,
        )

    @property
    def veto_until(self) -> int | None:
        """The time at which the low tier's clock runs out, ``None`` while it stands."""
        if self.veto_left is None or self.veto_since is None:
            return None
        return self.veto_since + self.veto_left


@dataclass(frozen=True, slots=True)
class Verdict:
    """The honest answer to a decision: the outcome, a sentence for the person, and the request as it is now.

    ``replacement`` is the request that was asked anew, where what it was bound to has changed.
    """

    outcome: Outcome
    sentence: str
    approval: Approval | None = None
    replacement: Approval | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """A standing permission; ``session_id`` is empty where it holds everywhere, ``pattern`` is what a person reads.

    ``key`` is the SHA-256 of what a later action must equal, ``tier`` the highest tier it lets pass.
    """

    id: str
    session_id: str
    kind: ActionKind
    tool: str
    reach: Reach
    key: str
    pattern: str
    tier: Tier
    approval_id: str
    granted_by: str
    granted_at: int
    expires_at: int
    revoked_at: int | None = None
    revoked_by: str = ""
    uses: int = 0
    used_at: int | None = None


@dataclass(frozen=True, slots=True)
class ApprovedCall:
    """A tool call that was approved and is now carried out, exactly as ``action`` says.

    ``call_key`` and ``turn_id`` name the call that was held; ``behalf`` is the principal's id whose turn it was.
    """

    approval_id: str
    action: Action
    turn_id: str
    session_id: str
    call_key: str
    origin: Address
    behalf: str

    @property
    def arguments(self) -> dict[str, Any]:
        """The tool's arguments."""
        return json.loads(self.action.arguments)


@dataclass(frozen=True, slots=True)
class CallResult:
    """What a carried out call gave: its text, and an exit code where it was a process."""

    text: str
    exit_code: int | None = None
