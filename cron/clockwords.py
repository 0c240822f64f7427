"""Times of the day and dates in English words."""

import re
from datetime import date, time, timedelta

from kernel.errors import InvalidInput

COUNTS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "forty-five": 45, "fifty": 50,
    "sixty": 60, "ninety": 90,
}  # fmt: skip
NUMBER = r"(?:\d{1,6}(?:\.\d+)?|" + "|".join(sorted(COUNTS, key=len, reverse=True)) + ")"
HOURS = "|".join(name for name, count in COUNTS.items() if count <= 12)  # noqa: PLR2004 - hours of a clock face
CLOCK = rf"(?:\d{{1,2}}[:.]\d\d|\d{{1,2}}|{HOURS})(?:\s?[ap]\.?m\.?(?![a-z]))?"
HALF_DAY = r"(?: (?:in the (?:morning|afternoon|evening)|at night))"
PAST = r"(?:half past|quarter past|quarter to|a quarter past|a quarter to)"
# A time that does not say which half of the day it is in.
BARE = rf"(?:{PAST} )?(?:\d{{1,2}}(?:[:.]\d\d)?|{HOURS})"
TIME = rf"(?:noon|midnight|midday|(?:{PAST} )?{CLOCK}{HALF_DAY}?)"
MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
MONTH = "(?:" + "|".join([*MONTHS, *(f"{name[:3]}\\.?" for name in MONTHS), "sept\\.?"]) + r")(?![a-z])"
NTH = r"\d{1,2}(?:st|nd|rd|th)?"
DATE = (
    rf"(?:\d{{4}}-\d\d?-\d\d?|\d{{1,2}}\.\d{{1,2}}\.(?:\d{{4}})?|\d{{1,2}}/\d{{1,2}}(?:/\d{{2,4}})?"
    rf"|{NTH}(?: of)? {MONTH}(?:,? \d{{4}})?|{MONTH} (?:the )?{NTH}(?:,? \d{{4}})?)"
)
NOON = 12
FACE = re.compile(rf"(?:(\d{{1,2}})(?:[:.](\d\d))?|({HOURS}))(?:\s?([ap])\.?m\.?)?")


class Ambiguous(InvalidInput):
    """The words can be meant in more than one way; ``options`` are texts to choose from."""

    def __init__(self, question: str, options: tuple[str, ...] = ()) -> None:
        super().__init__(question, remedy=f"For example: {' · '.join(options)}" if options else "")
        self.question = question
        self.options = options


def number(text: str) -> float:
    """Return the number that digits or a word mean."""
    return float(COUNTS.get(text) or text)


def read_times(text: str) -> list[time]:
    """Return the times in a list of them; a half of the day behind the last one is for that one alone."""
    return [read_time(part) for part in re.split(r"\s*(?:,\s*and\s|,|\band\b|&)\s*(?:at\s+)?", text) if part]


def read_time(text: str) -> time:
    """Return the time of the day that words mean; raise Ambiguous for an hour that can be either."""
    words = text.strip()
    if words in ("noon", "midday"):
        return time(NOON)
    if words == "midnight":
        return time(0)
    if (found := re.fullmatch(r"(half past|a? ?quarter past|a? ?quarter to) (.*)", words)) is not None:
        return _shifted(read_time(found[2]), found[1])
    bare, half = words, ""
    if (found := re.fullmatch(r"(.*?) (?:in the (morning|afternoon|evening)|at (night))", words)) is not None:
        bare, half = found[1], found[2] or found[3]
    face = FACE.fullmatch(bare)
    if face is None:
        raise InvalidInput(f"{words!r} is no time of the day.")
    return _on_the_clock(words, int(number(face[3] or face[1])), face[2], (face[4] or "", half))


