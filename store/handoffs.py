"""Handoffs: a session on its way to another surface, as columns of its own row."""

import json
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from kernel.errors import NotFound, Stale
from kernel.messages import Address, Inbound
from kernel.states import HandoffState, InboxState, OutboxState, TurnState
from kernel.transitions import HANDOFF, INBOX, TURN
from store import inbox, sessions
from store.inbox import InboxRow, Verdict
from store.units import Query, Unit, Value

BY_SESSION = "SELECT * FROM session WHERE id = ?"
LIVE = "SELECT * FROM session WHERE handoff_state IN ('pending', 'running') ORDER BY rowid"
HELD = """
SELECT handoff_state, handoff_number FROM session WHERE id = ? AND handoff_state IN ('pending', 'running')
"""
# A conversation of which a thread is just being opened in this chat: what is said in an unknown thread may be for it.
ARRIVING = """
SELECT 1 FROM session AS here JOIN session AS moving ON moving.handoff_state IN ('pending', 'running')
WHERE here.id = ? AND here.thread IS NOT NULL AND here.turns = 0 AND moving.handoff_state = 'running'
    AND moving.id <> here.id AND moving.handoff ->> '$.place' IS NULL
    AND moving.handoff ->> '$.to[0]' = here.platform AND moving.handoff ->> '$.to[2]' = here.chat LIMIT 1
"""
AT_WORK = "SELECT 1 FROM turn WHERE session_id = ? AND state IN ('running', 'interrupted')"
OPEN_TURNS = "SELECT id FROM turn WHERE session_id = ? AND state IN ('running', 'interrupted')"
MOVE = "UPDATE session SET {columns} WHERE id = ? AND handoff_number = ? AND handoff_state IN ({marks}) RETURNING *"
KEEP = "UPDATE session SET handoff = ? WHERE id = ? AND handoff_number = ? AND handoff_state = 'running' RETURNING *"
LEASE = (
    "UPDATE session SET handoff_lease = ? WHERE id = ? AND handoff_number = ? AND handoff_state = 'running'"
)
ADOPT = "UPDATE inbox SET session_id = ? WHERE session_id = ? AND state = 'queued'"
LEAVE = """
UPDATE inbox SET session_id = :to WHERE session_id = :session AND state = 'queued' AND kind = 'message'
    AND platform = :platform AND account = :account AND chat = :chat AND coalesce(thread, '') = :thread
"""
NOTICE = """
SELECT inbox.*, turn.state AS turn_state, turn.error AS turn_error FROM inbox LEFT JOIN turn ON turn.id = inbox.turn_id
WHERE inbox.platform = ? AND inbox.account = ? AND inbox.dedup_key = ?
"""
QUEUED_NOTICE = "SELECT * FROM inbox WHERE session_id = ? AND state = 'queued' AND dedup_key = ?"
REPLY = "SELECT state, error FROM outbox WHERE dedup_key = ?"
WROTE_IN = """
SELECT 1 FROM session WHERE platform = ? AND account = ? AND chat = ? AND owner = ? LIMIT 1
"""
OWNERS_OF_CHAT = """
SELECT DISTINCT owner FROM session WHERE platform = ? AND account = ? AND chat = ? AND private = 1 LIMIT 20
"""
PRIVATE_CHAT = """
SELECT platform, account, chat FROM session WHERE owner = ? AND private = 1 AND forgotten_at IS NULL
ORDER BY active_at DESC LIMIT 1
"""

Arrived = bool


@dataclass(frozen=True, slots=True)
class Plan:
    """What a handoff is about.

    ``to`` is the chat or thread asked for, ``fresh`` says that a thread is to be opened in it; ``sender`` is who the
    person is there, ``by`` who asked. ``origin``, ``origin_key`` and ``origin_private`` are where it was. ``place`` and
    ``key`` are where it has moved, ``private`` is of there; ``displaced`` is the session that answered there before,
    ``plain`` why there is no thread of its own.
    """

    to: Address
    fresh: bool
    private: bool
    sender: str
    by: str
    note: str = ""
    when_idle: bool = False
    origin: Address | None = None
    origin_key: str = ""
    origin_private: bool = True
    place: Address | None = None
    key: str = ""
    displaced: str = ""
    plain: str = ""


