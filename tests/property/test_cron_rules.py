"""The next time of a schedule, against a slow reference over years and zones, and against another library."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from croniter import croniter
from hypothesis import given
from hypothesis import strategies as st

from cron.rules import At, Cron, Days, Every, checked, next_after, parse, upcoming

ZONES = (
    "UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Kathmandu",
    "Africa/Cairo", "Pacific/Apia", "Asia/Beirut", "America/Havana", "Europe/Dublin", "Pacific/Chatham",
    "Asia/Tehran", "Africa/Casablanca", "Antarctica/Troll",
)  # fmt: skip
START = int(datetime(2008, 1, 1, tzinfo=UTC).timestamp())
END = int(datetime(2032, 1, 1, tzinfo=UTC).timestamp())
MINUTE = 60_000
WINDOW = 3 * 24 * 60


def changes(zone: ZoneInfo) -> list[int]:
    """Return the hours (seconds) before which the zone's clocks were changed."""
    found: list[int] = []
    offset = datetime.fromtimestamp(START, zone).utcoffset()
    for second in range(START, END, 3600):
        here = datetime.fromtimestamp(second, zone).utcoffset()
        if here != offset:
            found.append(second)
            offset = here
    return found


NEAR = {name: changes(ZoneInfo(name)) for name in ZONES}


@st.composite
def moments(draw: st.DrawFn) -> tuple[str, int]:
    """Return a zone and an instant (ms) in 24 years, half of the time near a change of the clock."""
    name = draw(st.sampled_from(ZONES))
    if NEAR[name] and draw(st.booleans()):
        second = draw(st.sampled_from(NEAR[name])) + draw(st.integers(-6 * 3600, 6 * 3600))
    else:
        second = draw(st.integers(START, END))
    return name, second * 1000


