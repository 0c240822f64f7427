"""The approval machine: every pair of state and event, and random lives of requests on a real database."""

import asyncio
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from kernel.approvals import Approval, How, Outcome
from kernel.errors import IllegalTransition
from kernel.people import Principal
from kernel.states import ApprovalState as S
from kernel.transitions import APPROVAL
from store import approvals, invariants
from store.units import Query
from tests.support.gate import DAY, DECIDER, MINUTE, OPERATOR, OWNER, USER, House, house

ENDS = {"refuse": S.REFUSED, "expire": S.EXPIRED, "void": S.VOID, "cancel": S.CANCELLED}
MOVES = {
    S.PENDING: {"hold": S.HELD, "approve": S.APPROVED, **ENDS},
    S.HELD: {"release": S.PENDING, "approve": S.APPROVED, **ENDS},
    S.APPROVED: {"start": S.RUNNING, "expire": S.EXPIRED, "void": S.VOID, "cancel": S.CANCELLED},
    S.RUNNING: {"finish": S.DONE, "lose": S.UNKNOWN},
    S.UNKNOWN: {"settle": S.DONE},
}


@pytest.mark.parametrize("state", S)
@pytest.mark.parametrize("event", APPROVAL.events)
def test_every_pair_of_state_and_event_moves_as_written_or_not_at_all(state: S, event: str) -> None:
    expected = MOVES.get(state, {}).get(event)
    if expected is None:
        with pytest.raises(IllegalTransition):
            APPROVAL.move(state, event)
    else:
        assert APPROVAL.move(state, event) is expected


def test_no_path_starts_an_action_twice_and_none_without_a_decision() -> None:
    def starts(state: S, path: tuple[str, ...], seen: frozenset[tuple[S, str]]) -> None:
        for (source, event), target in APPROVAL.moves.items():
            if source is state and (source, event) not in seen:
                new = (*path, event)
                assert new.count("start") <= 1
                assert event != "start" or "approve" in path
                starts(target, new, seen | {(source, event)})

    starts(APPROVAL.initial, (), frozenset())


COMMANDS = ("git push --force", "rm notes.txt", "rm -rf __pycache__", "bash deploy.sh")
PEOPLE = (OWNER, OPERATOR, USER, DECIDER)


class Lives(RuleBasedStateMachine):
    """Requests that are asked, decided, held, edited, left alone, cut off and restarted, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="hermes-gate-"))
        self.home: House = house(self.root, escalation={"minutes": 60, "places": ("telegram:8",)})
        self.script = self.home.workspace / "deploy.sh"
        self.script.write_text("echo 0\n")
        self.loop = asyncio.new_event_loop()
        self.calls = 0
        self.opened: Any = None
        self.start()

    def start(self) -> None:
        """Open the gate on the home as it is."""
        self.opened = self.home.open()
        self.loop.run_until_complete(self.opened.__aenter__())
        self.loop.run_until_complete(self.home.settled())

    def stop(self) -> None:
        """Leave the gate as a kill does."""
        self.loop.run_until_complete(self.opened.__aexit__(None, None, None))

    def all(self) -> list[Approval]:
        """Return all requests."""
        return self.loop.run_until_complete(
            self.home.database.read(approvals.find, approvals.Filter(limit=1000))
        )

    @rule(command=st.sampled_from(COMMANDS))
    def ask(self, command: str) -> None:
        """Let the agent want something."""
        self.calls += 1
        self.loop.run_until_complete(self.home.hold(command, f"call-{self.calls}"))

    @precondition(lambda self: self.calls > 0)
    @rule(
        number=st.integers(0, 50),
        who=st.sampled_from(PEOPLE),
        how=st.sampled_from([how for how in How if how not in (How.SESSION, How.ALWAYS)]),
        text=st.sampled_from([None, None, None, "rm other.txt", "rm -rf /", "git push --force"]),
    )
    def decide(self, number: int, who: Principal, how: How, text: str | None) -> None:
        """Let somebody tap."""
        known = self.all()
        chosen = known[number % len(known)]
        verdict = self.loop.run_until_complete(
            self.home.service.decide(chosen.id, who, how, edited=text if how.approves else None)
        )
        if not chosen.open or who is USER:
            assert verdict.outcome is not Outcome.APPLIED
        self.loop.run_until_complete(self.home.settled())

    @rule(minutes=st.sampled_from([1, 4, 5, 60, 24 * 60, 8 * 24 * 60]))
    def wait(self, minutes: int) -> None:
        """Let time pass."""
        self.home.clock.advance(minutes * MINUTE)
        self.loop.run_until_complete(self.home.settled())

    @rule(days=st.integers(-2, 2))
    def set_the_wall_clock(self, days: int) -> None:
        """Set the wall clock wrong."""
        self.home.clock.wall += days * DAY
        self.loop.run_until_complete(self.home.settled())

    @rule()
    def deliver(self) -> None:
        """Let the cards arrive."""
        self.loop.run_until_complete(self.home.deliver())

    @rule(version=st.integers(0, 3))
    def change_the_script(self, version: int) -> None:
        """Let somebody edit the script."""
        self.script.write_text(f"echo {version}\n")

    @rule()
    def restart(self) -> None:
        """Kill the gate and start it again."""
        self.stop()
        self.start()

    @invariant()
    def nothing_ran_twice_or_unasked(self) -> None:
        """What ran is what was approved, once each."""
        known = {approval.id: approval for approval in self.all()}
        ran = [call.approval_id for call in self.home.caller.calls]
        assert len(ran) == len(set(ran))
        for call in self.home.caller.calls:
            approval = known[call.approval_id]
            assert approval.started_at is not None
            assert approval.decided_by != ""
            assert call.action == approval.action
            assert approval.decided_how != "auto" or str(approval.tier) == "low"

    def teardown(self) -> None:
        """Check the invariants over the database as it was left."""

        def check(q: Query) -> list[str]:
            return [str(item) for item in invariants.broken(q, 0)]

        try:
            assert self.loop.run_until_complete(self.home.database.read(check)) == []
        finally:
            self.stop()
            self.loop.run_until_complete(self.loop.shutdown_default_executor())
            self.loop.close()
            shutil.rmtree(self.root)


TestLives = Lives.TestCase
TestLives.settings = settings(
    max_examples=12, stateful_step_count=15, deadline=None, suppress_health_check=(HealthCheck.too_slow,)
)
