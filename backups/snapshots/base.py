"""What every database engine has to offer."""

import abc
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from django.db import router

from backups.models import Operation

Migrations = list[tuple[str, str]]
"""Applied migrations as (app, name), sorted."""

Progress = Callable[[int], None]
"""Called with the number of bytes done since the last call."""


def ignore(count: int) -> None:
    """The progress callback of those who do not care."""


class DatabaseSnapshotter(abc.ABC):
    """Copies one database to a file and replaces it by one, while it is live."""

    vendor: str
    extension: str
    """File name extension of the snapshot, without a dot."""

    def __init__(self, alias: str) -> None:
        self.alias = alias

    @property
    def member(self) -> str:
        """Name of the snapshot inside the archive."""
        return f"databases/{self.alias}.{self.extension}"

    @property
    def holds_state(self) -> bool:
        """Whether this app's own tables lie in this database."""
        return router.db_for_write(Operation) == self.alias

    @abc.abstractmethod
    def size(self) -> int:
        """Return about how many bytes the snapshot will have."""

    def places(self) -> list[Path]:
        """Return the local files that hold the live database."""
        return []

    @abc.abstractmethod
    def frozen(self) -> AbstractContextManager[Callable[[Path, Progress], None]]:
        """Fix one instant of the database; writers go on.

        The value is a function that writes that instant to a new file, without
        the rows of this app's own tables. Raises SnapshotFailed.
        """

    @abc.abstractmethod
    def describe(self, snapshot: Path) -> dict[str, Any]:
        """Return ``vendor``, ``version``, ``size``, ``tables`` and ``migrations``.

        ``size`` is in bytes; ``tables`` is name → number of rows.
        """

    @abc.abstractmethod
    def check(self, staged: Path) -> None:
        """Prove that a snapshot is sound in itself, or raise InvalidArchive."""

    @abc.abstractmethod
    def dangling(self, staged: Path) -> int:
        """Return how many rows refer to rows that do not exist."""

    @abc.abstractmethod
    def tables(self, staged: Path) -> set[str]:
        """Return the names of a snapshot's tables."""

    @abc.abstractmethod
    def live_tables(self) -> set[str]:
        """Return the names of the live database's tables."""

    @abc.abstractmethod
    def migrations(self) -> Migrations:
        """Return the migrations that the live database has applied."""

    @abc.abstractmethod
    def count_rows(self) -> dict[str, int]:
        """Return the rows of each table of the live database, but for our own."""

    @abc.abstractmethod
    def prepare(self, staged: Path) -> None:
        """Fit a checked snapshot to the live database and make it durable."""

    @abc.abstractmethod
    def carry_state(self, staged: Path, succeeded: uuid.UUID | None) -> None:
        """Copy this app's own tables from the live database into the snapshot.

        The operation *succeeded* is marked so in the copy: that row is how a
        recovery finds out that the snapshot went live. May be called again.
        Raises OperationFailed if there is no such row.
        """

    @abc.abstractmethod
    def saved(self, target: Path) -> AbstractContextManager[Callable[[], None]]:
        """Write the live database, as it is, durably to *target*.

        The value writes it again if somebody has changed it since. Raises
        OperationFailed for a database that can't be written, so not replaced.
        """

    @abc.abstractmethod
    def apply(self, staged: Path, timeout: float) -> None:
        """Replace the live content by the file's, wholly or not at all.

        Open connections stay valid. Raises NotReplaced if it is surely as it was,
        such as when others keep it locked for *timeout* seconds, or OperationFailed.
        """

    @abc.abstractmethod
    def tidy(self) -> None:
        """Do what can wait until the site is open again."""
