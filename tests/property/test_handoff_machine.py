"""The handoff machine: every pair of state and event, and sessions that many people hand over at once."""

from dataclasses import replace
from itertools import count

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule

from kernel.errors import IllegalTransition, NotFound, Stale
from kernel.messages import Address, Inbound, InboundKind, Sender
from kernel.states import HandoffState as S
from kernel.states import TurnState
from kernel.transitions import HANDOFF
from store import handoffs, inbox, sessions, turns
from store.handoffs import Handoff, Plan
from store.inbox import Verdict
from store.sessions import Reset
from store.turns import Begun, Ending
from store.units import Query
from tests.support.units import Memory

MOVES = {
    S.NONE: {"request": S.PENDING},
    S.PENDING: {"claim": S.RUNNING, "cancel": S.CANCELLED},
    S.RUNNING: {"complete": S.COMPLETED, "fail": S.FAILED},
    S.COMPLETED: {"request": S.PENDING},
    S.FAILED: {"request": S.PENDING},
    S.CANCELLED: {"request": S.PENDING},
}


@pytest.mark.parametrize("state", S)
@pytest.mark.parametrize("event", HANDOFF.events)
def test_every_pair_of_state_and_event_moves_as_written_or_not_at_all(state: S, event: str) -> None:
    expected = MOVES[state].get(event)
    if expected is None:
        with pytest.raises(IllegalTransition):
            HANDOFF.move(state, event)
    else:
        assert HANDOFF.move(state, event) is expected


def test_every_state_has_a_sentence_and_a_way_on() -> None:
    assert all(state.sentence for state in S)
    assert HANDOFF.final == frozenset()


PLACES = [
    Address(platform, "a", "c", thread) for platform in ("desk", "phone", "page") for thread in (None, "t")
]
WAIT, LEASE, DEADLINE = 60_000, 20_000, 300_000


def key_of(place: Address) -> str:
    return f"{place.platform}:a:c:{f'thread:{place.thread}' if place.thread else 'main'}"


