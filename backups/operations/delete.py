"""Delete a backup."""

from django.db.models import Q

from backups.exceptions import BackupInUse, BackupProtected
from backups.models import Operation
from backups.store import get_store

from . import history
from .read import protected_until, running_token


def delete_backup(key: str, *, actor: str) -> None:
    """Delete *key* for good.

    Raises BackupInUse if the running operation works on it, BackupProtected for
    a safety copy that is still young, BackupNotFound, or StoreFailed.
    """
    token = running_token()
    uses = Q(key=key) | Q(safety_key=key)
    if token and Operation.objects.filter(uses, token=token).exists():
        raise BackupInUse(key)
    store = get_store()
    if until := protected_until(store.require(key)):
        raise BackupProtected(key, until)
    store.delete(key)
    history.record(Operation.Kind.DELETE, key, actor)