def _shifted(at: time, words: str) -> time:
    minutes = at.hour * 60 + {"half": 30}.get(words.partition(" ")[0], 15 if words.endswith("past") else -15)
    return time(minutes // 60 % 24, minutes % 60)


def _on_the_clock(words: str, hour: int, minutes: str | None, half: tuple[str, str]) -> time:
    minute = int(minutes or 0)
    letter, part = half
    if minute > 59 or hour > 24 or (hour == 24 and minute) or (letter and not 1 <= hour <= NOON):  # noqa: PLR2004 - a clock
        raise InvalidInput(f"{words!r} is no time of the day.")
    if letter:
        return time(hour % NOON + (NOON if letter == "p" else 0), minute)
    if part:
        return _in_part(words, hour, minute, part)
    if minutes is None and 1 <= hour <= NOON:
        raise Ambiguous(f"{hour}:00 or {(hour + NOON) % 24}:00?", (f"{hour}:00", f"{(hour + NOON) % 24}:00"))
    return time(hour % 24, minute)


def _in_part(words: str, hour: int, minute: int, part: str) -> time:
    """Return a time in a part of the day; ``at night`` is from 6 in the evening to 5 in the morning."""
    if hour > NOON:
        return time(hour % 24, minute)
    match part:
        case "morning":
            return time(hour % NOON, minute)
        case "night" if hour == NOON or hour < 6:  # noqa: PLR2004 - where the night ends
            return time(hour % NOON, minute)
        case "afternoon" | "evening" | "night":
            if part == "evening" and hour == NOON:
                raise InvalidInput(f"{words!r} is no time of the day.", remedy="Write noon or midnight.")
            return time(hour % NOON + NOON, minute)
        case _:
            raise InvalidInput(f"{words!r} is no time of the day.")


def read_date(text: str, today: date) -> date:
    """Return the day that words mean, the next one where no year is named; raise Ambiguous for ``3/4``."""
    words = text.strip().replace(",", "")
    year, month, day = _fields(words)
    try:
        if year:
            return date(year, month, day)
        here = date(today.year, month, day)
        return here if here >= today else date(today.year + 1, month, day)
    except ValueError:
        raise InvalidInput(f"There is no day {text.strip()!r}.") from None


def _fields(words: str) -> tuple[int, int, int]:
    """Return year (0: none is named), month and day."""
    if (found := re.fullmatch(r"(\d{4})-(\d\d?)-(\d\d?)", words)) is not None:
        return int(found[1]), int(found[2]), int(found[3])
    if (found := re.fullmatch(r"(\d{1,2})\.(\d{1,2})\.(\d{4})?", words)) is not None:
        return int(found[3] or 0), int(found[2]), int(found[1])
    if (found := re.fullmatch(r"(\d{1,2})/(\d{1,2})(?:/(\d{2,4}))?", words)) is not None:
        return _slashed(words, int(found[1]), int(found[2]), found[3])
    found = re.fullmatch(rf"(?:({NTH})(?: of)? ({MONTH})|({MONTH}) (?:the )?({NTH}))(?: (\d{{4}}))?", words)
    if found is None:
        raise InvalidInput(f"{words!r} is no day.")
    day, name = found[1] or found[4], found[2] or found[3]
    month = next(place for place, full in enumerate(MONTHS, 1) if full.startswith(name[:3]))
    return int(found[5] or 0), month, int(re.sub(r"\D", "", day))


def _slashed(words: str, first: int, second: int, year: str | None) -> tuple[int, int, int]:
    full = int(year or 0)
    if year is not None and len(year) == 2:  # noqa: PLR2004 - two digits of a year
        full += 2000
    if first > NOON and second <= NOON:
        return full, second, first
    if second > NOON and first <= NOON:
        return full, first, second
    if first == second:
        return full, first, second
    names = [
        f"{day} {MONTHS[month - 1]}" for day, month in ((first, second), (second, first)) if month <= NOON
    ]
    raise Ambiguous(f"Is {words} the {' or the '.join(names)}?", tuple(names))


def day_after(today: date, weekday: int, *, include: bool) -> date:
    """Return the next day that is a weekday (Monday is 0), today itself where it counts."""
    ahead = (weekday - today.weekday()) % 7
    return today + timedelta(days=ahead if ahead or include else 7)
