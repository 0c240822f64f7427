"""From a sentence to a schedule and what is to be done, and from a schedule back to words."""

import re
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from cron.clockwords import DATE, read_date
from cron.local import instant, local
from cron.rules import DAY, HOUR, MINUTE, SECOND, After, At, Cron, Days, Every, Rule
from cron.words import LONGEST, Ambiguous, Moment, NotUnderstood, read
from kernel.errors import InvalidInput

ZONE = re.compile(r"^(.*?),?\s+(?:in |\()?(utc|gmt|[a-z]+/[a-z_+\-0-9]+(?:/[a-z_]+)?)\)?$", re.IGNORECASE)
UNTIL = re.compile(rf"^(.*?),?\s+until (?:the )?({DATE})$", re.IGNORECASE)
TIMES = re.compile(r"^(.*?),?\s+(?:for )?(\d{1,6}) times$", re.IGNORECASE)
VAGUE_ZONES = re.compile(r"^.*\s(est|cst|ist|bst|pst|mst|cest|cet|pdt|edt)$", re.IGNORECASE)
LEADING = re.compile(r"^(?:please\s+)?(?:remind me|reminder|remind)\b[\s,:]*", re.IGNORECASE)
JOINING = re.compile(r"^(?:to|that|about|:|-|–|,)\s+", re.IGNORECASE)
MOST_WORDS = 16
WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class Plan:
    """When something is to run: its rule, its timezone, and where it ends (0: it does not)."""

    rule: Rule
    zone: ZoneInfo
    ends_at: int = 0
    max_runs: int = 0


def plan(text: str, moment: Moment) -> Plan:
    """Return what words about times mean, with ``until``, ``10 times`` and a timezone behind them.

    Raises Ambiguous with the question to ask, or NotUnderstood.
    """
    words = text.strip().rstrip(".,;:")
    if (vague := VAGUE_ZONES.match(words)) is not None:
        raise Ambiguous(
            f"{vague[1].upper()} means several timezones. Which one?", ("America/New_York", "Europe/London")
        )
    if (found := ZONE.match(words)) is not None:
        zone = zone_of(found[2])
        return plan(found[1], replace(moment, zone=zone))
    if (found := TIMES.match(words)) is not None:
        return replace(plan(found[1], moment), max_runs=int(found[2]))
    if (found := UNTIL.match(words)) is not None:
        return _until(plan(found[1], moment), found[2], moment)
    return Plan(read(words, moment), moment.zone)


def _until(bare: Plan, words: str, moment: Moment) -> Plan:
    """Bound a plan by a day, which still counts."""
    day = read_date(words.lower(), moment.today) + timedelta(days=1)
    return replace(bare, ends_at=instant(datetime.combine(day, time(0)), moment.zone))


def zone_of(name: str) -> ZoneInfo:
    """Return a timezone by its name, whatever its capitals; raise InvalidInput."""
    if name.upper() in ("UTC", "GMT"):
        return ZoneInfo("UTC")
    parts = ("_".join(part.capitalize() for part in word.split("_")) for word in name.split("/"))
    for spelling in (name, "/".join(parts)):
        try:
            return ZoneInfo(spelling)
        except (KeyError, ValueError, OSError):
            continue
    raise InvalidInput(f"{name!r} is no timezone.", remedy="Write it like Europe/Berlin.")


def split(text: str, moment: Moment) -> tuple[Plan, str]:
    """Return the schedule that stands at a sentence's beginning or end, and the rest of it.

    The longest part that is a time counts. A bar sets them apart for good: ``every day at 9:00 | stretch``.
    """
    sentence = LEADING.sub("", " ".join(text.split()))
    if "|" in sentence:
        times, _, rest = sentence.partition("|")
        return plan(times, moment), rest.strip()
    words = sentence.split(" ")
    front = _longest(words, moment, front=True)
    back = _longest(words, moment, front=False)
    if front and back and front[1] + back[1] <= len(words):
        raise Ambiguous(
            "Which time do you mean: "
            f"“{' '.join(words[: front[1]])}” or “{' '.join(words[len(words) - back[1] :])}”?",
            ("every day at 9:00 | what is to be done",),
        )
    found = max((one for one in (front, back) if one), key=lambda one: one[1], default=None)
    if found is None:
        raise NotUnderstood(
            "I see no time in that.",
            remedy="Write: in 20 minutes …, tomorrow 9:00 …, every weekday at 7:30 …, or CRON EXPRESSION | …",
        )
    outcome, count = found
    if isinstance(outcome, Ambiguous):
        raise outcome
    rest = words[count:] if found is front else words[: len(words) - count]
    return outcome, JOINING.sub("", " ".join(rest)).strip()


