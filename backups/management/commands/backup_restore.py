"""``manage.py backup_restore``"""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from backups import operations
from backups.management.base import ACTOR, BackupCommand, progress_shown


class Command(BackupCommand):
    help = (
        "Replace every database and the media by those of a backup. The site is"
        " closed for the last moment only, and either all of it is restored or"
        " nothing is changed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="Name of the archive, see backup_list.")
        parser.add_argument(
            "--no-input",
            action="store_false",
            dest="interactive",
            help="Do not ask for confirmation.",
        )

    def handle(self, *args: Any, **options: Any) -> str:
        name = options["name"]
        if options["interactive"]:
            self.confirm(name)
        claim = operations.claim_restore(name, actor=ACTOR)
        with progress_shown(claim):
            operations.restore_backup(claim)
        return f"The site was restored from {name}."

    def confirm(self, name: str) -> None:
        self.stdout.write(
            "This replaces all present data of the site by what it was when"
            f" “{name}” was made."
        )
        try:
            typed = input("Type the name of the backup to go on: ")
        except EOFError as error:
            raise CommandError(
                "Nobody there to confirm; use --no-input to go without."
            ) from error
        if typed.strip() != name:
            raise CommandError("The name was not the same; nothing was changed.")
