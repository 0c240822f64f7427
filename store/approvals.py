"""Requests for approval: asked, decided, carried out, and found again."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from kernel.approvals import Approval, Runs, action_text, parse_action
from kernel.errors import NotFound, StoreError
from kernel.events import Scalar
from kernel.messages import Address
from kernel.risk import Reason, Tier
from kernel.states import ApprovalState
from kernel.transitions import APPROVAL
from store.units import Query, Unit, Value

INSERT = """
INSERT INTO approval (id, short, session_id, turn_id, call_key, requester, behalf, origin, kind, tool, action, digest,
    tier, reasons, consequence, runs, state, needed, veto_left, escalate_at, created_at, expires_at, supersedes)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
BY_ID = "SELECT * FROM approval WHERE id = ?"
LIVE = "'pending', 'held', 'approved', 'running', 'unknown'"
SHORT_TAKEN = f"SELECT 1 FROM approval WHERE short = ? AND state IN ({LIVE})"  # noqa: S608 - our own constant
BY_SHORT = f"""
SELECT * FROM approval WHERE short = ? ORDER BY state IN ({LIVE}) DESC, created_at DESC LIMIT 1
"""  # noqa: S608 - our own constant
OF_CALL = (
    "SELECT * FROM approval WHERE turn_id = ? AND call_key = ? ORDER BY created_at DESC, rowid DESC LIMIT 1"
)
FOLLOWED = "SELECT * FROM approval WHERE supersedes = ? ORDER BY created_at DESC LIMIT 1"
OPEN_OF_SESSION = """
SELECT id FROM approval WHERE session_id = ? AND state IN ('pending', 'held', 'approved') ORDER BY created_at
"""
MOVING = f"SELECT id FROM approval WHERE session_id = ? AND state IN ({LIVE}) ORDER BY created_at"  # noqa: S608 - our own constant
READDRESS = "UPDATE approval SET origin = ?, behalf = ? WHERE id = ?"
WAITED_FOR = f"SELECT 1 FROM approval WHERE turn_id = ? AND state IN ({LIVE}) LIMIT 1"  # noqa: S608 - our own constant
NEXT_EXPIRY = "SELECT min(expires_at) AS due FROM approval WHERE state IN ('pending', 'held', 'approved')"
NEXT_ESCALATION = (
    "SELECT min(escalate_at) AS due FROM approval WHERE state = 'pending' AND escalate_at IS NOT NULL"
)
END_ESCALATION = "UPDATE approval SET escalate_at = NULL WHERE id = ?"
EXPIRED = """
SELECT id FROM approval WHERE state IN ('pending', 'held', 'approved') AND expires_at <= ? ORDER BY expires_at LIMIT ?
"""
TO_ESCALATE = """
SELECT id FROM approval WHERE state = 'pending' AND escalate_at IS NOT NULL AND escalate_at <= ?
ORDER BY escalate_at LIMIT ?
"""
_CARRIED = f"state IN ({LIVE}) AND state = 'running' AND runs = 'asker'"
SILENT = f"""
SELECT id FROM approval WHERE {_CARRIED} AND started_at <= ? ORDER BY started_at LIMIT ?
"""  # noqa: S608 - our own constants
LONGEST_SILENCE = f"SELECT min(started_at) AS since FROM approval WHERE {_CARRIED}"  # noqa: S608 - our own constant
CLOCKS = "SELECT id FROM approval WHERE state = 'pending' AND veto_left IS NOT NULL"
IN_STATE = f"""
SELECT id FROM approval WHERE state IN ({LIVE}) AND state = ? AND runs = 'here' ORDER BY created_at
"""  # noqa: S608 - our own constant
VOTE = "INSERT INTO approval_vote (approval_id, principal, name, voted_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
VOTES = "SELECT principal, name FROM approval_vote WHERE approval_id = ? ORDER BY voted_at, principal"
SET_CLOCK = "UPDATE approval SET veto_left = ?, veto_since = ? WHERE id = ? AND state = 'pending'"
PAUSE_ALL = """
UPDATE approval SET veto_since = NULL WHERE state = 'pending' AND veto_left IS NOT NULL AND veto_since IS NOT NULL
"""
ESCALATE = (
    "UPDATE approval SET escalation = escalation + 1, escalate_at = ? WHERE id = ? AND state = 'pending'"
)
SET_CODE = "UPDATE approval SET code_hash = ?, code_tries = 0 WHERE id = ?"
COUNT_TRY = "UPDATE approval SET code_tries = code_tries + 1 WHERE id = ?"
CODE = "SELECT code_hash, code_tries FROM approval WHERE id = ?"
COUNTS = """
SELECT state, count(*) AS n FROM approval WHERE state IN ('pending', 'held', 'approved', 'running', 'unknown')
GROUP BY state
"""
FIND = """
SELECT * FROM approval WHERE (:states = '' OR instr(:states, ' ' || state || ' '))
    AND (:session = '' OR session_id = :session)
    AND (:kind = '' OR kind = :kind) AND (:tier = 0 OR tier = :tier)
    AND created_at >= :since AND created_at < :until
    AND (:words = '' OR instr(lower(action), lower(:words)) OR short = :words OR id = :words)
    AND (:by = '' OR decided_by = :by) AND (:before = 0 OR rowid < :before)
    AND (:asker = '' OR requester = :asker OR behalf = :asker)
ORDER BY rowid DESC LIMIT :limit
"""
OF_SESSION = "SELECT * FROM approval WHERE session_id = ? ORDER BY created_at, id"
WAITING = """
SELECT * FROM approval WHERE state IN ('pending', 'held', 'approved') AND state <> 'approved'
ORDER BY expires_at LIMIT ?
"""
NUMBER = "SELECT rowid AS number FROM approval WHERE id = ?"
PAGE_ROWS = 500
FOR_EVER = 1 << 62


