"""All backups with what the history knows of them, for lists that people read."""

import datetime
import enum
from operator import attrgetter
from typing import NamedTuple

from backups.models import Operation
from backups.names import is_automatic
from backups.store import Stored, get_store
from backups.texts import Text

from . import history
from .read import end_of_protection

Kind = Operation.Kind
NO_FLAW = Text("")


class Origin(enum.StrEnum):
    """Where a backup came from."""

    MANUAL = "manual"
    AUTOMATIC = "automatic"
    SAFETY = "safety"
    UPLOADED = "uploaded"
    UNKNOWN = "unknown"


class BackupInfo(NamedTuple):
    """One stored backup: its file, and what the history says."""

    key: str
    size: int
    modified: datetime.datetime
    origin: Origin
    verified: datetime.datetime | None
    """When it was proven last; None if never, or if the last proof failed."""

    flaw: Text
    """Why the last proof failed; "" if it did not."""

    protected_until: datetime.datetime | None
    begun: datetime.datetime | None
    """When its making on this site began; None if it was not made here."""

    contents: dict[str, int]
    """How many ``databases`` and ``files`` it holds; {} where that is not known."""


def describe_backups() -> list[BackupInfo]:
    """Return every stored backup, newest first. Raises StoreFailed."""
    past = read_history()
    found = [describe(item, past) for item in get_store().list()]
    return sorted(found, key=lambda info: (info.modified, info.key), reverse=True)


def describe_backup(found: Stored) -> BackupInfo:
    """Return one of them, which ``find_backup`` found."""
    return describe(found, read_history(key=found.key))


def last_good_backup(found: list[BackupInfo]) -> Operation | None:
    """Return the newest making of one of the backups *found* that has no flaw."""
    good = [info for info in found if info.begun and not info.flaw]
    if not good:
        return None
    newest = max(good, key=attrgetter("begun"))
    makings = Operation.objects.filter(kind=Kind.CREATE, key=newest.key)
    return makings.order_by("-started").first()


class Past(NamedTuple):
    """The last operations of each key."""

    makings: dict[str, history.Making]
    proofs: dict[str, history.Proof]
    safety: dict[str, dict[str, int]]


def read_history(**wanted: str) -> Past:
    """Read what the history has on backups, or on the *wanted* key, in three queries."""
    return Past(
        history.last_makings(**wanted),
        history.last_proofs(**wanted),
        history.safety_copies(),
    )


def describe(item: Stored, past: Past) -> BackupInfo:
    proof = past.proofs.get(item.key)
    is_sound = proof is not None and proof.state == Operation.State.SUCCEEDED
    making = past.makings.get(item.key)
    is_ours = making is not None and making.kind == Kind.CREATE
    return BackupInfo(
        item.key,
        item.size,
        item.modified,
        origin=find_origin(item.key, past),
        verified=proof.finished if proof and is_sound else None,
        flaw=Text.from_json(proof.cause or proof.error) if proof else NO_FLAW,
        protected_until=end_of_protection(item) if item.key in past.safety else None,
        begun=making.started if making and is_ours else None,
        contents=making.contents if making else past.safety.get(item.key, {}),
    )


def find_origin(key: str, past: Past) -> Origin:
    if key in past.safety:
        return Origin.SAFETY
    making = past.makings.get(key)
    match making and making.kind:
        case Kind.CREATE:
            return Origin.AUTOMATIC if is_automatic(key) else Origin.MANUAL
        case Kind.UPLOAD:
            return Origin.UPLOADED
    return Origin.UNKNOWN
