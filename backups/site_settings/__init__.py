"""The settings that a superuser changes while the site runs, kept in one row.

Their shape, defaults, rules and texts are those of PocketBase's Settings API.
Groups that say nothing to a Django site are kept as they are sent. The row is
one of the operational tables: no archive holds it and no restore changes it.
"""

import copy
import dataclasses
import time
from typing import Any, Self

from django.db import router, transaction

from backups import encryption
from backups.cron import Schedule
from backups.exceptions import BackupError
from backups.models import SiteSettings
from backups.texts import gettext_noop as _

from .rules import find_problems
from .shape import Content, defaults

__all__ = [
    "KEPT_SECRET",
    "S3",
    "InvalidSettings",
    "Stored",
    "UnreadableSettings",
    "change",
    "claim_slot",
    "current_minute",
    "default_of",
    "defaults",
    "enter",
    "reset",
]

SECRETS = (("smtp", "password"), ("s3", "secret"), ("backups", "s3", "secret"))
KEPT_SECRET = SECRETS[-1]
"""The only secret that anything here uses, so the only one that is kept."""


class InvalidSettings(BackupError):
    """Values that break the rules.

    ``problems`` is nested like the settings; each leaf has ``code`` and
    ``message``, and ``params`` where the rule has any.
    """

    def __init__(self, problems: Content) -> None:
        self.problems = problems
        super().__init__(" ".join(_flatten(problems)))


class UnreadableSettings(BackupError):
    """Values of another type than the settings have."""


@dataclasses.dataclass(frozen=True)
class S3:
    """Where archives go when they go to S3."""

    bucket: str
    region: str
    endpoint: str
    access_key: str
    secret: str = dataclasses.field(repr=False)
    force_path_style: bool


@dataclasses.dataclass(frozen=True)
class Stored:
    """The settings in force: what was saved, over the defaults."""

    content: Content
    slot: int
    """The minute, counted from 1970, up to which the schedule is done."""

    @classmethod
    def load(cls) -> Self:
        row = SiteSettings.objects.filter(pk=1).first() or SiteSettings()
        return cls(_overlay(defaults(), row.content), row.slot)

    @property
    def site_name(self) -> str:
        return self.content["meta"]["appName"]

    @property
    def cron(self) -> str:
        return self.content["backups"]["cron"]

    @property
    def schedule(self) -> Schedule | None:
        """When automatic backups run; None for never."""
        return Schedule.parse(self.cron) if self.cron else None

    @property
    def max_keep(self) -> int:
        """How many automatic backups are kept; 0 is all."""
        return self.content["backups"]["cronMaxKeep"]

    @property
    def superuser_ips(self) -> list[str]:
        return self.content["superuserIPs"]

    @property
    def proxy_headers(self) -> list[str]:
        return self.content["trustedProxy"]["headers"]

    @property
    def uses_leftmost_ip(self) -> bool:
        return self.content["trustedProxy"]["useLeftmostIP"]

    def s3(self) -> S3 | None:
        """Where archives go, or None for the storage of ``STORAGES``.

        Raises Misconfigured if the secret can't be read.
        """
        group = self.content["backups"]["s3"]
        if not group["enabled"]:
            return None
        return S3(
            bucket=group["bucket"],
            region=group["region"],
            endpoint=group["endpoint"],
            access_key=group["accessKey"],
            secret=encryption.decrypt(group["secret"]),
            force_path_style=group["forcePathStyle"],
        )

    def public(self) -> Content:
        """Return the content without any secret."""
        shown = copy.deepcopy(self.content)
        for path in SECRETS:
            _parent(shown, path).pop(path[-1], None)
        return shown