@dataclass(frozen=True, slots=True)
class Filter:
    """What to look for; empty fields do not restrict.

    ``since`` and ``until`` are creation times in milliseconds, ``words`` is looked for in the action (or is an id),
    ``by`` is the id of who decided, ``asker`` of who asked or for whom, ``before`` the id of the last request of the
    page before.
    """

    states: tuple[ApprovalState, ...] = ()
    session_id: str = ""
    kind: str = ""
    tier: Tier = Tier.NONE
    by: str = ""
    asker: str = ""
    words: str = ""
    since: int = 0
    until: int = FOR_EVER
    before: str = ""
    limit: int = 50


def row_of(row: sqlite3.Row) -> Approval:
    """Map a row of the table."""
    origin = json.loads(row["origin"]) if row["origin"] else None
    return Approval(
        id=row["id"],
        short=row["short"],
        state=ApprovalState(row["state"]),
        requester=row["requester"],
        behalf=row["behalf"],
        origin=Address(*origin) if origin else None,
        session_id=row["session_id"] or "",
        turn_id=row["turn_id"] or "",
        call_key=row["call_key"] or "",
        action=parse_action(row["action"]),
        digest=row["digest"],
        tier=Tier(row["tier"]),
        reasons=tuple(
            Reason(Tier.named(item["tier"]), item["rule"], item["why"], item["text"])
            for item in json.loads(row["reasons"])
        ),
        consequence=row["consequence"],
        runs=Runs(row["runs"]),
        supersedes=row["supersedes"] or "",
        **{name: row[name] for name in _PLAIN},
    )


_PLAIN = (
    "created_at",
    "expires_at",
    "needed",
    "veto_left",
    "veto_since",
    "decided_by",
    "decided_name",
    "decided_how",
    "decided_at",
    "reason",
    "result",
    "exit_code",
    "started_at",
    "ended_at",
    "escalation",
)


def ask(tx: Unit, new: Approval, shorts: Sequence[str], escalate_at: int | None) -> Approval:
    """Store a request under the first of ``shorts`` that is free, its time being the unit's."""
    short = next((name for name in shorts if tx.one(SHORT_TAKEN, (name,)) is None), None)
    if short is None:
        raise StoreError("No short name is free for a request for approval.", remedy="Ask again.")
    stored = replace(new, short=short)
    tx.run(INSERT, _values(stored, escalate_at))
    tx.emit(
        "approval.ask",
        stored.id,
        actor=stored.requester,
        short=short,
        action=stored.action.kind,
        tool=stored.action.tool,
        tier=str(stored.tier),
        digest=stored.digest,
        session=stored.session_id or None,
        turn=stored.turn_id or None,
    )
    return stored


