"""``manage.py backup_list``"""

from typing import Any

from backups import operations
from backups.management.base import BackupCommand, human_size, local_time


class Command(BackupCommand):
    help = "List the stored backups, newest first: local time, size, name."
    examples = "manage.py backup_list\nmanage.py backup_list --json | jq -r '.[0].key'"
    has_json = True

    def handle(self, *args: Any, **options: Any) -> str:
        found = sorted(
            operations.list_backups(), key=lambda item: item.modified, reverse=True
        )
        lines = [
            f"{local_time(item.modified)}  {human_size(item.size):>10}  {item.key}"
            for item in found
        ]
        return self.answer(
            options,
            [item._asdict() for item in found],
            "\n".join(lines) or "There are no backups yet.",
        )
