"""``manage.py backup_recover``"""

from typing import Any

from backups import operations
from backups.management.base import BackupCommand
from backups.models import Operation


class Command(BackupCommand):
    help = (
        "Settle a restore whose process died: complete it if it was committed,"
        " undo it otherwise, and open the site. The site does so by itself at its"
        " next request; this is for when it is not running. Safe to run any time."
    )
    requires_system_checks = ()
    examples = "manage.py backup_recover"

    def handle(self, *args: Any, **options: Any) -> str:
        match operations.recover():
            case None:
                return "There was nothing to recover."
            case Operation.State.SUCCEEDED:
                return "The interrupted restore was completed."
        return "The interrupted restore was undone; the site is as it was before."
