"""``manage.py backup_run_due``"""

from typing import Any

from backups import scheduler
from backups.management.base import BackupCommand


class Command(BackupCommand):
    help = (
        "Make the automatic backup if the schedule says that one is due, or was"
        " missed. For the cron of the system, where the site itself does not run the"
        ' schedule (BACKUPS["SCHEDULER"]); both together are harmless.'
    )
    examples = "* * * * *  cd /srv/site && manage.py backup_run_due --verbosity 0"

    def handle(self, *args: Any, **options: Any) -> str | None:
        if scheduler.run_due(scheduler.run_backup):
            return "The automatic backup was made."
        return "Nothing is due." if options["verbosity"] else None
