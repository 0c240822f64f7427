"""A board in memory with the shipped crew and templates."""

from typing import Any

from board import review, working
from board.creating import Wanted, create
from board.crew import plans, profiles
from board.review import Decision, Judgement
from kernel.tasks import Brief, Task, Used
from store import attempts
from store.attempts import Claim
from store.tasks import New
from tests.support.board import MemoryBoard

ROSTER, PLANS = profiles.load(), plans.load()


class CrewBoard(MemoryBoard):
    """A board whose tasks may follow the shipped templates."""

    def essay(self, template: str = "essay", **texts: Any) -> int:
        """Create a task of a template."""
        plan = PLANS.by_name[template]
        new = New("an essay", "agent", "", template, "cli", assignee=plan.stages[0].agent)
        return self.run(create, self.settings, Wanted(new, Brief(**texts), plan=plan), actor="cli").id

    def work(self, id: int, agent: str = "", result: str = "done") -> Task:
        """Let whoever it is assigned to do their part."""
        epoch = self.begin(id, agent)
        return self.run(working.finish, id, epoch, result, Used(60_000))

    def begin(self, id: int, agent: str = "") -> int:
        """Take a task as an agent and begin."""
        claim = Claim(agent or self.task(id).assignee or "hermes", "here", 60_000)
        epoch = self.run(attempts.claim_one, id, claim).epoch
        self.run(working.start, self.settings, id, epoch, working.Start(pid=1))
        return epoch

    def judge(self, id: int, decision: Decision, by: str = "web:owner", version: int = 0) -> Task:
        """Decide about what was put up for review."""
        points = ("the first line",) if decision is Decision.CHANGES else ()
        made = Judgement(decision, "because", points, version)
        return self.run(review.decide, ROSTER, id, made, actor=by)

    def submitted(self) -> int:
        """Create an essay and bring it to its review."""
        id = self.essay()
        for _ in range(3):
            self.work(id)
        return id
