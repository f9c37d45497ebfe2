"""The row that lets one operation run at a time, over processes and hosts.

Every change is one conditional UPDATE whose count says who won, so it works on
any database and without an open transaction. The clock is the database's.
"""

import uuid
from datetime import timedelta

from django.db.models import Q
from django.db.models.functions import Now

from .conf import get_settings
from .models import Lease


def acquire(token: uuid.UUID, *, dead: uuid.UUID | None = None) -> bool:
    """Take the lease if it is free, expired, or held by *dead*.

    Returns whether *token* holds it now.
    """
    Lease.objects.get_or_create(pk=1)
    takeable = Q(token=None) | Q(expires__lt=Now())
    if dead is not None:
        takeable |= Q(token=dead)
    return bool(
        Lease.objects.filter(takeable, pk=1).update(token=token, expires=_deadline())
    )


def renew(token: uuid.UUID) -> bool:
    """Put the expiry off; False if the lease went to somebody else."""
    held = Lease.objects.filter(pk=1, token=token)
    return bool(held.update(expires=_deadline()))


def release(token: uuid.UUID) -> None:
    """Free the lease if *token* still holds it."""
    Lease.objects.filter(pk=1, token=token).update(token=None, expires=None)


def holder() -> uuid.UUID | None:
    """Return the token that holds an unexpired lease, or None."""
    held = Lease.objects.filter(pk=1, expires__gte=Now())
    return held.values_list("token", flat=True).first()


def _deadline() -> Now:
    return Now() + timedelta(seconds=get_settings().LEASE_TTL)  # type: ignore[return-value]