@dataclass(frozen=True, slots=True)
class Handoff:
    """The latest handoff of a session; ``lease`` and ``deadline`` are in milliseconds."""

    session_id: str
    number: int
    state: HandoffState
    error: str
    lease: int
    deadline: int
    title: str
    plan: Plan | None = field(default=None)

    @property
    def asked(self) -> Plan:
        """The plan of a handoff that was asked for."""
        assert self.plan is not None  # noqa: S101 - whatever has left ``none`` has one
        return self.plan

    @property
    def key(self) -> str:
        """What the messages of this handoff are known by."""
        return notice_key(self.session_id, self.number)

    @property
    def live(self) -> bool:
        """Whether it is still under way."""
        return bool([event for state, event in HANDOFF.moves if state is self.state and event != "request"])


def notice_key(session_id: str, number: int) -> str:
    """Return the key of the message that starts the turn in the new place."""
    return f"handoff:{session_id}:{number}"


def row_of(row: sqlite3.Row) -> Handoff:
    """Map a row of the session's table."""
    stored: dict[str, Any] = json.loads(row["handoff"])
    for name in ("to", "origin", "place"):
        if stored.get(name) is not None:
            stored[name] = Address(*stored[name])
    return Handoff(
        row["id"],
        row["handoff_number"],
        HandoffState(row["handoff_state"]),
        row["handoff_error"],
        row["handoff_lease"],
        row["handoff_deadline"],
        row["title"],
        Plan(**stored) if stored else None,
    )


def _stored(plan: Plan) -> str:
    return json.dumps({name: value for name, value in asdict(plan).items() if value is not None})


def get(q: Query, session_id: str) -> Handoff:
    """Return the latest handoff of a session; raise NotFound."""
    row = q.one(BY_SESSION, (session_id,))
    if row is None:
        raise NotFound(f"There is no session {session_id}.", remedy="/sessions lists them.")
    return row_of(row)


def live(q: Query) -> list[Handoff]:
    """Return the handoffs that are pending or running."""
    return [row_of(row) for row in q.all(LIVE)]


def _move(tx: Unit, session_id: str, number: int, event: str, *, actor: str, **columns: Value) -> Handoff:
    """Make one guarded move and emit ``handoff.EVENT``; raise Stale where somebody was first."""
    sources = tuple(str(state) for state in HANDOFF.sources(event))
    names = ", ".join(f"{name} = ?" for name in ("handoff_state", *columns))
    sql = MOVE.format(columns=names, marks=", ".join("?" * len(sources)))
    row = tx.one(sql, (str(HANDOFF.target(event)), *columns.values(), session_id, number, *sources))
    if row is None:
        known = get(tx, session_id)
        raise Stale(
            f"Handoff {known.number} of session {session_id} is {known.state}: {event} came too late.",
            remedy="Look again.",
        )
    moved = row_of(row)
    tx.emit(f"handoff.{event}", session_id, actor=actor, number=moved.number)
    return moved


def request(tx: Unit, session_id: str, plan: Plan, *, actor: str, deadline: int) -> Handoff:
    """Ask for a session to be handed over, with ``deadline`` milliseconds for somebody to take it up.

    Raises Stale where a handoff is under way, where the agent is at work (unless the plan waits for that), and where
    the session answers nowhere.
    """
    session, known = sessions.get(tx, session_id), get(tx, session_id)
    key = sessions.key_of(tx, session_id)
    if not key:
        raise Stale("This conversation is closed.", remedy="/resume continues it here.")
    if at_work(tx, session_id) and not plan.when_idle:
        raise Stale(
            "The agent is at work in this conversation.", remedy="Wait, /stop it, or add --when-idle."
        )
    if known.live:
        raise Stale(
            "This conversation is being handed over already.", remedy="/handoff cancel withdraws that."
        )
    begun = replace(plan, origin=session.address, origin_key=key, origin_private=session.private)
    return _move(
        tx,
        session_id,
        known.number,
        "request",
        actor=actor,
        handoff_number=known.number + 1,
        handoff_error="",
        handoff_lease=0,
        handoff_deadline=tx.now + deadline,
        handoff=_stored(begun),
    )


