"""What a coding agent asks leave for: judged by what it would do, decided by a person, and used once."""

import asyncio
from pathlib import Path

from kernel.approvals import Action, ActionKind
from kernel.states import ApprovalState
from tests.support.coding import NAME, coding


def hold(_action: Action) -> str:
    return "hold"


async def test_a_permission_ends_the_turn_and_its_yes_lets_the_same_prompt_go_on(tmp_path: Path) -> None:
    async with coding(tmp_path) as home:
        mark = tmp_path / "mark"
        outcome = await home.send(f"say before\nask touch {mark}\nsay after")
        assert (outcome.text, outcome.held) == ("before\n", ("a_1",))
        action = home.desk.held()["a_1"]
        assert (action.kind, action.text) == (ActionKind.TERMINAL, f"touch {mark}")
        await home.approve("a_1")
        assert (await home.told("a_1")).text.endswith("yes\nafter\n")
        assert mark.exists()


async def test_a_refusal_is_given_to_the_agent(tmp_path: Path) -> None:
    async with coding(tmp_path) as home:
        await home.send("ask touch /m/ark")
        await home.desk.decide("a_1", ApprovalState.REFUSED)
        outcome = await home.told("a_1")
        assert outcome.text == "touch /m/ark: no\n"
        assert "Refused" in outcome.notices[0]


async def test_a_request_that_was_stopped_stops_the_agent(tmp_path: Path) -> None:
    async with coding(tmp_path) as home:
        await home.send("ask touch /m/ark")
        await home.desk.decide("a_1", ApprovalState.CANCELLED)
        assert "cancelled" in (await home.told("a_1")).text


async def test_a_command_under_a_harmless_name_is_judged_as_the_command(tmp_path: Path) -> None:
    async with coding(tmp_path) as home:
        await home.send("lie rm -rf /m/ark")
        assert home.desk.held()["a_1"].text == "rm -rf /m/ark"


async def test_what_the_gate_never_allows_is_refused_at_once(tmp_path: Path) -> None:
    async with coding(tmp_path, verdict=lambda _: "deny") as home:
        assert (await home.send("ask touch /m/ark")).text == "touch /m/ark: no\n"


async def test_an_edit_is_judged_by_its_file_and_its_new_text(tmp_path: Path) -> None:
    async with coding(tmp_path, verdict=hold) as home:
        await home.send(f"edit {home.folder}/a.txt hello")
        action = home.desk.held()["a_1"]
        assert (action.kind, action.effect, action.target) == (
            ActionKind.FILE,
            "write",
            f"{home.folder}/a.txt",
        )
        assert "+ hello" in action.text


async def test_an_edit_in_the_workspace_passes_as_it_does_for_our_own_tools(tmp_path: Path) -> None:
    async with coding(tmp_path) as home:
        await home.send(f"edit {home.folder}/a.txt hello")
        assert (home.folder / "a.txt").read_text() == "hello"


async def test_a_hundred_permissions_at_once_are_a_hundred_requests(tmp_path: Path) -> None:
    async with coding(tmp_path) as home:
        assert (await home.send("many 100")).held
        for id in await home.asked(100):
            await home.approve(id)
        assert (await home.told("a_1")).text.endswith("allowed 100 of 100\n")
        assert [(await home.told(f"a_{n}")).silent for n in range(2, 101)] == [True] * 99


async def test_more_permissions_than_a_person_can_see_are_refused_and_said_so(tmp_path: Path) -> None:
    async with coding(tmp_path) as home:
        first = await home.send("many 200")
        for id in await home.asked(128):
            await home.approve(id)
        last = await home.told("a_1")
        assert last.text.endswith("allowed 128 of 200\n")
        assert any("more than 128" in note for note in (*first.notices, *last.notices))


async def test_files_are_written_by_our_tool_and_elsewhere_only_with_leave(tmp_path: Path) -> None:
    async with coding(tmp_path) as home:
        await home.send(f"write {home.folder}/a.txt hello")
        assert (home.folder / "a.txt").read_text() == "hello"
        outside = (tmp_path / "b.txt").resolve()
        assert (await home.send(f"write {outside} hello")).held == ("a_1",)
        assert not outside.exists()
        assert home.desk.held()["a_1"].tool == "write_file"
        await home.approve("a_1")
        assert (await home.told("a_1")).text == "written\n"
        assert outside.read_text() == "hello"


