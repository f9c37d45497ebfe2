"""PocketBase's form of a moment."""

import datetime

from django.utils import timezone


def format_date(moment: datetime.datetime | None) -> str:
    """Return e.g. ``2026-11-23 18:25:47.460Z``: UTC, three decimals, cut off.

    None gives "".
    """
    if moment is None:
        return ""
    if timezone.is_naive(moment):
        moment = timezone.make_aware(moment)
    utc = moment.astimezone(datetime.UTC)
    return f"{utc:%Y-%m-%d %H:%M:%S}.{utc.microsecond // 1000:03d}Z"
