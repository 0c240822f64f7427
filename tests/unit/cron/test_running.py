"""Jobs run once and say so: on time, late, after jumps of the clock and restarts, one behind the other."""

import asyncio
import os
from pathlib import Path

import pytest

from cron.inputs import EditJob
from cron.taking import LEAD_MS
from kernel.errors import AccessDenied, InvalidInput, NotFound, Stale
from kernel.messages import Address
from kernel.people import Principal, Role
from kernel.schedules import Job, JobKind
from kernel.states import FireState, ScheduleState
from store import fires, schedules
from store.units import Unit
from tests.support.cronhouse import CHAT, DAY, HOME, HOUR, MINUTE, OWNER, SECOND, START, ZONE, cronhouse


async def test_a_reminder_is_said_once_at_its_time_and_is_over(tmp_path: Path) -> None:
    async with cronhouse(tmp_path) as house:
        job = await house.add("in 20 minutes", "call mum")
        await house.look()
        assert house.alarm.moment == START + 20 * MINUTE - LEAD_MS
        await house.look(START + 20 * MINUTE - 1)
        assert await house.fires() == []
        await house.look(START + 20 * MINUTE)
        await house.look(START + 21 * MINUTE)
        assert await house.states() == ["done"]
        assert await house.said() == ["⏰ call mum"]
        assert (await house.job(job)).state is ScheduleState.OVER
        assert house.alarm.moment is None


async def test_nothing_planned_arms_nothing_and_loads_nothing(tmp_path: Path) -> None:
    async with cronhouse(tmp_path) as house:
        await house.look()
        assert house.alarm.armed == 0


async def test_a_repeated_job_runs_at_each_of_its_times(tmp_path: Path) -> None:
    async with cronhouse(tmp_path) as house:
        job = await house.add("every 30m", "stretch")
        for number in range(1, 5):
            await house.look(START + number * 30 * MINUTE)
        assert [fire.instant for fire in await house.fires(job)] == [
            START + number * 30 * MINUTE for number in range(1, 5)
        ]
        assert await house.states() == ["done"] * 4


async def test_a_run_that_is_a_little_late_simply_runs(tmp_path: Path) -> None:
    async with cronhouse(tmp_path) as house:
        await house.add("every 30m", "stretch")
        await house.look(START + 30 * MINUTE + 60 * SECOND)
        assert await house.states() == ["done"]
        assert await house.said() == ["⏰ stretch"]
        assert await house.said(HOME) == []


@pytest.mark.parametrize(
    ("missed", "states"),
    [("skip", ["missed"]), ("once", ["missed", "done"]), ("all", ["missed"] + ["done"] * 4)],
)
async def test_what_was_missed_is_skipped_made_up_once_or_all_and_always_on_record(
    tmp_path: Path, missed: str, states: list[str]
) -> None:
    async with cronhouse(tmp_path, catch_up=4) as house:
        job = await house.add("every 30m", "stretch", missed=missed)
        await house.look()
    back = START + 5 * HOUR + 10 * MINUTE
    async with cronhouse(tmp_path, at=back, catch_up=4) as house:
        await house.look()
        assert await house.states(job) == states
        record = (await house.fires(job))[0]
        runs = [fire for fire in await house.fires(job) if fire.state is FireState.DONE]
        assert record.missed + len(runs) == 10
        assert all(fire.late for fire in runs)
        assert "Times of jobs passed while I was away" in (await house.said(HOME))[0]
        assert (await house.job(job)).instant == START + 5 * HOUR + 30 * MINUTE


async def test_nothing_older_than_the_grace_is_made_up(tmp_path: Path) -> None:
    async with cronhouse(tmp_path) as house:
        job = await house.add("every day at 9:00", "stand-up")
        await house.look(START + DAY - HOUR)
        assert await house.states(job) == ["done"]
        await house.look(START + 2 * DAY + 8 * HOUR)
        assert await house.states(job) == ["done", "missed"]
        assert (await house.fires(job))[1].missed == 1


async def test_a_reminder_that_was_missed_says_when_it_was_due(tmp_path: Path) -> None:
    async with cronhouse(tmp_path) as house:
        await house.add("in 1 hour", "take the pill")
    async with cronhouse(tmp_path, at=START + 2 * DAY) as house:
        await house.look()
        assert (await house.said())[0].startswith("⏰ take the pill (due Wed 2026-11-18 11:00, made up now)")


