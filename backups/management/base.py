"""What the commands share: errors as one sentence, progress, sizes."""

import contextlib
import sys
import threading
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

from backups.exceptions import BackupError
from backups.operations import Claim

ACTOR = "manage.py"


class BackupCommand(BaseCommand):
    """A command whose expected errors end it with one sentence and status 1."""

    def execute(self, *args: Any, **options: Any) -> Any:
        try:
            return super().execute(*args, **options)
        except BackupError as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"The system refused: {error.strerror}.") from error


def human_size(count: int) -> str:
    """Return a size in 1024 steps with one decimal, such as ``1.4 GB``."""
    size = float(count)
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1024:
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TB"


@contextlib.contextmanager
def progress_shown(claim: Claim) -> Iterator[None]:
    """Show phase and bytes on a terminal; print nothing anywhere else."""
    if not sys.stderr.isatty():
        yield
        return
    stop = threading.Event()
    columns = (TextColumn("{task.description:12}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=None)

        def follow() -> None:
            while not stop.wait(0.2):
                now = claim.progress
                bar.update(
                    task,
                    description=now["phase"],
                    completed=now["bytes_done"],
                    total=now["bytes_total"] or None,
                )

        thread = threading.Thread(target=follow, daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
