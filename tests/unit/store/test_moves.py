"""The guarded move: one statement, one event, or an error that says what to do."""

import asyncio
from pathlib import Path

import pytest

from kernel.bus import Bus
from kernel.errors import IllegalTransition, NotFound, Stale
from kernel.events import Event
from store.units import Unit
from tests.unit.store.small import ITEM, add, opened


async def test_a_move_sets_state_and_columns_and_says_so(tmp_path: Path) -> None:
    heard: list[Event] = []
    bus = Bus()
    bus.listen("item.open", heard.append)
    async with opened(tmp_path, bus) as database:
        await database.write(add, 1)
        row = await database.write(lambda tx: tx.move(ITEM, 1, "open", actor="cli", note="by hand"))
        assert (row["state"], row["note"]) == ("open", "by hand")
        assert [(event.kind, event.subject, event.actor) for event in heard] == [("item.open", "1", "cli")]


async def test_a_move_names_the_subject_it_is_given(tmp_path: Path) -> None:
    heard: list[Event] = []
    bus = Bus()
    bus.listen("item.close", heard.append)
    async with opened(tmp_path, bus) as database:
        await database.write(add, 1)
        await database.write(lambda tx: tx.move(ITEM, 1, "close", subject="s_1"))
        assert [event.subject for event in heard] == ["s_1"]


async def test_who_comes_second_is_told_to_look_again(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        await database.write(add, 1)
        first, second = await asyncio.gather(
            *(database.write(lambda tx: tx.move(ITEM, 1, "open")["state"]) for _ in range(2)),
            return_exceptions=True,
        )
        assert first == "open"
        assert isinstance(second, Stale)
        assert "item 1 is open" in str(second)


async def test_a_move_of_nothing_is_not_found(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        with pytest.raises(NotFound, match="no item 9"):
            await database.write(lambda tx: tx.move(ITEM, 9, "open"))


@pytest.mark.parametrize("event", ["explode", "turn"])
async def test_a_move_the_table_does_not_name_is_illegal(tmp_path: Path, event: str) -> None:
    def move(tx: Unit) -> None:
        tx.move(ITEM, 1, event)

    async with opened(tmp_path) as database:
        await database.write(add, 1)
        with pytest.raises(IllegalTransition):
            await database.write(move)
