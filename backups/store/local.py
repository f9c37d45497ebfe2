"""Archives in a local folder (FileSystemStorage), published atomically."""

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

from .base import Incoming, Store, Stored, sweep_folder

PARTIAL = ".partial"
"""Sub-folder of the store in which files are received; never listed."""


class LocalStore(Store):
    def __init__(self, storage: FileSystemStorage) -> None:
        self.root = Path(storage.location)

    def list(self) -> list[Stored]:
        try:
            found = list(self._walk(""))
        except OSError as error:
            raise StoreFailed(
                f"The backups folder can't be read: {error.strerror}."
            ) from error
        return sorted(found, key=lambda item: os.fsencode(item.key))

    def _walk(self, prefix: str) -> Iterator[Stored]:
        try:
            entries = list(os.scandir(self.root / prefix))
        except FileNotFoundError:
            return  # Nothing was ever stored.
        for entry in entries:
            key = prefix + entry.name
            if entry.is_dir():
                if key != PARTIAL:
                    yield from self._walk(f"{key}/")
            elif item := self.stat(key):  # None: deleted meanwhile.
                yield item

    def stat(self, key: str) -> Stored | None:
        if key.split("/")[0] == PARTIAL:
            return None
        try:
            status = os.stat(self.root / key)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG):
                return None
            raise StoreFailed(
                f"The backups folder can't be read: {error.strerror}."
            ) from error
        if not stat.S_ISREG(status.st_mode):
            return None
        seconds, nanoseconds = divmod(status.st_mtime_ns, 1_000_000_000)
        modified = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
        modified = modified.replace(microsecond=nanoseconds // 1000)
        return Stored(key, status.st_size, modified)

    def open(self, key: str) -> IO[bytes]:
        self.require(key)
        try:
            return open(self.root / key, "rb")
        except FileNotFoundError as error:
            raise BackupNotFound(key) from error
        except OSError as error:
            raise StoreFailed(f"The backup can't be read: {error.strerror}.") from error

    def delete(self, key: str) -> None:
        self.require(key)
        try:
            (self.root / key).unlink()
            sync_path((self.root / key).parent)
        except FileNotFoundError as error:
            raise BackupNotFound(key) from error
        except OSError as error:
            raise StoreFailed(
                f"The backup can't be deleted: {error.strerror}."
            ) from error

    def receive(self) -> "LocalIncoming":
        try:
            return LocalIncoming(self.root)
        except OSError as error:
            raise StoreFailed(
                f"The backups folder can't be written: {error.strerror}."
            ) from error

    def local_path(self, key: str, folder: Path) -> Path:
        self.require(key)
        return self.root / key

    def place(self) -> Path:
        return self.root.resolve()

    def sweep(self) -> None:
        sweep_folder(self.root / PARTIAL)


class LocalIncoming(Incoming):
    def __init__(self, root: Path) -> None:
        self.root = root
        super().__init__(root / PARTIAL)

    def publish(self, key: str) -> None:
        target = self.root / key
        try:
            os.utime(self.file.fileno())
            os.fsync(self.file.fileno())
            place(self.path, target)
            sync_path(self.root)
        except FileExistsError as error:
            raise NameTaken(key) from error
        except OSError as error:
            raise StoreFailed(
                f"The backup can't be stored: {error.strerror}."
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
