"""The states and moves of every machine: as a reference, and as pictures."""

from itertools import groupby
from typing import Any

from kernel.states import State
from kernel.transitions import MACHINES, Machine
from scripts.generators.tables import first_sentence, table

REFERENCE = """\
# States

Made from `kernel/states.py` and `kernel/transitions.py` by `scripts/generate`. The sentence of a state is what `hermes
status`, `/status` and the page show. Pictures and reasons are in
[State machines](../explanation/state-machines.md).
"""

PICTURES = """\
# State machines

Everything in Hermes that has a life of its own - a message, a turn, a request for approval - is a row with a state.
Which moves there are is written in one table for each kind, in `kernel/transitions.py`; the pictures below are drawn
from these tables by `scripts/generate`.

A move is one guarded statement: `UPDATE … WHERE id = ? AND state IN (…) RETURNING *`, in the same transaction as the
event that records it. When no row comes back, somebody else was first: the caller gets `Stale` and looks again. A move
that no table has is a defect and raises `IllegalTransition`. No code compares states to decide what may happen next.

Three consequences are worth knowing:

- Two presses of one button, two approvers, a press and a timeout at the same moment: exactly one of them wins.
- After a crash, what is in `running`, `sending` or `intent` is what was under way. The start moves each of them on:
  a turn is interrupted and continues, a message is uncertain and is sent again with a mark, a tool call that cannot be
  repeated is lost, and the owner is asked. An approved action that was `running` is `unknown`; it never runs again, and
  a person says what became of it ([approvals](approvals.md)).
- The audit trail names each move `machine.event`, so the history of a row can be read back
  ([events](../reference/events.md)).
"""


def states(machine: Machine[Any]) -> tuple[State, ...]:
    """Return all states of a machine."""
    kind: type[State] = type(machine.initial)
    return tuple(kind)


def _about(machine: Machine[Any]) -> str:
    return first_sentence(type(machine.initial).__doc__)


def reference() -> str:
    """Return ``docs/reference/states.md``."""
    return "\n".join((REFERENCE, *(_described(machine) for machine in MACHINES)))


def pictures() -> str:
    """Return ``docs/explanation/state-machines.md``."""
    return "\n".join((PICTURES, *(_drawn(machine) for machine in MACHINES)))


def _described(machine: Machine[Any]) -> str:
    meanings = table(("state", "meaning"), ((f"`{state}`", state.sentence) for state in states(machine)))
    moves = table(("event", "from", "to"), _moves(machine))
    return f"## {machine.name}\n\n{_about(machine)}\n\n{meanings}\n\n{moves}\n"


def _moves(machine: Machine[Any]) -> list[tuple[str, str, str]]:
    found: dict[tuple[str, str], list[str]] = {}
    for (state, event), to in machine.moves.items():
        found.setdefault((event, str(to)), []).append(f"`{state}`")
    return [(f"`{event}`", ", ".join(states), f"`{to}`") for (event, to), states in found.items()]


def _drawn(machine: Machine[Any]) -> str:
    arrows = [f"    [*] --> {machine.initial}"]
    ordered = sorted(machine.moves.items(), key=lambda move: (str(move[0][0]), str(move[1])))
    for (state, to), moves in groupby(ordered, key=lambda move: (str(move[0][0]), str(move[1]))):
        arrows.append(f"    {state} --> {to}: {', '.join(event for (_, event), _ in moves)}")
    arrows += [f"    {state} --> [*]" for state in states(machine) if state in machine.final]
    picture = "\n".join(("```mermaid", "stateDiagram-v2", *arrows, "```"))
    return f"## {machine.name}\n\n{_about(machine)}\n\n{picture}\n"
