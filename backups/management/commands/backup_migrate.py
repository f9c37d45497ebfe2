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
        parser.add_argument("behind", nargs="+")
        parser.add_argument("--staged", nargs="+", required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        staged = dict(pair.split("=", 1) for pair in options["staged"])
        behind = [tuple(pair.rsplit(":", 1)) for pair in options["behind"]]
        operations.migrate_staged(
            behind, {alias: Path(path) for alias, path in staged.items()}
        )
