"""SQLite, by its online backup API in both directions.

Never by files: replacing or unlinking a live database file loses what other
processes still write to the old one, and merely opening and closing the file
in a process that has the database open drops that process's locks on it.
Source: https://www.sqlite.org/howtocorrupt.html
"""

import contextlib
import os
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from django.db import Error as DatabaseError
from django.db import connections
from django.db.backends.sqlite3.base import DatabaseWrapper

from backups.durability import sync_path
from backups.exceptions import (
    InvalidArchive,
    NotReplaced,
    OperationFailed,
    SnapshotFailed,
)
from backups.texts import Text
from backups.texts import gettext_noop as _

from .base import DatabaseSnapshotter, Migrations, Progress
from .sqlite_tables import (
    carry_migrations,
    carry_table,
    deny_triggers,
    list_tables,
    mark_succeeded,
    quote_name,
    state_tables,
)
from .still import WORTH_IT, begin, begin_still, copy_still

_LEAST_LIMIT = 16 << 20
"""Bytes that a value of a small copy may have while it is worked on."""

_REFUSALS = (
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
)

ALL = -1
"""Pages a step of the backup API. A copy in one step reads one instant and,
in WAL mode, disturbs nobody; one in several starts anew at every write."""


class SQLiteSnapshotter(DatabaseSnapshotter):
    vendor = "sqlite"
    extension = "sqlite3"

    @property
    def path(self) -> Path:
        """The live database file. Raises SnapshotFailed for one in memory."""
        name = os.fspath(connections[self.alias].settings_dict["NAME"])
        if name.startswith("file:") or ":memory:" in name:
            raise SnapshotFailed(
                _("The database “%(alias)s” is not an ordinary file."), alias=self.alias
            )
        return Path(name).resolve()

    def places(self) -> list[Path]:
        return [self.path]

    def size(self) -> int:
        return self.path.stat().st_size

    @contextlib.contextmanager
    def frozen(self) -> Iterator[Callable[[Path, Progress], None]]:
        with sqlite_errors(
            SnapshotFailed, self._text(_("The database “%(alias)s” can't be read"))
        ):
            live = _connect(self.path, "rw")
        with contextlib.closing(live):

            def write(target: Path, progress: Progress) -> None:
                with sqlite_errors(
                    SnapshotFailed,
                    self._text(_("The database “%(alias)s” can't be copied")),
                ):
                    if not (is_still and copy_still(self.path, target)):
                        _copy(live, target)
                    live.execute("ROLLBACK")  # Others need not wait any longer.
                    _leave_wal(target)
                    progress(target.stat().st_size)
                    if self.holds_state:
                        _scrub(target)

            with sqlite_errors(
                SnapshotFailed, self._text(_("The database “%(alias)s” can't be read"))
            ):
                is_still = self.size() >= WORTH_IT and begin_still(
                    live, partial(_connect, self.path, "rw", timeout=1)
                )
                if not live.in_transaction:
                    begin(live)
            yield write

    def describe(self, snapshot: Path) -> dict[str, Any]:
        cause = self._text(_("The copy of the database “%(alias)s” can't be read"))
        with sqlite_errors(SnapshotFailed, cause), self._open(snapshot) as database:
            return {
                "vendor": self.vendor,
                "version": sqlite3.sqlite_version,
                "size": snapshot.stat().st_size,
                "tables": _count_rows(database),
                "migrations": _migrations(database),
            }

    def check(self, staged: Path) -> None:
        cause = self._text(_("The database “%(alias)s” in the archive is damaged"))
        with self._open(staged) as database, sqlite_errors(InvalidArchive, cause):
            verdict = database.execute("PRAGMA integrity_check(1)").fetchone()[0]
            if verdict != "ok":
                # A heading may precede what is wrong.
                raise sqlite3.DatabaseError(verdict.strip().split("\n")[-1])

    def dangling(self, staged: Path) -> int:
        with self._open(staged) as database:
            return sum(1 for _ in database.execute("PRAGMA foreign_key_check"))

    def tables(self, staged: Path) -> set[str]:
        with self._open(staged) as database:
            return set(list_tables(database))

    def live_tables(self) -> set[str]:
        return set(self._read_live(list_tables))

    def migrations(self) -> Migrations:
        return self._read_live(_migrations)

    def count_rows(self) -> dict[str, int]:
        return self._read_live(_count_rows)

    def _read_live(self, read: Callable[[sqlite3.Connection], Any]) -> Any:
        connection = connections[self.alias]
        with sqlite_errors(
            SnapshotFailed, self._text(_("The database “%(alias)s” can't be read"))
        ):
            connection.ensure_connection()
            return read(connection.connection)

    def prepare(self, staged: Path) -> None:
        def page_size(database: sqlite3.Connection) -> int:
            return database.execute("PRAGMA page_size").fetchone()[0]

        wanted = self._read_live(page_size)
        cause = self._text(
            _("The database “%(alias)s” of the archive can't be prepared")
        )
        with sqlite_errors(OperationFailed, cause), self._open(staged) as database:
            # A file in WAL mode would switch the live one over to WAL.
            database.execute("PRAGMA journal_mode=DELETE")
            # The backup API can't change the page size of a live WAL database.
            if page_size(database) != wanted:
                database.execute(f"PRAGMA page_size={wanted}")
                database.execute("VACUUM")
        sync_path(staged)

    def carry_state(self, staged: Path, succeeded: uuid.UUID | None) -> None:
        if not self.holds_state:
            return
        cause = Text(_("The history can't be carried over"))
        with sqlite_errors(OperationFailed, cause), self._open(staged) as database:
            database.execute("PRAGMA foreign_keys=OFF")
            database.execute(
                "ATTACH DATABASE ? AS live", [f"file:{_quote(self.path)}?mode=ro"]
            )
            # A trigger of a stranger would run with what is carried over.
            database.set_authorizer(deny_triggers)
            database.execute("BEGIN IMMEDIATE")
            for table in state_tables():
                carry_table(database, table)
            carry_migrations(database)
            if succeeded:
                mark_succeeded(database, succeeded)
            database.execute("COMMIT")
            database.execute("DETACH DATABASE live")
        sync_path(staged)

    @contextlib.contextmanager
    def saved(self, target: Path) -> Iterator[Callable[[], None]]:
        cause = self._text(_("The database “%(alias)s” can't be saved"))
        with sqlite_errors(OperationFailed, cause):
            live = _connect(self.path, "rw")
        with contextlib.closing(live):
            with sqlite_errors(OperationFailed, cause):
                _require_writable(live)
            known = None

            def refresh() -> None:
                nonlocal known
                with sqlite_errors(OperationFailed, cause):
                    # It changes when another connection has changed the database.
                    version = live.execute("PRAGMA data_version").fetchone()[0]
                    if version != known:
                        target.unlink(missing_ok=True)
                        _copy(live, target)
                        _leave_wal(target)
                        sync_path(target)
                known = version

            refresh()
            yield refresh

    def apply(self, staged: Path, timeout: float) -> None:
        deadline = time.monotonic() + timeout

        def give_up(status: int, remaining: int, total: int) -> None:
            if status != sqlite3.SQLITE_DONE and time.monotonic() > deadline:
                raise NotReplaced(
                    _(
                        "The database “%(alias)s” stayed locked for %(timeout)s seconds."
                    ),
                    alias=self.alias,
                    timeout=f"{timeout:g}",
                )

        cause = self._text(_("The database “%(alias)s” can't be replaced"))
        with (
            sqlite_errors(OperationFailed, cause),
            sqlite_refusals(cause),
            # Never made if it is missing: an empty source would wipe the site.
            contextlib.closing(_connect(staged, "ro")) as source,
            contextlib.closing(_connect(self.path, "rw", timeout=1)) as live,
        ):
            # EXTRA: where a journal file's end is the commit, its folder is synced.
            live.execute("PRAGMA synchronous=EXTRA")
            # Or the commit would be followed by a copy of all of it.
            live.execute("PRAGMA wal_autocheckpoint=0")
            source.backup(live, pages=ALL, progress=give_up, sleep=0.05)

    def tidy(self) -> None:
        """Bring the -wal file, as large as the database, into the database.

        Passively first: that holds nobody up, and leaves little for the rest.
        """
        with (
            contextlib.suppress(sqlite3.OperationalError),  # Readers may prevent it.
            contextlib.closing(_connect(self.path, "rw", timeout=1)) as live,
        ):
            live.execute("PRAGMA wal_checkpoint(PASSIVE)")
            live.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _text(self, template: str) -> Text:
        """Return a sentence about this database, or the beginning of one."""
        return Text(template, alias=self.alias)

    @contextlib.contextmanager
    def _open(self, path: Path) -> Iterator[sqlite3.Connection]:
        """Open a copy like Django opens the live one: with its functions.

        An index may use functions and collations that the site registers;
        without them not even an integrity check can run.
        """
        wrapper: DatabaseWrapper = connections[self.alias].copy()  # type: ignore[assignment]
        wrapper.settings_dict["NAME"] = f"file:{_quote(path)}?mode=rw"
        # What it says is meant for the live file, such as its journal mode.
        wrapper.settings_dict["OPTIONS"].pop("init_command", None)
        cause = self._text(_("The copy of the database “%(alias)s” can't be used"))
        with sqlite_errors(InvalidArchive, cause):
            try:
                wrapper.ensure_connection()
                # Expressions in its schema can't ask for more memory than that.
                longest = max(path.stat().st_size, _LEAST_LIMIT)
                wrapper.connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, longest)
                yield wrapper.connection
            finally:
                wrapper.close()


