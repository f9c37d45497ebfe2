"""Mail to the superusers when an automatic backup fails."""

import logging
from typing import Any

from django.contrib.auth import get_user_model
from django.core.mail import EmailMessage
from django.dispatch import receiver
from django.template.loader import render_to_string
from django.utils import timezone

from .models import Operation
from .names import AUTOMATIC_PREFIX, is_automatic
from .signals import operation_finished
from .site_settings import Stored

logger = logging.getLogger(__name__)

TEMPLATE = "backups/autobackup_failure.txt"


@receiver(operation_finished)
def mail_failure(operation: Operation, **kwargs: Any) -> None:
    """Tell the superusers of a failed automatic backup; a mail error is logged."""
    if (
        operation.kind != Operation.Kind.CREATE
        or operation.state != Operation.State.FAILED
        or not is_automatic(operation.key)
    ):
        return
    try:
        send(operation)
    except Exception:  # Mail backends raise what they like.
        logger.exception("The mail about operation %s was not sent.", operation.token)


def send(operation: Operation) -> None:
    """Send one mail to each superuser, none of whom sees the others."""
    site = Stored.load().site_name
    text = render_to_string(
        TEMPLATE,
        {
            "site": site,
            "error": operation.error,
            "when": operation.finished,
            "zone": timezone.get_current_timezone_name(),
            "last": last_success(),
            "operation": operation.token,
        },
    )
    subject = " ".join(f"[{site} system alert] Autobackup failure".split())
    for address in superuser_addresses():
        EmailMessage(subject, text, to=[address]).send()


def last_success() -> Operation | None:
    made = Operation.objects.filter(
        kind=Operation.Kind.CREATE,
        state=Operation.State.SUCCEEDED,
        key__startswith=AUTOMATIC_PREFIX,
    )
    return made.order_by("-finished").first()


def superuser_addresses() -> list[str]:
    """Return the e-mail addresses of the superusers who can log in."""
    model = get_user_model()
    field = model.get_email_field_name()
    names = {f.name for f in model._meta.get_fields()}
    if not {field, "is_superuser"} <= names:
        return []
    users = model._default_manager.filter(is_superuser=True).exclude(**{field: ""})
    return [getattr(user, field) for user in users if user.is_active]