@pytest.mark.parametrize("jump", [HOUR, 7 * DAY, 365 * DAY])
async def test_a_clock_that_jumps_ahead_brings_no_storm(tmp_path: Path, jump: int) -> None:
    async with cronhouse(tmp_path) as house:
        for number in range(5):
            await house.add("every minute", f"job {number}")
        await house.look(START + jump)
        assert len(await house.fires()) <= 10
        assert (await house.states()).count("done") == 5


async def test_a_clock_that_goes_back_repeats_nothing_and_keeps_the_times_ahead(tmp_path: Path) -> None:
    async with cronhouse(tmp_path) as house:
        job = await house.add("every hour between 0:00 and 23:00", "tick")
        house.cron._looked_at = START  # noqa: SLF001 - what the running clock would have noted
        for number in range(1, 4):
            await house.look(START + number * HOUR)
        await house.look(START - 5 * MINUTE)
        assert (await house.job(job)).instant == START
        for number in range(5):
            await house.look(START + number * HOUR)
        instants = [fire.instant for fire in await house.fires(job)]
        assert len(instants) == len(set(instants))
        assert sorted(instants) == [START + number * HOUR for number in range(5)]


async def test_a_second_look_at_the_same_time_begins_nothing(tmp_path: Path) -> None:
    async with cronhouse(tmp_path) as house:
        await house.add("every 30m", "stretch")
        house.clock.at = START + 30 * MINUTE
        await asyncio.gather(house.cron.look(), house.cron.look(), house.cron.look())
        await house.rest()
        assert await house.states() == ["done"]


async def test_bounds_are_kept_and_end_a_job(tmp_path: Path) -> None:
    async with cronhouse(tmp_path) as house:
        job = await house.add("every 30m for 2 times", "stretch")
        ending = await house.add("every day at 12:00", "lunch", ends="2026-11-20 9:00")
        for number in range(1, 200):
            await house.look(START + number * 30 * MINUTE)
        assert len(await house.fires(job)) == 2
        assert len(await house.fires(ending)) == 2
        assert (await house.job(job)).state is (await house.job(ending)).state is ScheduleState.OVER


async def test_jitter_comes_later_than_the_time_and_is_part_of_it(tmp_path: Path) -> None:
    async with cronhouse(tmp_path) as house:
        job = await house.add("every 30m", "stretch", jitter=600)
        known = await house.job(job)
        assert known.instant is not None
        assert known.next_at is not None
        assert 0 <= known.next_at - known.instant < 600 * SECOND
        await house.look(known.instant + 600 * SECOND)
        assert [fire.instant for fire in await house.fires(job)] == [known.instant]


# Overlap, retries, failures


async def test_a_time_whose_predecessor_is_at_work_is_skipped_queued_or_runs_beside_it(
    tmp_path: Path,
) -> None:
    async with cronhouse(tmp_path, queue=1) as house:
        jobs = {
            overlap: await house.add("every 30m", "sleep 0.5", "script", overlap=overlap, name=overlap)
            for overlap in ("skip", "queue", "parallel")
        }
        for number in (1, 2, 3):
            house.clock.at = START + number * 30 * MINUTE
            await house.cron.look()
        await house.rest()
        assert await house.states(jobs["skip"]) == ["done", "skipped", "skipped"]
        assert await house.states(jobs["queue"]) == ["done", "done", "skipped"]
        assert await house.states(jobs["parallel"]) == ["done"] * 3


async def test_so_many_run_at_once_and_reminders_wait_for_none_of_them(tmp_path: Path) -> None:
    async with cronhouse(tmp_path, at_once=2) as house:
        for number in range(6):
            await house.add("in 1 minute", "sleep 0.2", "script", name=f"s{number}")
        await house.add("in 1 minute", "now")
        house.clock.at = START + MINUTE
        await house.cron.look()
        assert house.cron.runs.busy == 2
        await house.rest()
        assert await house.states() == ["done"] * 7
        assert "⏰ now" in await house.said()


async def test_a_failure_is_tried_again_later_each_time_then_told_with_its_error(tmp_path: Path) -> None:
    async with cronhouse(tmp_path, first_wait=60) as house:
        job = await house.add("in 1 minute", "echo no good >&2; exit 3", "script", retries=2)
        await house.look(START + MINUTE)
        for wait in (80, 200):
            fire = (await house.fires(job))[0]
            assert fire.state is FireState.DUE
            await house.look(house.clock.at + wait * SECOND)
        fire = (await house.fires(job))[0]
        assert (fire.state, fire.attempts) == (FireState.FAILED, 3)
        assert len(await house.said()) == 1
        assert "no good" in (await house.said())[0]


