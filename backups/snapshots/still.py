"""A live SQLite file, copied as a file while SQLite keeps everybody from writing it.

The online backup API reads and writes page by page, and takes three times as long.
"""

import contextlib
import os
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

WORTH_IT = 32 << 20
"""Bytes from which the copy gains more than the preparations cost."""

_CLOCK_TICK = 0.02
"""Seconds after which a write shows in the time of the file, on usual file systems."""


def begin_still(
    live: sqlite3.Connection, connect: Callable[[], sqlite3.Connection]
) -> bool:
    """Begin to read; tell whether the file alone holds what is read, and lies still.

    With a rollback journal a reader keeps writers from the file. In WAL mode they
    go on in the log, and one who began to read when all of the log was in the file
    keeps checkpoints from writing there. *connect* opens another connection, which
    keeps the log from growing between the two, for some milliseconds.
    Sources: https://www.sqlite.org/lockingv3.html, https://www.sqlite.org/walformat.html
    """
    if live.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        begin(live)
        return True
    checkpoint(live)  # Most of it, while nobody has to wait.
    with contextlib.closing(connect()) as other:
        try:
            other.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:  # Somebody writes for long.
            begin(live)
            return False
        is_complete = checkpoint(live)
        begin(live)
        other.execute("ROLLBACK")
    return is_complete


def begin(live: sqlite3.Connection) -> None:
    """Begin to read: from now on *live* sees this instant."""
    live.execute("BEGIN")
    live.execute("SELECT count(*) FROM sqlite_master").fetchone()


def checkpoint(live: sqlite3.Connection) -> bool:
    """Bring the log into the file without waiting; tell whether all of it is there."""
    busy, logged, done = live.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    return not busy and logged == done


def copy_still(path: Path, target: Path) -> bool:
    """Copy the file, which ``begin_still`` has found to lie still, to *target*.

    Returns False, and leaves nothing, where that does not work. By a process of
    its own: to open and close the file here would drop SQLite's locks on it.
    """
    program = shutil.which("cp")
    if program is None:
        return False
    time.sleep(_CLOCK_TICK)
    before = os.stat(path)
    done = subprocess.run(
        [program, "--", path, target],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    if done.returncode == 0 and _is_same(before, os.stat(path), os.stat(target)):
        return True
    target.unlink(missing_ok=True)
    return False


def _is_same(
    before: os.stat_result, after: os.stat_result, copy: os.stat_result
) -> bool:
    """Tell whether the file was left alone, so that not all rests on its locks."""
    return (before.st_ino, before.st_size, before.st_mtime_ns) == (
        after.st_ino,
        after.st_size,
        after.st_mtime_ns,
    ) and copy.st_size == before.st_size
