"""What a session's terminal keeps is in the store: it outlives a restart and goes with the session."""

from pathlib import Path

from gateway.ports import StoredShelf
from kernel.bus import Bus
from kernel.clock import SystemClock
from store import marks
from store.database import Database


async def opened(tmp_path: Path) -> Database:
    return await Database.open(tmp_path / "hermes.db", clock=SystemClock(), bus=Bus())


async def test_what_is_put_there_outlives_a_restart_and_an_empty_text_removes_it(tmp_path: Path):
    database = await opened(tmp_path)
    await StoredShelf(database).put("s_1", "terminal", "kept")
    await database.close()
    database = await opened(tmp_path)
    shelf = StoredShelf(database)
    assert await shelf.get("s_1", "terminal") == "kept"
    assert await shelf.get("s_2", "terminal") == ""
    await shelf.put("s_1", "terminal", "")
    assert await shelf.get("s_1", "terminal") == ""
    await database.close()


async def test_it_goes_with_its_session_alone(tmp_path: Path):
    database = await opened(tmp_path)
    shelf = StoredShelf(database)
    for session in ("s_1", "s_11", "s_%"):
        await shelf.put(session, "terminal", session)
    await database.write(marks.forget_session, "s_1")
    await database.write(marks.forget_session, "s_%")
    assert [await shelf.get(session, "terminal") for session in ("s_1", "s_11", "s_%")] == ["", "s_11", ""]
    await database.close()