async def test_two_failures_in_a_row_are_an_alarm_and_five_pause_the_job(tmp_path: Path) -> None:
    async with cronhouse(tmp_path) as house:
        job = await house.add("every 30m", "false", "script")
        for number in range(1, 8):
            await house.look(START + number * 30 * MINUTE)
        assert await house.states(job) == ["failed"] * 5
        alarms = await house.said(HOME)
        assert "2 times in a row" in alarms[0]
        assert "is paused" in alarms[1]
        paused = await house.job(job)
        assert paused.state is ScheduleState.PAUSED
        assert "5 times" in paused.paused_why
        await house.cron.desk.resume(OWNER, str(job.id))
        assert (await house.job(job)).failures == 0


async def test_a_good_run_forgets_the_failures_before_it(tmp_path: Path) -> None:
    async with cronhouse(tmp_path) as house:
        (tmp_path / "workspace").mkdir()
        job = await house.add("every 30m", "test -e good", "script")
        await house.look(START + 30 * MINUTE)
        assert (await house.job(job)).failures == 1
        (tmp_path / "workspace" / "good").touch()
        await house.look(START + 60 * MINUTE)
        assert (await house.job(job)).failures == 0


async def test_a_script_says_what_it_printed_nothing_where_that_is_nothing_and_its_errors_when_it_fails(
    tmp_path: Path,
) -> None:
    async with cronhouse(tmp_path) as house:
        await house.add("in 1 minute", "echo to you; echo not to you >&2", "script", name="speaks")
        await house.add("in 1 minute", "echo only an aside >&2", "script", name="silent")
        await house.add("in 1 minute", "rm -rf everything", "script", name="refused")
        await house.look(START + MINUTE)
        said = "\n".join(await house.said())
        assert "to you" in said
        assert "not to you" not in said
        assert "aside" not in said
        assert "Refused: it deletes something." in said


async def test_a_script_whose_time_is_over_is_ended_with_all_it_has_started(tmp_path: Path) -> None:
    async with cronhouse(tmp_path) as house:
        await house.add("in 1 minute", "sleep 1000 & sleep 1000", "script", timeout=0.3)
        await house.look(START + MINUTE)
        assert await house.states() == ["failed"]
        assert "its time was over" in (await house.said())[0]


async def test_a_check_decides_whether_a_job_runs_and_what_it_says_is_told(tmp_path: Path) -> None:
    async with cronhouse(tmp_path) as house:
        no = await house.add("in 1 minute", "echo ran", "script", name="no", check={"script": "exit 1"})
        yes = await house.add("in 1 minute", "echo ran", "script", name="yes", check={"script": "echo 5 new"})
        await house.look(START + MINUTE)
        assert await house.states(no) == ["skipped"]
        assert await house.states(yes) == ["done"]


async def test_a_job_follows_the_end_of_another(tmp_path: Path) -> None:
    async with cronhouse(tmp_path) as house:
        await house.add("every 30m", "test -e good && echo fine", "script", name="first")
        (tmp_path / "workspace").mkdir(exist_ok=True)
        after = await house.add("after first", "echo then", "script", name="second")
        bad = await house.add("after first fails", "echo alas", "script", name="third")
        await house.look(START + 30 * MINUTE)
        assert await house.states(after) == []
        assert await house.states(bad) == ["done"]
        (tmp_path / "workspace" / "good").touch()
        await house.look(START + 60 * MINUTE)
        assert await house.states(after) == ["done"]
        assert await house.states(bad) == ["done"]


# Delivery


async def test_quiet_hours_hold_a_result_till_morning_or_send_it_without_a_sound(tmp_path: Path) -> None:
    async with cronhouse(tmp_path) as house:
        await house.add("today at 23:00", "held", quiet="hold")
        await house.add("today at 23:00", "hushed", quiet="silent")
        await house.add("today at 23:00", "loud")
        night = START + 13 * HOUR
        await house.look(night)
        assert sorted(await house.said()) == ["⏰ hushed", "⏰ loud"]
        assert await house.states() == ["done"] * 3
        rows = await house.database.read(
            lambda q: q.all("SELECT text FROM outbox WHERE extra ->> 'silent' = 1")
        )
        assert [row["text"] for row in rows] == ["⏰ hushed"]
        assert house.alarm.moment == night + 8 * HOUR
        await house.look(night + 8 * HOUR)
        assert "⏰ held" in await house.said()


