"""The board's tools: offered with their words, and listed with the reason why they need no judging."""

from typing import Any, cast

from agent.tools.harmless import HARMLESS, check
from board.crew_tools import crew_tools
from board.service import Board
from board.tools import task_tools
from kernel.people import Role


class _Nothing:
    room: Any = None


def test_the_tools_of_the_board_are_listed_as_harmless_and_no_others() -> None:
    tools = (*task_tools(cast(Board, _Nothing())), *crew_tools(cast(Board, _Nothing())))
    check(tools)
    assert {tool.name for tool in tools} == {name for name in HARMLESS if name.startswith("task_")}


def test_whoever_may_not_see_the_board_sees_it_through_no_tool() -> None:
    open_to_users = {tool.name for tool in task_tools(cast(Board, _Nothing())) if tool.role is Role.USER}
    # These two reach nothing but the turn's own task.
    assert open_to_users == {"task_milestone", "task_submit"}
