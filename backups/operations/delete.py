"""Delete a backup."""

from backups.exceptions import BackupInUse
from backups.models import Operation
from backups.store import get_store

from . import history
from .read import running_token


def delete_backup(key: str, *, actor: str) -> None:
    """Delete *key* for good.

    Raises BackupInUse if the running operation works on it, BackupNotFound, or
    StoreFailed.
    """
    token = running_token()
    if token and Operation.objects.filter(token=token, key=key).exists():
        raise BackupInUse(key)
    get_store().delete(key)
    history.record(Operation.Kind.DELETE, key, actor)
