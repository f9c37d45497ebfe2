"""``manage.py backup_create``"""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from backups import names, operations
from backups.management.base import ACTOR, BackupCommand, progress_shown


class Command(BackupCommand):
    help = (
        "Save every database and the media in one archive, while the site runs."
        " Prints the name of the archive."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "name",
            nargs="?",
            default="",
            help="Name of the archive, such as before-upgrade.zip: small letters,"
            " digits, - and _. Without it one is made from site and time.",
        )

    def handle(self, *args: Any, **options: Any) -> str:
        name = options["name"]
        if name and not names.CREATE_PATTERN.fullmatch(name):
            raise CommandError(
                f"“{name}” is no valid name: use small letters, digits, - and _,"
                " and end it in .zip."
            )
        claim = operations.claim_create(name, actor=ACTOR)
        with progress_shown(claim):
            return operations.create_backup(claim)
