"""``manage.py backup_restore``"""

from typing import Any

from django.core.management.base import CommandParser

from backups import operations
from backups.management.base import ACTOR, BackupCommand, add_no_input, progress_shown


class Command(BackupCommand):
    help = (
        "Replace every database and the media by those of a backup. The site is"
        " closed for the last moment only, and either all of it is restored or"
        " nothing is changed."
    )
    examples = (
        "manage.py backup_restore nightly.zip\n"
        "manage.py backup_restore nightly.zip --no-input"
    )
    has_json = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="Name of the archive, see backup_list.")
        add_no_input(parser)

    def handle(self, *args: Any, **options: Any) -> str:
        name = options["name"]
        operations.find_backup(name)
        if options["interactive"]:
            self.confirm(
                "This replaces all present data of the site by what it was when"
                f" “{name}” was made.",
                name,
            )
        claim = operations.claim_restore(name, actor=ACTOR)
        with progress_shown(claim, options["verbosity"]):
            operations.restore_backup(claim)
        return self.answer(
            options,
            {"id": claim.token, "key": name},
            f"The site was restored from {name}.",
        )
