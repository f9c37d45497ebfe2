"""The five-field expression that says when automatic backups run.

The grammar, its limits and the texts of its errors are PocketBase's: a day
must match the day of the month AND the weekday, weekdays are 0 to 6, there are
no names of months or days, and all times are UTC.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Any, Self

from backups.texts import gettext_noop as _

from .texts import Text

MACROS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
# Minute, hour, day of the month, month, weekday (0 is Sunday).
LIMITS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
INTEGER = re.compile(r"[+-]?[0-9]+")
MOST_DIGITS = 18
HORIZON_IN_DAYS = 5 * 366


class CronError(ValueError):
    """The expression breaks the grammar.

    Clients see ``str`` of it as it is; ``text`` can be translated.
    """

    def __init__(self, message: str, **params: Any) -> None:
        self.text = Text(message, **params)
        super().__init__(self.text)


@dataclass(frozen=True, slots=True)
class Schedule:
    """The minutes at which something is due."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]

    @classmethod
    def parse(cls, expression: str) -> Self:
        """Read a macro or five segments, or raise CronError.

        Exactly one space stands between segments, and none around them.
        """
        segments = MACROS.get(expression, expression).split(" ")
        if len(segments) != len(LIMITS):
            raise CronError(
                _(
                    "Invalid cron expression - must be a valid macro or to have exactly"
                    " 5 space separated segments."
                )
            )
        pairs = zip(segments, LIMITS, strict=True)
        return cls(*(_parse_segment(segment, *limits) for segment, limits in pairs))

    def matches(self, moment: datetime) -> bool:
        """Tell whether the minute of ``moment``, an aware time, is due."""
        moment = _in_utc(moment)
        return (
            moment.minute in self.minutes
            and moment.hour in self.hours
            and self._has_day(moment.date())
        )

    def next_after(self, moment: datetime, count: int = 1) -> list[datetime]:
        """Return the first ``count`` due minutes later than ``moment``, in UTC.

        The search ends five years ahead, so the list is shorter for a rare
        schedule, and empty for one that never comes, like 30 February.
        """
        moment = _in_utc(moment)
        due = (
            datetime.combine(day, at, UTC)
            for day in _days_from(moment.date())
            if self._has_day(day)
            for at in self._times()
        )
        return list(islice((one for one in due if one > moment), count))

    def _has_day(self, day: date) -> bool:
        return (
            day.month in self.months
            and day.day in self.days
            and day.isoweekday() % 7 in self.weekdays
        )

    def _times(self) -> Iterator[time]:
        return (
            time(hour, minute)
            for hour in sorted(self.hours)
            for minute in sorted(self.minutes)
        )


def _in_utc(moment: datetime) -> datetime:
    # astimezone() would read a naive time as the server's local time, and the
    # backup would run at the wrong hour without a word.
    if moment.tzinfo is None:
        raise ValueError("The moment must have a time zone.")
    return moment.astimezone(UTC)


def _days_from(first: date) -> Iterator[date]:
    return (first + timedelta(days=n) for n in range(HORIZON_IN_DAYS))


def _parse_segment(segment: str, low: int, high: int) -> frozenset[int]:
    parts = (_parse_part(part, low, high) for part in segment.split(","))
    return frozenset().union(*parts)


def _parse_part(part: str, low: int, high: int) -> range:
    span, *steps = part.split("/")
    if len(steps) > 1:
        raise CronError(
            _("Invalid segment step format - must be in the format */n or 1-30/n.")
        )
    step = _parse_step(steps[0], high) if steps else 1
    if span == "*":
        return range(low, high + 1, step)
    start, *ends = span.split("-")
    if len(ends) > 1:
        raise CronError(
            _("Invalid segment range format - the range must have 1 or 2 parts.")
        )
    if ends:
        return _parse_range(start, ends[0], low, high)[::step]
    return _parse_single(start, low, high, step)


def _parse_step(text: str, high: int) -> int:
    step = _parse_integer(text)
    if not 1 <= step <= high:
        raise CronError(
            _(
                "Invalid segment step boundary - the step must be between 1 and the %(high)s."
            ),
            high=high,
        )
    return step


def _parse_range(start: str, end: str, low: int, high: int) -> range:
    first = _parse_integer(start)
    if not low <= first <= high:
        raise CronError(
            _("Invalid segment range minimum - must be between %(low)s and %(high)s."),
            low=low,
            high=high,
        )
    last = _parse_integer(end)
    if not first <= last <= high:
        raise CronError(
            _(
                "Invalid segment range maximum - must be between %(first)s and %(high)s."
            ),
            first=first,
            high=high,
        )
    return range(first, last + 1)


def _parse_single(text: str, low: int, high: int, step: int) -> range:
    # A step of 1 says nothing, so "5/1" passes.
    if step != 1:
        raise CronError(
            _(
                "Invalid segment step - step > 1 could be used only with the wildcard"
                " or range format."
            )
        )
    value = _parse_integer(text)
    if not low <= value <= high:
        raise CronError(
            _("Invalid segment value - must be between the min and max of the segment.")
        )
    return range(value, value + 1)


def _parse_integer(text: str) -> int:
    quoted = json.dumps(text, ensure_ascii=False)
    if not INTEGER.fullmatch(text):
        raise CronError(
            _("Strconv.Atoi: parsing %(text)s: invalid syntax."), text=quoted
        )
    if len(text) > MOST_DIGITS:
        raise CronError(
            _("Strconv.Atoi: parsing %(text)s: value out of range."), text=quoted
        )
    return int(text)
