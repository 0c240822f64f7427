"""Schedules in words: what each phrase means, and which ones are asked about instead of guessed."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from cron.rules import next_after
from cron.words import Ambiguous, Moment, NotUnderstood, read

BERLIN = ZoneInfo("Europe/Berlin")
# A Wednesday.
NOW = datetime(2026, 11, 18, 10, 0, tzinfo=BERLIN)
MOMENT = Moment(int(NOW.timestamp() * 1000), BERLIN)

# A phrase, and its next instant in local time or its rule.
ONCE = {
    "in 20 minutes": "2026-11-18 10:20",
    "in 20 min": "2026-11-18 10:20",
    "in 1h30m": "2026-11-18 11:30",
    "in 2 hours and 30 minutes": "2026-11-18 12:30",
    "in an hour": "2026-11-18 11:00",
    "in half an hour": "2026-11-18 10:30",
    "in 90 seconds": "2026-11-18 10:01:30",
    "in two days": "2026-11-20 10:00",
    "in 3 days at 9:00": "2026-11-21 09:00",
    "in a week": "2026-11-25 10:00",
    "in 2 months": "2027-01-18 10:00",
    "in a year": "2027-11-18 10:00",
    "20 minutes from now": "2026-11-18 10:20",
    "tomorrow 9:00": "2026-11-19 09:00",
    "tomorrow at 9am": "2026-11-19 09:00",
    "tomorrow at 9:30 pm": "2026-11-19 21:30",
    "tomorrow morning at 7": "2026-11-19 07:00",
    "tomorrow evening at 8": "2026-11-19 20:00",
    "tomorrow at noon": "2026-11-19 12:00",
    "the day after tomorrow at 8:15": "2026-11-20 08:15",
    "9:00 tomorrow": "2026-11-19 09:00",
    "at 6 pm tomorrow": "2026-11-19 18:00",
    "today at 18:00": "2026-11-18 18:00",
    "tonight at 8": "2026-11-18 20:00",
    "this evening at half past 7": "2026-11-18 19:30",
    "at 18:00": "2026-11-18 18:00",
    "at 9:00": "2026-11-19 09:00",
    "18:45": "2026-11-18 18:45",
    "5pm": "2026-11-18 17:00",
    "at midnight": "2026-11-19 00:00",
    "at quarter to 9 in the evening": "2026-11-18 20:45",
    "friday 9:00": "2026-11-20 09:00",
    "on friday at 3pm": "2026-11-20 15:00",
    "this friday at 9:00": "2026-11-20 09:00",
    "monday at 8 in the morning": "2026-11-23 08:00",
    "2026-12-24 18:00": "2026-12-24 18:00",
    "2026-12-24T18:00": "2026-12-24 18:00",
    "2026-12-24 8:00": "2026-12-24 08:00",
    "2026-12-24T17:00Z": "2026-12-24 18:00",
    "2026-12-24T18:00:00+01:00": "2026-12-24 18:00",
    "24 December at 18:00": "2026-12-24 18:00",
    "December 24th at 6pm": "2026-12-24 18:00",
    "on the 24th of December 2027 at 6 pm": "2027-12-24 18:00",
    "24.12.2026 18:00": "2026-12-24 18:00",
    "24/12/2026 18:00": "2026-12-24 18:00",
    "1 March 9:00": "2027-03-01 09:00",
    "9:00 on 1 March": "2027-03-01 09:00",
    "on the 5th at 9:00": "2026-12-05 09:00",
}
AGAIN = {
    "every 30m": "every:1800000",
    "every 30 minutes": "every:1800000",
    "every two hours": "every:7200000",
    "every hour": "every:3600000",
    "every minute": "every:60000",
    "every 1h 30m": "every:5400000",
    "each 45 seconds": "every:45000",
    "every weekday at 7:30": "cron:30 7 * * 1-5",
    "weekdays at 7:30": "cron:30 7 * * 1-5",
    "every working day at 9am": "cron:0 9 * * 1-5",
    "every day at 9:00": "cron:0 9 * * *",
    "everyday at 9:00": "cron:0 9 * * *",
    "daily at 18:00": "cron:0 18 * * *",
    "daily 18:00": "cron:0 18 * * *",
    "at 7:30 every day": "cron:30 7 * * *",
    "every day at 9:00 and 17:30": "cron:0 9 * * *|30 17 * * *",
    "every day at noon": "cron:0 12 * * *",
    "every day at midnight": "cron:0 0 * * *",
    "every morning at 7": "cron:0 7 * * *",
    "every evening at 9:30": "cron:30 21 * * *",
    "every night at 11": "cron:0 23 * * *",
    "every night at 2": "cron:0 2 * * *",
    "every monday at 9:00": "cron:0 9 * * 1",
    "mondays at 9am": "cron:0 9 * * 1",
    "on mondays and thursdays at 18:00": "cron:0 18 * * 1,4",
    "every mon, wed and fri at 6:45": "cron:45 6 * * 1,3,5",
    "every tuesday and thursday at 10 am": "cron:0 10 * * 2,4",
    "monday to friday at 8:00": "cron:0 8 * * 1,2,3,4,5",
    "mon-fri at 8:00": "cron:0 8 * * 1,2,3,4,5",
    "fri-mon at 8:00": "cron:0 8 * * 0,1,5,6",
    "weekends at 10:00": "cron:0 10 * * 0,6",
    "every weekend at 10:00": "cron:0 10 * * 0,6",
    "9:00 on mondays": "cron:0 9 * * 1",
    "at 9:00 on every monday": "cron:0 9 * * 1",
    "weekly on sunday at 20:00": "cron:0 20 * * 0",
    "hourly": "cron:0 * * * *",
    "every hour at 15 past": "cron:15 * * * *",
    "every 15 minutes between 9:00 and 17:00": "cron:*/15 9-16 * * *|0 17 * * *",
    "every 15 minutes from 9:00 to 17:00 on weekdays": "cron:*/15 9-16 * * 1-5|0 17 * * 1-5",
    "every hour between 8:00 and 18:00": "cron:0 8-18/1 * * *",
    "every other day at 9:00": "days:2:09.00:2026-11-19",
    "every 3 days at 18:00": "days:3:18.00:2026-11-18",
    "every 2 weeks on monday at 9:00": "days:14:09.00:2026-11-23",
    "every other friday at 16:00": "days:14:16.00:2026-11-20",
    "on the 1st of every month at 9:00": "cron:0 9 1 * *",
    "every month on the 15th at 8:30": "cron:30 8 15 * *",
    "every 1st of the month at 9:00": "cron:0 9 1 * *",
    "last day of the month at 18:00": "cron:0 18 L * *",
    "on the first monday of every month at 9:00": "cron:0 9 * * 1#1",
    "the last friday of the month at 17:00": "cron:0 17 * * 5L",
    "every year on 24 December at 18:00": "cron:0 18 24 12 *",
    "every December 24 at 18:00": "cron:0 18 24 12 *",
    "@daily": "cron:0 0 * * *",
    "@weekly": "cron:0 0 * * 0",
    "*/5 * * * *": "cron:*/5 * * * *",
    "30 7 * * 1-5": "cron:30 7 * * 1-5",
    "0 9 * jan-mar mon": "cron:0 9 * JAN-MAR MON",
}
ASKED = (
    "at 7", "tomorrow", "tomorrow at 9", "every day", "daily", "weekly", "every week", "every monday", "monday",
    "next friday at 9:00", "wednesday at 12:00", "on 3/4 at 9:00", "every month on the 31st at 9:00", "tonight",
    "every 3 days", "twice a day", "biweekly", "every other day", "tomorrow at midnight", "every weekday", "soon",
    "in the morning", "next week", "every morning", "24 december", "9:00 on monday",
    "every year on 29 february at 9:00",
    "every quarter", "every week at 9:00", "3 times a week", "every 2 weeks at 9:00",
)  # fmt: skip
NOT_UNDERSTOOD = (
    "", "banana", "every", "at", "in", "every banana at 9:00", "25:00", "tomorrow at 9:75", "every 99999999 years",
    "in 0 minutes", "today at 8:00", "2020-01-01 9:00", "2026-13-01 9:00", "31 february at 9:00", "13pm", "* * * *",
    "61 * * * *", "0 0 30 2 *", "@reboot", "every 1s", "call mum", "every day at", "x" * 500, "every " * 40,
)  # fmt: skip


@pytest.mark.parametrize(("phrase", "expected"), ONCE.items())
def test_a_phrase_for_one_time_means_that_time(phrase: str, expected: str) -> None:
    rule = read(phrase, MOMENT)
    assert str(rule).startswith("at:")
    at = next_after(rule, BERLIN, MOMENT.now)
    assert at is not None
    assert datetime.fromtimestamp(at / 1000, BERLIN) == datetime.fromisoformat(expected).replace(
        tzinfo=BERLIN
    )


@pytest.mark.parametrize(("phrase", "expected"), AGAIN.items())
def test_a_phrase_for_repeated_times_means_that_rule(phrase: str, expected: str) -> None:
    text = str(read(phrase, MOMENT))
    assert text == expected or text.rpartition(":")[0] == expected


@pytest.mark.parametrize("phrase", ASKED)
def test_what_can_be_meant_in_two_ways_is_asked_with_examples(phrase: str) -> None:
    with pytest.raises(Ambiguous) as asked:
        read(phrase, MOMENT)
    assert asked.value.question.endswith("?")
    assert asked.value.options


@pytest.mark.parametrize("phrase", ASKED)
def test_most_examples_of_a_question_are_answers_to_it(phrase: str) -> None:
    with pytest.raises(Ambiguous) as asked:
        read(phrase, MOMENT)
    understood = 0
    for option in asked.value.options:
        try:
            read(option, MOMENT)
        except (Ambiguous, NotUnderstood):
            continue
        understood += 1
    assert understood or phrase.startswith(("in ", "on 3/4"))


@pytest.mark.parametrize("phrase", NOT_UNDERSTOOD)
def test_what_is_no_time_is_refused_with_the_way_out(phrase: str) -> None:
    with pytest.raises(Exception, match=r".") as refused:
        read(phrase, MOMENT)
    assert not isinstance(refused.value, Ambiguous)
    assert str(refused.value)


def test_capitals_spaces_and_a_full_stop_mean_nothing() -> None:
    assert str(read("  Every  Weekday, at 7:30. ", MOMENT)) == "cron:30 7 * * 1-5"


def test_there_are_eighty_phrases_and_more() -> None:
    assert len(ONCE) + len(AGAIN) + len(ASKED) >= 80
