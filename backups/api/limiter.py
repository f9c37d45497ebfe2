"""A brake on guessing passwords, shared by all workers through the database."""

from datetime import timedelta

from django.db.models import F
from django.utils import timezone

from backups.conf import get_settings
from backups.models import LoginFailure


def may_try(address: str) -> bool:
    """Whether *address* has failures left in the present window."""
    settings = get_settings()
    start = timezone.now() - timedelta(seconds=settings.LOGIN_WINDOW)
    return not LoginFailure.objects.filter(
        address=address, since__gt=start, count__gte=settings.LOGIN_FAILURES
    ).exists()


def count_failure(address: str) -> None:
    """Count one failed login, in a new window if the last one is over."""
    now = timezone.now()
    start = now - timedelta(seconds=get_settings().LOGIN_WINDOW)
    LoginFailure.objects.filter(since__lte=start).delete()
    LoginFailure.objects.get_or_create(address=address, defaults={"since": now})
    LoginFailure.objects.filter(address=address).update(count=F("count") + 1)
