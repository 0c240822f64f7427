"""What each form of a schedule in English words means; ``cron.words`` has the forms."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from cron.clockwords import BARE, NUMBER, Ambiguous, day_after, number, read_date, read_time, read_times
from cron.local import instant, local
from cron.rules import ALIASES, DAY, HOUR, MINUTE, SECOND, At, Cron, Days, Rule, checked, every
from kernel.errors import InvalidInput

UNITS = {
    "s": SECOND, "sec": SECOND, "secs": SECOND, "second": SECOND, "seconds": SECOND,
    "m": MINUTE, "min": MINUTE, "mins": MINUTE, "minute": MINUTE, "minutes": MINUTE,
    "h": HOUR, "hr": HOUR, "hrs": HOUR, "hour": HOUR, "hours": HOUR,
    "d": DAY, "day": DAY, "days": DAY, "w": 7 * DAY, "week": 7 * DAY, "weeks": 7 * DAY,
}  # fmt: skip
UNIT = "|".join(sorted(UNITS, key=len, reverse=True))
COUNT = rf"(?:{NUMBER}\s*|(?:half an|an?)\s+)"
PART = rf"{COUNT}(?:{UNIT})(?![a-z])"
SPAN = re.compile(rf"{PART}(?:\s*(?:,|and)?\s*{PART})*")
PIECE = re.compile(rf"({COUNT})({UNIT})(?![a-z])")
DAYS = {
    "monday": 1, "tuesday": 2, "wednesday": 3, "thursday": 4, "friday": 5, "saturday": 6, "sunday": 0,
}  # fmt: skip
SHORT = {"mon": "monday", "tue": "tuesday", "tues": "tuesday", "wed": "wednesday", "thu": "thursday",
         "thur": "thursday", "thurs": "thursday", "fri": "friday", "sat": "saturday", "sun": "sunday"}  # fmt: skip
DAY_WORD = "(?:" + "|".join([*(f"{name}s?" for name in DAYS), *sorted(SHORT, key=len, reverse=True)]) + r")\b"
DAY_LIST = rf"{DAY_WORD}(?:\s*(?:,\s*and|,|and|&|/)\s*{DAY_WORD})*"
DAY_RANGE = rf"({DAY_WORD})\s*(?:-|–|to|through|until|till)\s*({DAY_WORD})"
ORDINALS = {
    "first": 1,
    "1st": 1,
    "second": 2,
    "2nd": 2,
    "third": 3,
    "3rd": 3,
    "fourth": 4,
    "4th": 4,
    "last": 0,
}
EVERY = r"(?:every|each)"
FULL_HOUR = 60
SHORTEST_MONTH, LONGEST_MONTH = 28, 31


class NotUnderstood(InvalidInput):
    """The words are no schedule that Hermes understands."""


@dataclass(frozen=True, slots=True)
class Moment:
    """When something is asked: ``now`` in milliseconds, in a timezone."""

    now: int
    zone: ZoneInfo

    @property
    def local(self) -> datetime:
        """What the zone's clocks show."""
        return local(self.now, self.zone)

    @property
    def today(self) -> date:
        """The zone's day."""
        return self.local.date()

    def at(self, day: date, hour: time) -> At:
        """Return the rule of one local time."""
        return At(instant(datetime.combine(day, hour), self.zone))


Reader = Callable[[re.Match[str], Moment], Rule]


def span_of(words: str) -> int:
    """Return the milliseconds of a span such as ``1h30m`` or ``half an hour``."""
    total = 0
    for counted, unit in PIECE.findall(words):
        amount = counted.strip()
        count = {"a": 1.0, "an": 1.0, "half an": 0.5}.get(amount) or number(amount)
        total += round(count * UNITS[unit])
    return total


def weekday(word: str) -> int:
    """Return the cron number of a weekday's name."""
    name = SHORT.get(word, word)
    return DAYS[name if name in DAYS else name.removesuffix("s")]


