"""Schedules in English words, read by fixed rules: what can be meant in two ways is asked, never guessed.

What is taken as plain: a time with a colon or with am/pm, an hour from 13 on, noon, midnight, "in the evening" and the
like. What is asked: an hour from 1 to 12 alone, a day without a time, ``3/4``, "next Friday", a weekday that is today.
"""

import re
from collections.abc import Sequence

from cron import readers as r
from cron.clockwords import DATE, NUMBER, TIME, Ambiguous
from cron.readers import (
    DAY_LIST,
    DAY_RANGE,
    DAY_WORD,
    DAYS,
    EVERY,
    ORDINALS,
    SPAN,
    UNIT,
    Moment,
    NotUnderstood,
    asks,
)
from cron.rules import At, Rule

__all__ = ["Ambiguous", "Moment", "NotUnderstood", "read"]

LONGEST = 200
TIMES = rf"(?P<times>{TIME}(?:\s*(?:,\s*and|,|and|&)\s*(?:at\s+)?{TIME})*)"
EARLY = TIMES.replace("<times>", "<early>")
ONE_TIME = rf"(?P<time>{TIME})"
AT = r"(?:,?\s*(?:at|@|around)\s+|,?\s+)"
ONE_DATE = rf"(?P<date>{DATE})"
ONE_DAY = rf"(?P<day>{DAY_WORD})"
WORKDAYS = r"weekdays?|work(?:ing)?\s?days?|weekends?"
ON_DAYS = rf"(?P<days>(?:{WORKDAYS}|{DAY_RANGE}|{DAY_LIST}))"
AND_DAY = rf"(?:\s*(?:,\s*and|,|and|&)\s*{DAY_WORD})"
PLURAL = "|".join(f"{name}s" for name in DAYS)
# Days that can only mean again and again.
MANY_DAYS = rf"(?P<days>weekdays|work(?:ing)?\s?days|weekends|(?:{PLURAL}){AND_DAY}*|{DAY_RANGE}|{DAY_WORD}{AND_DAY}+)"
HALF = r"(?P<half>morning|afternoon|evening|night)"
PART = r"(?P<half>morning|afternoon|evening)"
MONTHLY = r"(?:of\s+)?(?:the|every|each)\s+month"
NTH = r"\d{1,2}(?:st|nd|rd|th)"
NTH_DAY = rf"(?P<nth>{'|'.join(ORDINALS)})"
SOON = r"(?P<day>today|tomorrow|(?:the )?day after tomorrow)"
OFFSET = r"(?:\s?(?:z|[+-]\d\d:?\d\d))?"
FIELD = r"[\d*][\d*/,\-]*"
REGULAR = ("every day at 9:00", "every day at 9:00 and 18:00", "mondays at 9:00")
EXAMPLES = ("in 20 minutes", "tomorrow 9:00", "every 30m")

