"""``manage.py backup_scheduler``"""

import signal
import threading
from typing import Any

from backups import scheduler
from backups.management.base import BackupCommand


class Command(BackupCommand):
    help = (
        "Run the schedule in this process until it is told to end (SIGTERM or"
        " Ctrl-C): a service of its own, for sites whose servers do not run it"
        ' (BACKUPS["SCHEDULER"]). A backup that is being made is finished first.'
    )
    examples = "manage.py backup_scheduler"

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        self.stdout.write("Running the schedule; Ctrl-C ends it.")
        scheduler.run_for_ever(stop, scheduler.run_backup)