def _weekdays(words: str) -> str:
    """Return the cron field of weekdays in words."""
    if words.startswith(("weekday", "work")):
        return "1-5"
    if words.startswith("weekend"):
        return "0,6"
    if (found := re.fullmatch(DAY_RANGE, words)) is not None:
        first, last = weekday(found[1]), weekday(found[2])
        days = [(first + step) % 7 for step in range((last - first) % 7 + 1)]
    else:
        days = [weekday(one) for one in re.findall(DAY_WORD, words)]
    return ",".join(str(day) for day in sorted(set(days)))


def _cron(times: Sequence[time], rest: str) -> Cron:
    """Return the rule of several times with the same days."""
    hours = sorted(set(times))
    return Cron(tuple(checked(f"{at.minute} {at.hour} {rest}") for at in hours))


def expression(found: re.Match[str], moment: Moment) -> Rule:
    """Read a cron expression."""
    del moment
    return Cron((checked(found[0]),))


def in_span(found: re.Match[str], moment: Moment) -> Rule:
    """Read ``in 20 minutes``."""
    span = span_of(found["span"])
    if not span:
        raise NotUnderstood("That is now.", remedy="Give a time that is still ahead.")
    return At(moment.now + span)


def in_days_at(found: re.Match[str], moment: Moment) -> Rule:
    """Read ``in 3 days at 9:00``."""
    return moment.at(moment.today + timedelta(days=int(number(found["count"]))), read_time(found["time"]))