async def test_files_that_a_script_has_written_go_along_with_its_result(tmp_path: Path) -> None:
    async with cronhouse(tmp_path) as house:
        folder = tmp_path / "workspace"
        folder.mkdir()
        (folder / "old.csv").write_text("old")
        os.utime(folder / "old.csv", (1, 1))
        (tmp_path / "secret.csv").write_text("not in the folder")
        # Files have the machine's time, and not that of the test's clock.
        now = f"touch -d @{(START + MINUTE) // SECOND}"
        script = f"echo 1 > new.csv; {now} new.csv ../secret.csv; ln -s ../secret.csv link.csv; echo report"
        await house.add("in 1 minute", script, "script", attach=["*.csv"], deliver=["origin", "home"])
        await house.look(START + MINUTE)
        rows = await house.database.read(
            lambda q: q.all(
                "SELECT chat, extra ->> 'file_name' AS name FROM outbox WHERE kind = 'file' ORDER BY id"
            )
        )
        assert [(row["chat"], row["name"]) for row in rows] == [("7", "new.csv"), ("99", "new.csv")]
        for kind, pattern in (("script", "../secret.csv"), ("script", "/etc/passwd"), ("prompt", "a.csv")):
            with pytest.raises(InvalidInput):
                await house.add("in 1 minute", "x", kind, attach=[pattern])


async def test_a_result_goes_to_several_places_each_once(tmp_path: Path) -> None:
    async with cronhouse(tmp_path) as house:
        await house.add("in 1 minute", "hello", deliver=["origin", "home", "telegram:7", "telegram:55:3"])
        await house.look(START + MINUTE)
        assert [await house.said(CHAT), await house.said(HOME)] == [["⏰ hello"], ["⏰ hello"]]
        rows = await house.database.read(lambda q: q.all("SELECT chat, thread FROM outbox ORDER BY id"))
        assert [(row["chat"], row["thread"]) for row in rows] == [("7", None), ("99", None), ("55", "3")]


async def test_a_thread_of_its_own_is_made_once_and_used_again(tmp_path: Path) -> None:
    made: list[str] = []

    async with cronhouse(tmp_path) as house:

        async def thread(parent: Address, name: str) -> Address:
            made.append(name)
            return parent._replace(thread="42")

        house.room.ports.thread = thread
        job = await house.add("every 30m", "news", thread=True)
        for number in (1, 2, 3):
            await house.look(START + number * 30 * MINUTE)
        assert len(made) == 1
        rows = await house.database.read(lambda q: q.all("SELECT thread FROM outbox"))
        assert [row["thread"] for row in rows] == ["42"] * 3
        assert (await house.job(job)).thread == CHAT._replace(thread="42")


# Making and changing


async def test_editing_sets_the_next_time_anew_and_brings_back_what_was_over(tmp_path: Path) -> None:
    async with cronhouse(tmp_path) as house:
        job = await house.add("in 1 minute", "one")
        await house.look(START + MINUTE)
        await house.cron.desk.edit(OWNER, EditJob(id=str(job.id), schedule="in 1 hour", text="two"))
        assert (await house.job(job)).state is ScheduleState.ACTIVE
        await house.look(START + MINUTE + HOUR)
        assert await house.said() == ["⏰ one", "⏰ two"]


async def test_pausing_stops_a_job_and_resuming_makes_nothing_up(tmp_path: Path) -> None:
    async with cronhouse(tmp_path) as house:
        job = await house.add("every 30m", "stretch")
        await house.cron.desk.pause(OWNER, str(job.id))
        await house.look(START + 5 * HOUR)
        assert await house.fires() == []
        await house.cron.desk.resume(OWNER, job.name)
        await house.look(START + 5 * HOUR + 30 * MINUTE)
        assert len(await house.fires()) == 1
        with pytest.raises(Stale):
            await house.cron.desk.resume(OWNER, str(job.id))


