"""How an attempt of a coding agent ended, from its last message or from why it could not go on."""

import pytest

from agent.acp import words
from board import lanes
from board.settings import BoardSettings
from board.workers.coders import meant, spoken
from kernel.errors import InvalidInput
from kernel.states import TurnState
from kernel.tasks import AttemptOutcome, Used
from store.agentwork import AgentTurn

USED = Used(0, 15, 0.5)


def turn(state: TurnState, *, said: str = "", error: str = "") -> AgentTurn:
    return AgentTurn("t", "s", state, error, said)


def test_lines_of_their_own_are_read_and_taken_out_of_the_result() -> None:
    said = spoken("Built it.\n::artifact a.txt\n  ::artifact a.txt\n::milestone It stands\n\nBye.")
    assert (said.text, said.artifacts, said.milestones) == ("Built it.\n\nBye.", ("a.txt",), ("It stands",))


def test_what_it_said_is_the_result() -> None:
    ended = meant(turn(TurnState.DONE, said="Built it.\n::artifact a.txt"), USED)
    assert (ended.outcome, ended.result, ended.used) == (AttemptOutcome.SUCCEEDED, "Built it.", USED)


def test_a_blocked_attempt_counts_as_nobodys_failure_and_names_what_is_needed() -> None:
    ended = meant(turn(TurnState.DONE, said="Half.\n::blocked Somebody must log in."), USED)
    assert (ended.outcome, ended.reaction) == (AttemptOutcome.RELEASED, "Somebody must log in.")


def test_one_that_gives_up_has_failed() -> None:
    ended = meant(turn(TurnState.DONE, said="::failed It does not build."), USED)
    assert (ended.outcome, ended.error) == (AttemptOutcome.FAILED, "It does not build.")


@pytest.mark.parametrize(
    ("error", "outcome", "lasting"),
    [
        (f"x {words.BROKE}: its process ended (exit code 7).", AttemptOutcome.CRASHED, False),
        (f"x {words.SILENT} for 600 seconds and was ended.", AttemptOutcome.TIMED_OUT, False),
        (words.TOO_LONG, AttemptOutcome.TIMED_OUT, False),
        (words.REFUSED, AttemptOutcome.FAILED, True),
        (words.LIMIT_OF_TOKENS, AttemptOutcome.FAILED, False),
        (f"x {words.MISSING}: there is no x.", AttemptOutcome.FAILED, True),
        (f"x {words.LOGGED_OUT}.", AttemptOutcome.FAILED, True),
        (f"x speaks version 7 {words.OTHER_VERSION} 1.", AttemptOutcome.FAILED, True),
    ],
)
def test_why_it_could_not_go_on_is_an_outcome(error: str, outcome: AttemptOutcome, lasting: bool) -> None:
    ended = meant(turn(TurnState.FAILED, error=error), USED)
    assert (ended.outcome, ended.lasting, ended.error) == (outcome, lasting, error)


def test_a_person_who_stops_it_gives_it_back() -> None:
    assert meant(turn(TurnState.CANCELLED), USED).outcome is AttemptOutcome.RELEASED


def test_a_lane_names_a_coding_agent_that_is_known() -> None:
    assert lanes.checked("acp:codex", ["codex"]) == "acp:codex"
    assert lanes.checked("agent", []) == "agent"
    with pytest.raises(InvalidInput, match="There is no coding agent nobody"):
        lanes.checked("acp:nobody", ["codex"])
    assert BoardSettings(lane="acp:codex").lane == "acp:codex"
