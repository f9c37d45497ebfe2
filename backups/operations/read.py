"""What can be asked without changing anything."""

import datetime
import uuid
from pathlib import Path
from typing import IO, Any

from django.db.models import QuerySet

from backups import journal, lease, workspace
from backups.archive import ArchiveReader, SeekableSource
from backups.conf import get_settings
from backups.exceptions import BackupError, OperationInProgress
from backups.models import Operation
from backups.names import is_safety_copy
from backups.store import Stored, get_store
from backups.texts import Text

from . import fit, history


def list_backups() -> list[Stored]:
    """Return every stored backup, by key. Raises StoreFailed."""
    return get_store().list()


def find_backup(key: str) -> Stored:
    """Return what is stored under *key*. Raises BackupNotFound or StoreFailed."""
    return get_store().require(key)


def open_backup(found: Stored) -> IO[bytes]:
    """Open a backup, which ``find_backup`` found, for reading.

    Raises BackupNotFound if it is gone since, or StoreFailed.
    """
    return get_store().open(found)


def is_remote() -> bool:
    """Whether archives are kept elsewhere than in a folder of this machine."""
    return get_store().place() is None


def local_place() -> Path | None:
    """Return the folder in which archives are kept; None if they are elsewhere."""
    place = get_store().place()
    while place and not place.exists():
        place = place.parent
    return place


def describe_place() -> str:
    """Return where archives are kept, in a few words for superusers."""
    return get_store().describe()


def read_manifest(found: Stored) -> dict[str, Any]:
    """Return what an archive, which ``find_backup`` found, says about itself.

    Raises what ``open_backup`` raises, or InvalidArchive.
    """
    with (
        open_backup(found) as file,
        ArchiveReader(SeekableSource(file, found.size)) as archive,
    ):
        return archive.manifest


def count_contents(manifest: dict[str, Any]) -> dict[str, int]:
    """Return how many ``databases`` and ``files`` an archive holds, by itself."""
    listed = manifest.get("databases")
    databases = len(listed) if isinstance(listed, dict) else 0
    return {
        "databases": databases,
        "files": max(0, manifest["members"]["count"] - databases),
    }


def find_misfit(manifest: dict[str, Any]) -> Text | None:
    """Return why an archive with that manifest can't be restored here, or None."""
    try:
        fit.require_fit(manifest)
    except BackupError as error:
        return error.text
    return None


def running_token() -> uuid.UUID | None:
    """Return the token of the operation that is at work, or None."""
    holder = lease.holder()
    return None if holder is None or workspace.is_dead(holder) else holder


def protected_until(item: Stored) -> datetime.datetime | None:
    """Return until when a safety copy can't be deleted; None for all others."""
    if is_safety_copy(item.key) and item.key in history.safety_copies():
        return end_of_protection(item)
    return None


def end_of_protection(copy: Stored) -> datetime.datetime | None:
    """Return when the protection of that safety copy ends; None if it has."""
    end = copy.modified + datetime.timedelta(days=get_settings().SAFETY_DAYS)
    return end if end > datetime.datetime.now(datetime.UTC) else None


def running_operation() -> Operation | None:
    """Return the operation that is at work, or None."""
    token = running_token()
    return Operation.objects.filter(token=token).first() if token else None


def last_failure() -> Operation | None:
    """Return the newest operation that failed, or None."""
    return recent_operations().filter(state=Operation.State.FAILED).first()


def is_idle() -> bool:
    """Whether a create or a restore could start now."""
    return running_token() is None and not journal.exists()


def require_idle() -> None:
    """Raise OperationInProgress unless an operation could start now."""
    if not is_idle():
        raise OperationInProgress


def recent_operations() -> QuerySet[Operation]:
    """Return the history, newest first."""
    return Operation.objects.order_by("-started")


def find_operation(token: str) -> Operation | None:
    """Return one row of the history, or None; any text is allowed."""
    try:
        return Operation.objects.filter(token=uuid.UUID(token)).first()
    except ValueError:
        return None
