"""``manage.py backup_status``"""

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from backups import operations, scheduler
from backups.management.base import BackupCommand, human_size, local_time
from backups.site_settings import Stored

DAY_AND_A_BIT = 26.0


class Command(BackupCommand):
    help = (
        "Tell the newest good backup, what runs, what failed last and when the next"
        " one is due. Ends with status 1 if there is no good backup of the last N"
        " hours, so that a monitor can watch it. Good is what was made here and has"
        " failed no verification."
    )
    examples = (
        "manage.py backup_status\n"
        "manage.py backup_status --max-age 2 || notify 'no fresh backup'"
    )
    has_json = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--max-age",
            type=float,
            default=DAY_AND_A_BIT,
            metavar="N",
            help=f"Hours that the newest good backup may be old; {DAY_AND_A_BIT:g}"
            " without it.",
        )

    def handle(self, *args: Any, **options: Any) -> str:
        last = operations.last_good_backup(operations.describe_backups())
        running = operations.running_operation()
        failure = operations.last_failure()
        upcoming = scheduler.next_run(Stored.load())
        hours = None
        if last:
            hours = (timezone.now() - last.started).total_seconds() / 3600
        # What was made in the future was made by a wrong clock.
        is_fresh = hours is not None and -1 <= hours <= options["max_age"]
        lines = [
            f"Last good backup:  {describe_last(last, hours)}",
            f"Running now:       {describe(running)}",
            f"Last failure:      {describe(failure)}",
            f"Next automatic:    {local_time(upcoming) if upcoming else 'no schedule'}",
        ]
        result = {
            "fresh": is_fresh,
            "last": as_json(last),
            "running": as_json(running),
            "failure": as_json(failure),
            "next": upcoming,
        }
        text = self.answer(options, result, "\n".join(lines))
        if is_fresh:
            return text
        self.stdout.write(text)
        raise CommandError(
            f"There is no good backup of the last {options['max_age']:g} hours;"
            " manage.py backup_create makes one."
        )


def describe_last(last: Any, hours: float | None) -> str:
    if last is None or hours is None:
        return "none"
    size = human_size(operations.find_backup(last.key).size)
    return f"{last.key}, {size}, {hours:.1f} hours ago"


def describe(operation: Any) -> str:
    if operation is None:
        return "nothing"
    cause = f": {operation.error}" if operation.error else ""
    return (
        f"{operation.get_kind_display()} {operation.key},"
        f" {local_time(operation.started)}{cause}"
    )


def as_json(operation: Any) -> dict[str, Any] | None:
    if operation is None:
        return None
    names = ("kind", "key", "state", "started", "finished", "actor", "error")
    return {"id": operation.token} | {name: getattr(operation, name) for name in names}
