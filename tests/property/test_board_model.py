"""Random operations on the board beside a small model of it: states, counts and leases agree after every step."""

import random
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule

from board import creating, deciding, working
from board.failures import Extra, record_task_failure
from board.settings import BoardSettings
from kernel.errors import InvalidInput, Stale
from kernel.states import TaskState
from kernel.tasks import COUNTED, AttemptOutcome, Used
from kernel.transitions import READY, UNDER_WAY
from store import attempts
from tests.support.board import CLAIM, MemoryBoard

LIMIT = 3
OUTCOMES = (*sorted(COUNTED - {AttemptOutcome.SPAWN_FAILED}), AttemptOutcome.RELEASED)


@dataclass
class Known:
    """What the model knows of one task: what it needs, its failures, and the epoch that holds it (0: nobody)."""

    needs: set[int] = field(default_factory=set)
    failures: int = 0
    epoch: int = 0
    held: int = 0


class Model:
    """The board beside the model; an operation that the model forbids must be refused, and nothing may change."""

    def __init__(self) -> None:
        self.board = MemoryBoard(
            BoardSettings(first_wait=0.0, failure_limit=LIMIT, tree_limit=10**6, host="here")
        )
        self.known: dict[int, Known] = {}

    def state(self, id: int) -> TaskState:
        """Return a task's state."""
        return self.board.task(id).state

    def attempt(self, fn: Any, *args: Any, **kwargs: Any) -> Any:
        """Run a unit; return None where it is refused, after which nothing is different."""
        before = self.board.rows("SELECT id, state, epoch, unmet, consecutive_failures FROM task")
        try:
            return self.board.run(fn, *args, **kwargs)
        except (Stale, InvalidInput):
            assert self.board.rows("SELECT id, state, epoch, unmet, consecutive_failures FROM task") == before
            return None

    def add(self, needs: set[int]) -> int:
        """Create a task."""
        id = self.board.add("a task", *needs)
        self.known[id] = Known(set(needs))
        return id

    def reaches(self, start: int, goal: int) -> bool:
        """Tell whether a task waits for another, directly or not."""
        seen, todo = set[int](), [start]
        while todo:
            if (id := todo.pop()) == goal:
                return True
            if id not in seen:
                seen.add(id)
                todo.extend(self.known[id].needs)
        return False

    def link(self, id: int, needs: int) -> None:
        """Add a dependency; a circle is refused, and so is one on what no longer waits."""
        forbidden = self.reaches(needs, id) or self.state(id) not in (
            *READY,
            TaskState.TRIAGE,
            TaskState.BLOCKED,
        )
        done = self.attempt(creating.link, id, needs, actor="model")
        assert (done is None) == forbidden
        if done is not None:
            self.known[id].needs.add(needs)

    def claim(self, id: int) -> None:
        """Take a task and begin; only what is ready can be taken."""
        ready = self.state(id) in READY
        task = self.attempt(attempts.claim_one, id, CLAIM)
        assert (task is not None) == ready
        if task is not None:
            known = self.known[id]
            assert task.epoch == known.epoch + 1
            known.epoch = known.held = task.epoch
            self.board.run(working.start, self.board.settings, id, task.epoch, working.Start())

    def take_next(self) -> None:
        """Let the dispatcher's statement choose."""
        ready = sorted(id for id in self.known if self.state(id) in READY)
        task = self.board.run(attempts.claim_next, self.board.read(attempts.queues), CLAIM)
        assert (task.id if task else None) == (ready[0] if ready else None)
        if task is not None:
            self.known[task.id].epoch = self.known[task.id].held = task.epoch
            self.board.run(working.start, self.board.settings, task.id, task.epoch, working.Start())

    def finish(self, id: int, epoch: int) -> None:
        """End an attempt with a result, with the right epoch or a wrong one."""
        known = self.known[id]
        allowed = bool(known.held) and epoch == known.held
        done = self.attempt(working.finish, id, epoch, "done", Used())
        assert (done is not None) == allowed
        if allowed:
            known.held = known.failures = 0
            assert self.state(id) is TaskState.DONE

    def fail(self, id: int, epoch: int, outcome: AttemptOutcome) -> None:
        """End an attempt without a result."""
        known = self.known[id]
        allowed = bool(known.held) and epoch == known.held
        extra = Extra(epoch)
        done = self.attempt(
            record_task_failure, self.board.settings, id, f"error {random.random()}", outcome, extra=extra
        )
        assert (done is not None) == allowed
        if allowed:
            known.held = 0
            known.failures += outcome in COUNTED
            tripped = known.failures >= LIMIT and outcome in COUNTED
            assert (self.state(id) in (TaskState.BLOCKED, TaskState.TRIAGE)) == tripped

    def ask(self, id: int) -> None:
        """Let an attempt wait for a person, and go on."""
        known = self.known[id]
        done = self.attempt(working.wait, id, known.held or 10**6, "May I?")
        assert (done is not None) == bool(known.held)

    def answer(self, id: int) -> None:
        """Let an attempt go on."""
        known = self.known[id]
        done = self.attempt(working.go_on, self.board.settings, id, known.held or 10**6)
        assert (done is not None) == bool(known.held)

    def reclaim(self, id: int) -> None:
        """Take a task back."""
        over = self.state(id) in (TaskState.DONE, TaskState.CANCELLED)
        done = self.attempt(deciding.reclaim, id, actor="model")
        assert (done is None) == over
        if not over:
            self.known[id].held = self.known[id].failures = 0

    def cancel(self, id: int) -> None:
        """Withdraw a task; only what is done stays."""
        done = self.attempt(deciding.cancel, id, actor="model")
        assert (done is None) == (self.state(id) is TaskState.DONE)
        if done is not None:
            self.known[id].held = 0

    def agree(self) -> None:
        """Compare the board with the model, and ask the invariants."""
        for id, known in self.known.items():
            task = self.board.task(id)
            assert task.epoch == known.epoch
            assert (task.state in UNDER_WAY) == bool(known.held)
            unmet = sum(self.state(one) is not TaskState.DONE for one in known.needs)
            assert task.unmet == unmet
            if task.state is not TaskState.CANCELLED:
                assert task.consecutive_failures == known.failures
            if task.state in READY:
                assert unmet == 0


