"""The cron grammar and its texts: CONTRACT §4.2."""

import random
from datetime import UTC, datetime, timedelta, timezone

import pytest

from backups.cron import MACROS, CronError, Schedule

NOT_FIVE = (
    "Invalid cron expression - must be a valid macro or to have exactly"
    " 5 space separated segments."
)
BAD_VALUE = "Invalid segment value - must be between the min and max of the segment."
BAD_STEP = (
    "Invalid segment step - step > 1 could be used only with the wildcard"
    " or range format."
)
BAD_STEP_FORMAT = "Invalid segment step format - must be in the format */n or 1-30/n."
BAD_RANGE_FORMAT = "Invalid segment range format - the range must have 1 or 2 parts."


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def expand_segment(segment: str, low: int, high: int) -> set[int]:
    """Expand a valid segment in the plainest way; the oracle of parse()."""
    values = set()
    for part in segment.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        start, end = (low, high) if span == "*" else (int(first), int(last or first))
        values |= {
            n for n in range(start, end + 1) if (n - start) % int(step or 1) == 0
        }
    return values


def is_due(expression: str, moment: datetime) -> bool:
    """Match a valid expression in the plainest way; the oracle of matches()."""
    minute, hour, day, month, weekday = expression.split(" ")
    return (
        moment.minute in expand_segment(minute, 0, 59)
        and moment.hour in expand_segment(hour, 0, 23)
        and moment.day in expand_segment(day, 1, 31)
        and moment.month in expand_segment(month, 1, 12)
        and int(moment.strftime("%w")) in expand_segment(weekday, 0, 6)
    )


def random_segment(pick: random.Random, low: int, high: int) -> str:
    first, last = sorted(pick.choices(range(low, high + 1), k=2))
    step = pick.randint(1, high)
    forms = ["*", f"*/{step}", f"{first}", f"{first}-{last}", f"{first}-{last}/{step}"]
    return ",".join(pick.choices(forms, k=pick.choice([1, 1, 1, 2])))


def random_expression(pick: random.Random) -> str:
    limits = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 6)]
    return " ".join(random_segment(pick, low, high) for low, high in limits)


def test_a_star_is_every_value_of_its_field() -> None:
    schedule = Schedule.parse("* * * * *")

    assert schedule.minutes == frozenset(range(60))
    assert schedule.hours == frozenset(range(24))
    assert schedule.days == frozenset(range(1, 32))
    assert schedule.months == frozenset(range(1, 13))
    assert schedule.weekdays == frozenset(range(7))


@pytest.mark.parametrize(
    ("segment", "expected"),
    [
        ("5", {5}),
        ("05", {5}),
        ("5/1", {5}),
        ("5-8", {5, 6, 7, 8}),
        ("5-5", {5}),
        ("1,3,3,2-4", {1, 2, 3, 4}),
        ("*/20", {0, 20, 40}),
        ("*/59", {0, 59}),
        ("10-30/7", {10, 17, 24}),
    ],
)
def test_it_reads_a_segment(segment: str, expected: set[int]) -> None:
    assert Schedule.parse(f"{segment} 0 1 1 *").minutes == expected


@pytest.mark.parametrize(
    ("macro", "expression"),
    [
        ("@yearly", "0 0 1 1 *"),
        ("@annually", "0 0 1 1 *"),
        ("@monthly", "0 0 1 * *"),
        ("@weekly", "0 0 * * 0"),
        ("@daily", "0 0 * * *"),
        ("@midnight", "0 0 * * *"),
        ("@hourly", "0 * * * *"),
    ],
)
def test_it_knows_the_macros(macro: str, expression: str) -> None:
    assert Schedule.parse(macro) == Schedule.parse(expression)
    assert macro in MACROS


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("", NOT_FIVE),
        ("invalid", NOT_FIVE),
        ("@Daily", NOT_FIVE),
        (" @daily", NOT_FIVE),
        ("@reboot", NOT_FIVE),
        ("* * * *", NOT_FIVE),
        (" * * * * *", NOT_FIVE),
        ("* * * * * ", NOT_FIVE),
        ("* *  * * *", NOT_FIVE),
        ("*\t* * * *", NOT_FIVE),
        ("60 * * * *", BAD_VALUE),
        ("* 24 * * *", BAD_VALUE),
        ("* * 0 * *", BAD_VALUE),
        ("* * 32 * *", BAD_VALUE),
        ("* * * 13 *", BAD_VALUE),
        ("* * * * 7", BAD_VALUE),
        ("5/2 * * * *", BAD_STEP),
        ("*/2/3 * * * *", BAD_STEP_FORMAT),
        ("1-2-3 * * * *", BAD_RANGE_FORMAT),
        (
            "*/0 * * * *",
            "Invalid segment step boundary - the step must be between 1 and the 59.",
        ),
        (
            "*/-1 * * * *",
            "Invalid segment step boundary - the step must be between 1 and the 59.",
        ),
        (
            "* * * * */7",
            "Invalid segment step boundary - the step must be between 1 and the 6.",
        ),
        (
            "60-61 * * * *",
            "Invalid segment range minimum - must be between 0 and 59.",
        ),
        (
            "* * 0-3 * *",
            "Invalid segment range minimum - must be between 1 and 31.",
        ),
        (
            "10-5 * * * *",
            "Invalid segment range maximum - must be between 10 and 59.",
        ),
        (
            "10-60 * * * *",
            "Invalid segment range maximum - must be between 10 and 59.",
        ),
        ("* * * * MON", 'Strconv.Atoi: parsing "MON": invalid syntax.'),
        (" * * * *", 'Strconv.Atoi: parsing "": invalid syntax.'),
        ("1, * * * *", 'Strconv.Atoi: parsing "": invalid syntax.'),
        ("-1 * * * *", 'Strconv.Atoi: parsing "": invalid syntax.'),
        ("1- * * * *", 'Strconv.Atoi: parsing "": invalid syntax.'),
        ("*/ * * * *", 'Strconv.Atoi: parsing "": invalid syntax.'),
        ("*-5 * * * *", 'Strconv.Atoi: parsing "*": invalid syntax.'),
        ("² * * * *", 'Strconv.Atoi: parsing "²": invalid syntax.'),
        ("1_0 * * * *", 'Strconv.Atoi: parsing "1_0": invalid syntax.'),
        ('"1" * * * *', r'Strconv.Atoi: parsing "\"1\"": invalid syntax.'),
        ("5\n * * * *", r'Strconv.Atoi: parsing "5\n": invalid syntax.'),
    ],
)
def test_it_says_what_is_wrong(expression: str, message: str) -> None:
    with pytest.raises(CronError) as caught:
        Schedule.parse(expression)

    assert str(caught.value) == message


