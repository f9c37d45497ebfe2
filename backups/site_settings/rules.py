"""What values the settings may have, with PocketBase's codes and texts."""

import ipaddress
import re
from collections.abc import Callable
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator, validate_email

from backups.cron import CronError, Schedule

from .shape import Content

MAX_NAME = 255
COLOR = re.compile(r"#[0-9a-fA-F]{6}")
HOST = re.compile(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]")

REQUIRED = {"code": "validation_required", "message": "Cannot be blank."}
NOT_A_URL = {"code": "validation_is_url", "message": "Must be a valid URL."}


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
