"""Archives on any other Django storage, by the methods that all of them have."""

import contextlib
import datetime
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from django.core.files import File
from django.core.files.storage import Storage
from django.utils import timezone

from backups.conf import get_settings
from backups.exceptions import BackupError, BackupNotFound, NameTaken, StoreFailed
from backups.texts import Text
from backups.texts import gettext_noop as _

from .base import SpooledIncoming, Store, Stored, sweep_folder

BLOCK = 1 << 20


class GenericStore(Store):
    def __init__(self, storage: Storage) -> None:
        self.storage = storage

    @property
    def incoming(self) -> Path:
        return get_settings().workspace / "incoming"

    def list(self) -> list[Stored]:
        with vendor_errors(_("The backups can't be listed")):
            return sorted(self._walk(""), key=lambda item: item.key.encode())

    def _walk(self, prefix: str) -> Iterator[Stored]:
        try:
            folders, files = self.storage.listdir(prefix)
        except FileNotFoundError:
            return  # Nothing was ever stored.
        for name in files:
            if item := self.stat(prefix + name):  # None: deleted meanwhile.
                yield item
        for name in folders:
            if name.strip("/"):
                yield from self._walk(f"{prefix}{name.strip('/')}/")

    def stat(self, key: str) -> Stored | None:
        with vendor_errors(_("The storage can't be read")):
            if not self.storage.exists(key):
                return None
            modified = self.storage.get_modified_time(key)
            if timezone.is_naive(modified):
                modified = timezone.make_aware(modified)
            return Stored(
                key, self.storage.size(key), modified.astimezone(datetime.UTC)
            )

    def open(self, found: Stored) -> IO[bytes]:
        with vendor_errors(_("The backup can't be read"), found.key):
            return self.storage.open(found.key, "rb")

    def delete(self, key: str) -> None:
        self.require(key)
        with vendor_errors(_("The backup can't be deleted"), key):
            self.storage.delete(key)

    def receive(self, key: str) -> "GenericIncoming":
        return GenericIncoming(key, self)

    def local_path(self, key: str, folder: Path) -> Path:
        target = folder / "archive.zip"
        with (
            self.open(self.require(key)) as source,
            target.open("wb") as copy,
            vendor_errors(_("The backup can't be fetched"), key),
        ):
            shutil.copyfileobj(source, copy, BLOCK)
        return target

    def describe(self) -> str:
        return type(self.storage).__name__

    def sweep(self) -> None:
        sweep_folder(self.incoming)


class GenericIncoming(SpooledIncoming):
    """Received into the workspace, then handed to ``Storage.save`` as a whole.

    Not ``storage.open(key, "wb")``: most remote backends publish a truncated
    object when that fails half-way.
    """

    def __init__(self, key: str, store: GenericStore) -> None:
        self.store = store
        super().__init__(key, store.incoming)

    def publish(self) -> None:
        key = self.key
        self.store.require_free(key)
        self.file.seek(0)
        with vendor_errors(_("The backup can't be stored")):
            name = self.store.storage.save(key, File(self.file, name=key))
            if name != key:  # Somebody took the name meanwhile: storages rename.
                self.store.storage.delete(name)
                raise NameTaken(key)


@contextlib.contextmanager
def vendor_errors(what: str, key: str = "") -> Iterator[None]:
    """Turn what a storage backend raises into StoreFailed, or BackupNotFound of *key*.

    Backends raise their vendors' own exceptions, which share no base class,
    and whose texts may hold addresses and keys: the type is all that is shown.
    """
    try:
        yield
    except BackupError:
        raise
    except Exception as error:
        if key and isinstance(error, FileNotFoundError):
            raise BackupNotFound(key) from error
        raise StoreFailed(
            _("%(what)s (%(code)s)."), what=Text(what), code=type(error).__name__
        ) from error