class BoardMachine(RuleBasedStateMachine):
    """Hypothesis chooses what happens."""

    tasks: Bundle[int] = Bundle("tasks")

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()

    @rule(target=tasks, needs=st.lists(tasks, max_size=3))
    def add(self, needs: list[int]) -> Any:
        """Create a task."""
        return multiple(self.model.add(set(needs)))

    @rule(id=tasks, needs=tasks)
    def link(self, id: int, needs: int) -> None:
        """Add a dependency."""
        self.model.link(id, needs)

    @rule(id=tasks)
    def claim(self, id: int) -> None:
        """Take a task."""
        self.model.claim(id)

    @rule()
    def take_next(self) -> None:
        """Take the next task."""
        self.model.take_next()

    @rule(id=tasks, late=st.integers(0, 2))
    def finish(self, id: int, late: int) -> None:
        """Bring a result, sometimes too late."""
        self.model.finish(id, self.model.known[id].epoch - late)

    @rule(id=tasks, late=st.integers(0, 1), outcome=st.sampled_from(OUTCOMES))
    def fail(self, id: int, late: int, outcome: AttemptOutcome) -> None:
        """Fail, sometimes too late."""
        self.model.fail(id, max(1, self.model.known[id].epoch - late), outcome)

    @rule(id=tasks)
    def ask(self, id: int) -> None:
        """Wait for a person."""
        self.model.ask(id)

    @rule(id=tasks)
    def answer(self, id: int) -> None:
        """Go on."""
        self.model.answer(id)

    @rule(id=tasks)
    def reclaim(self, id: int) -> None:
        """Take back."""
        self.model.reclaim(id)

    @rule(id=tasks)
    def cancel(self, id: int) -> None:
        """Withdraw."""
        self.model.cancel(id)

    @invariant()
    def agree(self) -> None:
        """Compare."""
        self.model.agree()

    def teardown(self) -> None:
        """Ask the invariants in the end."""
        assert self.model.board.findings() == []
        self.model.board.close()


class TestBoard(BoardMachine.TestCase):
    """A short run in every test."""

    settings = settings(max_examples=40, stateful_step_count=30, deadline=None)


@pytest.mark.soak
class TestBoardAtLength(BoardMachine.TestCase):
    """Forty thousand operations in `make soak`; what fails is made as short as it can be."""

    settings = settings(
        max_examples=400,
        stateful_step_count=100,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


def _step(model: Model, chance: random.Random) -> None:
    """Do one random thing."""
    if not model.known or chance.random() < 0.12:
        known = sorted(model.known)
        model.add(set(chance.sample(known, min(len(known), chance.choice((0, 0, 1, 2))))))
        return
    id = chance.choice(sorted(model.known)[-30:])
    late = chance.choice((0, 0, 0, 1))
    epoch = max(1, model.known[id].epoch - late)
    chance.choice(
        (
            lambda: model.link(id, chance.choice(sorted(model.known)[-30:])),
            lambda: model.claim(id),
            model.take_next,
            lambda: model.finish(id, epoch),
            lambda: model.fail(id, epoch, chance.choice(OUTCOMES)),
            lambda: model.ask(id),
            lambda: model.answer(id),
            lambda: model.reclaim(id),
            lambda: model.cancel(id),
        )
    )()


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(8))
def test_forty_thousand_random_operations_agree_with_the_model(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(50):
        model = Model()
        for _ in range(100):
            _step(model, chance)
            model.agree()
        assert model.board.findings() == []
        model.board.close()
