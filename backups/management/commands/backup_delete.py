"""``manage.py backup_delete``"""

from typing import Any

from django.core.management.base import CommandParser

from backups import operations
from backups.management.base import ACTOR, BackupCommand, add_no_input


class Command(BackupCommand):
    help = "Delete stored backups for good."
    examples = (
        "manage.py backup_delete before-upgrade.zip\n"
        "manage.py backup_delete --no-input old-1.zip old-2.zip"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", nargs="+", help="Names, see backup_list.")
        add_no_input(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        keys = options["name"]
        for key in keys:  # Of a list with a slip in it nothing is deleted.
            operations.find_backup(key)
        if options["interactive"]:
            for key in keys:
                self.confirm(f"This deletes “{key}” for good.", key)
        for key in keys:
            operations.delete_backup(key, actor=ACTOR)
            self.stdout.write(f"Deleted {key}.")