def test_a_number_of_any_length_is_only_out_of_range() -> None:
    with pytest.raises(CronError, match=r"9{5000}\": value out of range\.$"):
        Schedule.parse("9" * 5000 + " * * * *")


def test_day_of_month_and_weekday_must_both_match() -> None:
    friday_the_13th = Schedule.parse("0 0 13 * 5")

    assert friday_the_13th.matches(at("2026-11-13 00:00"))
    assert not friday_the_13th.matches(at("2026-10-13 00:00"))
    assert not friday_the_13th.matches(at("2026-11-20 00:00"))


def test_sunday_is_zero() -> None:
    sunday = Schedule.parse("* * * * 0")

    assert sunday.matches(at("2026-11-22 10:00"))
    assert not sunday.matches(at("2026-11-23 10:00"))


def test_seconds_do_not_matter() -> None:
    assert Schedule.parse("30 3 * * *").matches(at("2026-11-23 03:30:59.999"))


def test_other_time_zones_are_read_in_utc() -> None:
    moment = datetime(2026, 11, 24, 2, 0, tzinfo=timezone(timedelta(hours=5)))

    assert Schedule.parse("0 21 23 11 *").matches(moment)


def test_it_refuses_a_time_without_a_zone() -> None:
    schedule = Schedule.parse("@daily")

    with pytest.raises(ValueError, match="time zone"):
        schedule.matches(datetime(2026, 11, 23))
    with pytest.raises(ValueError, match="time zone"):
        schedule.next_after(datetime(2026, 11, 23))


def test_the_next_time_is_later_than_the_moment() -> None:
    daily = Schedule.parse("0 3 * * *")

    assert daily.next_after(at("2026-11-23 02:59:59")) == [at("2026-11-23 03:00")]
    assert daily.next_after(at("2026-11-23 03:00")) == [at("2026-11-24 03:00")]


def test_it_counts_over_the_end_of_a_year() -> None:
    assert Schedule.parse("*/40 23 31 12 *").next_after(at("2026-12-31 23:10"), 3) == [
        at("2026-12-31 23:40"),
        at("2027-12-31 23:00"),
        at("2027-12-31 23:40"),
    ]


def test_it_finds_the_next_leap_day() -> None:
    leap_day = Schedule.parse("0 0 29 2 *")

    assert leap_day.next_after(at("2024-02-29 00:00")) == [at("2028-02-29 00:00")]


@pytest.mark.parametrize("expression", ["0 0 30 2 *", "* * 31 4,6,9,11 *"])
def test_a_day_that_never_comes_gives_nothing(expression: str) -> None:
    assert Schedule.parse(expression).next_after(at("2026-11-23 00:00"), 5) == []


def test_it_stops_after_five_years() -> None:
    found = Schedule.parse("@yearly").next_after(at("2026-11-23 00:00"), count=99)

    assert [moment.year for moment in found] == [2027, 2028, 2029, 2030, 2031]


@pytest.mark.parametrize("seed", range(60))
def test_it_agrees_with_a_plain_reading_of_the_grammar(seed: int) -> None:
    pick = random.Random(seed)
    expression = random_expression(pick)
    start = at("2026-01-01 00:00") + timedelta(minutes=pick.randrange(3 * 525_600))
    schedule = Schedule.parse(expression)

    minutes = [start + timedelta(minutes=n) for n in range(1, 3000)]
    expected = [moment for moment in minutes if is_due(expression, moment)]

    assert [moment for moment in minutes if schedule.matches(moment)] == expected
    assert schedule.next_after(start, len(expected)) == expected
