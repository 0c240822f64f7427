"""Any mix of units, failing ones among them, leaves what a dictionary would hold."""

import asyncio
import sqlite3
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hypothesis import given, settings
from hypothesis import strategies as st

from kernel.bus import Bus
from kernel.events import Event
from store import events
from store.units import Unit
from tests.unit.store.small import opened

CLASHING = "INSERT INTO item (id, state) VALUES (100, 'new')"
VOIDING = "INSERT OR ROLLBACK INTO item (id, state) VALUES (100, 'new')"

End = Literal["well", "raise", "clash", "void"]


@dataclass(frozen=True, slots=True)
class Plan:
    """One unit: the items it writes, in order, how it ends, and whether its caller is cancelled."""

    writes: tuple[tuple[int, str], ...]
    end: End
    cancelled: bool


PLANS = st.lists(
    st.builds(
        Plan,
        st.lists(st.tuples(st.integers(1, 6), st.text("abc'\";\0é", max_size=4)), max_size=4).map(tuple),
        st.sampled_from(["well", "well", "well", "raise", "clash", "void"]),
        st.booleans(),
    ),
    max_size=40,
)


def carry_out(tx: Unit, plan: Plan) -> list[str]:
    """Write what the plan says and return what was there before; end as it says."""
    before: list[str] = []
    for number, note in plan.writes:
        row = tx.one("SELECT note FROM item WHERE id = ?", (number,))
        before.append(row["note"] if row else "-")
        tx.run("INSERT OR REPLACE INTO item (id, state, note) VALUES (?, 'new', ?)", (number, note))
        tx.emit("item.write", str(number), note=note)
    if plan.end == "raise":
        raise LookupError
    if plan.end in {"clash", "void"}:
        tx.run(CLASHING)
        tx.run(VOIDING if plan.end == "void" else CLASHING)
    return before


def expected(plans: list[Plan]) -> tuple[dict[int, str], list[list[str] | None], list[str]]:
    """Return what a dictionary would hold, what each unit returns (``None``: it raises), and the events' subjects."""
    held: dict[int, str] = {}
    results: list[list[str] | None] = []
    subjects: list[str] = []
    for plan in plans:
        copy, before = dict(held), list[str]()
        for number, note in plan.writes:
            before.append(copy.get(number, "-"))
            copy[number] = note
        if plan.end == "well":
            held = copy
            subjects += [str(number) for number, _ in plan.writes]
        results.append(before if plan.end == "well" else None)
    return held, results, subjects


async def run(home: Path, plans: list[Plan]) -> None:
    heard: list[Event] = []
    bus = Bus()
    bus.listen("", heard.append)
    held, results, subjects = expected(plans)
    async with opened(home, bus) as database:
        tasks = [asyncio.ensure_future(database.write(carry_out, plan)) for plan in plans]
        await asyncio.sleep(0)
        for task, plan in zip(tasks, plans, strict=True):
            if plan.cancelled:
                task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        for outcome, result in zip(outcomes, results, strict=True):
            assert isinstance(outcome, asyncio.CancelledError) or outcome == result or result is None
            if result is None:
                assert isinstance(outcome, asyncio.CancelledError | LookupError | sqlite3.IntegrityError)
        # A cancelled caller's unit may still be on its way; what is queued behind it is not done before it.
        await database.write(lambda tx: tx.one("SELECT 1"))
        stored = await database.read(
            lambda query: {row[0]: row[1] for row in query.all("SELECT id, note FROM item")}
        )
        assert stored == held
        trail = await database.read(lambda query: [row[0] for row in query.all("SELECT subject FROM event")])
        assert trail == subjects == [event.subject for event in heard]
        assert (await events.verify(database)).ok


@settings(max_examples=40)
@given(PLANS)
def test_any_mix_of_units_leaves_what_a_dictionary_would_hold(plans: list[Plan]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(Path(folder), plans))


@settings(max_examples=25)
@given(
    st.integers(1, 30), st.integers(0, 29), st.sampled_from(["at", "kind", "subject", "actor", "body", "row"])
)
def test_any_single_change_of_the_trail_shows(count: int, place: int, what: str) -> None:
    async def check(home: Path) -> None:
        async with opened(home) as database:
            for number in range(count):
                await database.write(carry_out, Plan(((number % 6 + 1, "x"),), "well", cancelled=False))
            victim = min(place, count - 1) + 1
            anchor: list[str] = []
            await events.export(database, anchor.append)
            sql = (
                "DELETE FROM event WHERE seq = ?"
                if what == "row"
                else f"UPDATE event SET {what} = {what} || '1' WHERE seq = ?"  # noqa: S608 - our own text
            )
            await database.write(lambda tx: tx.run(sql, (victim,)))
            anchors = events.anchors("".join(anchor).splitlines())
            assert not (await events.verify(database, anchors)).ok

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(check(Path(folder)))
