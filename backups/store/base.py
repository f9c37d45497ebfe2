"""The port that every kind of store fills, and the rules they share."""

import abc
import datetime
import fcntl
import os
import uuid
from pathlib import Path
from typing import IO, NamedTuple, Self

from backups.exceptions import (
    BackupNotFound,
    NameTaken,
    NameUnchecked,
    StoreFailed,
)
from backups.names import is_safe_key

FLUSH_EVERY = 8 << 20
"""Bytes of a file being received after which the disk is given work."""


class Stored(NamedTuple):
    """One stored file."""

    key: str
    size: int
    """In bytes."""
    modified: datetime.datetime
    """When it was stored, aware."""
    mark: str = ""
    """What its content is known by, where the storage says so."""


class Store(abc.ABC):
    """Lists, reads, writes and deletes archives by key.

    Keys come from clients: every method treats a key that is not safe as a
    path like one that is not stored, before the storage sees it.
    """

    @abc.abstractmethod
    def list(self) -> list[Stored]:
        """Return every stored file, by ascending bytes of the key.

        Raises StoreFailed.
        """

    @abc.abstractmethod
    def stat(self, key: str) -> Stored | None:
        """Return what is stored under a safe *key*, or None."""

    @abc.abstractmethod
    def open(self, found: Stored) -> IO[bytes]:
        """Open what ``require`` has found for reading; the file can seek.

        Raises BackupNotFound or StoreFailed.
        """

    @abc.abstractmethod
    def delete(self, key: str) -> None:
        """Delete the archive. Raises BackupNotFound or StoreFailed."""

    @abc.abstractmethod
    def receive(self, key: str) -> "Incoming":
        """Open a place for a new archive, invisible until it is published.

        *key* is safe. Raises StoreFailed.
        """

    @abc.abstractmethod
    def local_path(self, key: str, folder: Path) -> Path:
        """Return a local file that holds the archive, fetched to *folder* if need be.

        Raises BackupNotFound or StoreFailed.
        """

    @abc.abstractmethod
    def describe(self) -> str:
        """Return where the archives are, in a few words for superusers."""

    def place(self) -> Path | None:
        """Return the local folder in which the archives lie, if there is one."""
        return None

    @abc.abstractmethod
    def sweep(self) -> None:
        """Remove what writers that died have left behind."""

    def find(self, key: str) -> Stored | None:
        """Return what is stored under *key*, or None; any text is allowed."""
        return self.stat(key) if is_safe_key(key) else None

    def require(self, key: str) -> Stored:
        """Return what is stored under *key*, or raise BackupNotFound."""
        if found := self.find(key):
            return found
        raise BackupNotFound(key)

    def require_free(self, key: str) -> None:
        """Raise NameTaken if something is stored under *key*, or NameUnchecked."""
        try:
            found = self.find(key)
        except StoreFailed as error:
            raise NameUnchecked(error.text.message, **error.text.params) from error
        if found:
            raise NameTaken(key)


class Incoming(abc.ABC):
    """An archive being received; leaving it as a context discards it unpublished."""

    def __init__(self, key: str) -> None:
        self.key = key

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.discard()

    @abc.abstractmethod
    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Append all of *data*; return its length. Raises StoreFailed or OSError."""

    @abc.abstractmethod
    def publish(self) -> None:
        """Make the archive durable and visible, whole or not at all.

        Raises NameTaken if its key is stored already, or StoreFailed.
        """

    @abc.abstractmethod
    def discard(self) -> None:
        """Remove what is not published; safe to call again."""


class SpooledIncoming(Incoming):
    """Received into a local file.

    The bytes go to *folder* under a random name, and the file stays locked as
    long as its writer lives: a leftover is one that nobody locks.
    """

    def __init__(self, key: str, folder: Path) -> None:
        super().__init__(key)
        self.path, descriptor = open_locked(folder)
        self._written = self._flushing = 0
        self.file = os.fdopen(descriptor, "w+b", buffering=0)

    def write(self, data: bytes | bytearray | memoryview) -> int:
        # A raw file may take less at a time.
        view = memoryview(data)
        done = 0
        while done < len(view):
            done += self.file.write(view[done:])
        self._written += done
        if self._written - self._flushing >= FLUSH_EVERY:
            start_flushing(self.file.fileno(), self._flushing, self._written)
            self._flushing = self._written
        return done

    def discard(self) -> None:
        self.path.unlink(missing_ok=True)
        self.file.close()


def start_flushing(descriptor: int, start: int, end: int) -> None:
    """Let the kernel begin to write that range to the disk, and do not wait.

    Otherwise all of it waits for the fsync at the end, and every other process
    that syncs in those seconds, such as a database, waits with it.
    """
    if hasattr(os, "posix_fadvise"):  # Linux; dirty pages are not dropped.
        os.posix_fadvise(descriptor, start, end - start, os.POSIX_FADV_DONTNEED)


def sweep_folder(folder: Path) -> None:
    """Remove the files of *folder* whose writers are gone."""
    if not folder.is_dir():
        return
    for path in folder.iterdir():
        try:
            descriptor = os.open(path, os.O_RDONLY)
        except OSError:
            continue  # Published or discarded this instant, or not ours.
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink(missing_ok=True)
        except OSError:
            pass  # Its writer is alive.
        finally:
            os.close(descriptor)


def open_locked(folder: Path) -> tuple[Path, int]:
    """Make a file in *folder* and lock it; return its path and descriptor.

    A sweep may come between the two, and then there is another try.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    while True:
        path = folder / uuid.uuid4().hex
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return path, descriptor
        os.close(descriptor)