def field(low: int, high: int) -> st.SearchStrategy[str]:
    """Return texts of one field of a cron expression."""
    number = st.integers(low, high).map(str)
    # The other library reads a span of one day of the week as every day.
    ends = st.lists(st.integers(low, high), min_size=2, max_size=2, unique=True)
    spread = ends.map(lambda two: f"{min(two)}-{max(two)}")
    step = st.integers(2, max(2, high // 2)).map(lambda count: f"*/{count}")
    listed = st.lists(st.integers(low, high), min_size=2, max_size=3, unique=True).map(
        lambda some: ",".join(map(str, some))
    )
    return st.one_of(st.just("*"), number, spread, step, listed)


EXPRESSIONS = st.tuples(field(0, 59), field(0, 23), st.just("*"), st.just("*"), field(0, 6)).map(" ".join)
DATED = st.tuples(field(0, 59), field(0, 23), field(1, 28), field(1, 12), st.just("*")).map(" ".join)


def numbers(text: str, low: int, high: int) -> set[int]:
    """Read a field, slowly and plainly."""
    found: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        first, _, last = (f"{low}-{high}" if span == "*" else span).partition("-")
        found |= set(range(int(first), int(last or first) + 1, int(step or 1)))
    return found


def slow(expression: str, zone: ZoneInfo, after: int) -> list[int]:
    """Walk through real time minute by minute; return the instants of the next days behind ``after``.

    A local time that no clock shows counts at the change, a repeated one the first time; an expression that runs in
    every hour counts what clocks show and nothing else.
    """
    minute, hour, day, month, weekday = expression.split(" ")
    minutes, hours = numbers(minute, 0, 59), numbers(hour, 0, 23)
    days, months, weekdays = numbers(day, 1, 31), numbers(month, 1, 12), numbers(weekday, 0, 7)
    hourly = hour == "*"

    def fits(local: datetime) -> bool:
        return (
            local.minute in minutes
            and local.hour in hours
            and local.day in days
            and local.month in months
            and local.isoweekday() % 7 in {one % 7 for one in weekdays}
        )

    first = after // MINUTE * MINUTE - 4 * 3600 * 1000
    previous = datetime.fromtimestamp(first / 1000, zone).replace(tzinfo=None)
    shown: dict[datetime, int] = {}
    found: list[int] = []
    for at in range(first + MINUTE, after + WINDOW * MINUTE, MINUTE):
        local = datetime.fromtimestamp(at / 1000, zone).replace(tzinfo=None, fold=0)
        skipped = previous + timedelta(minutes=1)
        jumped = False
        while not hourly and skipped < local:
            jumped = jumped or fits(skipped)
            skipped += timedelta(minutes=1)
        repeated = local in shown
        shown.setdefault(local, at)
        if jumped or (fits(local) and (hourly or not repeated)):
            found.append(at)
        previous = max(previous, local) if not hourly else local
    return [at for at in found if at > after]


@given(where=moments(), expression=EXPRESSIONS)
def test_the_next_time_is_what_walking_through_the_minutes_finds(
    where: tuple[str, int], expression: str
) -> None:
    zone, after = ZoneInfo(where[0]), where[1]
    expected = slow(expression, zone, after)
    got = next_after(Cron((checked(expression),)), zone, after)
    assert got is not None
    if expected:
        assert got == expected[0]
    else:
        assert got >= after + WINDOW * MINUTE - 2 * MINUTE


@given(second=st.integers(START, END), expression=st.one_of(EXPRESSIONS, DATED))
def test_without_changes_of_the_clock_another_library_agrees(second: int, expression: str) -> None:
    after = datetime.fromtimestamp(second, UTC)
    theirs = croniter(expression, after).get_next(datetime)
    ours = next_after(Cron((checked(expression),)), ZoneInfo("UTC"), second * 1000)
    assert ours is not None
    assert datetime.fromtimestamp(ours / 1000, UTC) == theirs


@given(where=moments(), expression=st.one_of(EXPRESSIONS, DATED))
def test_times_only_go_forward_and_a_rule_is_its_text(where: tuple[str, int], expression: str) -> None:
    zone, after = ZoneInfo(where[0]), where[1]
    rule = Cron((checked(expression),))
    assert parse(str(rule)) == rule
    times = upcoming(rule, zone, after, 6)
    assert times == sorted(set(times))
    assert all(at > after for at in times)
    for one, following in pairwise(times):
        assert next_after(rule, zone, one) == following
        assert next_after(rule, zone, following - 1) == following


@given(
    span=st.integers(5_000, 366 * 86_400_000),
    anchor=st.integers(START * 1000, END * 1000),
    after=st.integers(START * 1000, END * 1000),
)
def test_a_span_goes_by_real_time_from_where_it_began(span: int, anchor: int, after: int) -> None:
    at = next_after(Every(span, anchor), ZoneInfo("Europe/Berlin"), after)
    assert at is not None
    assert at > after
    assert at >= anchor
    assert (at - anchor) % span == 0
    assert at - span <= max(after, anchor)


@given(where=moments(), step=st.integers(1, 40), minute=st.integers(0, 1439))
def test_every_so_many_days_is_that_many_days_apart_at_one_local_time(
    where: tuple[str, int], step: int, minute: int
) -> None:
    zone, after = ZoneInfo(where[0]), where[1]
    clock = (datetime(2000, 1, 1) + timedelta(minutes=minute)).time()  # noqa: DTZ001 - a local time
    first = datetime.fromtimestamp(after / 1000, zone).date()
    rule = Days(step, clock, first)
    assert parse(str(rule)) == rule
    times = upcoming(rule, zone, after, 4)
    days = [datetime.fromtimestamp(at / 1000, zone).date() for at in times]
    assert times == sorted(set(times))
    # A day that the zone has left out whole shows as the day behind it.
    assert all((day - first).days % step in (0, 1 % step) for day in days)


BERLIN, CHATHAM = "Europe/Berlin", "Pacific/Chatham"
TABLE = [
    # What the clocks leave out runs once, at the change.
    (BERLIN, "30 2 * * *", "2026-03-29T00:00+01:00", "2026-03-29T03:00+02:00", "2026-03-30T02:30+02:00"),
    (BERLIN, "*/10 2 * * *", "2026-03-29T00:00+01:00", "2026-03-29T03:00+02:00", "2026-03-30T02:00+02:00"),
    (
        "America/New_York",
        "15 2 * * *",
        "2026-03-08T00:00-05:00",
        "2026-03-08T03:00-04:00",
        "2026-03-09T02:15-04:00",
    ),
    (
        "Australia/Lord_Howe",
        "10 2 * * *",
        "2026-10-04T00:00+10:30",
        "2026-10-04T02:30+11:00",
        "2026-10-05T02:10+11:00",
    ),
    (
        "America/Havana",
        "30 0 * * *",
        "2026-03-07T12:00-05:00",
        "2026-03-08T01:00-04:00",
        "2026-03-09T00:30-04:00",
    ),
    (
        "Pacific/Apia",
        "0 9 * * *",
        "2011-12-29T10:00-10:00",
        "2011-12-31T00:00+14:00",
        "2011-12-31T09:00+14:00",
    ),
    # What the clocks repeat runs once, the first time.
    (BERLIN, "30 2 * * *", "2026-10-25T00:00+02:00", "2026-10-25T02:30+02:00", "2026-10-26T02:30+01:00"),
    (
        "America/New_York",
        "30 1 * * *",
        "2026-11-01T00:00-04:00",
        "2026-11-01T01:30-04:00",
        "2026-11-02T01:30-05:00",
    ),
    (CHATHAM, "0 3 * * *", "2026-04-05T00:00+13:45", "2026-04-05T03:00+13:45", "2026-04-06T03:00+12:45"),
    # What runs in every hour goes by real time.
    (BERLIN, "30 * * * *", "2026-10-25T02:00+02:00", "2026-10-25T02:30+02:00", "2026-10-25T02:30+01:00"),
    (BERLIN, "30 * * * *", "2026-03-29T01:00+01:00", "2026-03-29T01:30+01:00", "2026-03-29T03:30+02:00"),
    # A change at another hour does not touch it.
    (BERLIN, "0 8 * * *", "2026-03-28T09:00+01:00", "2026-03-29T08:00+02:00", "2026-03-30T08:00+02:00"),
    (BERLIN, "0 2 * * *", "2026-10-25T01:00+02:00", "2026-10-25T02:00+02:00", "2026-10-26T02:00+01:00"),
    (BERLIN, "0 0 29 2 *", "2026-01-01T00:00+01:00", "2028-02-29T00:00+01:00", "2032-02-29T00:00+01:00"),
]


@pytest.mark.parametrize(("zone", "expression", "after", "first", "second"), TABLE)
def test_changes_of_the_clock(zone: str, expression: str, after: str, first: str, second: str) -> None:
    start = int(datetime.fromisoformat(after).timestamp() * 1000)
    times = upcoming(Cron((checked(expression),)), ZoneInfo(zone), start, 2)
    assert [datetime.fromtimestamp(at / 1000, UTC) for at in times] == [
        datetime.fromisoformat(first),
        datetime.fromisoformat(second),
    ]


def test_one_time_is_over_once_it_has_passed() -> None:
    rule = At(5_000)
    assert next_after(rule, ZoneInfo("UTC"), 4_999) == 5_000
    assert next_after(rule, ZoneInfo("UTC"), 5_000) is None
