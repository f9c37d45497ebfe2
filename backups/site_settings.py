"""The settings that a superuser changes while the site runs, kept in one row.

Their shape, defaults, rules and texts are those of PocketBase's Settings API.
Groups that say nothing to a Django site are kept as they are sent. The row is
one of the operational tables: no archive holds it and no restore changes it.
"""

import copy
import dataclasses
import ipaddress
import re
import time
from collections.abc import Callable
from typing import Any, Self
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator, validate_email
from django.db import router, transaction

from . import encryption
from .conf import get_settings
from .cron import CronError, Schedule
from .exceptions import BackupError
from .models import SiteSettings

Content = dict[str, Any]
MAX_NAME = 255
COLOR = re.compile(r"#[0-9a-fA-F]{6}")
HOST = re.compile(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]")
SECRETS = (("smtp", "password"), ("s3", "secret"), ("backups", "s3", "secret"))
KEPT_SECRET = SECRETS[-1]
"""The only secret that anything here uses, so the only one that is kept."""

REQUIRED = {"code": "validation_required", "message": "Cannot be blank."}
NOT_A_URL = {"code": "validation_is_url", "message": "Must be a valid URL."}


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


def defaults() -> Content:
    """Return every setting as it is before anything was saved."""
    site = get_settings()
    s3 = {
        "enabled": False,
        "bucket": "",
        "region": "",
        "endpoint": "",
        "accessKey": "",
        "forcePathStyle": False,
    }
    return {
        "superuserIPs": list(site.SUPERUSER_IPS),
        "smtp": {
            "enabled": False,
            "port": 587,
            "host": "smtp.example.com",
            "username": "",
            "authMethod": "",
            "tls": False,
            "localName": "",
        },
        "backups": {"cron": "", "cronMaxKeep": 3, "s3": {**s3}},
        "s3": {**s3},
        "meta": {
            "accentColor": "#1055c9",
            "appName": site.SITE_NAME,
            "appURL": "http://localhost:8090",
            "senderName": "Support",
            "senderAddress": "support@example.com",
            "hideControls": False,
        },
        "rateLimits": {
            "rules": [
                _rate_limit("*:auth", 3, 2),
                _rate_limit("*:create", 5, 20),
                _rate_limit("/api/batch", 1, 3),
                _rate_limit("/api/", 10, 300),
            ],
            "excludedIPs": [],
            "enabled": False,
        },
        "trustedProxy": {
            "headers": list(site.TRUSTED_PROXY_HEADERS),
            "useLeftmostIP": False,
        },
        "batch": {"enabled": False, "maxRequests": 50, "timeout": 3, "maxBodySize": 0},
        "logs": {"maxDays": 5, "minLevel": 0, "logIP": True, "logAuthId": False},
    }


def _rate_limit(label: str, duration: int, most: int) -> Content:
    return {
        "label": label,
        "audience": "",
        "duration": duration,
        "maxRequests": most,
    }


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
    names = path.split(".")
    fallback: Any = defaults()
    for name in names:
        if not isinstance(fallback, dict) or name not in fallback:
            raise UnreadableSettings(f"There is no setting “{path}”.")
        fallback = fallback[name]
    for name in reversed(names):
        fallback = {name: fallback}
    return change(fallback)


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
        raise UnreadableSettings("A setting has a value of the wrong type.")
    if isinstance(model, dict):
        return old | {
            name: _merge(old[name], new.get(name), model[name]) for name in model
        }
    return new


def _keep_secret(content: Content, changes: Content) -> None:
    """Take over a new secret, encrypted; an empty one deletes the old."""
    try:
        sent = _parent(changes, KEPT_SECRET).get(KEPT_SECRET[-1])
    except (KeyError, AttributeError):
        return
    if sent is None:
        return
    if not isinstance(sent, str):
        raise UnreadableSettings("A secret must be a text.")
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


# Rules -----------------------------------------------------------------------


