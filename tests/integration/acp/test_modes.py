"""The modes of a coding agent: listed, chosen by a person, changed by the agent, and told."""

from pathlib import Path

import pytest

from agent.acp import modes
from agent.acp.errors import AgentBroke
from tests.support.coding import NAME, coding


async def test_a_session_begins_in_the_mode_of_the_settings(tmp_path: Path) -> None:
    async with coding(tmp_path, mode="code") as home:
        assert (await home.send("mode")).text == "mode code\n"
        known = await modes.offered(home.ports.shelf, "s_1", NAME)
        assert (known.now, known.ids) == ("code", ("ask", "code"))


async def test_a_mode_of_the_settings_that_is_not_there_is_an_explained_error(tmp_path: Path) -> None:
    async with coding(tmp_path, mode="yolo") as home:
        with pytest.raises(AgentBroke, match=r"no mode yolo\. .*it has ask, code"):
            await home.send("mode")


async def test_a_person_changes_the_mode_of_a_running_agent_and_of_the_one_that_comes_after_it(
    tmp_path: Path,
) -> None:
    async with coding(tmp_path) as home:
        assert (await home.send("mode")).text == "mode ask\n"
        await modes.wish(home.ports.shelf, "s_1", NAME, "code")
        await home.runner.switch("s_1", "code")
        assert (await home.send("mode")).text == "mode code\n"
        await home.restart()
        outcome = await home.send("mode")
        assert (outcome.text, outcome.notices) == ("mode code\n", ())


async def test_a_wish_for_a_mode_that_is_not_there_is_said_and_forgotten(tmp_path: Path) -> None:
    async with coding(tmp_path) as home:
        await modes.wish(home.ports.shelf, "s_1", NAME, "yolo")
        outcome = await home.send("mode")
        assert outcome.text == "mode ask\n"
        assert outcome.notices == ("fake has no mode yolo; it has ask, code.",)
        assert await modes.wished(home.ports.shelf, "s_1", NAME) == ""


async def test_an_agent_that_changes_its_mode_by_itself_is_told_of(tmp_path: Path) -> None:
    async with coding(tmp_path) as home:
        outcome = await home.send("mode code")
        assert "It has changed to its mode code." in outcome.notices
        assert (await modes.offered(home.ports.shelf, "s_1", NAME)).now == "code"


async def test_an_agent_without_modes_has_none(tmp_path: Path) -> None:
    async with coding(tmp_path, environment={"FAKE_MODELESS": "1"}) as home:
        await home.send("say here")
        assert (await modes.offered(home.ports.shelf, "s_1", NAME)).ids == ()
