"""A coding agent as a process of its own: what it says, what it is given, and what happens to it."""

import asyncio
import base64
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from agent.acp.errors import AgentBroke
from kernel.errors import AgentError
from kernel.messages import Attachment, AttachmentKind
from kernel.people import Principal, Role
from kernel.turns import TurnInput
from tests.fakes.agent_ports import Surface, turn_request
from tests.support.coding import NAME, coding

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


async def test_what_the_agent_says_is_streamed_and_is_the_answer(tmp_path: Path) -> None:
    async with coding(tmp_path) as home:
        outcome = await home.send("say one\nplan look,build\nsay two")
        assert outcome.text == "one\ntwo\n"
        assert home.surface.written == outcome.text
        assert "plan 0/2 look" in home.surface.activities
        assert [(one.model, one.input_tokens, one.output_tokens) for one in outcome.usage] == [
            ("acp:fake", 10, 5)
        ]


async def test_the_exchange_is_part_of_the_conversation_so_that_another_brain_knows_it(
    tmp_path: Path,
) -> None:
    async with coding(tmp_path) as home:
        await home.send("say one")
        assert await home.base.history("s_1") == [("user", "say one"), ("assistant", "one\n")]


async def test_one_process_serves_the_turns_of_a_session_and_another_takes_its_session_up(
    tmp_path: Path,
) -> None:
    async with coding(tmp_path) as home:
        await home.send("say one")
        await home.send("say two")
        await home.restart()
        outcome = await home.send("say three")
        assert outcome.text == "three\n"
        assert outcome.notices == ()
        assert '"fake-1"' in (tmp_path / "agent-state.json").read_text()
        assert '"fake-2"' not in (tmp_path / "agent-state.json").read_text()


async def test_an_agent_that_resumes_is_not_made_to_replay(tmp_path: Path) -> None:
    async with coding(tmp_path, environment={"FAKE_RESUMES": "1", "FAKE_FORGETS": "1"}) as home:
        await home.send("say one")
        await home.restart()
        outcome = await home.send("say two")
        assert (outcome.text, outcome.notices) == ("two\n", ())
        assert '"fake-2"' not in (tmp_path / "agent-state.json").read_text()


async def test_an_agent_that_cannot_take_its_session_up_says_so(tmp_path: Path) -> None:
    async with coding(tmp_path, environment={"FAKE_FORGETS": "1"}) as home:
        await home.send("say one")
        await home.restart()
        assert "without memory" in (await home.send("say two")).notices[0]


async def test_it_gets_a_small_environment_and_what_its_profile_names(tmp_path: Path) -> None:
    async with coding(tmp_path, environment={"TOKEN_OF_FAKE": "x"}) as home:
        names = (await home.send("environment")).text.split()
        assert "TOKEN_OF_FAKE" in names
        assert not [name for name in names if name.startswith(("HERMES_WEB", "HERMES_HOME", "PYTEST"))]


async def test_images_are_handed_over(tmp_path: Path) -> None:
    async with coding(tmp_path) as home:
        (tmp_path / "pixel.png").write_bytes(PIXEL)
        file = Attachment(
            AttachmentKind.PHOTO, "ref", name="pixel.png", mime="image/png", path=str(tmp_path / "pixel.png")
        )
        outcome = await home.send("images", inputs=(TurnInput(1, "images", (file,)),))
        assert outcome.text == "images ['image/png']\n"


async def test_stop_cancels_the_prompt_and_the_agent_stays_usable(tmp_path: Path) -> None:
    async with coding(tmp_path) as home:
        sending = asyncio.create_task(home.send("wait"))
        while not home.surface.shown:  # noqa: ASYNC110 - the surface is made with the turn
            await asyncio.sleep(0.01)
        home.surface.stop.set()
        assert (await sending).stopped
        assert (await home.send("say here")).text == "here\n"


async def test_an_agent_that_does_not_stop_is_ended(tmp_path: Path) -> None:
    async with coding(tmp_path) as home:
        sending = asyncio.create_task(home.send("say begun\nhang"))
        while not home.surface.shown:  # noqa: ASYNC110 - the surface is made with the turn
            await asyncio.sleep(0.01)
        children = psutil.Process().children()
        home.surface.stop.set()
        assert (await sending).stopped
        assert not [
            child for child in children if child.is_running() and "acp_agent" in " ".join(child.cmdline())
        ]


