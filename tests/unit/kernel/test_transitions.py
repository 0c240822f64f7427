"""Every machine over every pair of state and event: what the table has moves, everything else is refused."""

from itertools import product
from typing import Any

import pytest

from kernel import transitions
from kernel.errors import IllegalTransition
from kernel.states import (
    AdapterState,
    FireState,
    InboxState,
    OutboxState,
    QuestionState,
    ScheduleState,
    State,
    ToolCallState,
    TurnState,
)
from kernel.transitions import ADAPTER, FIRE, INBOX, MACHINES, OUTBOX, QUESTION, TOOL_CALL, TURN, Machine


def states(machine: Machine[Any]) -> list[Any]:
    """Return all states of a machine."""
    kind: type[State] = type(machine.initial)
    return list(kind)


BY_NAME: dict[str, Machine[Any]] = {machine.name: machine for machine in MACHINES}
PAIRS = [
    (machine.name, state, event)
    for machine in MACHINES
    for state, event in product(states(machine), machine.events)
]

# What each machine promises, said once more and by hand: the states that nothing leaves.
FINAL = {
    "inbox": {InboxState.DONE, InboxState.IGNORED, InboxState.CANCELLED},
    "turn": {TurnState.DONE, TurnState.FAILED, TurnState.CANCELLED},
    "outbox": {OutboxState.SENT, OutboxState.CANCELLED},
    "question": {QuestionState.ANSWERED, QuestionState.EXPIRED, QuestionState.CANCELLED},
    "tool_call": {ToolCallState.DONE},
    "adapter": set[AdapterState](),
    "schedule": {ScheduleState.DELETED},
    "fire": {
        FireState.DONE,
        FireState.FAILED,
        FireState.SKIPPED,
        FireState.MISSED,
        FireState.LOST,
        FireState.CANCELLED,
    },
}


@pytest.mark.parametrize(("name", "state", "event"), PAIRS, ids=str)
def test_a_pair_moves_as_the_table_says_or_is_refused(name: str, state: Any, event: str) -> None:
    machine = BY_NAME[name]
    if (target := machine.moves.get((state, event))) is not None:
        assert machine.move(state, event) is target
    else:
        with pytest.raises(IllegalTransition, match=rf"^{name}: no move from {state} on {event}\.$"):
            machine.move(state, event)


def test_every_machine_of_the_module_is_listed() -> None:
    defined = {value.name for value in vars(transitions).values() if isinstance(value, Machine)}
    assert defined == set(BY_NAME)


@pytest.mark.parametrize("name", FINAL)
def test_what_is_over_is_over(name: str) -> None:
    assert BY_NAME[name].final == FINAL[name]


@pytest.mark.parametrize("name", BY_NAME)
def test_every_state_can_be_reached(name: str) -> None:
    machine = BY_NAME[name]
    reached, grown = {machine.initial}, True
    while grown:
        more = {to for (state, _), to in machine.moves.items() if state in reached}
        grown, reached = not more <= reached, reached | more
    assert reached == set(states(machine))


@pytest.mark.parametrize("name", BY_NAME)
def test_every_state_has_a_sentence_for_people(name: str) -> None:
    for state in states(BY_NAME[name]):
        assert state.sentence.endswith(".")


@pytest.mark.parametrize("name", ["inbox", "turn", "outbox", "question", "tool_call", "schedule", "fire"])
def test_an_event_of_a_stored_machine_leads_to_one_state_so_that_one_statement_carries_it_out(
    name: str,
) -> None:
    machine = BY_NAME[name]
    for event in machine.events:
        assert machine.target(event) in states(machine)


def test_a_message_that_was_answered_cannot_be_answered_again() -> None:
    with pytest.raises(IllegalTransition):
        INBOX.move(InboxState.DONE, "start")


def test_a_message_that_was_sent_is_never_sent_again() -> None:
    assert {event for state, event in OUTBOX.moves if state is OutboxState.SENT} == set()


def test_a_message_is_sent_a_second_time_out_of_doubt_only() -> None:
    assert OUTBOX.sources("resend") == (OutboxState.UNCERTAIN,)


def test_a_turn_runs_again_only_after_an_interruption() -> None:
    assert TURN.sources("resume") == (TurnState.INTERRUPTED,)


def test_a_question_has_one_answer() -> None:
    assert QUESTION.sources("answer") == (QuestionState.OPEN,)


def test_a_call_whose_outcome_is_unknown_never_returns_to_its_intent() -> None:
    assert ToolCallState.INTENT not in TOOL_CALL.moves.values()


def test_an_adapter_can_always_be_stopped_and_started() -> None:
    for state in AdapterState:
        assert (state, "stop") in ADAPTER.moves or state is AdapterState.STOPPED
        assert (state, "start") in ADAPTER.moves or state is AdapterState.CONNECTING


def test_an_event_that_leads_nowhere_or_to_several_states_has_no_target() -> None:
    with pytest.raises(IllegalTransition):
        INBOX.target("explode")
    forked = Machine("forked", QuestionState.OPEN, {
        (QuestionState.OPEN, "end"): QuestionState.ANSWERED,
        (QuestionState.ANSWERED, "end"): QuestionState.CANCELLED,
    })  # fmt: skip
    with pytest.raises(IllegalTransition):
        forked.target("end")


def test_what_may_have_happened_is_never_run_again() -> None:
    assert {event for state, event in FIRE.moves if state is FireState.LOST} == set()
    assert FIRE.sources("release") == (FireState.CLAIMED,)
