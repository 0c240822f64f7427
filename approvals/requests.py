"""Asking: a request is committed together with its event, the held call and the cards that are owed for it."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace

from approvals import wording
from approvals.policy import Assessed, claimed, raised
from approvals.room import Room, show
from kernel.approvals import Approval, Runs, digest
from kernel.crashpoints import crashpoint
from kernel.ids import ALPHABET
from kernel.messages import Address
from kernel.risk import Tier
from kernel.transitions import APPROVAL
from store import approval_cards, approvals, journal
from store.units import Unit

SHORT_LENGTH = 5
# Names to try for one request; with 10,000 open ones a name is taken once in 2,800 times.
SHORT_CHOICES = 8
ID_BYTES = 16


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, for whom and from where; the fields are those of an ``Approval``."""

    requester: str
    behalf: str
    origin: Address | None = None
    session_id: str = ""
    turn_id: str = ""
    call_key: str = ""
    runs: Runs = Runs.HERE


def asker_of(approval: Approval) -> Asker:
    """Return who asked for a request."""
    return Asker(
        approval.requester,
        approval.behalf,
        approval.origin,
        approval.session_id,
        approval.turn_id,
        approval.call_key,
        approval.runs,
    )


def assessed_again(room: Room, approval: Approval) -> Assessed:
    """Return how an action is judged now, at least as grave as whoever asked for it has called it. It reads files."""
    return raised(room.policy.assess(approval.action), claimed(approval.reasons))


def draft(
    room: Room, assessed: Assessed, asker: Asker, *, timeout_ms: int | None = None, supersedes: str = ""
) -> Approval:
    """Return a new request as it will be stored, but for its short name."""
    settings, now = room.settings, room.clock.now()
    tier = max(assessed.tier, Tier.LOW)
    clocked = assessed.harmless and settings.low.clock and asker.runs is Runs.HERE
    return Approval(
        id=secrets.token_hex(ID_BYTES),
        short="",
        state=APPROVAL.initial,
        requester=asker.requester,
        behalf=asker.behalf,
        origin=asker.origin,
        session_id=asker.session_id,
        turn_id=asker.turn_id,
        call_key=asker.call_key,
        action=assessed.action,
        digest=digest(assessed.action, asker.requester),
        tier=tier,
        reasons=assessed.classification.reasons,
        consequence=room.redact(wording.consequence(assessed)),
        runs=asker.runs,
        created_at=now,
        expires_at=now + min(timeout_ms or settings.expiry_ms, settings.expiry_ms),
        needed=2 if room.step_up(tier, "second_approver") else 1,
        veto_left=settings.veto_ms if clocked else None,
        supersedes=supersedes,
    )


def names() -> tuple[str, ...]:
    """Return short names to choose from; drawn before the unit, which may run twice."""
    return tuple("".join(secrets.choice(ALPHABET) for _ in range(SHORT_LENGTH)) for _ in range(SHORT_CHOICES))


def commit(tx: Unit, room: Room, new: Approval, shorts: tuple[str, ...]) -> Approval:
    """Store a request with all that belongs to it; the same call asked again gets the request it has."""
    if new.turn_id:
        known = approvals.of_call(tx, new.turn_id, new.call_key)
        if known is not None and known.id != new.supersedes:
            return known
    step = room.settings.escalation_ms
    stored = approvals.ask(tx, new, shorts, None if step is None else new.created_at + step)
    if stored.turn_id:
        journal.hold(tx, stored.turn_id, stored.call_key, stored.action.tool, stored.digest)
    approval_cards.add(tx, stored.id, room.notifier.asked(tx, stored))
    return stored


def replace_with(
    tx: Unit, room: Room, old: Approval, new: Approval, shorts: tuple[str, ...], why: str
) -> Approval:
    """Make a request void, say why on its cards, and ask anew in its place."""
    void = approvals.move(tx, old.id, "void", reason=why, ended_at=tx.now)
    approvals.note(tx, void, "drift", why=why)
    show(tx, room, void)
    return commit(tx, room, replace(new, supersedes=old.id), shorts)


async def store(room: Room, new: Approval, also: Callable[[Unit, Approval], None] | None = None) -> Approval:
    """Store a request with its cards and return it as it stands; ``also`` is part of the same unit."""
    crashpoint("approval.before_request")
    stored = await room.database.write(_store, room, new, names(), also)
    crashpoint("approval.after_request")
    return stored


def _store(
    tx: Unit,
    room: Room,
    new: Approval,
    shorts: tuple[str, ...],
    also: Callable[[Unit, Approval], None] | None,
) -> Approval:
    stored = commit(tx, room, new, shorts)
    if also is not None:
        also(tx, stored)
    return stored
