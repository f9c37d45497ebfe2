"""What the commands share: errors as one sentence, statuses, progress, sizes."""

import argparse
import contextlib
import json
import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from django.core.management.base import (
    BaseCommand,
    CommandError,
    CommandParser,
    DjangoHelpFormatter,
)
from django.db import Error as DatabaseError
from django.utils import timezone
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from backups.archive import reuse_memory
from backups.exceptions import (
    BackupError,
    BackupInUse,
    BackupNotFound,
    InvalidArchive,
    OperationInProgress,
    RestoreRefused,
)
from backups.operations import Claim

ACTOR = "manage.py"
MANY_WORDS = 2
LOOK_EVERY = 0.2
SAY_EVERY = 10.0
"""Seconds between two lines of progress where there is no terminal."""

FAILED, USAGE, NOT_FOUND, BUSY, BAD_ARCHIVE = 1, 2, 3, 4, 5
STATUSES: dict[type[BackupError], int] = {
    BackupNotFound: NOT_FOUND,
    OperationInProgress: BUSY,
    BackupInUse: BUSY,
    InvalidArchive: BAD_ARCHIVE,
    RestoreRefused: BAD_ARCHIVE,
}


class HelpFormatter(DjangoHelpFormatter):
    """Django's, with the examples as they are written."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if text.startswith("Examples:"):
            return text
        return super()._fill_text(text, width, indent)


class BackupCommand(BaseCommand):
    """A command whose expected errors end it with one sentence and a status."""

    requires_system_checks: tuple[str, ...] = ("backups",)
    """This app's own: those of the site's models and URLs take as long as all else."""

    examples = ""
    """Lines that its help ends with, each a command as one would type it."""

    has_json = False
    """Whether it takes --json; then ``handle`` calls ``answer``."""

    def create_parser(self, *args: Any, **kwargs: Any) -> CommandParser:
        kwargs["formatter_class"] = HelpFormatter
        if self.examples:
            lines = "".join(f"  {line}\n" for line in self.examples.splitlines())
            kwargs["epilog"] = f"Examples:\n{lines}"
        parser = super().create_parser(*args, **kwargs)
        if self.has_json:
            parser.add_argument(
                "--json",
                action="store_true",
                help="Print the result as JSON, for scripts.",
            )
        return parser

    def execute(self, *args: Any, **options: Any) -> Any:
        if sys.stderr.isatty() and options.get("verbosity", 1) < MANY_WORDS:
            # A person sees the bar; the log's lines would run through it.
            logging.getLogger("backups").setLevel(logging.WARNING)
        reuse_memory()
        try:
            return super().execute(*args, **options)
        except BackupError as error:
            status = next(
                (code for kind, code in STATUSES.items() if isinstance(error, kind)),
                FAILED,
            )
            raise CommandError(str(error), returncode=status) from error
        except OSError as error:
            place = f" ({error.filename})" if error.filename else ""
            why = error.strerror or error
            raise CommandError(f"The system refused: {why}{place}.") from error
        except DatabaseError as error:
            cure = " Run manage.py migrate." if "no such table" in str(error) else ""
            raise CommandError(f"The database refused: {error}.{cure}") from error

    def answer(self, options: dict[str, Any], result: Any, text: str) -> str:
        """Return *result* as JSON if the caller wants that, or *text*."""
        if options["json"]:
            return json.dumps(result, default=as_text, ensure_ascii=False)
        return text

    def confirm(self, question: str, word: str) -> None:
        """Go on only if *word* is typed; raises CommandError."""
        self.stdout.write(question)
        try:
            typed = input(f"Type “{word}” to go on: ")
        except EOFError as error:
            raise CommandError(
                "Nobody there to confirm; use --no-input to go without."
            ) from error
        if typed.strip() != word:
            raise CommandError("That was not the same; nothing was changed.")


def add_no_input(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--no-input",
        action="store_false",
        dest="interactive",
        help="Do not ask for confirmation.",
    )


def as_text(value: Any) -> str:
    """Return what JSON has no form for: a time in UTC, or the value's own text."""
    return value.isoformat() if isinstance(value, datetime) else str(value)


def local_time(moment: datetime | None) -> str:
    """Return a time in the site's time zone, to the second."""
    if moment is None:
        return "–"
    if timezone.is_aware(moment):
        moment = timezone.localtime(moment)
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def human_size(count: int) -> str:
    """Return a size in 1024 steps with one decimal, such as ``1.4 GB``."""
    size = float(count)
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1024:
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TB"


@contextlib.contextmanager
def progress_shown(claim: Claim, verbosity: int = 1) -> Iterator[None]:
    """Show phase and bytes of an operation while it runs; see ``watched``."""
    with watched(lambda: claim.progress, verbosity):
        yield


@contextlib.contextmanager
def watched(look: Callable[[], dict[str, Any]], verbosity: int = 1) -> Iterator[None]:
    """Show what *look* returns: a bar on a terminal, lines of text elsewhere.

    It returns ``phase``, ``bytes_done`` and ``bytes_total`` (0 if not known).
    All goes to the standard error. Verbosity 0 shows nothing.
    """
    if verbosity < 1:
        yield
        return
    stop = threading.Event()
    show = show_bar if sys.stderr.isatty() else show_lines
    thread = threading.Thread(target=show, args=(look, stop), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def show_bar(look: Callable[[], dict[str, Any]], stop: threading.Event) -> None:
    columns = (
        TextColumn("{task.description:10}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=None)
        while not stop.wait(LOOK_EVERY):
            now = look()
            bar.update(
                task,
                description=now["phase"],
                completed=now["bytes_done"],
                total=now["bytes_total"] or None,
            )


def show_lines(look: Callable[[], dict[str, Any]], stop: threading.Event) -> None:
    """Print a line when the phase changes, and every now and then within one."""
    phase, said = "", time.monotonic()
    while True:
        ended = stop.wait(LOOK_EVERY)
        now = look()
        is_news = now["phase"] and now["phase"] != phase
        if is_news or (not ended and time.monotonic() - said > SAY_EVERY):
            done = human_size(now["bytes_done"])
            total = now["bytes_total"]
            of = f" of {human_size(total)}" if total else ""
            print(f"{now['phase']}: {done}{of}", file=sys.stderr)  # noqa: T201
            phase, said = now["phase"], time.monotonic()
        if ended:
            return
