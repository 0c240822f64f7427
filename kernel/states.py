"""The states of every machine, each with the sentence that a person is shown."""

from enum import StrEnum
from typing import Self


class State(StrEnum):
    """A state that carries its own sentence."""

    sentence: str

    def __new__(cls, value: str, sentence: str) -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.sentence = sentence
        return member


class InboxState(State):
    """Where an inbound message is on its way to an answer."""

    RECEIVED = "received", "Committed and acknowledged; the rings have not looked at it yet."
    QUEUED = "queued", "Admitted and waiting for its session."
    RUNNING = "running", "Part of the turn that is running."
    DONE = "done", "Answered, or carried out as a command."
    IGNORED = "ignored", "Not meant for us, or its sender is not admitted."
    CANCELLED = "cancelled", "Withdrawn by its sender before it was answered."
    DEAD = "dead", "Quarantined after repeated failures; its sender was told."


class TurnState(State):
    """Where one run of an agent is."""

    RUNNING = "running", "The agent is at work."
    INTERRUPTED = "interrupted", "The daemon stopped in the middle; the turn continues from its journal."
    SUSPENDED = "suspended", "The agent waits for a person's decision and costs nothing."
    DONE = "done", "The answer is committed."
    FAILED = "failed", "The turn ended in an error that was explained to the person."
    CANCELLED = "cancelled", "A person stopped the turn."


class OutboxState(State):
    """Where an owed message is on its way to the platform."""

    PENDING = "pending", "Committed and waiting to be sent."
    SENDING = "sending", "Handed to the platform; the receipt is not stored yet."
    SENT = "sent", "The platform confirmed it."
    UNCERTAIN = "uncertain", "Handed over without a receipt; it is being reconciled."
    DEAD = "dead", "The platform will not take it; the owner can see why."
    CANCELLED = "cancelled", "Withdrawn before it was sent."


class AdapterState(State):
    """How a platform's connection is, and what the operator can do about it."""

    STOPPED = "stopped", "Not running."
    PAUSED = "paused", "Paused by an operator; /platforms resume NAME starts it again."
    CONNECTING = "connecting", "Connecting."
    CONNECTED = "connected", "Connected; messages flow."
    DEGRADED = "degraded", "Connection trouble; Hermes keeps trying by itself."
    RATE_LIMITED = "rate_limited", "The platform asked to wait; Hermes resumes by itself."
    CONFLICT = "conflict", "Another program receives with the same token; stop it or use another token."
    UNAUTHORISED = "unauthorised", "The platform refuses the token; set a valid one and restart."


class QuestionState(State):
    """Where a question to a person is."""

    OPEN = "open", "Asked and waiting for an answer."
    ANSWERED = "answered", "A person answered."
    EXPIRED = "expired", "Nobody answered in time."
    CANCELLED = "cancelled", "No longer needed."


class ToolCallState(State):
    """Where one journalled tool call is."""

    INTENT = "intent", "Written down before it runs; after a crash its outcome is unknown."
    DONE = "done", "Its result is stored and is replayed instead of run again."
    HELD = "held", "It waits for a person's decision."
    UNKNOWN = "unknown", "It may have run before a crash; the owner was asked."


class ApprovalState(State):
    """Where a request for approval is."""

    PENDING = "pending", "Asked and waiting for a decision."
    HELD = "held", "A person put it on hold; no clock runs for it."
    APPROVED = "approved", "Approved and about to be carried out."
    RUNNING = "running", "Being carried out; its approval is used up."
    DONE = "done", "Carried out; the result is stored."
    REFUSED = "refused", "A person said no."
    EXPIRED = "expired", "Nobody decided in time, which counts as no."
    VOID = "void", "What it was bound to has changed; it was asked anew."
    UNKNOWN = "unknown", "Whoever ran it never said how it ended; it may have happened and is never run again."
    CANCELLED = "cancelled", "No longer needed."


class HandoffState(State):
    """Where the latest handoff of a session to another surface is."""

    NONE = "none", "The session was never handed over."
    PENDING = "pending", "Asked for; nobody has taken it up yet."
    RUNNING = "running", "Under way, with a lease and a deadline."
    COMPLETED = "completed", "Arrived; the session belongs to its new place."
    FAILED = "failed", "Something went wrong; the session is back with its former owner."
    CANCELLED = "cancelled", "Withdrawn before it was taken up; nothing has moved."


class TaskState(State):
    """Where a task on the board is."""

    TRIAGE = "triage", "A person must look at it before anything else happens."
    OPEN = "open", "Its dependencies are met; anyone able may take it."
    BLOCKED = "blocked", "It waits for other tasks, or for somebody to do what it names."
    ASSIGNED = "assigned", "Ready for the one it is assigned to."
    CLAIMED = "claimed", "Taken, with a lease; the attempt has not started yet."
    IN_PROGRESS = "in_progress", "Being worked on."
    RESEARCHING = "researching", "Being worked on: facts are gathered."
    DRAFTING = "drafting", "Being worked on: a first version is made."
    EDITING = "editing", "Being worked on: the version is improved."
    NEEDS_HUMAN = "needs_human", "One question is open; the work goes on with its answer."
    IN_REVIEW = "in_review", "Submitted and waiting for a review."
    CHANGES_REQUESTED = "changes_requested", "A review asked for changes; it is ready to be taken again."
    DONE = "done", "Completed."
    FAILED = "failed", "Given up by a person, a review or a spent budget; reclaiming it gives it a fresh one."
    CANCELLED = "cancelled", "Withdrawn."


class AttemptState(State):
    """Where one execution of a task is, or how it ended."""

    CLAIMED = "claimed", "The task is taken; nothing has started."
    RUNNING = "running", "At work."
    WAITING = "waiting", "Waits for a person and costs nothing."
    SUCCEEDED = "succeeded", "Brought a result."
    FAILED = "failed", "Ended in an error of its own."
    TIMED_OUT = "timed_out", "Took longer than it may."
    CRASHED = "crashed", "Its process ended in a way nobody asked for."
    LOST = "lost", "Gave no sign of life until its lease was over."
    SPAWN_FAILED = "spawn_failed", "Could not be started."
    RELEASED = "released", "Given back without a verdict."
    HANDED_OFF = "handed_off", "Given to somebody else."
    CANCELLED = "cancelled", "Ended because the task was withdrawn."


class ScheduleState(State):
    """Where a scheduled job is."""

    ACTIVE = "active", "Runs when its time comes."
    PAUSED = "paused", "Paused by a person, or after failures; nothing runs until it is resumed."
    OVER = "over", "Its last time has come; it stays in the list with its history."
    DELETED = "deleted", "Deleted; only its history is kept."


class FireState(State):
    """Where one instant of a scheduled job is."""

    DUE = "due", "Its time has come, and it waits to be taken up."
    CLAIMED = "claimed", "Taken up; the work has not begun."
    RUNNING = "running", "At work."
    WAITING = "waiting", "Waits for a person's decision and costs nothing."
    DONE = "done", "Ran to its end."
    FAILED = "failed", "Ended in an error that was explained."
    SKIPPED = "skipped", "Not run: its condition was not met, or the run before it was still at work."
    MISSED = "missed", "Its time came while Hermes was away or the clock jumped; it is on record and was not run."
    LOST = "lost", "The daemon stopped while it ran; it may have happened and is not run again."
    CANCELLED = "cancelled", "Withdrawn by a person."
