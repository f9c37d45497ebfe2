"""``manage.py backup_download``"""

import os
import sys
from pathlib import Path
from typing import IO, Any

from django.core.management.base import CommandError, CommandParser

from backups import operations
from backups.durability import sync_path
from backups.management.base import BackupCommand, human_size, watched

BLOCK = 1 << 20


class Command(BackupCommand):
    help = "Copy a stored backup to a file, whole or not at all."
    examples = (
        "manage.py backup_download nightly.zip\n"
        "manage.py backup_download nightly.zip /mnt/usb/\n"
        "manage.py backup_download nightly.zip - | ssh other 'cat > nightly.zip'"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="Name of the archive, see backup_list.")
        parser.add_argument(
            "target",
            nargs="?",
            default=".",
            help="File or folder to copy it to; the present folder without it, the"
            " standard output with -.",
        )
        parser.add_argument(
            "--force", action="store_true", help="Replace a file that is there."
        )

    def handle(self, *args: Any, **options: Any) -> str | None:
        stored = operations.find_backup(options["name"])
        with operations.open_backup(stored) as file:
            if options["target"] == "-":
                copy(file, sys.stdout.buffer, stored.size, options["verbosity"])
                return None
            target = Path(options["target"])
            if target.is_dir():
                target /= stored.key.rpartition("/")[2]
            if target.exists() and not options["force"]:
                raise CommandError(f"{target} exists; use --force to replace it.")
            self.save(file, target, stored.size, options["verbosity"])
        return f"{target} ({human_size(stored.size)})"

    def save(self, file: IO[bytes], target: Path, size: int, verbosity: int) -> None:
        draft = target.with_name(f".{target.name}.{os.getpid()}.part")
        try:
            with draft.open("xb") as part:
                copy(file, part, size, verbosity)
                part.flush()
                os.fsync(part.fileno())
            os.replace(draft, target)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
        sync_path(target.parent)


def copy(source: IO[bytes], target: IO[bytes], size: int, verbosity: int) -> None:
    """Copy all *size* bytes. Raises CommandError if the source ends too early."""
    now: dict[str, Any] = {"phase": "download", "bytes_done": 0, "bytes_total": size}
    with watched(lambda: now, verbosity):
        while block := source.read(BLOCK):
            target.write(block)
            now["bytes_done"] += len(block)
    if now["bytes_done"] != size:
        raise CommandError("The archive ended too early; nothing was kept.")
