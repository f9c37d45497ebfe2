"""``manage.py backup_run``: internal, started by the site itself."""

import uuid
from typing import Any

from django.core.management.base import CommandParser

from backups import operations
from backups.management.base import BackupCommand


class Command(BackupCommand):
    help = "Internal: run the operation that the site has claimed and handed over."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("token", type=uuid.UUID)
        parser.add_argument("--lock", type=int, required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        claim = operations.Claim.adopt(options["token"], options["lock"])
        operations.run_operation(claim)
