"""Times and sums in words, for the templates of the pages."""

import datetime

from django import template
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.timesince import timesince
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext as _

from backups.texts import Text

register = template.Library()

MINUTE = 60
HOUR = 60 * MINUTE


@register.filter
def localized(text: Text) -> str:
    """Return a sentence of the app in the language that is active."""
    return text.translated(gettext)


@register.filter
def ago(moment: datetime.datetime) -> str:
    """Return how long ago that was, in one unit."""
    if timezone.now() - moment < datetime.timedelta(minutes=1):
        return _("just now")
    return _("%(time)s ago") % {"time": timesince(moment, depth=1)}


@register.filter
def duration(seconds: float) -> str:
    """Return seconds as “0.4 s”, “12 s”, “3 min 5 s” or “2 h 10 min”.

    A whole number is an estimate, which has no tenths.
    """
    if seconds < 10 and isinstance(seconds, float):
        return _("%(seconds)s s") % {"seconds": number_format(round(seconds, 1), 1)}
    whole = round(seconds)
    if whole < MINUTE:
        return _("%(seconds)s s") % {"seconds": whole}
    if whole < HOUR:
        minutes, rest = divmod(whole, MINUTE)
        return _("%(minutes)d min %(seconds)d s") % {
            "minutes": minutes,
            "seconds": rest,
        }
    hours, rest = divmod(whole, HOUR)
    return _("%(hours)d h %(minutes)d min") % {
        "hours": hours,
        "minutes": rest // MINUTE,
    }


@register.filter
def count(number: int) -> str:
    """Return a number as the reader groups its digits."""
    return number_format(number, force_grouping=True)


@register.filter
def contents(held: dict[str, int]) -> str:
    """Return what an archive holds: databases and files."""
    if not held:
        return "–"
    databases, files = held["databases"], held["files"]
    return ", ".join(
        (
            ngettext("%(n)s database", "%(n)s databases", databases)
            % {"n": count(databases)},
            ngettext("%(n)s file", "%(n)s files", files) % {"n": count(files)},
        )
    )
