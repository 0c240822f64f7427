"""A coding agent on the other SDK of the protocol: nothing here leans on how one library speaks."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from agent.acp import modes
from kernel.approvals import Action
from kernel.states import ApprovalState
from tests.support import typescript
from tests.support.coding import NAME, Coding, coding


@asynccontextmanager
async def session(tmp_path: Path, **more: Any) -> AsyncGenerator[Coding]:
    """Open a session with the TypeScript agent."""
    node, program = await typescript.agent()
    async with coding(tmp_path, command=node, args=(program, str(tmp_path / "state.json")), **more) as home:
        yield home


def hold(action: Action) -> str:
    """Let a person decide about commands."""
    return "hold" if "chmod" in action.text else "pass"


async def test_a_typescript_agent_talks_runs_and_writes_through_hermes(tmp_path: Path) -> None:
    async with session(tmp_path, verdict=hold) as home:
        outcome = await home.send(f"say one\nrun echo there\nwrite {home.folder}/new.txt some text")
        assert outcome.text == "one\nexit 0: there\nwritten\n"
        assert (home.folder / "new.txt").read_text() == "some text"


async def test_its_command_under_a_harmless_name_waits_for_a_person_and_its_session_is_taken_up_again(
    tmp_path: Path,
) -> None:
    async with session(tmp_path, verdict=hold) as home:
        outcome = await home.send(f"ask chmod 700 {home.folder}")
        [id] = await home.asked(1)
        assert outcome.held == (id,)
        assert home.desk.held()[id].text == f"chmod 700 {home.folder}"
        await home.desk.decide(id, ApprovalState.REFUSED)
        assert (await home.told(id)).text == f"chmod 700 {home.folder}: no\n"
        await home.restart()
        again = await home.send("say back")
        assert (again.text, again.notices) == ("back\n", ())


async def test_its_modes_a_stop_and_its_death_are_those_of_any_agent(tmp_path: Path) -> None:
    async with session(tmp_path, mode="code") as home:
        assert (await home.send("mode")).text == "mode code\n"
        assert (await modes.offered(home.ports.shelf, "s_1", NAME)).ids == ("ask", "code")
        before, sending = home.surface, asyncio.create_task(home.send("wait"))
        while home.surface is before or not home.surface.shown:  # noqa: ASYNC110 - the surface is made with the turn
            await asyncio.sleep(0.01)
        home.surface.stop.set()
        assert (await sending).stopped
        outcome = await home.send("say half\ndie")
        assert outcome.failed
        assert "out of cheese" in outcome.cut
