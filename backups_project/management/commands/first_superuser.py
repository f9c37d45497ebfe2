"""``manage.py first_superuser``"""

import os
import secrets
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand

DEFAULT_EMAIL = "admin@example.com"


class Command(BaseCommand):
    help = (
        "Make a superuser if there is none yet, from DJANGO_SUPERUSER_EMAIL and"
        " DJANGO_SUPERUSER_PASSWORD; a missing password is generated and printed."
    )

    def handle(self, *args: Any, **options: Any) -> str | None:
        users = get_user_model()._default_manager
        if users.filter(is_superuser=True).exists():
            return None
        email = os.environ.get("DJANGO_SUPERUSER_EMAIL") or DEFAULT_EMAIL
        given = os.environ.get("DJANGO_SUPERUSER_PASSWORD")
        password = given or secrets.token_urlsafe(12)
        users.create_superuser(username=email, email=email, password=password)
        shown = "the password that you gave" if given else f"password {password}"
        # No full stop: it would be copied as a part of the password.
        return f"Superuser {email} with {shown}"
