"""Tools of cron: those that make or change jobs are judged, the others are listed with the reason why they are not."""

from typing import Any, cast

from agent.tools.harmless import HARMLESS, check
from cron.service import Cron
from cron.tools import cron_tools
from kernel.people import Role


class _Nothing:
    room: Any = None


def test_whatever_makes_or_changes_a_job_is_judged() -> None:
    tools = cron_tools(cast(Cron, _Nothing()))
    check(tools)
    assert {tool.name for tool in tools if tool.action is None} == {"remind", "cron_list"} <= set(HARMLESS)
    assert {tool.name for tool in tools if tool.role is Role.USER} == {"remind", "cron_list"}
