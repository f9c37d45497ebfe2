"""``manage.py backup_run_due``"""

from typing import Any

from backups import scheduler
from backups.management.base import BackupCommand
from backups.site_settings import Stored, current_minute


class Command(BackupCommand):
    help = (
        "Make the automatic backup if the schedule says that one is due, or was"
        " missed. For the cron of the system, where the site itself does not run the"
        ' schedule (BACKUPS["SCHEDULER"]); both together are harmless.'
    )
    examples = (
        "* * * * *  cd /srv/site && .venv/bin/python manage.py backup_run_due"
        " --verbosity 0"
    )

    def handle(self, *args: Any, **options: Any) -> str | None:
        if scheduler.run_due(scheduler.run_backup):
            return "The automatic backup was made."
        if not options["verbosity"]:
            return None
        stored = Stored.load()
        if stored.schedule is None:
            return "There is no schedule; backup_settings sets one in backups.cron."
        is_due = scheduler.is_due(stored, current_minute())
        return "It waits for another operation." if is_due else "Nothing is due."
