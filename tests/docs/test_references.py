"""Whatever there is has its entry: settings, commands, operations, tools, errors, states, crash points."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from kernel.crashpoints import CRASHPOINTS
from kernel.transitions import MACHINES
from scripts.generators.faults import OTHERS, emitted
from tests.docs.pages import ROOT
from tests.docs.test_pages import settings

REFERENCE = ROOT / "docs" / "reference"
ROOMS = ("kernel", "store", "agent", "approvals", "board", "gateway", "web", "hermes")


def read(name: str) -> str:
    """Return a page of the reference."""
    return (REFERENCE / name).read_text("utf-8")


def sources() -> Iterator[tuple[Path, ast.Module]]:
    """Yield the product's modules."""
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            yield path, ast.parse(path.read_text("utf-8"))


def calls(function: str) -> set[str]:
    """Return the first argument of every call of a function, where it is a plain text."""
    return {
        node.args[0].value
        for _, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == function
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    }


def test_every_error_class_has_its_entry() -> None:
    known, page = {"HermesError"}, read("errors.md")
    bases = {
        node.name: {base.id for base in node.bases if isinstance(base, ast.Name)}
        for _, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }
    for _ in bases:
        known |= {name for name, parents in bases.items() if parents & known}
    shown = {name for name in known if not name.startswith("_")}
    assert {name for name in shown if f"| `{name}` |" not in page} == set()


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
def test_every_state_and_move_has_its_entry_and_its_arrow(machine: object) -> None:
    name, moves = getattr(machine, "name", ""), getattr(machine, "moves", {})
    states = read("states.md").split(f"## {name}\n")[1].split("\n## ")[0]
    pictures = (ROOT / "docs/explanation/state-machines.md").read_text("utf-8")
    picture = pictures.split(f"## {name}\n")[1].split("\n## ")[0]
    for (state, event), to in moves.items():
        assert f"`{state}`" in states
        assert f"`{event}`" in states
        arrow = next(line for line in picture.splitlines() if line.strip().startswith(f"{state} --> {to}:"))
        assert event in arrow.partition(":")[2].replace(",", " ").split()


def test_every_crash_point_is_listed() -> None:
    page = read("crash-points.md")
    assert {name for name in CRASHPOINTS if f"| `{name}` |" not in page} == set()
    assert calls("crashpoint") <= set(CRASHPOINTS)


def test_every_setting_has_its_entry() -> None:
    page = read("configuration.md")
    missing = {
        name for name in settings() if f"`{name.rpartition('.')[2]}`" not in page and f"## {name}" not in page
    }
    assert missing == set()


def test_every_event_that_code_writes_has_its_entry() -> None:
    page = read("events.md")
    written = {
        node.args[0].value
        for _, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "emit"
        and isinstance(node.args[0], ast.Constant)
    }
    assert {
        kind for kind in written if not re.search(rf"^\| `{re.escape(str(kind))}` \| \w", page, re.MULTILINE)
    } == (set()), "scripts/generators/faults.py says what an event means"


def test_every_kind_of_event_is_explained_and_no_explanation_is_left_over() -> None:
    assert set(emitted()) == set(OTHERS)
