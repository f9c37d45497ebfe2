"""``manage.py backup_upload``"""

import sys
from pathlib import Path
from typing import IO, Any

from django.core.management.base import CommandError, CommandParser

from backups import operations
from backups.management.base import ACTOR, USAGE, BackupCommand, watched

BLOCK = 1 << 20


class Command(BackupCommand):
    help = (
        "Store an archive from a file. It is taken if it is a zip; backup_verify"
        " tells whether it can be restored here."
    )
    examples = (
        "manage.py backup_upload nightly.zip\n"
        "ssh other 'cat nightly.zip' | manage.py backup_upload - --name nightly.zip"
    )
    has_json = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="The archive; the standard input with -.")
        parser.add_argument("--name", help="Store it under this name.")

    def handle(self, *args: Any, **options: Any) -> str:
        if options["file"] == "-":
            if not options["name"]:
                raise CommandError("Give it a --name.", returncode=USAGE)
            return self.store(sys.stdin.buffer, options["name"], 0, options)
        path = Path(options["file"])
        with path.open("rb") as file:
            name = options["name"] or path.name
            return self.store(file, name, path.stat().st_size, options)

    def store(
        self, file: IO[bytes], name: str, size: int, options: dict[str, Any]
    ) -> str:
        now: dict[str, Any] = {"phase": "upload", "bytes_done": 0, "bytes_total": size}
        with (
            watched(lambda: now, options["verbosity"]),
            operations.Upload(name, actor=ACTOR) as upload,
        ):
            while block := file.read(BLOCK):
                upload.write(block)
                now["bytes_done"] += len(block)
            upload.publish()
        result = {"key": name, "size": now["bytes_done"]}
        return self.answer(options, result, name)