def at_work(q: Query, session_id: str) -> bool:
    """Tell whether a turn of a session is under way."""
    return q.one(AT_WORK, (session_id,)) is not None


def claim(tx: Unit, session_id: str, number: int, *, lease: int, deadline: int) -> Handoff | None:
    """Take a pending handoff up; ``None`` while the agent is at work. Raises Stale where somebody was first."""
    if at_work(tx, session_id):
        return None
    until = tx.now + lease
    return _move(
        tx,
        session_id,
        number,
        "claim",
        actor="system",
        handoff_lease=until,
        handoff_deadline=tx.now + deadline,
    )


def renew(tx: Unit, session_id: str, number: int, lease: int) -> bool:
    """Extend the lease of a running handoff by ``lease`` milliseconds from now; tell whether it still runs."""
    return tx.run(LEASE, (tx.now + lease, session_id, number)) == 1


def place(tx: Unit, known: Handoff, plan: Plan, notice: Callable[[Query, Plan], Inbound]) -> Handoff:
    """Move the session to where ``plan`` says and queue the message that starts its turn there.

    What was said in the new place before belongs to it; the session that answered there is closed and kept. Raises
    Stale where the handoff is over.
    """
    assert plan.place is not None  # noqa: S101 - the caller has found the place
    displaced = sessions.bound(tx, plan.key)
    moved = replace(plan, displaced=displaced.id if displaced and displaced.id != known.session_id else "")
    row = tx.one(KEEP, (_stored(moved), known.session_id, known.number))
    if row is None:
        raise Stale(f"The handoff of {known.session_id} is over.", remedy="Look again.")
    sessions.rebind(tx, known.session_id, plan.key, plan.place, private=plan.private, actor=plan.by)
    if displaced is not None and not displaced.turns and not displaced.title:
        tx.run(ADOPT, (known.session_id, displaced.id))
    inbox.add(tx, notice(tx, moved), Verdict("admit", session=lambda _: known.session_id))
    return row_of(row)


def complete(tx: Unit, known: Handoff) -> Handoff:
    """End a handoff whose reply has arrived, and wake the session for what was said meanwhile."""
    done = _move(tx, known.session_id, known.number, "complete", actor="system", handoff_lease=0)
    tx.emit("session.wake", known.session_id)
    return done


def cancel(tx: Unit, session_id: str, number: int, *, actor: str, reason: str = "") -> Handoff:
    """Withdraw a handoff that nobody has taken up; raise Stale where somebody has."""
    over = _move(tx, session_id, number, "cancel", actor=actor, handoff_error=reason)
    tx.emit("session.wake", session_id)
    return over


def fail(tx: Unit, known: Handoff, reason: str) -> Handoff:
    """End a handoff that went wrong; the session is back with its former owner, and nothing stays half-bound."""
    over = _move(
        tx, known.session_id, known.number, "fail", actor="system", handoff_error=reason, handoff_lease=0
    )
    _withdraw_turn(tx, over)
    if over.asked.place is not None:
        _give_back(tx, over.session_id, over.asked, over.asked.place)
    tx.emit("session.wake", over.session_id)
    return over


def _withdraw_turn(tx: Unit, over: Handoff) -> None:
    """Withdraw the message that starts the turn in the new place, and the turn where it has begun."""
    row = _notice(tx, over)
    if row is None:
        return
    if row["turn_id"] and row["turn_state"] in (TurnState.RUNNING, TurnState.INTERRUPTED):
        tx.move(TURN, row["turn_id"], "cancel", ended_at=tx.now, checkpoint=None)
    if row["state"] in INBOX.sources("cancel"):
        tx.move(INBOX, row["id"], "cancel")


