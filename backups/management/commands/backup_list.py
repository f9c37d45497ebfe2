"""``manage.py backup_list``"""

from typing import Any

from django.utils import timezone

from backups import operations
from backups.management.base import BackupCommand, human_size


class Command(BackupCommand):
    help = "List the stored backups, newest first: time, size, name."

    def handle(self, *args: Any, **options: Any) -> str:
        found = sorted(
            operations.list_backups(), key=lambda item: item.modified, reverse=True
        )
        if not found:
            return "There are no backups yet."
        return "\n".join(
            f"{timezone.localtime(item.modified):%Y-%m-%d %H:%M:%S}"
            f"  {human_size(item.size):>10}  {item.key}"
            for item in found
        )
