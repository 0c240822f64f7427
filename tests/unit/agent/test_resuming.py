"""A turn that a crash interrupted goes on where its tools began, and no finished call runs twice."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from kernel.turns import TurnRequest
from tests.fakes.agent_ports import UNKNOWN, Chat, MemoryJournal, Ports, Surface, runner_on, turn_request


class Killed(BaseException):
    """The process ends here."""


class DyingJournal(MemoryJournal):
    """A journal whose process dies before or after the result of its n-th call is stored."""

    def __init__(self, calls: int, *, stored: bool) -> None:
        super().__init__()
        self.calls, self.stored = calls, stored

    async def finish(self, request: TurnRequest, key: str, result: str) -> None:
        self.calls -= 1
        if self.calls == 0 and not self.stored:
            raise Killed
        await super().finish(request, key, result)
        if self.calls == 0:
            raise Killed


async def survive(
    ports: Ports, home: Path, workspace: Path, text: str, *, calls: int, stored: bool
) -> tuple[Surface, str]:
    """Run a turn that dies at a call, restart, and return what the second attempt showed and answered."""
    dying = DyingJournal(calls, stored=stored)
    ports.journal = dying
    with pytest.raises(Killed):
        await runner_on(ports, home).run(turn_request(text, workspace), Surface())
    ports.journal = MemoryJournal(dying.begun)
    surface = Surface()
    outcome = await runner_on(ports, home).run(turn_request(text, workspace, attempt=2), surface)
    await ports.commit(outcome)
    return surface, outcome.text


LINES = "remember tea\nremember coffee\nrecall"


async def test_a_stored_result_is_replayed(ports: Ports, tmp_path: Path, workspace: Path):
    surface, text = await survive(ports, tmp_path, workspace, LINES, calls=1, stored=True)
    assert [note for _, note in ports.notes.kept] == ["tea", "coffee"]
    assert text == "Kept as note #1.\n\nKept as note #2.\n\n#2 coffee\n#1 tea"
    assert surface.activities == ["taking a note", "looking through notes"]


async def test_a_call_of_unknown_outcome_is_not_run_again(ports: Ports, tmp_path: Path, workspace: Path):
    _, text = await survive(ports, tmp_path, workspace, LINES, calls=2, stored=False)
    assert [note for _, note in ports.notes.kept] == ["tea", "coffee"]
    assert UNKNOWN in text


async def test_an_idempotent_call_runs_again(ports: Ports, tmp_path: Path, workspace: Path):
    _, text = await survive(ports, tmp_path, workspace, "write a.txt: hi\nread a.txt", calls=1, stored=False)
    assert text == "Wrote 3 bytes to a.txt.\n\nhi"


async def test_the_history_after_a_resumed_turn_is_one_chain(ports: Ports, tmp_path: Path, workspace: Path):
    await survive(ports, tmp_path, workspace, LINES, calls=2, stored=True)
    chat = Chat(runner_on(ports, tmp_path), ports, workspace)
    assert (await chat.send("say and on")).text == "and on"
    stored = await ports.log.load("s_1")
    assert stored is not None
    assert len(stored.history) == len(ports.log.entries) == 10


async def test_a_question_asked_before_the_crash_is_the_same_question(
    ports: Ports, tmp_path: Path, workspace: Path
):
    asks: list[str] = []
    original = ports.people.ask

    async def ask(request: TurnRequest, text: str, options: Sequence[str], call_key: str) -> str:
        asks.append(await original(request, text, options, call_key))
        if len(asks) == 1:
            raise Killed
        return asks[-1]

    ports.people.ask = ask
    with pytest.raises(Killed):
        await runner_on(ports, tmp_path).run(turn_request("ask Tea?", workspace), Surface())
    outcome = await runner_on(ports, tmp_path).run(turn_request("ask Tea?", workspace, attempt=2), Surface())
    assert outcome.held == ("q_1",)
    assert asks == ["q_1", "q_1"]


async def test_a_steering_message_seen_before_the_crash_is_not_seen_twice(
    ports: Ports, tmp_path: Path, workspace: Path
):
    dying = DyingJournal(2, stored=True)
    ports.journal = dying
    surface = Surface()
    surface.say(9, "recall")
    with pytest.raises(Killed):
        await runner_on(ports, tmp_path).run(turn_request("remember a\nremember b", workspace), surface)
    ports.journal = MemoryJournal(dying.begun)
    again = turn_request("remember a\nremember b", workspace, attempt=2)
    outcome = await runner_on(ports, tmp_path).run(again, Surface())
    assert outcome.consumed == (9,)
    assert outcome.text.endswith("#2 b\n#1 a")


async def test_a_working_copy_that_no_longer_fits_is_left_aside(
    ports: Ports, tmp_path: Path, workspace: Path
):
    chat = Chat(runner_on(ports, tmp_path), ports, workspace)
    ports.journal = DyingJournal(1, stored=True)
    with pytest.raises(Killed):
        await runner_on(ports, tmp_path).run(turn_request("list", workspace), Surface())
    ports.journal = MemoryJournal()
    await chat.send("say meanwhile")
    outcome = await runner_on(ports, tmp_path).run(turn_request("list", workspace, attempt=2), Surface())
    await ports.commit(outcome)
    assert outcome.text == "The folder is empty."