def change(changes: Content) -> Stored:
    """Save *changes*, nested like the settings, and return what is then in force.

    What is absent or None keeps its value; unknown keys are ignored; an empty
    secret deletes it. Raises UnreadableSettings for a value of another type,
    InvalidSettings for values that break a rule, and changes nothing then.
    """
    with transaction.atomic(using=router.db_for_write(SiteSettings)):
        SiteSettings.objects.get_or_create(pk=1)
        row = SiteSettings.objects.select_for_update().get(pk=1)
        before = _overlay(defaults(), row.content)
        content = _merge(before, changes, defaults())
        _keep_secret(content, changes)
        if problems := find_problems(content):
            raise InvalidSettings(problems)
        row.content = _difference(content, defaults())
        if content["backups"]["cron"] != before["backups"]["cron"]:
            # A schedule that is new has missed nothing.
            row.slot = current_minute()
        row.save()
    return Stored.load()


def reset(path: str) -> Stored:
    """Give one setting or group, such as ``superuserIPs``, its default again.

    Raises UnreadableSettings for a path that does not exist.
    """
    fallback = default_of(path)
    if fallback is None:
        raise UnreadableSettings(_("There is no setting “%(path)s”."), path=path)
    changes: Content = {}
    enter(changes, path, fallback)
    return change(changes)


def default_of(path: str) -> Any:
    """Return the default of a setting or group, by its dotted name; None without."""
    found: Any = defaults()
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found


def enter(changes: Content, path: str, value: Any) -> None:
    """Put *value* into *changes* under its dotted name.

    Raises UnreadableSettings where it would lie below what is no group.
    """
    *groups, name = path.split(".")
    for group in groups:
        changes = changes.setdefault(group, {})
        if not isinstance(changes, dict):
            raise UnreadableSettings(_("A setting has a value of the wrong type."))
    changes[name] = value


def current_minute() -> int:
    """Return the present minute, counted from 1970."""
    return int(time.time()) // 60


def claim_slot(seen: int, minute: int) -> bool:
    """Move the schedule on to *minute*, if it still stands at *seen*.

    Of any number of processes, on any number of hosts, one gets True.
    """
    return bool(SiteSettings.objects.filter(pk=1, slot=seen).update(slot=minute))


# What changes mean -----------------------------------------------------------


def _merge(old: Any, new: Any, model: Any) -> Any:
    """Return *old* with what *new* says, where it has the types of *model*."""
    if new is None:
        return old
    if isinstance(model, list) and isinstance(new, list):
        # Only the list of rate limits has one that is no text.
        item = model[0] if model and isinstance(model[0], dict) else ""
        return [_merge(item, one, item) for one in new]
    if type(new) is not type(model):
        raise UnreadableSettings(_("A setting has a value of the wrong type."))
    if isinstance(model, dict):
        return old | {
            name: _merge(old[name], new.get(name), model[name]) for name in model
        }
    return new


def _keep_secret(content: Content, changes: Content) -> None:
    """Take over a new secret, encrypted; an empty one deletes the old."""
    try:
        sent = _parent(changes, KEPT_SECRET).get(KEPT_SECRET[-1])
    except (KeyError, TypeError, AttributeError):
        return  # Left out, or a group is None.
    if sent is None:
        return
    if not isinstance(sent, str):
        raise UnreadableSettings(_("A secret must be a text."))
    group = _parent(content, KEPT_SECRET)
    group[KEPT_SECRET[-1]] = encryption.encrypt(sent) if sent else ""


def _parent(content: Content, path: tuple[str, ...]) -> Content:
    for name in path[:-1]:
        content = content[name]
    return content


def _overlay(base: Content, saved: Content) -> Content:
    """Return *base* with all of *saved* over it, group by group."""
    both = dict(base)
    for name, value in saved.items():
        old = base.get(name)
        both[name] = _overlay(old, value) if isinstance(old, dict) else value
    return both


def _difference(content: Content, base: Content) -> Content:
    """Return what *content* has other than *base*: that is what is stored."""
    found = {}
    for name, value in content.items():
        if name in base and isinstance(value, dict):
            if inner := _difference(value, base[name]):
                found[name] = inner
        elif name not in base or value != base[name]:
            found[name] = value
    return found


def _flatten(problems: Content, prefix: str = "") -> list[str]:
    lines: list[str] = []
    for name, value in problems.items():
        if isinstance(value.get("code"), str):
            lines.append(f"{prefix}{name}: {value['message']}")
        else:
            lines += _flatten(value, f"{prefix}{name}.")
    return lines