def _values(new: Approval, escalate_at: int | None) -> tuple[Value, ...]:
    return (
        new.id,
        new.short,
        new.session_id or None,
        new.turn_id or None,
        new.call_key or None,
        new.requester,
        new.behalf,
        json.dumps(new.origin) if new.origin else None,
        new.action.kind,
        new.action.tool,
        action_text(new.action),
        new.digest,
        int(new.tier),
        json.dumps([reason.as_json() for reason in new.reasons], ensure_ascii=False),
        new.consequence,
        new.runs,
        APPROVAL.initial,
        new.needed,
        new.veto_left,
        escalate_at,
        new.created_at,
        new.expires_at,
        new.supersedes or None,
    )


def move(tx: Unit, id: str, event: str, *, actor: str = "system", **columns: Value) -> Approval:
    """Move a request, once, and return it as it is now; raise Stale when somebody was first."""
    return row_of(tx.move(APPROVAL, id, event, actor=actor, subject=id, **columns))


def note(tx: Unit, approval: Approval, verb: str, *, actor: str = "system", **body: Scalar) -> None:
    """Add an event about a request, with its digest."""
    tx.emit(f"approval.{verb}", approval.id, actor=actor, digest=approval.digest, **body)


def finish(tx: Unit, id: str, event: str, result: str, exit_code: int | None, *, actor: str) -> Approval:
    """Store what came of an action; ``event`` is ``finish``, or ``settle`` where a person had to say it."""
    done = move(tx, id, event, actor=actor, result=result, exit_code=exit_code, ended_at=tx.now)
    hashed = sha256(result.encode()).hexdigest()
    note(tx, done, "outcome", actor=actor, exit_code=exit_code, result=hashed)
    return done


def vote(tx: Unit, id: str, principal: str, name: str) -> int:
    """Count an approver's agreement, once per person, and return how many agree."""
    tx.run(VOTE, (id, principal, name, tx.now))
    return len(tx.all(VOTES, (id,)))


def votes(q: Query, id: str) -> list[tuple[str, str]]:
    """Return the ids and names of those who agree, in their order."""
    return [(row["principal"], row["name"]) for row in q.all(VOTES, (id,))]


def set_clock(tx: Unit, id: str, left: int, since: int | None) -> bool:
    """Let the veto clock run from ``since`` with ``left`` milliseconds, or stand where it is ``None``."""
    if not tx.run(SET_CLOCK, (left, since, id)):
        return False
    tx.emit("approval.clock", id, left=left, running=since is not None)
    return True


def stand_clocks(tx: Unit) -> None:
    """At start, let every veto clock stand: what passed while nobody could object does not count."""
    tx.run(PAUSE_ALL)


def escalate(tx: Unit, id: str, next_at: int | None) -> Approval | None:
    """Count one step of a request's escalation; ``None`` when it was decided meanwhile."""
    if not tx.run(ESCALATE, (next_at, id)):
        return None
    found = get(tx, id)
    note(tx, found, "escalate", step=found.escalation)
    return found


def set_code(tx: Unit, id: str, hashed: bytes) -> None:
    """Keep the hash of a one-time code."""
    tx.run(SET_CODE, (hashed, id))


def code(tx: Unit, id: str) -> tuple[bytes | None, int]:
    """Return the hash of a request's one-time code and how often a wrong one was typed, counting this try."""
    tx.run(COUNT_TRY, (id,))
    row = tx.one(CODE, (id,))
    return (row["code_hash"], row["code_tries"]) if row else (None, 0)


def get(q: Query, id: str) -> Approval:
    """Return a request; raise NotFound."""
    row = q.one(BY_ID, (id,))
    if row is None:
        raise NotFound(f"There is no request {id}.", remedy="/approvals lists what waits.")
    return row_of(row)


def by_ref(q: Query, ref: str) -> Approval | None:
    """Return the request with an id or a short name; of several with one short name the one that still matters."""
    row = q.one(BY_ID, (ref,)) or q.one(BY_SHORT, (ref.lower(),))
    return row_of(row) if row else None


def of_call(q: Query, turn_id: str, call_key: str) -> Approval | None:
    """Return the latest request for a tool call."""
    row = q.one(OF_CALL, (turn_id, call_key))
    return row_of(row) if row else None


def follower(q: Query, id: str) -> Approval | None:
    """Return the request that was asked in place of another."""
    row = q.one(FOLLOWED, (id,))
    return row_of(row) if row else None


