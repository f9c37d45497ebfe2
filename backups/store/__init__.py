"""Where archives are kept: any Django storage, spoken to through one small port."""

import sys
from types import ModuleType

from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import FileSystemStorage, Storage, storages

from backups import site_settings
from backups.conf import get_settings
from backups.exceptions import Misconfigured
from backups.texts import gettext_noop as _

from .base import Incoming, Store, Stored
from .generic import GenericStore
from .local import LocalStore

__all__ = ["Incoming", "Store", "Stored", "get_default_store", "get_store"]


def get_store() -> Store:
    """Return the store in use: S3, once a superuser has chosen it.

    Otherwise that of ``BACKUPS["STORAGE"]``. Raises Misconfigured.
    """
    if chosen := site_settings.Stored.load().s3():
        s3 = load_s3()
        return s3.S3Store(s3.connect(chosen))
    return get_default_store()


def get_default_store() -> Store:
    """Return the store of ``BACKUPS["STORAGE"]``, over a storage of its own.

    A fresh storage object each time: several backends of django-storages keep
    a connection that threads may not share.
    """
    alias = get_settings().STORAGE
    storage = storages.create_storage(storages.backends[alias])  # type: ignore[arg-type]
    if isinstance(storage, FileSystemStorage):
        return LocalStore(storage)
    if is_s3(storage):
        # The one of all threads, so that its client is made once.
        s3 = load_s3()
        return s3.S3Store(s3.made_careful(storages[alias]))
    return GenericStore(storage)


def is_s3(storage: Storage) -> bool:
    """Whether it is one of S3; without importing boto3, which is slow or missing."""
    module = sys.modules.get("storages.backends.s3")
    return module is not None and isinstance(storage, module.S3Storage)


def load_s3() -> ModuleType:
    """Return the module of S3, which needs an optional package."""
    try:
        from . import s3
    except (ImportError, ImproperlyConfigured) as error:
        raise Misconfigured(
            _('Keeping archives in S3 needs: pip install "django-site-backups[s3]"')
        ) from error
    return s3
