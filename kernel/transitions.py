"""The transition tables: ``(state, event) -> state`` for every machine.

Code asks a table for the next state and never compares states to decide a move. The pictures in ``docs/`` are
generated from these tables.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from kernel.errors import IllegalTransition
from kernel.states import AdapterState as A
from kernel.states import ApprovalState as P
from kernel.states import AttemptState as R
from kernel.states import FireState as F
from kernel.states import HandoffState as H
from kernel.states import InboxState as I
from kernel.states import OutboxState as O
from kernel.states import QuestionState as Q
from kernel.states import ScheduleState as J
from kernel.states import State
from kernel.states import TaskState as K
from kernel.states import ToolCallState as C
from kernel.states import TurnState as T

S = TypeVar("S", bound=State)


@dataclass(frozen=True, slots=True)
class Machine(Generic[S]):
    """A state machine: its name (also its table in the store), its first state and its moves."""

    name: str
    initial: S
    moves: Mapping[tuple[S, str], S]

    def move(self, state: S, event: str) -> S:
        """Return the state that ``event`` leads to; raise IllegalTransition where the table has no such move."""
        try:
            return self.moves[state, event]
        except KeyError:
            raise IllegalTransition(f"{self.name}: no move from {state} on {event}.") from None

    def sources(self, event: str) -> tuple[S, ...]:
        """Return the states in which ``event`` is allowed, in the table's order."""
        return tuple(state for state, name in self.moves if name == event)

    def target(self, event: str) -> S:
        """Return the one state ``event`` leads to; raise IllegalTransition where it leads to none or to several."""
        targets = {to for (_, name), to in self.moves.items() if name == event}
        if len(targets) != 1:
            raise IllegalTransition(f"{self.name}: {event} leads to {len(targets)} states.")
        return targets.pop()

    @property
    def events(self) -> tuple[str, ...]:
        """All event names, in the table's order, once each."""
        return tuple(dict.fromkeys(name for _, name in self.moves))

    @property
    def final(self) -> frozenset[S]:
        """The states that no event leaves."""
        return frozenset(type(self.initial)) - {state for state, _ in self.moves}


INBOX: Machine[I] = Machine(
    "inbox",
    I.RECEIVED,
    {
        (I.RECEIVED, "admit"): I.QUEUED,
        (I.RECEIVED, "ignore"): I.IGNORED,
        (I.RECEIVED, "handle"): I.DONE,
        (I.QUEUED, "start"): I.RUNNING,
        (I.RUNNING, "finish"): I.DONE,
        (I.RUNNING, "release"): I.QUEUED,
        (I.RECEIVED, "cancel"): I.CANCELLED,
        (I.QUEUED, "cancel"): I.CANCELLED,
        (I.RUNNING, "cancel"): I.CANCELLED,
        (I.RECEIVED, "quarantine"): I.DEAD,
        (I.QUEUED, "quarantine"): I.DEAD,
        (I.RUNNING, "quarantine"): I.DEAD,
        (I.DEAD, "revive"): I.QUEUED,
    },
)

TURN: Machine[T] = Machine(
    "turn",
    T.RUNNING,
    {
        (T.RUNNING, "interrupt"): T.INTERRUPTED,
        (T.INTERRUPTED, "resume"): T.RUNNING,
        (T.RUNNING, "suspend"): T.SUSPENDED,
        (T.SUSPENDED, "settle"): T.DONE,
        (T.RUNNING, "finish"): T.DONE,
        (T.RUNNING, "fail"): T.FAILED,
        (T.INTERRUPTED, "fail"): T.FAILED,
        (T.RUNNING, "cancel"): T.CANCELLED,
        (T.INTERRUPTED, "cancel"): T.CANCELLED,
        (T.SUSPENDED, "cancel"): T.CANCELLED,
    },
)

OUTBOX: Machine[O] = Machine(
    "outbox",
    O.PENDING,
    {
        (O.PENDING, "claim"): O.SENDING,
        (O.SENDING, "defer"): O.PENDING,
        (O.SENDING, "doubt"): O.UNCERTAIN,
        (O.UNCERTAIN, "resend"): O.SENDING,
        (O.SENDING, "confirm"): O.SENT,
        (O.UNCERTAIN, "confirm"): O.SENT,
        (O.PENDING, "reject"): O.DEAD,
        (O.SENDING, "reject"): O.DEAD,
        (O.UNCERTAIN, "reject"): O.DEAD,
        (O.PENDING, "cancel"): O.CANCELLED,
        (O.DEAD, "revive"): O.PENDING,
    },
)

