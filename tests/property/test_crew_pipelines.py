"""Random pipelines: rejections, changes, handoffs, crashes and cancels in any order keep what the crew promises."""

import contextlib
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from board import assigner, deciding, replay, review, triaging, working
from board.creating import Wanted, create
from board.crew import plans, profiles, triage
from board.crew.triage import House, Suggestion
from board.failures import Extra, record_task_failure
from board.review import Decision, Judgement
from board.settings import BoardSettings
from kernel.errors import AccessDenied, InvalidInput, Stale
from kernel.states import TaskState
from kernel.tasks import AttemptOutcome, Brief, Used
from store import agent_handoffs, attempts, crew, remarks, submissions
from store.attempts import Claim
from store.tasks import New
from tests.support.board import MemoryBoard

ROSTER, PLANS = profiles.load(), plans.load()
AGENTS = sorted(ROSTER.profiles)
STEPS = (
    "work",
    "hand_off",
    "crash",
    "release",
    "approve",
    "changes",
    "reject",
    "assign",
    "choose",
    "triage",
    "look",
    "confirm",
    "cancel",
    "comment",
)
Step = tuple[str, str]


class Pipeline:
    """One task of a template, and what was seen at each of its handoffs."""

    def __init__(self, template: str) -> None:
        self.board = MemoryBoard(
            BoardSettings(first_wait=0.0, host="here", failure_limit=50, tree_limit=1000)
        )
        plan = PLANS.by_name[template]
        new = New("a job", "agent", "", template, "cli", assignee=plan.stages[0].agent)
        self.id = self.board.run(create, self.board.settings, Wanted(new, Brief(), plan=plan), actor="cli").id
        self.seen: dict[str, tuple[Any, ...]] = {}

    def step(self, what: str, who: str) -> None:
        """Try something; what is refused changes nothing."""
        self.board.now += 1000
        with contextlib.suppress(Stale, InvalidInput, AccessDenied):
            getattr(self, f"_{what}")(who)
        self._compare()

    def _begin(self, who: str) -> int:
        claim = Claim(self.board.task(self.id).assignee or who, "here", 60_000)
        epoch = self.board.run(attempts.claim_one, self.id, claim).epoch
        self.board.run(working.start, self.board.settings, self.id, epoch, working.Start(pid=1))
        return epoch

    def _work(self, who: str) -> None:
        epoch = self._begin(who)
        self.board.run(working.finish, self.id, epoch, "done", Used(60_000))

    def _hand_off(self, who: str) -> None:
        epoch = self._begin(who)
        self.board.run(working.hand_off, self.id, epoch, who, "half", Used())

    def _failed(self, who: str, outcome: AttemptOutcome) -> None:
        epoch = self._begin(who)
        self.board.run(
            record_task_failure, self.board.settings, self.id, "it died", outcome, extra=Extra(epoch)
        )

    def _crash(self, who: str) -> None:
        self._failed(who, AttemptOutcome.CRASHED)

    def _release(self, who: str) -> None:
        self._failed(who, AttemptOutcome.RELEASED)

    def _judge(self, who: str, decision: Decision) -> None:
        made = Judgement(decision, "because", ("a point",) if decision is Decision.CHANGES else ())
        worked = who in self.board.read(crew.contributors, self.id)
        self.board.run(review.decide, ROSTER, self.id, made, actor=who)
        assert not worked, "a contributor reviewed"

    def _approve(self, who: str) -> None:
        self._judge(who, Decision.APPROVE)

    def _changes(self, who: str) -> None:
        self._judge(who, Decision.CHANGES)

    def _reject(self, who: str) -> None:
        self._judge(who, Decision.REJECT)

    def _assign(self, who: str) -> None:
        self.board.run(deciding.assign, self.id, who, "", actor="cli")

    def _choose(self, _who: str) -> None:
        self.board.run(assigner.assign, self.board.settings, ROSTER, self.id)

    def _triage(self, _who: str) -> None:
        self.board.run(deciding.triage, self.id, actor="cli")

    def _look_after(self) -> House:
        return House(self.board.settings, ROSTER, PLANS)

    def _look(self, who: str) -> None:
        """Let whoever is asked about a task in triage suggest something, or nothing."""
        self.board.run(triaging.look, self._look_after())
        if who in AGENTS:
            templates = ("", *PLANS.by_name)
            made = Suggestion(0, who, templates[len(who) % 3], "", (), "", "")
            self.board.run(triage.suggest, self._look_after(), self.id, made)

    def _confirm(self, who: str) -> None:
        self.board.run(triaging.confirm, self._look_after(), self.id, 0, actor=who)

    def _cancel(self, who: str) -> None:
        # Only now and then: what is cancelled has no further story.
        if who == AGENTS[0]:
            self.board.run(deciding.cancel, self.id, actor="cli")

    def _comment(self, who: str) -> None:
        self.board.run(remarks.add_comment, self.id, "a word", author=who)

    def _now(self) -> tuple[Any, ...]:
        task = self.board.task(self.id)
        progress = self.board.read(plans.progress, task)
        return str(task.state), task.assignee, task.epoch, task.revision, progress.stage if progress else 0

    def _compare(self) -> None:
        """Compare the trail with the rows, and remember how things stood at a new handoff."""
        shown = self.board.read(replay.replay, self.id).snapshot
        assert (shown.state, shown.assignee, shown.epoch, shown.revision, shown.stage) == self._now()
        for one in self.board.read(agent_handoffs.of_task, self.id):
            self.seen.setdefault(one.id, self._now())

    def check(self) -> None:
        """Everything that must hold at the end."""
        passed = self.board.read(agent_handoffs.of_task, self.id)
        for one in passed:
            shown = self.board.read(replay.replay, self.id, one.seq)
            now = shown.snapshot
            assert (now.state, now.assignee, now.epoch, now.revision, now.stage) == self.seen[one.id]
            assert shown.handoffs[-1] == one
        awards = self.board.read(crew.awards, self.id)
        done = self.board.task(self.id).state is TaskState.DONE
        assert {one.agent for one in awards} == (
            set(self.board.read(crew.carriers, self.id)) if done else set()
        )
        for one in awards:
            assert one.xp == sum(points for _, points in one.terms)
            assert self.board.read(crew.standing, one.agent).xp == one.xp
        for one in self.board.read(submissions.of_task, self.id):
            assert one.verdict in ("", "approved", "rejected", "changes")
        assert self.board.findings() == []


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["essay", "bug_fix", "digest"]),
    st.lists(
        st.tuples(st.sampled_from(STEPS), st.sampled_from([*AGENTS, "web:owner", "web:other"])), max_size=40
    ),
)
def test_whatever_happens_to_a_pipeline_its_promises_hold(template: str, steps: list[Step]) -> None:
    pipeline = Pipeline(template)
    for what, who in steps:
        pipeline.step(what, who)
    for _ in range(8):
        pipeline.step("confirm", "web:judge")
        pipeline.step("work", "hermes")
        pipeline.step("approve", "web:judge")
    pipeline.check()
    pipeline.board.close()
