"""``manage.py backup_verify``"""

from typing import Any

from django.core.management.base import CommandParser

from backups import operations
from backups.management.base import ACTOR, BackupCommand, progress_shown


class Command(BackupCommand):
    help = (
        "Prove that a backup is whole and could be restored here: every byte, every"
        " database, every row count and migration. Nothing of the site is touched."
        " Ends with status 5 if it could not."
    )
    examples = "manage.py backup_verify nightly.zip"
    has_json = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="Name of the archive, see backup_list.")

    def handle(self, *args: Any, **options: Any) -> str:
        claim = operations.claim_verify(options["name"], actor=ACTOR)
        with progress_shown(claim, options["verbosity"]):
            operations.verify_backup(claim)
        result = {"id": claim.token, "key": options["name"], "verified": True}
        return self.answer(
            options, result, f"{options['name']} is sound and could be restored here."
        )
