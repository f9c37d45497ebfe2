"""``manage.py backup_list``"""

from typing import Any

from backups import operations
from backups.management.base import BackupCommand, human_size, local_time


class Command(BackupCommand):
    help = (
        "List the stored backups, newest first: local time, size, where it came from,"
        " whether it was verified, name."
    )
    examples = "manage.py backup_list\nmanage.py backup_list --json | jq -r '.[0].key'"
    has_json = True

    def handle(self, *args: Any, **options: Any) -> str:
        found = operations.describe_backups()
        lines = [
            f"{local_time(info.modified)}  {human_size(info.size):>10}"
            f"  {info.origin:9}  {proof(info):8}  {info.key}"
            for info in found
        ]
        return self.answer(
            options,
            [info._asdict() for info in found],
            "\n".join(lines) or "There are no backups yet.",
        )


def proof(info: operations.BackupInfo) -> str:
    if info.flaw:
        return "failed"
    return "verified" if info.verified else "–"