QUESTION: Machine[Q] = Machine(
    "question",
    Q.OPEN,
    {
        (Q.OPEN, "answer"): Q.ANSWERED,
        (Q.OPEN, "expire"): Q.EXPIRED,
        (Q.OPEN, "cancel"): Q.CANCELLED,
    },
)

TOOL_CALL: Machine[C] = Machine(
    "tool_call",
    C.INTENT,
    {
        (C.INTENT, "finish"): C.DONE,
        (C.INTENT, "hold"): C.HELD,
        (C.INTENT, "lose"): C.UNKNOWN,
        (C.HELD, "finish"): C.DONE,
        (C.HELD, "lose"): C.UNKNOWN,
        (C.UNKNOWN, "finish"): C.DONE,
    },
)

APPROVAL: Machine[P] = Machine(
    "approval",
    P.PENDING,
    {
        (P.PENDING, "hold"): P.HELD,
        (P.HELD, "release"): P.PENDING,
        (P.PENDING, "approve"): P.APPROVED,
        (P.HELD, "approve"): P.APPROVED,
        (P.PENDING, "refuse"): P.REFUSED,
        (P.HELD, "refuse"): P.REFUSED,
        (P.PENDING, "expire"): P.EXPIRED,
        (P.HELD, "expire"): P.EXPIRED,
        (P.APPROVED, "expire"): P.EXPIRED,
        (P.PENDING, "void"): P.VOID,
        (P.HELD, "void"): P.VOID,
        (P.APPROVED, "void"): P.VOID,
        (P.PENDING, "cancel"): P.CANCELLED,
        (P.HELD, "cancel"): P.CANCELLED,
        (P.APPROVED, "cancel"): P.CANCELLED,
        (P.APPROVED, "start"): P.RUNNING,
        (P.RUNNING, "finish"): P.DONE,
        (P.RUNNING, "lose"): P.UNKNOWN,
        (P.UNKNOWN, "settle"): P.DONE,
    },
)

HANDOFF: Machine[H] = Machine(
    "handoff",
    H.NONE,
    {
        **{(state, "request"): H.PENDING for state in (H.NONE, H.COMPLETED, H.FAILED, H.CANCELLED)},
        (H.PENDING, "claim"): H.RUNNING,
        (H.PENDING, "cancel"): H.CANCELLED,
        (H.RUNNING, "complete"): H.COMPLETED,
        (H.RUNNING, "fail"): H.FAILED,
    },
)

ADAPTER: Machine[A] = Machine(
    "adapter",
    A.STOPPED,
    {
        **{(state, "start"): A.CONNECTING for state in A if state is not A.CONNECTING},
        **{
            (state, "connect"): A.CONNECTED
            for state in (A.CONNECTING, A.DEGRADED, A.RATE_LIMITED, A.CONFLICT)
        },
        **{
            (state, "degrade"): A.DEGRADED
            for state in (A.CONNECTING, A.CONNECTED, A.RATE_LIMITED, A.CONFLICT)
        },
        **{(state, "limit"): A.RATE_LIMITED for state in (A.CONNECTING, A.CONNECTED, A.DEGRADED)},
        **{
            (state, "conflict"): A.CONFLICT
            for state in (A.CONNECTING, A.CONNECTED, A.DEGRADED, A.RATE_LIMITED)
        },
        **{
            (state, "refuse"): A.UNAUTHORISED
            for state in (A.CONNECTING, A.CONNECTED, A.DEGRADED, A.RATE_LIMITED)
        },
        **{(state, "pause"): A.PAUSED for state in A if state is not A.PAUSED},
        **{(state, "stop"): A.STOPPED for state in A if state is not A.STOPPED},
    },
)

# The groups of a task's states, for whoever lists or counts; moves are in the tables alone.
READY = (K.OPEN, K.ASSIGNED, K.CHANGES_REQUESTED)
WORKING = (K.IN_PROGRESS, K.RESEARCHING, K.DRAFTING, K.EDITING)
UNDER_WAY = (K.CLAIMED, *WORKING, K.NEEDS_HUMAN)
AT_REST = (K.TRIAGE, K.OPEN, K.BLOCKED, K.ASSIGNED, K.CHANGES_REQUESTED)
UNFINISHED = (*AT_REST, *UNDER_WAY, K.IN_REVIEW)
PHASES = {
    K.IN_PROGRESS: "work",
    K.RESEARCHING: "research",
    K.DRAFTING: "draft",
    K.EDITING: "edit",
}