def _longest(words: list[str], moment: Moment, *, front: bool) -> tuple[Plan | Ambiguous, int] | None:
    """Return the longest run of words at one end that means a time, or asks for one; and how many words it has."""
    for count in range(min(len(words), MOST_WORDS), 0, -1):
        part = " ".join(words[:count] if front else words[-count:]).strip(" :-–,")
        if not part or len(part) > LONGEST:
            continue
        try:
            return plan(part, moment), count
        except Ambiguous as question:
            return question, count
        except InvalidInput:
            continue
    return None


def span_text(span: int) -> str:
    """Return a span in words, such as ``1 hour 30 minutes``."""
    parts: list[str] = []
    for unit, name in ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute"), (SECOND, "second")):
        count, span = divmod(span, unit)
        if count:
            parts.append(f"{count} {name}{'s' if count != 1 else ''}")
    return " ".join(parts) or "no time"


def describe(rule: Rule, zone: ZoneInfo) -> str:
    """Return a rule in words, as a person would say it."""
    match rule:
        case Cron(expressions):
            return " and ".join(_cron_words(one) for one in expressions)
        case Every(span, _):
            words = span_text(span)
            return f"every {words.removeprefix('1 ') if ' ' not in words.removeprefix('1 ') else words}"
        case Days(step, at, first):
            if step % 7 == 0:
                weeks = "week" if step == 7 else f"{step // 7} weeks"  # noqa: PLR2004 - days of a week
                return f"every {weeks} on {WEEKDAYS[first.isoweekday()]} at {at:%H:%M}"
            return f"every {step} days at {at:%H:%M}"
        case At(at):
            there = local(at, zone)
            seconds = f":{there:%S}" if at % MINUTE else ""
            return f"once, {there:%a %Y-%m-%d %H:%M}{seconds}"
        case After(id, outcome):
            when = {"success": "ended well", "failure": "failed", "always": "ended"}[outcome]
            return f"whenever job {id} has {when}"


def _cron_words(expression: str) -> str:
    minute, hour, day, month, weekday = expression.split(" ")
    if not (minute.isdigit() and hour.isdigit() and month == "*"):
        return _regular(expression)
    at = f"at {int(hour):02}:{int(minute):02}"
    if day == "*" and weekday in DAY_WORDS:
        return f"{DAY_WORDS[weekday]} {at}"
    if day == "*" and re.fullmatch(r"[0-7](?:,[0-7])*", weekday):
        return f"every {', '.join(WEEKDAYS[int(one)] for one in weekday.split(','))} {at}"
    if weekday == "*" and day.isdigit():
        return f"every month on the {day}. {at}"
    if weekday == "*" and day == "L":
        return f"every month on its last day {at}"
    return f"cron {expression}"


DAY_WORDS = {
    "*": "every day",
    "1-5": "every weekday",
    "1,2,3,4,5": "every weekday",
    "0,6": "every weekend day",
}


def _regular(expression: str) -> str:
    minute, hour, *rest = expression.split(" ")
    if hour == "*" and rest == ["*", "*", "*"]:
        if minute.isdigit():
            return "every full hour" if minute == "0" else f"every hour at {minute} past"
        if re.fullmatch(r"\*/\d+", minute):
            return f"every {minute[2:]} minutes of the clock"
    return f"cron {expression}"


def next_words(at: int | None, zone: ZoneInfo, now: int) -> str:
    """Return an instant as people say it: the time alone today, else with the day."""
    if at is None:
        return "never"
    there, here = local(at, zone), local(now, zone)
    if there.date() == here.date():
        return f"today {there:%H:%M}"
    if there.date() == here.date() + timedelta(days=1):
        return f"tomorrow {there:%H:%M}"
    return f"{there:%a %Y-%m-%d %H:%M}"
