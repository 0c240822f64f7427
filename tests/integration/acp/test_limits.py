"""What a coding agent costs and how far it gets: booked once, told as milestones, bounded."""

from pathlib import Path

import pytest

from kernel.errors import BudgetSpent
from kernel.turns import Persona, Spending
from tests.support.coding import coding


async def test_the_cost_of_a_session_is_booked_once_though_the_agent_tells_its_sum(tmp_path: Path) -> None:
    async with coding(tmp_path) as home:
        assert [one.cost for one in (await home.send("costs 0.25")).usage] == [0.25]
        assert [one.cost for one in (await home.send("costs 0.75")).usage] == [0.5]
        await home.restart()
        assert [one.cost for one in (await home.send("costs 1.75")).usage] == [1.0]


async def test_the_budget_of_a_task_ends_a_prompt_that_costs_more_than_is_left(tmp_path: Path) -> None:
    async with coding(tmp_path) as home:
        outcome = await home.send("costs 3\nwait", persona=Persona("fake", money=2.0))
        assert outcome.failed
        assert outcome.cut == "I stopped: this turn has cost $3.00, and the task had $2.00 left."
        assert [one.cost for one in outcome.usage] == [3.0]


async def test_the_budget_of_a_day_holds_for_coding_agents_too(tmp_path: Path) -> None:
    async with coding(tmp_path, day_money=1.0) as home:
        home.ports.ledger.spent = Spending(0, 1.0)
        with pytest.raises(BudgetSpent):
            await home.send("say here")


async def test_its_plan_and_the_commands_it_has_run_are_noted(tmp_path: Path) -> None:
    async with coding(tmp_path) as home:
        await home.send("plan look!,build\nran git commit -m more")
        assert home.desk.noted == [
            (
                "plan",
                {
                    "todos": [
                        {"content": "look", "status": "completed"},
                        {"content": "build", "status": "pending"},
                    ]
                },
            ),
            ("terminal", {"command": "git commit -m more"}),
        ]


async def test_a_changed_file_is_shown_with_what_went_and_came(tmp_path: Path) -> None:
    async with coding(tmp_path) as home:
        await home.send(f"edit {home.folder}/notes.md more")
        assert "editing notes.md (+1 -0)" in home.surface.activities


@pytest.mark.parametrize(("word", "said"), [("refuse", "It refused to go on with this."), ("die", "stopped")])
async def test_what_ends_a_turn_before_the_agent_is_done_is_a_failure_with_its_reason(
    word: str, said: str, tmp_path: Path
) -> None:
    async with coding(tmp_path) as home:
        outcome = await home.send(f"say half\n{word}")
        assert outcome.failed
        assert said in outcome.cut