def open_of_session(q: Query, session_id: str) -> list[str]:
    """Return the ids of a session's requests that were not carried out yet."""
    return [row["id"] for row in q.all(OPEN_OF_SESSION, (session_id,))]


def of_session(q: Query, session_id: str) -> list[Approval]:
    """Return what was asked for in a session, the oldest first."""
    return [row_of(row) for row in q.all(OF_SESSION, (session_id,))]


def moving(q: Query, session_id: str) -> list[str]:
    """Return the ids of a session's requests whose result is still to arrive in its chat."""
    return [row["id"] for row in q.all(MOVING, (session_id,))]


def readdress(tx: Unit, id: str, place: Address, person: str) -> Approval:
    """Let a request belong to another place and to the same person by the name they have there."""
    known = get(tx, id)
    tx.run(READDRESS, (json.dumps(place), person, id))
    note(tx, known, "move", platform=place.platform, chat=place.chat, behalf=person, before=known.behalf)
    return get(tx, id)


def waited_for(q: Query, turn_id: str) -> bool:
    """Tell whether a turn still waits for a request: its decision, its result, or an owner's word on it."""
    return q.one(WAITED_FOR, (turn_id,)) is not None


def end_escalation(tx: Unit, id: str) -> None:
    """Let a request go to no further place."""
    tx.run(END_ESCALATION, (id,))


def deadline(q: Query, *, escalates: bool) -> int | None:
    """Return the earliest time (ms) at which a request expires or, where there are steps, is escalated."""
    wanted = (NEXT_EXPIRY, NEXT_ESCALATION) if escalates else (NEXT_EXPIRY,)
    found = [row["due"] for sql in wanted if (row := q.one(sql)) is not None and row["due"] is not None]
    return min(found, default=None)


def silent(q: Query, since: int, limit: int) -> list[str]:
    """Return the ids of requests that programs began to carry out at ``since`` (ms) or earlier, and still do."""
    return [row["id"] for row in q.all(SILENT, (since, limit))]


def longest_silence(q: Query) -> int | None:
    """Return when the first of the actions began that programs are carrying out, ``None`` where there is none."""
    row = q.one(LONGEST_SILENCE)
    return row["since"] if row else None


def expired(q: Query, now: int, limit: int) -> list[str]:
    """Return the ids of requests whose time is over."""
    return [row["id"] for row in q.all(EXPIRED, (now, limit))]


def to_escalate(q: Query, now: int, limit: int) -> list[str]:
    """Return the ids of requests that nobody answered in time for the next place to be told."""
    return [row["id"] for row in q.all(TO_ESCALATE, (now, limit))]


def clocks(q: Query) -> list[str]:
    """Return the ids of the requests that have a veto clock."""
    return [row["id"] for row in q.all(CLOCKS)]


def in_state(q: Query, state: ApprovalState) -> list[str]:
    """Return the ids of the requests that we carry out and that are ``approved``, ``running`` or ``unknown``."""
    return [row["id"] for row in q.all(IN_STATE, (state,))]


def counts(q: Query) -> dict[str, int]:
    """Return how many requests are in each state that is not final."""
    return {row["state"]: row["n"] for row in q.all(COUNTS)}


def waiting(q: Query, limit: int = 50) -> list[Approval]:
    """Return what waits for a decision, the most urgent first."""
    return [row_of(row) for row in q.all(WAITING, (limit,))]


def find(q: Query, wanted: Filter) -> list[Approval]:
    """Return the requests that match, newest first."""
    before = q.one(NUMBER, (wanted.before,)) if wanted.before else None
    params = {
        "states": f" {' '.join(wanted.states)} " if wanted.states else "",
        "session": wanted.session_id,
        "kind": wanted.kind,
        "tier": int(wanted.tier),
        "by": wanted.by,
        "asker": wanted.asker,
        "words": wanted.words,
        "since": wanted.since,
        "until": wanted.until,
        "before": before["number"] if before else 0,
        "limit": wanted.limit,
    }
    return [row_of(row) for row in q.all(FIND, params)]


def pages(q: Query, wanted: Filter) -> Iterator[list[Approval]]:
    """Return all requests that match, page by page within one snapshot, for an export."""
    page = replace(wanted, limit=PAGE_ROWS)
    while found := find(q, page):
        yield found
        page = replace(page, before=found[-1].id)
