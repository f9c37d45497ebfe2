"""Where archives are kept: any Django storage, spoken to through one small port."""

from django.core.files.storage import FileSystemStorage, storages

from backups.conf import get_settings

from .base import Incoming, Store, Stored
from .generic import GenericStore
from .local import LocalStore

__all__ = ["Incoming", "Store", "Stored", "get_store"]


def get_store() -> Store:
    """Return the store of ``BACKUPS["STORAGE"]``, over a storage of its own.

    A fresh storage object each time: several backends of django-storages keep
    a connection that threads may not share.
    """
    alias = get_settings().STORAGE
    storage = storages.create_storage(storages.backends[alias])  # type: ignore[arg-type]
    if isinstance(storage, FileSystemStorage):
        return LocalStore(storage)
    return GenericStore(storage)