FORMS: Sequence[tuple[str, r.Reader]] = (
    (r"@[a-z]+", r.alias),
    (rf"{FIELD} {FIELD} [\d*/,\-lw]+ [\da-z*/,\-]+ [\da-z*/,\-#]+", r.expression),
    (rf"\d{{4}}-\d\d-\d\d[t ]\d\d?:\d\d(?::\d\d(?:\.\d+)?)?{OFFSET}", r.iso),
    # Once, from now
    (rf"in (?P<span>{SPAN.pattern})", r.in_span),
    (rf"(?P<span>{SPAN.pattern}) from now", r.in_span),
    (rf"in (?P<count>{NUMBER}) days?{AT}{ONE_TIME}", r.in_days_at),
    (rf"in (?P<count>{NUMBER}|an?) (?P<unit>months?|years?)", r.in_months),
    # Again and again, by spans
    (
        (
            rf"{EVERY} (?P<span>{SPAN.pattern}|{UNIT}) (?:between|from) (?P<first>{TIME})"
            rf" (?:and|to|until) (?P<last>{TIME})"
            rf"(?:,? (?:on )?{ON_DAYS})?"
        ),
        r.between,
    ),
    (rf"{EVERY} (?P<step>other|second|{NUMBER}) (?P<unit>days?){AT}{ONE_TIME}", r.every_other),
    (rf"{EVERY} (?P<step>other|2nd|second) {ONE_DAY}{AT}{ONE_TIME}", r.every_other_weekday),
    (rf"{EVERY} (?P<step>{NUMBER}|other|second) weeks? on {ONE_DAY}{AT}{ONE_TIME}", r.every_other_weekday),
    (
        (
            rf"{EVERY} (?P<days>{NUMBER} days?|other day|second day|(?:other |second |{NUMBER} )?weeks?|months?|years?"
            r"|quarter)"
        ),
        asks("When exactly, every {days}?", "every day at 9:00", "every 2 weeks on monday at 9:00"),
    ),
    (rf"{EVERY} (?P<span>{SPAN.pattern}|s|seconds?|m|minutes?|h|hours?)", r.every_span),
    (
        rf"{EVERY} (?P<step>other |second |{NUMBER} )?weeks?{AT}{ONE_TIME}",
        asks("On which day of the week?", "every monday at 9:00", "every 2 weeks on monday at 9:00"),
    ),
    (r"hourly|(?:every hour )?on the hour", r.hourly),
    (
        rf"(?:{EVERY} hour|hourly) at (?:(?P<minute>[0-5]?\d) (?:minutes )?past(?: the hour)?|:(?P<colon>[0-5]\d))",
        r.hourly,
    ),
    # Again and again, by days
    (
        (
            rf"(?P<days>daily|weekly|monthly|yearly|annually|every ?day|each day|every weekday|weekdays|every weekend"
            rf"|every {DAY_LIST}|{PLURAL}|(?:on )?weekends)"
        ),
        asks("At what time, {days}?", "every day at 9:00", "every monday at 9:00"),
    ),
    (rf"(?:(?:{EVERY} ?day|daily){AT}{TIMES}|(?:at )?{EARLY} (?:{EVERY} ?day|daily))", r.daily),
    (rf"{EVERY} {HALF}{AT}{ONE_TIME}", r.half_daily),
    (rf"(?:at )?{ONE_TIME} {EVERY} {HALF}", r.half_daily),
    (rf"{EVERY} {HALF}", asks("At what time, every {half}?", "every {half} at 8", "every day at 20:00")),
    (rf"{EVERY} {ON_DAYS}{AT}{TIMES}", r.on_weekdays),
    (rf"(?:on )?{MANY_DAYS}{AT}{TIMES}", r.on_weekdays),
    (rf"(?:at )?{TIMES},? (?:on |{EVERY} |on {EVERY} ){ON_DAYS}", r.time_first),
    (rf"weekly on {ON_DAYS}{AT}{TIMES}", r.on_weekdays),
    (rf"(?:on )?(?:the )?{NTH_DAY} {ONE_DAY} {MONTHLY}{AT}{TIMES}", r.nth_weekday),
    (rf"{EVERY} {NTH_DAY} {ONE_DAY} of the month{AT}{TIMES}", r.nth_weekday),
    (rf"(?:on )?(?:the )?(?P<day>last day|{NTH}) {MONTHLY}{AT}{TIMES}", r.monthly),
    (
        rf"(?:{EVERY} month|monthly),? on (?:the )?(?P<day>last day|\d{{1,2}}(?:st|nd|rd|th)?){AT}{TIMES}",
        r.monthly,
    ),
    (rf"{EVERY} (?P<day>{NTH})(?: of the month)?{AT}{TIMES}", r.monthly),
    (rf"(?:{EVERY} year|yearly|annually),? on (?:the )?{ONE_DATE}{AT}{TIMES}", r.yearly),
    (rf"{EVERY} {ONE_DATE}{AT}{TIMES}", r.yearly),
    (r"bi-?(?:weekly|monthly)", asks("Twice in that time, or every second one?", *REGULAR)),
    (
        rf"(?P<count>once|twice|{NUMBER} times) (?:a|per|every) (?P<unit>hour|day|week|month|year)",
        asks("At which times, {count} a {unit}?", *REGULAR),
    ),
    (r"every now and then|sometimes|regularly|often|soon|later|asap", asks("When exactly?", *EXAMPLES)),
    # Once, by name
    (rf"{SOON}(?: (?:in the )?{PART})?{AT}{ONE_TIME}", r.tomorrow),
    (rf"(?:at )?{ONE_TIME} {SOON}(?P<half>)", r.tomorrow),
    (
        (
            rf"(?P<day>{SOON.replace('<day>', '<soon>')}(?: (?:morning|afternoon|evening|night))?|tonight"
            r"|this (?:morning|afternoon|evening)|in the (?:morning|afternoon|evening)|at night)"
        ),
        asks("At what time, {day}?", "tomorrow 9:00", "tomorrow 18:00"),
    ),
    (rf"(?:tonight|this {PART}){AT}{ONE_TIME}", r.tonight),
    (rf"(?:at )?{ONE_TIME} (?:tonight|this {PART})", r.tonight),
    (rf"(?:on )?(?:(?P<which>next|this|the coming|coming) )?{ONE_DAY}{AT}{ONE_TIME}", r.weekday_once),
    (rf"(?:at )?{ONE_TIME} (?P<which>next|this) {ONE_DAY}", r.weekday_once),
    (
        rf"(?:on )?(?:(?:next|this) )?{ONE_DAY}",
        asks("At what time on {day}, and once or every week?", "{day} 9:00", "every {day} at 9:00"),
    ),
    (
        r"(?:next (?:week|month|year)|this week(?:end)?|next weekend|(?:at |on )?the weekend)",
        asks("On which day, and at what time?", "tomorrow 9:00", "monday 9:00"),
    ),
    (rf"(?:on )?(?:the )?{ONE_DATE}{AT}{ONE_TIME}", r.on_date),
    (rf"(?:at )?{ONE_TIME},? on (?:the )?{ONE_DATE}", r.on_date),
    (rf"(?:on )?(?:the )?{ONE_DATE}", asks("At what time on {date}?", "{date} 9:00", "{date} 18:00")),
    (rf"on the (?P<day>{NTH}){AT}{ONE_TIME}", r.on_the_nth),
    (rf"(?:at )?{ONE_TIME}", r.bare_time),
)
READERS = tuple((re.compile(pattern), reader) for pattern, reader in FORMS)


def read(text: str, moment: Moment) -> Rule:
    """Return the schedule that words mean; raise Ambiguous with the question to ask, or NotUnderstood."""
    words = plain(text)
    for pattern, reader in READERS if len(words) <= LONGEST else ():
        if (found := pattern.fullmatch(words)) is not None:
            return _ahead(reader(found, moment), moment, text)
    raise NotUnderstood(
        f"I do not understand {words[:60]!r} as a time.",
        remedy="Write: in 20 minutes, tomorrow 9:00, every weekday at 7:30, every 30m, or a cron expression.",
    )


def plain(text: str) -> str:
    """Return words in small letters with single spaces and without commas where they mean nothing."""
    words = " ".join(text.lower().replace("\u00a0", " ").split()).strip(" .,;!")
    words = re.sub(r"\b(?:o'clock|o’clock|sharp)(?=\s|$)", "", words).strip()
    return " ".join(words.replace("week day", "weekday").split())


def _ahead(rule: Rule, moment: Moment, text: str) -> Rule:
    if isinstance(rule, At) and rule.at <= moment.now:
        raise NotUnderstood(f"{text.strip()!r} is over.", remedy="Give a time that is still ahead.")
    return rule