async def test_deleting_ends_what_runs_and_frees_the_name(tmp_path: Path) -> None:
    async with cronhouse(tmp_path) as house:
        job = await house.add("in 1 minute", "sleep 100", "script", name="long")
        house.clock.at = START + MINUTE
        await house.cron.look()
        await asyncio.sleep(0)
        await house.cron.desk.delete(OWNER, "long")
        await house.rest()
        fire = (await house.database.read(fires.history, job.id))[0]
        assert fire.state in (FireState.CANCELLED, FireState.FAILED)
        with pytest.raises(NotFound):
            await house.database.read(schedules.find, "long")
        await house.add("in 1 minute", "sleep 0", "script", name="long")


async def test_running_by_hand_is_beside_the_times(tmp_path: Path) -> None:
    async with cronhouse(tmp_path) as house:
        job = await house.add("every 30m", "stretch")
        await house.cron.desk.run_now(OWNER, str(job.id))
        await house.cron.desk.run_now(OWNER, str(job.id))
        await house.look()
        assert await house.states(job) == ["done"] * 2
        assert (await house.job(job)).instant == START + 30 * MINUTE


async def test_users_have_reminders_of_their_own_and_nothing_else(tmp_path: Path) -> None:
    async with cronhouse(tmp_path) as house:
        user = Principal("telegram:8", Role.USER)
        job = await house.add("every 30m", "mine")
        with pytest.raises(AccessDenied):
            await house.cron.desk.find(user, str(job.id))
        with pytest.raises(AccessDenied):
            house.cron.desk.may_make(user, JobKind.PROMPT)
        operator = Principal("telegram:9", Role.OPERATOR)
        house.roles["telegram:9"] = Role.OPERATOR
        with pytest.raises(AccessDenied):
            await house.cron.desk.pause(operator, str(job.id))


async def test_a_job_whose_owner_may_it_no_more_does_not_run(tmp_path: Path) -> None:
    async with cronhouse(tmp_path) as house:
        await house.add("in 1 minute", "echo secret", "script")
        house.roles.clear()
        await house.look(START + MINUTE)
        assert await house.states() == ["failed"]
        assert "may not run this any more" in (await house.said())[0]


@pytest.mark.parametrize(
    "when", ["every 1s", "0 0 31 2 *", "yesterday 9:00", "after nothing", "in 0 minutes"]
)
async def test_what_can_never_be_is_not_made(tmp_path: Path, when: str) -> None:
    async with cronhouse(tmp_path) as house:
        with pytest.raises((InvalidInput, NotFound)):
            await house.add(when)


# Restarts


async def test_a_restart_puts_back_what_had_not_begun_and_loses_a_script_that_had(tmp_path: Path) -> None:
    async with cronhouse(tmp_path) as house:
        claimed = await house.add("in 1 minute", "echo later", "script", name="claimed")
        running = await house.add("in 1 minute", "echo twice", "script", name="running")
        for job, moves in ((claimed, ("claim",)), (running, ("claim", "start"))):
            fire = await house.database.write(fires.add, fires.New(job.id, START + MINUTE, START + MINUTE))
            assert fire is not None
            for event in moves:
                await house.database.write(fires.move, fire.id, event)
        await house.database.write(
            lambda tx: [schedules.advance(tx, job.id, None, None, 1) for job in (claimed, running)]
        )
    async with cronhouse(tmp_path, at=START + MINUTE) as house:
        await house.look()
        assert await house.states(claimed) == ["done"]
        assert await house.states(running) == ["lost"]
        assert any("is not run again" in text for text in await house.said())


async def test_ten_thousand_jobs_due_at_once_after_a_night_are_each_run_once(tmp_path: Path) -> None:
    async with cronhouse(tmp_path) as house:
        job = Job(JobKind.REMINDER, "hi", deliver=("none",))

        def many(tx: Unit) -> None:
            for number in range(10_000):
                at = START + HOUR
                row = schedules.New(f"job {number}", OWNER.id, CHAT, "cron:0 11 * * *", ZONE.key, job, at, at)
                schedules.add(tx, row, actor="test")

        await house.database.write(many)
        await house.look(START + 4 * HOUR)
        counts = await house.database.read(
            lambda q: {row[0]: row[1] for row in q.all("SELECT state, count(*) FROM fire GROUP BY state")}
        )
        assert counts == {"done": 10_000}
        told = await house.said(HOME)
        assert len(told) == 1
        assert "and 9990 more jobs" in told[0]
