"""What becomes of times that passed: everything runs once or is on record, and nothing comes as a storm."""

from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from cron.catchup import Bounds, Policy, look
from cron.rules import Cron, Every, checked, next_after
from kernel.schedules import Missed

UTC = ZoneInfo("UTC")
START = 1_790_000_000_000
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
POLICIES = st.builds(
    Policy,
    st.sampled_from(list(Missed)),
    st.integers(1_000, 10 * MINUTE),
    st.integers(MINUTE, 30 * DAY),
    st.integers(1, 50),
)


@given(span=st.integers(5_000, 7 * DAY), away=st.integers(0, 800 * DAY), policy=POLICIES)
def test_every_time_of_a_span_runs_or_is_counted(span: int, away: int, policy: Policy) -> None:
    rule, now = Every(span, START), START + away
    due = look(rule, UTC, START, now, policy, Bounds())
    assert len(due.run) + due.skipped == away // span + 1
    assert due.next == START + (away // span + 1) * span
    assert len(due.run) <= max(1, policy.limit + policy.late // span + 1)
    assert all((at - START) % span == 0 and at <= now for at in due.run)
    assert list(due.run) == sorted(set(due.run))
    assert all(now - at > policy.late for at in due.made_up)
    assert all(now - at <= policy.grace for at in due.made_up)


@given(away=st.integers(0, 20 * 365 * DAY), policy=POLICIES)
def test_twenty_years_of_minutes_are_looked_through_at_once(away: int, policy: Policy) -> None:
    rule = Cron((checked("* * * * *"),))
    first = next_after(rule, UTC, START)
    assert first is not None
    now = first + away
    due = look(rule, UTC, first, now, policy, Bounds())
    assert len(due.run) <= policy.limit + policy.late // MINUTE + 1
    total = away // MINUTE + 1
    # Where they are too many to be gone through, their number is an estimate.
    assert abs(len(due.run) + due.skipped - total) <= max(2, total // 50)
    assert due.next is not None
    assert due.next > now


@given(away=st.integers(0, 30 * DAY), most=st.integers(1, 20), begun=st.integers(0, 20), policy=POLICIES)
def test_no_more_runs_than_are_left(away: int, most: int, begun: int, policy: Policy) -> None:
    due = look(Every(HOUR, START), UTC, START, START + away, policy, Bounds(0, most, begun))
    assert len(due.run) <= max(0, most - begun)
    if len(due.run) >= max(0, most - begun):
        assert due.next is None


@given(away=st.integers(0, 10 * DAY), until=st.integers(0, 10 * DAY), policy=POLICIES)
def test_nothing_runs_behind_the_end(away: int, until: int, policy: Policy) -> None:
    due = look(Every(HOUR, START), UTC, START, START + away, policy, Bounds(START + until + 1))
    assert all(at <= START + until for at in due.run)
    assert due.next is None or due.next <= START + until
