"""Places: so many jobs at once, and those of a crowd one behind the other, so that chats are answered."""

import asyncio
from pathlib import Path

from cron.pace import AT_ONCE, FEW, MOST, Pace
from cron.places import Places
from tests.support.cronhouse import MINUTE, START, cronhouse


async def begun_in(root: Path, gap: float, seconds: float, *, attends: bool = False) -> int:
    """Return how many of fifty runs, each of which is over at once, have begun after some seconds."""
    async with cronhouse(root, at_once=4) as house:
        house.room.pace.gap = gap
        house.room.ports.attends = lambda: attends
        job = await house.add("in 1 minute", "x", "prompt")
        await house.look(START + MINUTE)
        fire, count = (await house.fires(job))[0], 0

        def begin(*_: object) -> None:
            nonlocal count
            count += 1
            asyncio.get_running_loop().call_soon(places.free, fire.id)

        places = Places(house.room, begin)
        for _ in range(50):
            places.add(fire, job)
        await asyncio.sleep(seconds)
        places.close()
        return count


async def test_the_first_begin_at_once_and_the_others_one_by_one(tmp_path: Path) -> None:
    assert await begun_in(tmp_path, gap=30, seconds=0.2) == 4


async def test_without_a_gap_all_begin_as_places_get_free(tmp_path: Path) -> None:
    assert await begun_in(tmp_path, gap=0, seconds=0.2) == 50


async def test_a_crowd_makes_way_for_whoever_is_being_answered(tmp_path: Path) -> None:
    # Four would begin without it; a slow machine may see one more than the first.
    assert await begun_in(tmp_path, gap=30, seconds=0.1, attends=True) <= 2


async def test_units_get_small_and_are_followed_by_rests_behind_the_first_hundreds() -> None:
    rests: list[float] = []

    async def rest(seconds: float) -> None:
        rests.append(seconds)

    pace, sizes = Pace(rest), list[int]()
    for _ in range(AT_ONCE // MOST + 3):
        async with pace.unit(1000) as count:
            sizes.append(count)
    assert sizes == [MOST] * (AT_ONCE // MOST) + [FEW] * 3
    assert len(rests) == 3