class Lives(RuleBasedStateMachine):
    """Requests, claims, moves, cancels, timeouts, messages and turns in any order, each on what its actor last saw."""

    seen = Bundle("seen")

    def __init__(self) -> None:
        super().__init__()
        self.memory = Memory()
        self.numbers = count(1)
        self.expected: dict[str, S] = {}

    @initialize(target=seen)
    def begin(self) -> object:
        """Let people talk in two places."""
        for place in PLACES[:2]:
            self.say(place)
        return multiple()

    def sessions(self) -> list[str]:
        return [row["id"] for row in self.memory.rows("SELECT id FROM session ORDER BY rowid")]

    @rule(place=st.sampled_from(PLACES))
    def say(self, place: Address) -> None:
        """Write somewhere; where a conversation has left, nothing is taken for it."""
        number, key = next(self.numbers), key_of(place)
        if key in self.memory.read(sessions.departed_keys):
            return
        inbound = Inbound(place, f"m{number}", f"m{number}", Sender("ann"), text=f"message {number}")
        where = self.memory.run(sessions.resolve, key, place, "desk:ann", private=True, reset=Reset())
        self.memory.run(inbox.add, inbound, Verdict("admit", session=lambda _: where))
        self.expected.setdefault(where, S.NONE)

    @rule(place=st.sampled_from(PLACES))
    def afresh(self, place: Address) -> None:
        """Begin a fresh conversation."""
        id = self.memory.run(sessions.open_new, key_of(place), place, "desk:ann", private=True)
        self.expected[id] = S.NONE

    @rule(target=seen, which=st.integers(0, 9), to=st.sampled_from(PLACES), idle=st.booleans())
    def request(self, which: int, to: Address, idle: bool) -> object:
        """Ask for a handoff."""
        known = self.sessions()
        id = known[which % len(known)]
        plan = Plan(to, fresh=False, private=True, sender="ann", by="desk:ann", when_idle=idle)
        if key_of(to) == self.memory.read(sessions.key_of, id):
            return multiple()
        return self._try(id, "request", handoffs.request, id, plan, actor="ann", deadline=WAIT)

    def _try(self, id: str, event: str, unit: object, *args: object, **kwargs: object) -> object:
        """Make a move; it succeeds only where the table has it."""
        try:
            moved = self.memory.run(unit, *args, **kwargs)  # type: ignore[arg-type]
        except Stale:
            return multiple()
        if moved is None:
            return multiple()
        assert isinstance(moved, Handoff)
        self.expected[id] = HANDOFF.move(self.expected[id], event)
        assert moved.state is self.expected[id]
        return multiple(moved)

    @rule(target=seen, known=seen)
    def claim(self, known: Handoff) -> object:
        """Take a request up, perhaps one that is over."""
        id = known.session_id
        return self._try(id, "claim", handoffs.claim, id, known.number, lease=LEASE, deadline=DEADLINE)

    @rule(target=seen, known=seen)
    def move(self, known: Handoff) -> object:
        """Move a session to its new place, once."""
        plan = known.asked
        if known.state is not S.RUNNING or plan.place is not None:
            return multiple()
        now = self.memory.read(handoffs.get, known.session_id)
        if now.number == known.number and now.asked.place is not None:
            return multiple()
        found = replace(plan, place=plan.to, key=key_of(plan.to))

        def told(_: Query, moved: Plan) -> Inbound:
            assert moved.place is not None
            return Inbound(moved.place, known.key, "", Sender("ann"), InboundKind.INTERNAL, "[Handoff]")

        try:
            return multiple(self.memory.run(handoffs.place, known, found, told))
        except Stale:
            return multiple()

    @rule(target=seen, known=seen)
    def complete(self, known: Handoff) -> object:
        """End a handoff well; only one that has moved ever does."""
        now = self.memory.read(handoffs.get, known.session_id)
        if now.state is S.RUNNING and now.asked.place is None:
            return multiple()
        return self._try(known.session_id, "complete", handoffs.complete, known)

    @rule(target=seen, known=seen)
    def fail(self, known: Handoff) -> object:
        """End a handoff badly."""
        now = self.memory.read(handoffs.get, known.session_id)
        chosen = now if now.number == known.number and now.plan else known
        return self._try(known.session_id, "fail", handoffs.fail, chosen, "no luck")

    @rule(target=seen, known=consumes(seen))
    def cancel(self, known: Handoff) -> object:
        """Withdraw a request."""
        return self._try(
            known.session_id, "cancel", handoffs.cancel, known.session_id, known.number, actor="ann"
        )

    @rule(target=seen, minutes=st.integers(1, 10))
    def wait(self, minutes: int) -> object:
        """Let time pass and the watcher look: what nobody took up is withdrawn, what lasts too long has failed."""
        self.memory.now += minutes * 60_000
        for known in self.memory.read(handoffs.live):
            if known.deadline > self.memory.now:
                continue
            if known.state is S.PENDING:
                self.cancel_now(known)
            else:
                self._try(known.session_id, "fail", handoffs.fail, known, "too long")
        return multiple()

    def cancel_now(self, known: Handoff) -> None:
        id = known.session_id
        self._try(id, "cancel", handoffs.cancel, id, known.number, actor="system")

    @rule(which=st.integers(0, 9), place=st.sampled_from(PLACES))
    def take(self, which: int, place: Address) -> None:
        """Pull a conversation, as /take does."""
        known = self.sessions()
        id = known[which % len(known)]
        if self.memory.read(handoffs.get, id).live or self.memory.read(handoffs.at_work, id):
            return
        self.memory.run(sessions.rebind, id, key_of(place), place, private=True, actor="ann")

    @rule(which=st.integers(0, 9))
    def begin_turn(self, which: int) -> None:
        """Let the agent begin with what waits."""
        known = self.sessions()
        id = known[which % len(known)]
        now = self.memory.read(handoffs.get, id)
        begun = self.memory.run(turns.begin, id, lambda rows, _: rows[:1])
        if isinstance(begun, Begun):
            first = begun.rows[0].inbound
            assert now.state is not S.PENDING
            assert (now.state is S.RUNNING) == (first.key == now.key and first.kind is InboundKind.INTERNAL)

    @rule(which=st.integers(0, 9))
    def end_turn(self, which: int) -> None:
        """Let the agent end."""
        rows = self.memory.rows("SELECT id FROM turn WHERE state = ? ORDER BY rowid", str(TurnState.RUNNING))
        if rows:
            self.memory.run(turns.end, Ending(rows[which % len(rows)]["id"], "finish", "finish"))

    @invariant()
    def every_session_has_one_owner(self) -> None:
        """The rules of the ninth invariant hold after every step, and the stored state is the expected one."""
        assert [found for found in self.memory.findings() if found.invariant == "I9"] == []
        stored = {row["id"]: row["handoff_state"] for row in self.memory.rows("SELECT * FROM session")}
        assert stored == {id: str(state) for id, state in self.expected.items()}

    def teardown(self) -> None:
        """After all: nothing stays locked."""
        self.memory.now += 3_600_000
        for known in self.memory.read(handoffs.live):
            if known.state is S.PENDING:
                self.cancel_now(known)
            else:
                self._try(known.session_id, "fail", handoffs.fail, known, "too long")
        assert self.memory.read(handoffs.live) == []
        self.every_session_has_one_owner()
        self.memory.close()


TestLives = Lives.TestCase
TestLives.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_a_session_that_is_not_there_is_not_handed_over() -> None:
    memory = Memory()
    with pytest.raises(NotFound):
        memory.read(handoffs.get, "s_none")
    memory.close()
