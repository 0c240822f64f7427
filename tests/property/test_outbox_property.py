"""The outbox under random senders, failures and crashes: in order, never lost, never twice without the mark."""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from kernel.errors import Stale
from kernel.messages import Address, Outbound, OutboundKind, Priority, Receipt
from store import outbox
from store.outbox import OutboxRow, Owed, Wait
from tests.support.units import Memory

CHATS = [Address("fake", "bot", name) for name in ("a", "b")]
chats = st.sampled_from(CHATS)


class OutboxLife(RuleBasedStateMachine):
    """Two chats; ``flying`` is what their lanes have in hand, ``taken`` what the platform has got, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.memory = Memory()
        self.keys = 0
        self.flying: dict[Address, OutboxRow] = {}
        self.taken: dict[Address, list[tuple[str, bool]]] = {chat: [] for chat in CHATS}
        self.dead: set[str] = set()

    @rule(chat=chats, again=st.booleans())
    def owes(self, chat: Address, again: bool) -> None:
        """Somebody owes a message, perhaps one that is owed already."""
        self.keys += not (again and self.keys)
        owed = Owed(str(self.keys), Outbound(chat, f"text {self.keys}"), Priority.REPLY)
        known = bool(self.memory.rows("SELECT 1 FROM outbox WHERE dedup_key = ?", owed.key))
        assert self.memory.run(outbox.add, owed) is not known

    @rule(chat=chats)
    def takes(self, chat: Address) -> None:
        """The chat's lane takes its next message; a lane has one in hand at most."""
        if chat in self.flying:
            return
        row = self.memory.run(outbox.claim, chat)
        assert not isinstance(row, Wait) or row.delay > 0
        if isinstance(row, OutboxRow):
            earlier = [key for key, _ in self.taken[chat]]
            assert row.message.resend or row.key not in earlier
            self.flying[chat] = row

    @precondition(lambda self: self.flying)
    @rule(data=st.data(), end=st.sampled_from(["confirm", "defer", "doubt", "lose", "reject"]))
    def ends(self, data: st.DataObject, end: str) -> None:
        """A sending ends: with a receipt, refused for now or for ever, in doubt with or without being taken."""
        chat = data.draw(st.sampled_from(sorted(self.flying)))
        row = self.flying.pop(chat)
        if end in ("confirm", "doubt"):
            self.taken[chat].append((row.key, row.message.resend))
        match end:
            case "confirm":
                self.memory.run(outbox.confirm, row.id, Receipt((f"m{row.id}",)))
            case "defer":
                self.memory.run(outbox.defer, row.id, 1000, "wait")
            case "reject":
                self.memory.run(outbox.reject, row.id, "never")
                self.dead.add(row.key)
            case _:
                self.memory.run(outbox.doubt, row.id, 1000, "no receipt")

    @rule(taken=st.booleans())
    def crashes(self, taken: bool) -> None:
        """The daemon dies with messages in hand, which the platform may have got, and starts again."""
        for chat, row in self.flying.items():
            if taken:
                self.taken[chat].append((row.key, row.message.resend))
        assert self.memory.run(outbox.doubt_in_flight) == len(self.flying)
        self.flying.clear()

    @rule()
    def waits(self) -> None:
        """Time passes."""
        self.memory.now += 700

    @rule()
    def a_late_receipt_changes_nothing(self) -> None:
        """A receipt for something that is over is stale."""
        for row in self.memory.rows("SELECT id FROM outbox WHERE state IN ('sent', 'dead', 'pending')"):
            try:
                self.memory.run(outbox.confirm, row["id"], Receipt(("late",)))
            except Stale:
                continue
            raise AssertionError(f"{row} was confirmed twice")

    @invariant()
    def nothing_arrived_twice_without_the_mark(self) -> None:
        """Of each message at most one copy is unmarked."""
        for taken in self.taken.values():
            plain = [key for key, resend in taken if not resend]
            assert len(plain) == len(set(plain))

    @invariant()
    def first_copies_arrived_in_order(self) -> None:
        """The first copies of a chat's messages follow the order in which they were owed."""
        for taken in self.taken.values():
            firsts = list(dict.fromkeys(int(key) for key, _ in taken))
            assert firsts == sorted(firsts)

    @invariant()
    def a_lane_has_one_message_in_hand(self) -> None:
        """At most one message of a chat is being sent."""
        found = self.memory.rows(
            "SELECT chat, count(*) AS n FROM outbox WHERE state = 'sending' GROUP BY chat"
        )
        assert all(row["n"] == 1 for row in found)
        assert {row["chat"] for row in found} == {chat.chat for chat in self.flying}

    @invariant()
    def every_message_is_accounted_for(self) -> None:
        """What was owed is there: confirmed, open, or dead and visible."""
        rows: dict[str, Any] = {
            row["dedup_key"]: row["state"] for row in self.memory.rows("SELECT * FROM outbox")
        }
        assert set(rows) == {str(n) for n in range(1, self.keys + 1)}
        assert {key for key, state in rows.items() if state == "dead"} == self.dead

    @invariant()
    def the_trail_shows_no_broken_rule(self) -> None:
        """The checker that judges real databases finds nothing."""
        assert self.memory.findings() == []

    def teardown(self) -> None:
        """Send what is left: everything ends."""
        for chat in CHATS:
            while True:
                self.memory.now += 10_000
                row = self.flying.pop(chat, None) or self.memory.run(outbox.claim, chat)
                if not isinstance(row, OutboxRow):
                    break
                self.memory.run(outbox.confirm, row.id, Receipt((f"m{row.id}",)))
        assert not self.memory.read(outbox.open_chats)
        self.memory.close()


TestOutboxLife = OutboxLife.TestCase
TestOutboxLife.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)


def test_an_edit_that_is_made_twice_carries_no_mark() -> None:
    memory, chat = Memory(), CHATS[0]
    memory.run(outbox.add, Owed("k", Outbound(chat, "x", OutboundKind.EDIT, replaces="m1")))
    memory.run(outbox.claim, chat)
    memory.run(outbox.doubt_in_flight)
    row = memory.run(outbox.claim, chat)
    assert isinstance(row, OutboxRow)
    assert (row.resent, row.message.resend) == (True, False)
    memory.close()