def in_months(found: re.Match[str], moment: Moment) -> Rule:
    """Read ``in 2 months``: the same day and time then."""
    count = {"a": 1, "an": 1}.get(found["count"]) or int(number(found["count"]))
    months = count * (12 if found["unit"].startswith("year") else 1)
    day = moment.today
    month = day.month - 1 + months
    try:
        there = day.replace(year=day.year + month // 12, month=month % 12 + 1)
    except ValueError:
        raise Ambiguous(
            f"That month has no {day.day}th. Which day?", ("give a date, such as 2027-02-28 9:00",)
        ) from None
    return moment.at(there, moment.local.time().replace(microsecond=0))


def every_span(found: re.Match[str], moment: Moment) -> Rule:
    """Read ``every 30m``."""
    words = found["span"]
    days = re.fullmatch(rf"(?:({NUMBER})\s*)?(d|days?|w|weeks?)", words)
    if days is not None:
        raise Ambiguous(
            f"At what time, every {words}?", (f"every {words} at 9:00", f"every {words} at 18:00")
        )
    span = span_of(words) or UNITS.get(words, 0)
    return every(span, moment.now + span)


def every_other(found: re.Match[str], moment: Moment) -> Rule:
    """Read ``every other day at 9:00``."""
    step = 2 if found["step"] in ("other", "second") else int(number(found["step"]))
    if found["unit"].startswith("week"):
        step *= 7
    at = read_time(found["time"])
    first = moment.today if instant(datetime.combine(moment.today, at), moment.zone) > moment.now else None
    return Days(step, at, first or moment.today + timedelta(days=1)) if step > 1 else _cron([at], "* * *")


def every_other_weekday(found: re.Match[str], moment: Moment) -> Rule:
    """Read ``every 2 weeks on monday at 9:00``."""
    step = 2 if found["step"] in ("other", "second", "2nd") else int(number(found["step"]))
    at, day = read_time(found["time"]), weekday(found["day"])
    first = day_after(moment.today, (day - 1) % 7, include=True)
    if instant(datetime.combine(first, at), moment.zone) <= moment.now:
        first += timedelta(days=7)
    return Days(7 * step, at, first)


def daily(found: re.Match[str], moment: Moment) -> Rule:
    """Read ``every day at 9:00 and 18:00``, also with the times in front."""
    del moment
    return _cron(read_times(found["times"] or found["early"]), "* * *")


def half_daily(found: re.Match[str], moment: Moment) -> Rule:
    """Read ``every morning at 7``."""
    del moment
    words, half = found["time"], found["half"]
    if re.fullmatch(BARE, words):
        words = f"{words} at night" if half == "night" else f"{words} in the {half}"
    return _cron([read_time(words)], "* * *")


def on_weekdays(found: re.Match[str], moment: Moment) -> Rule:
    """Read ``every weekday at 7:30``."""
    del moment
    return _cron(read_times(found["times"]), f"* * {_weekdays(found['days'])}")


def between(found: re.Match[str], moment: Moment) -> Rule:
    """Read ``every 15 minutes between 9:00 and 17:00``, both ends included."""
    del moment
    span = span_of(found["span"]) or UNITS.get(found["span"], 0)
    first, last = read_time(found["first"]), read_time(found["last"])
    days, minutes = _weekdays(found["days"]) if found["days"] else "*", span // MINUTE
    whole = not (span % MINUTE or first.minute or last.minute or last <= first)
    if whole and minutes < FULL_HOUR and not FULL_HOUR % minutes:
        early = checked(f"*/{minutes} {first.hour}-{last.hour - 1} * * {days}")
        return Cron((early, checked(f"0 {last.hour} * * {days}")))
    if whole and not minutes % FULL_HOUR:
        return Cron((checked(f"0 {first.hour}-{last.hour}/{minutes // FULL_HOUR} * * {days}"),))
    raise NotUnderstood(
        "Between two hours I understand full hours, and spans that divide an hour or are full hours.",
        remedy="Write: every 15 minutes between 9:00 and 17:00 on weekdays",
    )


def monthly(found: re.Match[str], moment: Moment) -> Rule:
    """Read ``on the 1st of every month at 9:00``; a day that some months lack is asked about."""
    del moment
    day, times = found["day"], read_times(found["times"])
    if day == "last day":
        return _cron(times, "L * *")
    count = int(re.sub(r"\D", "", day))
    if not 1 <= count <= LONGEST_MONTH:
        raise NotUnderstood(f"No month has a {day}.")
    if count > SHORTEST_MONTH:
        raise Ambiguous(
            f"Not every month has a {count}th. Only in months that have one, or on the last day?",
            (f"{times[0].minute} {times[0].hour} {count} * *", f"last day of the month at {found['times']}"),
        )
    return _cron(times, f"{count} * *")


def nth_weekday(found: re.Match[str], moment: Moment) -> Rule:
    """Read ``the first monday of every month at 9:00``."""
    del moment
    nth, day = ORDINALS[found["nth"]], weekday(found["day"])
    return _cron(read_times(found["times"]), f"* * {day}{f'#{nth}' if nth else 'L'}")


def yearly(found: re.Match[str], moment: Moment) -> Rule:
    """Read ``every year on 24 december at 18:00``."""
    day = read_date(found["date"], date(2024, 1, 1))
    del moment
    if (day.month, day.day) == (2, 29):
        raise Ambiguous(
            "29 February is there in leap years only. Which day?",
            ("every year on 28 February at 9:00", "every year on 1 March at 9:00", "0 9 29 2 *"),
        )
    return _cron(read_times(found["times"]), f"{day.day} {day.month} *")


def hourly(found: re.Match[str], moment: Moment) -> Rule:
    """Read ``every hour at 15 past``, and ``hourly``: at the full hour."""
    del moment
    given = found.groupdict()
    past = int(given.get("minute") or given.get("colon") or 0)
    return Cron((checked(f"{past} * * * *"),))


def tomorrow(found: re.Match[str], moment: Moment) -> Rule:
    """Read ``tomorrow at 9:00``."""
    days = {"today": 0, "tomorrow": 1, "the day after tomorrow": 2, "day after tomorrow": 2}[found["day"]]
    words = f"{found['time']} in the {found['half']}" if found["half"] else found["time"]
    if days and words == "midnight":
        raise Ambiguous(
            f"Midnight {found['day']}: as the day begins or as it ends?",
            (f"{found['day']} 0:00", f"{found['day']} 23:59"),
        )
    return moment.at(moment.today + timedelta(days=days), read_time(words))


def tonight(found: re.Match[str], moment: Moment) -> Rule:
    """Read ``tonight at 8`` and ``this morning at 9``: the part of the day says which hour is meant."""
    words, half = found["time"], found["half"]
    if re.fullmatch(BARE, words):
        words = f"{words} in the {half}" if half else f"{words} at night"
    return moment.at(moment.today, read_time(words))


def bare_time(found: re.Match[str], moment: Moment) -> Rule:
    """Read ``18:00``: the next one."""
    at = read_time(found["time"])
    today = moment.at(moment.today, at)
    return today if today.at > moment.now else moment.at(moment.today + timedelta(days=1), at)


def weekday_once(found: re.Match[str], moment: Moment) -> Rule:
    """Read ``friday 9:00``; today's own weekday and ``next`` are asked."""
    at, day = read_time(found["time"]), (weekday(found["day"]) - 1) % 7
    which, name = found["which"] or "", found["day"]
    near = day_after(moment.today, day, include=False)
    if which == "next" or (moment.today.weekday() == day and which != "this"):
        first = moment.today if moment.today.weekday() == day and which != "next" else near
        days = [first, first + timedelta(days=7)]
        raise Ambiguous(f"Which {name}?", tuple(f"{one.isoformat()} {at:%H:%M}" for one in days))
    if which == "this" and moment.today.weekday() == day:
        near = moment.today
    return moment.at(near, at)


def on_date(found: re.Match[str], moment: Moment) -> Rule:
    """Read ``24 december at 18:00``."""
    return moment.at(read_date(found["date"], moment.today), read_time(found["time"]))


def on_the_nth(found: re.Match[str], moment: Moment) -> Rule:
    """Read ``on the 5th at 9:00``: the next month that has one."""
    at, count = read_time(found["time"]), int(re.sub(r"\D", "", found["day"]))
    day = moment.today.replace(day=1)
    for _ in range(24):
        try:
            rule = moment.at(day.replace(day=count), at)
        except ValueError:
            rule = At(0)
        if rule.at > moment.now:
            return rule
        day = (day + timedelta(days=32)).replace(day=1)
    raise NotUnderstood(f"No month has a {found['day']}.")


def iso(found: re.Match[str], moment: Moment) -> Rule:
    """Read an ISO time, in its own zone where it names one."""
    try:
        text = re.sub(r"[t ](\d):", r" 0\1:", found[0])
        written = datetime.fromisoformat(text.upper().replace(" ", "T", 1).replace(" ", ""))
    except ValueError:
        raise NotUnderstood(f"{found[0]!r} is no time that exists.") from None
    if written.tzinfo is not None:
        return At(round(written.timestamp() * 1000))
    return At(instant(written, moment.zone))


def asks(question: str, *options: str) -> Reader:
    """Return what asks a question with examples; ``{name}`` stands for a part of what was written."""

    def ask(found: re.Match[str], moment: Moment) -> Rule:
        del moment
        given = found.groupdict() | {"all": found[0]}
        raise Ambiguous(question.format(**given), tuple(option.format(**given) for option in options))

    return ask


def alias(found: re.Match[str], moment: Moment) -> Rule:
    """Read ``@daily`` and the like."""
    del moment
    word = found[0].removeprefix("cron").strip()
    return Cron((checked(ALIASES.get(word, word)),))


def time_first(found: re.Match[str], moment: Moment) -> Rule:
    """Read ``9:00 on mondays``; one day in the singular without "every" can mean once, and is asked."""
    days = found["days"]
    repeated = " every " in found[0] or " each " in found[0]
    if re.fullmatch(DAY_WORD, days) and not repeated and (not days.endswith("s") or days in SHORT):
        name = SHORT.get(days, days)
        raise Ambiguous(
            f"Once, or every {name}?",
            (f"every {name} at {found['times']}", f"this {name} at {found['times']}"),
        )
    return on_weekdays(found, moment)