TASK: Machine[K] = Machine(
    "task",
    K.OPEN,
    {
        **{
            (state, "open"): K.OPEN
            for state in (K.TRIAGE, K.BLOCKED, K.ASSIGNED, K.CHANGES_REQUESTED, *UNDER_WAY)
        },
        **{(state, "assign"): K.ASSIGNED for state in (*AT_REST, *UNDER_WAY)},
        **{(state, "block"): K.BLOCKED for state in (*AT_REST, *UNDER_WAY)},
        **{(state, "gave_up"): K.BLOCKED for state in (*READY, *UNDER_WAY)},
        **{(state, "triage"): K.TRIAGE for state in (*READY, K.BLOCKED, *UNDER_WAY, K.FAILED)},
        **{(state, "claim"): K.CLAIMED for state in READY},
        **{
            (state, event): phase
            for phase, event in PHASES.items()
            for state in UNDER_WAY
            if state is not phase
        },
        **{(state, "ask"): K.NEEDS_HUMAN for state in WORKING},
        **{(state, "submit"): K.IN_REVIEW for state in (*WORKING, K.NEEDS_HUMAN)},
        (K.IN_REVIEW, "request_changes"): K.CHANGES_REQUESTED,
        (K.IN_REVIEW, "escalate"): K.NEEDS_HUMAN,
        (K.IN_REVIEW, "accept"): K.DONE,
        **{
            (state, "complete"): K.DONE
            for state in (K.TRIAGE, K.OPEN, K.ASSIGNED, K.CHANGES_REQUESTED, *UNDER_WAY)
        },
        **{(state, "fail"): K.FAILED for state in UNFINISHED},
        **{(state, "cancel"): K.CANCELLED for state in (*UNFINISHED, K.FAILED)},
        **{(state, "reclaim"): K.OPEN for state in (*AT_REST, *UNDER_WAY, K.FAILED)},
    },
)

LIVE = (R.CLAIMED, R.RUNNING, R.WAITING)

ATTEMPT: Machine[R] = Machine(
    "attempt",
    R.CLAIMED,
    {
        (R.CLAIMED, "start"): R.RUNNING,
        (R.RUNNING, "wait"): R.WAITING,
        (R.WAITING, "resume"): R.RUNNING,
        (R.CLAIMED, "spawn_failed"): R.SPAWN_FAILED,
        **{(state, "succeeded"): R.SUCCEEDED for state in (R.RUNNING, R.WAITING)},
        **{
            (state, str(outcome)): outcome
            for outcome in (
                R.FAILED,
                R.TIMED_OUT,
                R.CRASHED,
                R.LOST,
                R.RELEASED,
                R.HANDED_OFF,
                R.CANCELLED,
            )
            for state in LIVE
        },
    },
)

SCHEDULE: Machine[J] = Machine(
    "schedule",
    J.ACTIVE,
    {
        (J.ACTIVE, "pause"): J.PAUSED,
        (J.PAUSED, "resume"): J.ACTIVE,
        (J.OVER, "resume"): J.ACTIVE,
        (J.ACTIVE, "finish"): J.OVER,
        **{(state, "delete"): J.DELETED for state in (J.ACTIVE, J.PAUSED, J.OVER)},
    },
)

# A fire is unfinished in these; the others are its ends.
UNFINISHED_FIRES = (F.DUE, F.CLAIMED, F.RUNNING, F.WAITING)

FIRE: Machine[F] = Machine(
    "fire",
    F.DUE,
    {
        (F.DUE, "claim"): F.CLAIMED,
        (F.DUE, "miss"): F.MISSED,
        **{(state, "skip"): F.SKIPPED for state in (F.DUE, F.CLAIMED, F.RUNNING)},
        (F.CLAIMED, "start"): F.RUNNING,
        (F.CLAIMED, "release"): F.DUE,
        (F.RUNNING, "wait"): F.WAITING,
        (F.WAITING, "go_on"): F.RUNNING,
        **{(state, "retry"): F.DUE for state in (F.CLAIMED, F.RUNNING, F.WAITING)},
        **{(state, "finish"): F.DONE for state in (F.CLAIMED, F.RUNNING, F.WAITING)},
        **{(state, "fail"): F.FAILED for state in (F.CLAIMED, F.RUNNING, F.WAITING)},
        **{(state, "lose"): F.LOST for state in (F.RUNNING, F.WAITING)},
        **{(state, "cancel"): F.CANCELLED for state in UNFINISHED_FIRES},
    },
)

MACHINES: tuple[
    Machine[I]
    | Machine[T]
    | Machine[O]
    | Machine[Q]
    | Machine[C]
    | Machine[P]
    | Machine[H]
    | Machine[K]
    | Machine[R]
    | Machine[J]
    | Machine[F]
    | Machine[A],
    ...,
] = (
    INBOX,
    TURN,
    OUTBOX,
    QUESTION,
    TOOL_CALL,
    APPROVAL,
    HANDOFF,
    TASK,
    ATTEMPT,
    SCHEDULE,
    FIRE,
    ADAPTER,
)