def _give_back(tx: Unit, session_id: str, plan: Plan, here: Address) -> None:
    """Bind a session to its former key, unless something else answers there now, and undo what moving it did."""
    assert plan.origin is not None  # noqa: S101 - a request knows where it was
    taken = sessions.bound(tx, plan.origin_key)
    sessions.release(tx, session_id)
    if taken is None or taken.id == session_id:
        sessions.rebind(
            tx, session_id, plan.origin_key, plan.origin, private=plan.origin_private, actor="system"
        )
    sessions.come_back(tx, plan.key)
    _leave_behind(tx, session_id, plan, here)


def _leave_behind(tx: Unit, session_id: str, plan: Plan, here: Address) -> None:
    """Give what was said in the new place to the session that answers there now."""
    values: dict[str, Value] = {**here._asdict(), "thread": here.thread or "", "session": session_id}
    if plan.displaced and sessions.bound(tx, plan.key) is None:
        sessions.rebind(tx, plan.displaced, plan.key, here, private=plan.private, actor="system")
    waiting = [row for row in inbox.queued(tx, session_id, 200) if row.inbound.address == here]
    if not waiting:
        return
    now = sessions.bound(tx, plan.key)
    owner = f"{here.platform}:{waiting[0].inbound.sender.id}"
    to = now.id if now else sessions.open_new(tx, plan.key, here, owner, private=plan.private)
    tx.run(LEAVE, {**values, "to": to})
    tx.emit("session.wake", to)


def held(q: Query, session_id: str, waiting: Sequence[InboxRow]) -> Sequence[InboxRow]:
    """Return which of a session's waiting messages may become a turn now.

    While the session is being handed over that is only the message that starts the turn in the new place.
    """
    row = q.one(HELD, (session_id,))
    if row is None:
        return waiting
    if row["handoff_state"] != HandoffState.RUNNING:
        return ()
    found = q.all(QUEUED_NOTICE, (session_id, notice_key(session_id, row["handoff_number"])))
    return [inbox.row_of(item) for item in found]


def arriving(q: Query, session_id: str) -> bool:
    """Tell whether a session in a new thread may turn out to be the place of another one that is on its way."""
    return q.one(ARRIVING, (session_id,)) is not None


def _notice(q: Query, known: Handoff) -> sqlite3.Row | None:
    where = known.asked.place
    return q.one(NOTICE, (where.platform, where.account, known.key)) if where else None


def progress(q: Query, known: Handoff) -> tuple[Arrived, str]:
    """Return whether the reply has arrived in the new place, and why it never will (empty while it may)."""
    row = _notice(q, known)
    if row is None:
        return False, "The notice was lost."
    if row["turn_id"] is None:
        return False, "" if row["state"] == InboxState.QUEUED else f"The notice is {row['state']}."
    if row["turn_state"] in (TurnState.FAILED, TurnState.CANCELLED):
        return False, row["turn_error"] or "The turn in the new place was stopped."
    reply = q.one(REPLY, (f"turn:{row['turn_id']}:0",))
    if reply is None:
        return row["turn_state"] in (TurnState.DONE, TurnState.SUSPENDED), ""
    if reply["state"] == OutboxState.DEAD:
        return False, f"The new place takes no messages: {reply['error']}"
    return reply["state"] == OutboxState.SENT, ""


def wrote_in(q: Query, chat: Address, principal: str) -> bool:
    """Tell whether somebody has had a conversation in a chat."""
    return q.one(WROTE_IN, (*chat[:3], principal)) is not None


def people_of(q: Query, chat: Address) -> list[str]:
    """Return the principals who had private conversations in a chat."""
    return [row["owner"] for row in q.all(OWNERS_OF_CHAT, chat[:3])]


def private_chat(q: Query, principal: str) -> Address | None:
    """Return the private chat in which somebody was active last."""
    row = q.one(PRIVATE_CHAT, (principal,))
    return Address(*row) if row else None