async def test_files_are_read_in_the_workspace_alone(tmp_path: Path) -> None:
    async with coding(tmp_path) as home:
        (home.folder / "a.txt").write_text("one\ntwo")
        (tmp_path / "secret").write_text("x")
        assert (await home.send(f"read {home.folder}/a.txt")).text == "read one\ntwo\n"
        assert (await home.send(f"read {tmp_path}/secret")).text.startswith("not read")


async def test_a_terminal_is_our_terminal(tmp_path: Path) -> None:
    async with coding(tmp_path, verdict=lambda _: "pass") as home:
        outcome = await home.send('run echo "$GREETING"; pwd; exit 3')
        assert outcome.text == f"exit 3: hello there\n{home.folder.resolve()}\n"


async def test_a_command_in_a_terminal_waits_for_a_person_and_its_output_comes_from_the_gate(
    tmp_path: Path,
) -> None:
    async with coding(tmp_path) as home:
        assert (await home.send("run echo done")).held == ("a_1",)
        action = home.desk.held()["a_1"]
        assert (action.tool, action.kind) == ("terminal", ActionKind.TERMINAL)
        assert "echo done" in action.text
        await home.approve("a_1")
        assert (await home.told("a_1")).text == "exit 0: done\n"


async def test_what_is_said_while_it_waits_is_said_after_the_decision(tmp_path: Path) -> None:
    async with coding(tmp_path) as home:
        await home.send("ask true")
        outcome = await home.send("say later")
        assert outcome.held == ("a_1",)
        assert "hears what you said after that" in outcome.notices[-1]
        await home.approve("a_1")
        assert (await home.told("a_1")).text.endswith("later\n")


async def test_after_a_restart_the_decision_counts_once_for_the_same_action_in_the_same_session(
    tmp_path: Path,
) -> None:
    async with coding(tmp_path) as home:
        mark = tmp_path / "mark"
        await home.send(f"ask touch {mark}")
        await home.restart()
        assert "Allowed once" in await home.approve("a_1")
        outcome = await home.told("a_1", f"ask touch {mark}")
        assert not outcome.held
        assert mark.exists()
        assert (await home.send(f"ask touch {mark}")).held == ("a_2",)


async def test_after_a_restart_the_decision_is_void_for_anything_else_and_that_is_said(
    tmp_path: Path,
) -> None:
    async with coding(tmp_path) as home:
        await home.send("ask touch /m/ark")
        await home.restart()
        await home.approve("a_1")
        assert (await home.told("a_1", "ask touch /m/other")).held == ("a_2",)
        await home.desk.decide("a_2", ApprovalState.REFUSED)
        assert any("was not used" in note for note in (await home.told("a_2")).notices)


async def test_after_a_restart_the_decision_is_void_in_another_session_of_the_agent(tmp_path: Path) -> None:
    async with coding(tmp_path, environment={"FAKE_FORGETS": "1"}) as home:
        await home.send("ask touch /m/ark")
        await home.restart()
        await home.approve("a_1")
        assert (await home.told("a_1", "ask touch /m/ark")).held == ("a_2",)


async def test_a_turn_that_a_crash_interrupted_waits_for_the_same_request(tmp_path: Path) -> None:
    async with coding(tmp_path) as home:
        await home.send("ask touch /m/ark")
        await home.restart()
        assert (await home.send("ask touch /m/ark", attempt=2)).held == ("a_1",)
        assert list(home.desk.held()) == ["a_1"]


async def test_two_sessions_have_a_process_each(tmp_path: Path) -> None:
    async with coding(tmp_path) as home:
        both = await asyncio.gather(home.send("say one"), home.send("say two", session_id="s_2"))
        assert sorted(outcome.text for outcome in both) == ["one\n", "two\n"]
        assert NAME in home.settings.acp


async def test_a_stop_before_anybody_decided_withdraws_what_was_asked(tmp_path: Path) -> None:
    async with coding(tmp_path, verdict=hold) as home:
        # Something else goes on beside the request, so that the turn does not end to wait for it.
        sending = asyncio.create_task(home.send("both chmod 777 /m/x"))
        [id] = await home.asked(1)
        home.surface.stop.set()
        assert (await sending).stopped
        assert home.desk.decided == {id: ApprovalState.CANCELLED}
        assert (await home.send("say here")).text.endswith("here\n")
