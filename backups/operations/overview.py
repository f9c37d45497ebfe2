"""All backups with what the history knows of them, for lists that people read."""

import dataclasses
import datetime
import enum

from backups.models import Operation
from backups.names import is_automatic
from backups.store import Stored, get_store

from .read import end_of_protection

Kind = Operation.Kind


class Origin(enum.StrEnum):
    """Where a backup came from."""

    MANUAL = "manual"
    AUTOMATIC = "automatic"
    SAFETY = "safety"
    UPLOADED = "uploaded"
    UNKNOWN = "unknown"


@dataclasses.dataclass(frozen=True)
class BackupInfo:
    """One stored backup: its file, and what the history says."""

    key: str
    size: int
    modified: datetime.datetime
    origin: Origin
    verified: datetime.datetime | None
    """When it was proven last; None if never, or if the last proof failed."""

    flaw: str
    """Why the last proof failed; "" if it did not."""

    protected_until: datetime.datetime | None


def describe_backups() -> list[BackupInfo]:
    """Return every stored backup, newest first. Raises StoreFailed."""
    past = read_history()
    found = [describe(item, past) for item in get_store().list()]
    return sorted(found, key=lambda info: (info.modified, info.key), reverse=True)


def describe_backup(key: str) -> BackupInfo:
    """Return one of them. Raises BackupNotFound or StoreFailed."""
    return describe(get_store().require(key), read_history())


@dataclasses.dataclass(frozen=True)
class Past:
    """The last operations of each key."""

    origins: dict[str, str]
    safety: set[str]
    proofs: dict[str, tuple[str, datetime.datetime | None, str]]


def read_history() -> Past:
    """Read all that the history has on backups, in three queries."""
    ended = Operation.objects.exclude(state=Operation.State.RUNNING).order_by("started")
    good = ended.filter(state=Operation.State.SUCCEEDED)
    makings = good.filter(kind__in=(Kind.CREATE, Kind.UPLOAD, Kind.DELETE))
    restores = Operation.objects.filter(kind=Kind.RESTORE).exclude(safety_key="")
    proofs = ended.filter(kind=Kind.VERIFY)
    return Past(
        dict(makings.values_list("key", "kind")),
        set(restores.values_list("safety_key", flat=True)),
        {
            key: (state, finished, error)
            for key, state, finished, error in proofs.values_list(
                "key", "state", "finished", "error"
            )
        },
    )


def describe(item: Stored, past: Past) -> BackupInfo:
    state, finished, error = past.proofs.get(item.key, ("", None, ""))
    return BackupInfo(
        *item,
        origin=find_origin(item.key, past),
        verified=finished if state == Operation.State.SUCCEEDED else None,
        flaw=error,
        protected_until=end_of_protection(item) if item.key in past.safety else None,
    )


def find_origin(key: str, past: Past) -> Origin:
    if key in past.safety:
        return Origin.SAFETY
    match past.origins.get(key):
        case Kind.CREATE:
            return Origin.AUTOMATIC if is_automatic(key) else Origin.MANUAL
        case Kind.UPLOAD:
            return Origin.UPLOADED
    return Origin.UNKNOWN