def find_problems(content: Content) -> Content:
    """Return every broken rule, nested like the settings; {} if all hold."""
    return _without_empty(
        {
            "superuserIPs": _check_each(content["superuserIPs"], _check_network),
            "backups": _check_backups(content["backups"]),
            "meta": _check_meta(content["meta"]),
        }
    )


def _check_backups(group: Content) -> Content:
    return {
        "cron": _check_cron(group["cron"]),
        "cronMaxKeep": _check_max_keep(group["cronMaxKeep"], group["cron"]),
        "s3": _check_s3(group["s3"]),
    }


def _check_cron(text: str) -> Content:
    if not text:
        return {}
    try:
        Schedule.parse(text)
    except CronError as error:
        return {"code": "validation_invalid_cron", "message": str(error)}
    return {}


def _check_max_keep(count: int, cron: str) -> Content:
    if count == 0:
        return REQUIRED if cron else {}
    if count < 1:
        return {
            "code": "validation_min_greater_equal_than_required",
            "message": "Must be no less than 1.",
            "params": {"threshold": 1},
        }
    return {}


def _check_s3(group: Content) -> Content:
    problems: Content = {}
    if group["endpoint"] and not _is_address(group["endpoint"]):
        problems["endpoint"] = NOT_A_URL
    if group["enabled"]:
        for name in ("endpoint", "bucket", "region", "accessKey", "secret"):
            if not group.get(name):
                problems[name] = REQUIRED
    return problems


def _is_address(text: str) -> bool:
    """Whether *text* is a URL or a host, with or without a port."""
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        host, port = parts.netloc, parts.port
    except ValueError:
        return False
    host = host.removesuffix(f":{port}") if port else host
    return parts.scheme in ("http", "https") and bool(HOST.fullmatch(host))


def _check_meta(group: Content) -> Content:
    return {
        "appName": _check_length(group["appName"]),
        "senderName": _check_length(group["senderName"]),
        "appURL": _check_by(group["appURL"], URLValidator(), NOT_A_URL),
        "senderAddress": _check_by(
            group["senderAddress"],
            validate_email,
            {
                "code": "validation_is_email",
                "message": "Must be a valid email address.",
            },
        ),
        "accentColor": _check_color(group["accentColor"]),
    }


def _check_length(text: str) -> Content:
    if not text.strip():
        return REQUIRED
    if len(text) > MAX_NAME:
        return {
            "code": "validation_length_out_of_range",
            "message": f"The length must be between 1 and {MAX_NAME}.",
            "params": {"max": MAX_NAME, "min": 1},
        }
    return {}


def _check_by(text: str, validate: Callable[[str], None], problem: Content) -> Content:
    if not text:
        return REQUIRED
    try:
        validate(text)
    except ValidationError:
        return problem
    return {}


def _check_color(text: str) -> Content:
    if text and not COLOR.fullmatch(text):
        return {
            "code": "validation_match_invalid",
            "message": "Must be in a valid format.",
        }
    return {}


def _check_network(text: str) -> Content:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return {
            # Spelled so by PocketBase; clients may look for it.
            "code": "validation_invlaid_ip_or_subnet",
            "message": "Invalid IP or CIDR subnet.",
        }
    return {}


def _check_each(items: list[str], check: Callable[[str], Content]) -> Content:
    return {str(number): check(item) for number, item in enumerate(items)}


def _without_empty(problems: Content) -> Content:
    cleaned = {
        name: _without_empty(value) if isinstance(value, dict) else value
        for name, value in problems.items()
    }
    return {name: value for name, value in cleaned.items() if value != {}}


def _flatten(problems: Content, prefix: str = "") -> list[str]:
    lines: list[str] = []
    for name, value in problems.items():
        if isinstance(value.get("code"), str):
            lines.append(f"{prefix}{name}: {value['message']}")
        else:
            lines += _flatten(value, f"{prefix}{name}.")
    return lines
