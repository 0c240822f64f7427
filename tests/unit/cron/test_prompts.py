"""Prompts begin in a conversation of their job's own, and never two of them in one."""

from pathlib import Path

from store import sessions
from tests.support.cronhouse import CHAT, MINUTE, OWNER, START, cronhouse


async def test_prompts_of_a_job_that_run_beside_each_other_have_conversations_of_their_own(
    tmp_path: Path,
) -> None:
    async with cronhouse(tmp_path) as house:
        job = await house.add("every 30m", "think", "prompt", overlap="parallel")
        for number in (1, 2):
            await house.look(START + number * 30 * MINUTE)
        first, second = await house.fires(job)
        assert [str(fire.state) for fire in (first, second)] == ["running", "running"]
        assert first.session_id == (await house.job(job)).session_id != second.session_id
        await house.cron.runs.stop(first, "enough")
        await house.look(START + 90 * MINUTE)
        assert (await house.fires(job))[2].session_id == first.session_id


async def test_prompts_in_a_conversation_that_is_named_wait_for_each_other(tmp_path: Path) -> None:
    async with cronhouse(tmp_path) as house:
        session = await house.database.write(sessions.open_new, "telegram:1:7:", CHAT, OWNER.id, private=True)
        job = await house.add("every 30m", "think", "prompt", overlap="parallel", session=session)
        for number in (1, 2):
            house.clock.at = START + number * 30 * MINUTE
            await house.cron.look()
        assert [fire.session_id for fire in await house.fires(job)] == [session, ""]