def _quote(path: Path) -> str:
    return str(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23")


def _connect(path: Path, mode: str, *, timeout: float = 30) -> sqlite3.Connection:
    """Open a database in autocommit; *mode* is ro, rw, or rwc to make it."""
    address = f"file:{_quote(path)}?mode={mode}"
    return sqlite3.connect(address, uri=True, isolation_level=None, timeout=timeout)


def _copy(live: sqlite3.Connection, target: Path) -> None:
    """Write all of *live* to the new file *target*."""
    with contextlib.closing(_connect(target, "rwc")) as copy:
        # Nobody needs the copy after a crash, so it can do without a journal.
        copy.execute("PRAGMA journal_mode=OFF")
        copy.execute("PRAGMA synchronous=OFF")
        live.backup(copy, pages=ALL)


def _require_writable(live: sqlite3.Connection) -> None:
    """Write what is there already, and take it back; raises sqlite3.Error.

    A lock alone can be had on a file that can't be written.
    """
    live.execute("BEGIN IMMEDIATE")
    version = live.execute("PRAGMA user_version").fetchone()[0]
    live.execute(f"PRAGMA user_version={version}")
    live.execute("ROLLBACK")


def _leave_wal(snapshot: Path) -> None:
    """Let the copy be one file, also of a database in WAL mode."""
    with contextlib.closing(_connect(snapshot, "rw")) as copy:
        copy.execute("PRAGMA synchronous=OFF")
        copy.execute("PRAGMA journal_mode=DELETE")


def _scrub(snapshot: Path) -> None:
    """Delete this app's rows, and their bytes with them."""
    with contextlib.closing(_connect(snapshot, "rw")) as copy:
        # As in _copy: to sync it would write all of it to the disk.
        copy.execute("PRAGMA journal_mode=MEMORY")
        copy.execute("PRAGMA synchronous=OFF")
        copy.execute("PRAGMA secure_delete=ON")
        for table in state_tables():
            if table in list_tables(copy):
                copy.execute(f"DELETE FROM {quote_name(table)}")


def _count_rows(database: sqlite3.Connection) -> dict[str, int]:
    return {
        name: database.execute(f"SELECT count(*) FROM {quote_name(name)}").fetchone()[0]
        for name in list_tables(database)
        if name not in state_tables()
    }


def _migrations(database: sqlite3.Connection) -> Migrations:
    if "django_migrations" not in list_tables(database):
        return []
    rows = database.execute("SELECT app, name FROM django_migrations ORDER BY 1, 2")
    return [(app, name) for app, name in rows]


@contextlib.contextmanager
def sqlite_refusals(what: Text) -> Iterator[None]:
    """Raise NotReplaced for those errors after which a transaction is rolled back.

    After others, such as one of a sync, nobody knows what the disk holds.
    """
    try:
        yield
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF not in _REFUSALS:
            raise
        with sqlite_errors(NotReplaced, what):
            raise


@contextlib.contextmanager
def sqlite_errors(
    kind: type[SnapshotFailed | InvalidArchive | OperationFailed | NotReplaced],
    what: Text,
) -> Iterator[None]:
    """Turn SQLite's errors into *kind*, with SQLite's own words as the cause."""
    try:
        yield
    # Its own, or wrapped by Django; the last where its words quote bytes.
    except (sqlite3.Error, DatabaseError, UnicodeDecodeError) as error:
        # Its words may end in a path, or repeat a database's own, long or strange.
        words = str(error).split(": file:")[0][:200]
        words = "".join(c for c in words if c.isprintable())
        raise kind(_("%(what)s: %(why)s."), what=what, why=words) from error
