"""System checks: every setting that can be wrong, with the cure in the hint."""

import ipaddress
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, register
from django.db import connections

from . import operations
from .conf import FIELDS, Settings, get_settings
from .exceptions import BackupError, Misconfigured
from .snapshots import get_media

GATE = "backups.middleware.GateMiddleware"


class Rule(NamedTuple):
    """What a value must be, as a test and in words."""

    holds: Callable[[Any], bool]
    words: str


def number(least: int, unit: str) -> Rule:
    return Rule(
        lambda value: (
            isinstance(value, int | float)
            and not isinstance(value, bool)
            and value >= least
        ),
        f"a number of {unit}, at least {least}",
    )


def is_texts(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(v, str) for v in value)


FLAG = Rule(lambda value: isinstance(value, bool), "True or False")
TEXT = Rule(lambda value: isinstance(value, str) and value != "", "a text")
TEXTS = Rule(is_texts, "a list or tuple of texts")
RULES = {
    "SITE_NAME": TEXT,
    "STORAGE": TEXT,
    "MEDIA": Rule(lambda value: value is None or TEXT.holds(value), "a text or None"),
    "DATABASES": Rule(
        lambda value: value is None or (is_texts(value) and len(value) > 0),
        "a list or tuple of aliases, or None",
    ),
    "WORKSPACE": Rule(
        lambda value: value is None or isinstance(value, str | Path),
        "a path or None",
    ),
    "LEASE_TTL": number(2, "seconds"),
    "DRAIN_TIMEOUT": number(0, "seconds"),
    "APPLY_TIMEOUT": number(0, "seconds"),
    "SAFETY_COPY": FLAG,
    "SAFETY_DAYS": number(0, "days"),
    "RELOAD": FLAG,
    "SCHEDULER": FLAG,
    "DISPATCH": Rule(
        lambda value: value in ("process", "inline"), '"process" or "inline"'
    ),
    "LOGIN_FAILURES": number(1, "failures"),
    "LOGIN_WINDOW": number(1, "seconds"),
    "API_TOKEN_LIFETIME": number(1, "seconds"),
    "FILE_TOKEN_LIFETIME": number(1, "seconds"),
    "SUPERUSER_IPS": TEXTS,
    "TRUSTED_PROXY_HEADERS": TEXTS,
    "CORS_ORIGIN": TEXT,
}


@register("backups")
def check_backups(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Return everything that is wrong with the configuration of backups."""
    messages = [*check_keys(), *check_values()]
    if not messages:
        messages += [*check_storage(), *check_workspace_is_named()]
    if not messages:
        messages += [
            *check_content(),
            *check_media(),
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


def check_values() -> Iterator[CheckMessage]:
    for key, value in getattr(settings, "BACKUPS", {}).items():
        if key in RULES and not RULES[key].holds(value):
            yield Error(
                f'BACKUPS["{key}"] is {value!r}, but must be {RULES[key].words}.',
                hint=f"Leave it out for the default, {getattr(Settings, key)!r}.",
                id="backups.E009",
            )


def check_storage() -> Iterator[CheckMessage]:
    alias = get_settings().STORAGE
    if alias not in settings.STORAGES:
        yield Error(
            f"STORAGES has no entry “{alias}” to keep the backups in.",
            hint='Add one, or name another in BACKUPS["STORAGE"].',
            id="backups.E002",
        )


def check_workspace_is_named() -> Iterator[CheckMessage]:
    try:
        get_settings().workspace  # noqa: B018  # Looked at for its error.
    except Misconfigured as error:
        yield Error(
            str(error),
            hint='Set BACKUPS["WORKSPACE"] to a folder that is the same for every'
            " process of the site, or BASE_DIR to the folder of the project.",
            id="backups.E008",
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


def check_media() -> Iterator[CheckMessage]:
    try:
        is_missing = get_settings().MEDIA is not None and get_media() is None
    except BackupError:
        return  # An error of its own, see check_content.
    if is_missing:
        yield checks.Warning(
            "The media have no folder, so backups hold no uploaded files.",
            hint='Set MEDIA_ROOT, or say that there are none: BACKUPS["MEDIA"] = None.',
            id="backups.W003",
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
    if GATE in settings.MIDDLEWARE[1:]:
        yield checks.Warning(
            "The middleware of backups is not the first, so those before it may read"
            " and write the site while a restore replaces it.",
            hint=f"Put “{GATE}” first in MIDDLEWARE, or leave it out: then it is put"
            " there by itself.",
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
    saved = get_settings().DATABASES or tuple(connections)
    for alias in connections:
        if alias not in saved or connections[alias].vendor != "sqlite":
            continue
        options = connections[alias].settings_dict.get("OPTIONS", {})
        if "journal_mode" not in str(options.get("init_command", "")):
            yield checks.Warning(
                f"The SQLite database “{alias}” may not be in WAL mode, so writers"
                " wait while a backup copies it.",
                hint='Set OPTIONS["init_command"] to "PRAGMA journal_mode=WAL;".',
                id="backups.W002",
            )
