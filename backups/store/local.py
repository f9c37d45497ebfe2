"""Archives in a local folder (FileSystemStorage), published atomically."""

import contextlib
import datetime
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from django.core.files.storage import FileSystemStorage

from backups.durability import sync_path
from backups.exceptions import BackupNotFound, NameTaken, StoreFailed
from backups.texts import Text
from backups.texts import gettext_noop as _

from .base import SpooledIncoming, Store, Stored, sweep_folder

NOT_THERE = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG)

EPOCH = datetime.datetime.fromtimestamp(0, datetime.UTC)

PARTIAL = ".partial"
"""Sub-folder of the store in which files are received; never listed."""


class LocalStore(Store):
    def __init__(self, storage: FileSystemStorage) -> None:
        self.root = Path(storage.location)

    def list(self) -> list[Stored]:
        with system_errors(_("The backups folder can't be read")):
            found = list(self._walk(""))
        return sorted(found, key=lambda item: os.fsencode(item.key))

    def _walk(self, prefix: str) -> Iterator[Stored]:
        try:
            entries = list(os.scandir(self.root / prefix))
        except FileNotFoundError:
            return  # Nothing was ever stored.
        for entry in entries:
            key = prefix + entry.name
            if key == PARTIAL:
                continue
            if entry.is_dir():
                yield from self._walk(f"{key}/")
                continue
            with contextlib.suppress(FileNotFoundError):  # Deleted meanwhile.
                if item := as_stored(key, entry.stat()):
                    yield item

    def stat(self, key: str) -> Stored | None:
        if key.split("/")[0] == PARTIAL:
            return None
        with system_errors(_("The backups folder can't be read")):
            try:
                status = os.stat(self.root / key)
            except OSError as error:
                if error.errno in NOT_THERE:
                    return None
                raise
        return as_stored(key, status)

    def open(self, found: Stored) -> IO[bytes]:
        with system_errors(_("The backup can't be read"), found.key):
            return open(self.root / found.key, "rb")

    def delete(self, key: str) -> None:
        self.require(key)
        with system_errors(_("The backup can't be deleted"), key):
            (self.root / key).unlink()
            sync_path((self.root / key).parent)

    def receive(self, key: str) -> "LocalIncoming":
        with system_errors(_("The backups folder can't be written")):
            return LocalIncoming(key, self.root)

    def local_path(self, key: str, folder: Path) -> Path:
        self.require(key)
        return self.root / key

    def describe(self) -> str:
        return str(self.root)

    def place(self) -> Path:
        return self.root.resolve()

    def sweep(self) -> None:
        sweep_folder(self.root / PARTIAL)


def as_stored(key: str, status: os.stat_result) -> Stored | None:
    """Return what is stored under *key*; None for what is no ordinary file."""
    if not stat.S_ISREG(status.st_mode):
        return None
    # Not from a float, which has no exact microseconds.
    modified = EPOCH + datetime.timedelta(microseconds=status.st_mtime_ns // 1000)
    return Stored(key, status.st_size, modified)


class LocalIncoming(SpooledIncoming):
    def __init__(self, key: str, root: Path) -> None:
        self.root = root
        super().__init__(key, root / PARTIAL)

    def publish(self) -> None:
        target = self.root / self.key
        with system_errors(_("The backup can't be stored")):
            os.utime(self.file.fileno())
            os.fsync(self.file.fileno())
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                place(self.path, target)
            except FileExistsError as error:
                raise NameTaken(self.key) from error
            sync_path(target.parent)


@contextlib.contextmanager
def system_errors(what: str, key: str = "") -> Iterator[None]:
    """Turn an OSError into StoreFailed, or into BackupNotFound of *key*."""
    try:
        yield
    except OSError as error:
        if key and isinstance(error, FileNotFoundError):
            raise BackupNotFound(key) from error
        raise StoreFailed(
            _("%(what)s: %(why)s."), what=Text(what), why=str(error.strerror)
        ) from error


def place(source: Path, target: Path) -> None:
    """Give *source* the name *target*, or raise FileExistsError.

    A hard link refuses to replace, which a rename does not. A file system
    without links gets a check and a rename.
    """
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK):
            raise
        if target.exists():
            raise FileExistsError(errno.EEXIST, "File exists") from error
        os.rename(source, target)
