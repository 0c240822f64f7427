"""Ten thousand requests that wait: neither the start nor a tap takes notice."""

from pathlib import Path
from typing import Any

from approvals import requests
from approvals.room import Room
from kernel.approvals import Approval, How
from store import approvals
from store.units import Query, Unit
from tests.support.gate import CHAT, OWNER, House, house

MANY = 10_000
BATCH = 1_000


def ask_many(tx: Unit, room: Room, model: Approval, numbers: range) -> None:
    for number in numbers:
        asker = requests.Asker("agent:x", OWNER.id, CHAT, model.session_id, model.turn_id, f"many-{number}")
        new = requests.draft(room, assessed_as(model), asker)
        requests.commit(tx, room, new, requests.names())


def assessed_as(model: Approval) -> Any:
    """Return the verdict that a request was made from."""
    return MODEL[model.id]


MODEL: dict[str, Any] = {}


async def crowded(home: House) -> None:
    """Let many requests wait."""
    asked = await home.hold("git push --force")
    MODEL[asked.id] = await home.service.assess(asked.action)
    room = Room(home.database, home.clock, home.settings, home.policy(), home.cards, home.caller, str)
    for start in range(0, MANY, BATCH):
        await home.database.write(ask_many, room, asked, range(start, start + BATCH))


async def test_ten_thousand_that_wait_are_counted_not_loaded(tmp_path: Path) -> None:
    home = house(tmp_path)
    async with home.open():
        await crowded(home)
    home.clock.advance(1)
    async with home.open():
        facts = await home.service.facts()
        assert facts["approvals_pending"] == MANY + 1
        late = await home.hold("rm notes.txt", "late")
        await home.service.decide(late.short, OWNER, How.ONCE)
        done = await home.service.wait(late.id, 10, over=True)
        assert done.result == "all well"

        def plans(q: Query) -> list[str]:
            wanted = (
                (approvals.CLOCKS, ()),
                (approvals.NEXT_EXPIRY, ()),
                (approvals.EXPIRED, (0, 1)),
                (approvals.TO_ESCALATE, (0, 1)),
                (approvals.IN_STATE, ("running",)),
                (approvals.BY_SHORT, ("x",)),
                (approvals.WAITING, (50,)),
                (approvals.COUNTS, ()),
            )
            return [row[3] for sql, params in wanted for row in q.all(f"EXPLAIN QUERY PLAN {sql}", params)]

        found = await home.database.read(plans)
        assert [plan for plan in found if plan == "SCAN approval"] == []


async def test_lists_and_exports_go_page_by_page(tmp_path: Path) -> None:
    async with house(tmp_path).open() as home:
        for number in range(5):
            await home.hold("rm notes.txt" if number % 2 else "git push --force", f"call-{number}")
        wanted = approvals.Filter(words="notes", limit=1)
        (newest,) = await home.database.read(approvals.find, wanted)
        page = approvals.Filter(words="notes", before=newest.id)
        assert [item.call_key for item in await home.database.read(approvals.find, page)] == ["call-1"]

        def exported(q: Query) -> list[str]:
            return [item.call_key for page in approvals.pages(q, approvals.Filter()) for item in page]

        assert await home.database.read(exported) == [f"call-{number}" for number in (4, 3, 2, 1, 0)]
        high = await home.database.read(
            approvals.find, approvals.Filter(tier=newest.tier, states=(newest.state,))
        )
        assert len(high) == 2
        assert len(await home.database.read(approvals.waiting)) == 5
