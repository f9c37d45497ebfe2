"""``manage.py backup_migrate``: internal, started by a restore."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from backups import operations
from backups.management.base import BackupCommand


class Command(BackupCommand):
    help = "Internal: bring the staged database of an older backup up to the code."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("alias")
        parser.add_argument("staged", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        operations.migrate_staged(options["alias"], options["staged"])
