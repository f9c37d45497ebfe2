"""``manage.py backup_create``"""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from backups import names, operations
from backups.management.base import ACTOR, USAGE, BackupCommand, progress_shown


class Command(BackupCommand):
    help = (
        "Save every database and the media in one archive, while the site runs."
        " Prints the name of the archive."
    )
    examples = "manage.py backup_create\nmanage.py backup_create before-upgrade.zip"
    has_json = True

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
        if name and not names.is_create_name(name):
            raise CommandError(
                f"“{name}” is no valid name: use at most {names.MAX_CREATE_LENGTH}"
                " small letters, digits, - and _, and end it in .zip.",
                returncode=USAGE,
            )
        claim = operations.claim_create(name, actor=ACTOR)
        with progress_shown(claim, options["verbosity"]):
            key = operations.create_backup(claim)
        stored = operations.find_backup(key)
        result = {"id": claim.token, "key": key, "size": stored.size}
        return self.answer(options, result, key)