async def test_what_is_said_meanwhile_becomes_the_next_prompt(tmp_path: Path) -> None:
    async with coding(tmp_path) as home:
        sending = asyncio.create_task(home.send("flood 300\nsay first"))
        while not home.surface.shown:  # noqa: ASYNC110 - the surface is made with the turn
            await asyncio.sleep(0.001)
        home.surface.say(77, "say second")
        outcome = await sending
        assert outcome.text.endswith("second\n")
        assert outcome.consumed == (77,)


async def test_a_death_in_the_middle_is_explained_and_the_next_turn_starts_it_anew(tmp_path: Path) -> None:
    async with coding(tmp_path) as home:
        outcome = await home.send("say half\ndie")
        assert outcome.failed
        assert outcome.text.startswith("half")
        assert "exit code 7" in outcome.text
        assert "out of cheese" in outcome.text
        assert (await home.send("say back")).text == "back\n"


async def test_frames_that_are_no_messages_are_passed_over_and_too_many_end_it(tmp_path: Path) -> None:
    async with coding(tmp_path) as home:
        assert (await home.send("garbage 2\nwrong\nsay fine")).text == "fine\n"
        with pytest.raises(AgentBroke, match="no messages of the protocol"):
            await home.send("garbage 40\nhang")
        assert (await home.send("say back")).text == "back\n"


async def test_a_flood_of_text_is_cut_off(tmp_path: Path) -> None:
    async with coding(tmp_path) as home:
        outcome = await home.send("flood 4000\nhang")
        assert "cut off after 200,000 characters" in outcome.text
        assert len(outcome.text) < 201_000


async def test_an_agent_that_hangs_is_ended(tmp_path: Path) -> None:
    async with coding(tmp_path, silence=1.5) as home:
        with pytest.raises(AgentError, match="no sign of life"):
            await home.send("hang")
        assert (await home.send("say back")).text == "back\n"


async def test_a_turn_has_a_limit(tmp_path: Path) -> None:
    async with coding(tmp_path, turn=3.0) as home:
        assert "longer than a turn may take" in (await home.send("say begun\nwait")).text


@pytest.mark.parametrize(
    ("environment", "words"),
    [({"FAKE_LOGGED_OUT": "1"}, "not logged in.*fake login"), ({"FAKE_VERSION": "9"}, "speaks version 9")],
)
async def test_what_is_wrong_at_the_beginning_is_explained(
    tmp_path: Path, environment: dict[str, str], words: str
) -> None:
    async with coding(tmp_path, environment=environment) as home:
        with pytest.raises(AgentBroke) as caught:
            await home.send("say hello")
        said = f"{caught.value} {caught.value.remedy}"
        assert all(part in said for part in words.split(".*")), said


async def test_a_missing_program_is_explained_with_the_command_that_installs_it(tmp_path: Path) -> None:
    async with coding(tmp_path, command="no-such-agent") as home:
        with pytest.raises(AgentBroke, match="not installed") as caught:
            await home.send("say hello")
        assert "pip install fake" in caught.value.remedy


async def test_a_program_that_is_no_agent_is_explained(tmp_path: Path) -> None:
    async with coding(tmp_path, command=sys.executable, args=["-c", "print('hello')"]) as home:
        with pytest.raises(AgentBroke, match="exit code 0"):
            await home.send("say hello")


async def test_errors_and_refusals_of_the_agent_are_explained(tmp_path: Path) -> None:
    async with coding(tmp_path) as home:
        with pytest.raises(AgentBroke, match="no more credit"):
            await home.send("fail no more credit")
        assert "refused" in (await home.send("refuse")).text


async def test_only_operators_work_with_a_coding_agent(tmp_path: Path) -> None:
    async with coding(tmp_path) as home:
        request = replace(turn_request("say x", home.folder), principal=Principal("fake:9", Role.USER))
        with pytest.raises(AgentError, match="for operators"):
            await home.runner.run(NAME, request, Surface())
