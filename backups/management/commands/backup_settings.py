"""``manage.py backup_settings``"""

import getpass
import json
import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser

from backups import site_settings
from backups.management.base import USAGE, BackupCommand
from backups.site_settings import InvalidSettings, Stored, UnreadableSettings


class Command(BackupCommand):
    help = (
        "Show the settings that superusers change in the running site, or change"
        " them: the schedule, how many backups to keep, S3, addresses."
    )
    examples = (
        "manage.py backup_settings\n"
        "manage.py backup_settings backups.cron='0 3 * * *' backups.cronMaxKeep=7\n"
        "manage.py backup_settings superuserIPs='[\"192.0.2.0/24\"]'\n"
        "manage.py backup_settings --reset superuserIPs\n"
        "manage.py backup_settings backups.s3.secret=-"
    )
    has_json = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "change",
            nargs="*",
            metavar="NAME=VALUE",
            help="New values; numbers, lists, true and false as in JSON. A value of"
            " - is asked for, or read from the standard input: use that for secrets.",
        )
        parser.add_argument(
            "--reset",
            action="append",
            default=[],
            metavar="NAME",
            help="Give a setting or a group its default again. “--reset"
            " superuserIPs” lets superusers in again who have locked themselves out.",
        )

    def handle(self, *args: Any, **options: Any) -> str:
        changes: dict[str, Any] = {}
        try:
            for text in options["change"]:
                site_settings.enter(changes, *read(text))
            for name in options["reset"]:
                site_settings.reset(name)
            stored = site_settings.change(changes) if changes else Stored.load()
        except UnreadableSettings as error:
            raise CommandError(str(error), returncode=USAGE) from error
        except InvalidSettings as error:
            raise CommandError(str(error)) from error
        shown = stored.public()
        return self.answer(options, shown, "\n".join(flatten(shown)))


def read(text: str) -> tuple[str, Any]:
    """Return name and value of ``group.name=value``. Raises CommandError."""
    path, equals, value = text.partition("=")
    is_secret = tuple(path.split(".")) == site_settings.KEPT_SECRET
    model = "" if is_secret else site_settings.default_of(path)
    if not equals or model is None:
        raise CommandError(
            f"“{text}” changes no setting; write it like backups.cronMaxKeep=7.",
            returncode=USAGE,
        )
    if value == "-":
        value = read_secret(path)
    elif is_secret and value:
        raise CommandError(
            "A secret does not belong into the command line; write"
            f" {path}=- to be asked for it.",
            returncode=USAGE,
        )
    return path, value if isinstance(model, str) else parse(text, value, model)


def parse(text: str, value: str, model: Any) -> Any:
    try:
        return json.loads(value)
    except ValueError as error:
        like = json.dumps(model) if model else '["192.0.2.7"]'
        raise CommandError(
            f"“{text}” has no JSON value; write it like {like}.", returncode=USAGE
        ) from error


def read_secret(path: str) -> str:
    if sys.stdin.isatty():
        return getpass.getpass(f"{path}: ")
    return sys.stdin.readline().rstrip("\n")


def flatten(content: dict[str, Any], prefix: str = "") -> list[str]:
    lines: list[str] = []
    for name, value in content.items():
        if isinstance(value, dict):
            lines += flatten(value, f"{prefix}{name}.")
        else:
            text = value if isinstance(value, str) else json.dumps(value)
            lines.append(f"{prefix}{name}={text}")
    return lines
