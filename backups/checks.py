"""System checks: every setting that can be wrong, with the cure in the hint."""

import ipaddress
import os
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, register
from django.db import connections

from . import operations
from .conf import FIELDS, get_settings
from .exceptions import BackupError

MIDDLEWARE = "backups.middleware.GateMiddleware"


@register("backups")
def check_backups(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Return everything that is wrong with the configuration of backups."""
    messages = [*check_keys()]
    if not messages:
        messages += check_storage()
    if not messages:
        messages += [
            *check_content(),
            *check_addresses(),
            *check_middleware(),
            *check_workspace(),
            *check_journal_modes(),
        ]
    return messages


def check_keys() -> Iterator[CheckMessage]:
    for key in sorted(getattr(settings, "BACKUPS", {}).keys() - FIELDS):
        yield Error(
            f"BACKUPS has no setting “{key}”.",
            hint=f"The settings are: {', '.join(sorted(FIELDS))}.",
            id="backups.E001",
        )


def check_storage() -> Iterator[CheckMessage]:
    alias = get_settings().STORAGE
    if alias not in settings.STORAGES:
        yield Error(
            f"STORAGES has no entry “{alias}” to keep the backups in.",
            hint='Add one, or name another in BACKUPS["STORAGE"].',
            id="backups.E002",
        )


def check_content() -> Iterator[CheckMessage]:
    unknown = set(get_settings().DATABASES or ()) - set(connections)
    if unknown:
        yield Error(
            f'BACKUPS["DATABASES"] names unknown databases: {sorted(unknown)}.',
            hint="Name aliases of DATABASES, or leave it out to back up all.",
            id="backups.E004",
        )
        return
    try:
        conflicts = list(operations.find_conflicts())
    except BackupError as error:
        yield Error(
            str(error),
            hint='See BACKUPS["DATABASES"] and BACKUPS["MEDIA"].',
            id="backups.E005",
        )
        return
    for conflict in conflicts:
        yield Error(
            conflict,
            hint="Give each of them a folder of its own, outside of the others.",
            id="backups.E003",
        )


def check_addresses() -> Iterator[CheckMessage]:
    for text in get_settings().SUPERUSER_IPS:
        try:
            ipaddress.ip_network(text, strict=False)
        except ValueError:
            yield Error(
                f'BACKUPS["SUPERUSER_IPS"]: “{text}” is no address and no network.',
                hint='Write it like "192.0.2.7" or "192.0.2.0/24".',
                id="backups.E007",
            )


def check_middleware() -> Iterator[CheckMessage]:
    if MIDDLEWARE not in settings.MIDDLEWARE:
        yield checks.Warning(
            "Without its middleware, requests may read and write the site while a"
            " restore replaces it.",
            hint=f"Put “{MIDDLEWARE}” first in MIDDLEWARE.",
            id="backups.W001",
        )


def check_workspace() -> Iterator[CheckMessage]:
    folder = get_settings().workspace
    while not folder.exists():
        folder = folder.parent
    if not os.access(folder, os.W_OK):
        yield Error(
            "The workspace can't be written.",
            hint='Set BACKUPS["WORKSPACE"] to a folder that the site may write.',
            id="backups.E006",
        )


def check_journal_modes() -> Iterator[CheckMessage]:
    for alias in connections:
        options = connections[alias].settings_dict.get("OPTIONS", {})
        if connections[alias].vendor != "sqlite":
            continue
        if "journal_mode" not in str(options.get("init_command", "")):
            yield checks.Warning(
                f"The SQLite database “{alias}” may not be in WAL mode, so writers"
                " wait while a backup copies it.",
                hint='Set OPTIONS["init_command"] to "PRAGMA journal_mode=WAL;".',
                id="backups.W002",
            )
