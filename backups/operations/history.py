"""The history of operations: how a row is opened, and closed exactly once."""

import datetime
import logging
import uuid
from typing import Any, NamedTuple, TypeVar

from django.db import Error as DatabaseError
from django.db.models import QuerySet
from django.utils import timezone

from backups.logs import log_event
from backups.models import Operation
from backups.signals import operation_finished
from backups.texts import Text
from backups.texts import gettext_noop as _

logger = logging.getLogger(__name__)
Row = TypeVar("Row", "Making", "Proof")

INTERRUPTED = Text(_("The process that ran it ended before it was done."))
KEPT = 10_000
"""Rows of the history; older ones are deleted."""


def begin(
    token: uuid.UUID, kind: Operation.Kind, key: str, actor: str, safety_key: str
) -> Operation:
    """Open the row of a new operation, and close those of operations that died.

    Only the holder of the lease may call this: it knows that nobody else works.
    """
    running = Operation.objects.filter(state=Operation.State.RUNNING)
    for dead in running.values_list("token", flat=True):
        if conclude(dead, Operation.State.FAILED, INTERRUPTED):
            announce(dead)
    _trim()
    return Operation.objects.create(
        token=token,
        kind=kind,
        key=key,
        actor=actor,
        safety_key=safety_key,
        started=timezone.now(),
    )


def record(
    kind: Operation.Kind,
    key: str,
    actor: str,
    *,
    cause: Text | None = None,
    contents: dict[str, int] | None = None,
) -> None:
    """Add what is over already: something short, or what could not even begin.

    It is done whatever happens here, so a database that refuses is only logged.
    """
    now = timezone.now()
    state = Operation.State.FAILED if cause else Operation.State.SUCCEEDED
    operation = Operation(
        kind=kind,
        key=key,
        state=state,
        actor=actor,
        error=str(cause or ""),
        cause=cause.as_json() if cause else {},
        contents=contents or {},
        started=now,
        finished=now,
    )
    try:
        operation.save(force_insert=True)
        announce(operation.token)
    except DatabaseError as refusal:
        log_event(
            logger,
            operation.token,
            "unrecorded",
            level=logging.ERROR,
            exception=refusal,
            kind=kind,
            key=key,
        )


def conclude(
    token: uuid.UUID, state: Operation.State, cause: Text | None = None
) -> bool:
    """Write the outcome into a running row; return whether it was running.

    A row that has its outcome keeps it: the “succeeded” of a restore, which
    came with the restored database, is what makes that restore true.
    """
    running = Operation.objects.filter(token=token, state=Operation.State.RUNNING)
    return bool(
        running.update(
            state=state,
            phase="",
            error=str(cause or ""),
            cause=cause.as_json() if cause else {},
            finished=timezone.now(),
        )
    )


def announce(token: uuid.UUID) -> None:
    """Tell those who watch that the operation has its outcome."""
    if operation := Operation.objects.filter(token=token).first():
        log_outcome(operation)
        operation_finished.send_robust(sender=Operation, operation=operation)


def has_succeeded(token: uuid.UUID) -> bool:
    """Whether the live history says that the operation succeeded."""
    return Operation.objects.filter(
        token=token, state=Operation.State.SUCCEEDED
    ).exists()


def log_outcome(operation: Operation) -> None:
    taken = (operation.finished or operation.started) - operation.started
    is_failure = operation.state == Operation.State.FAILED
    log_event(
        logger,
        operation.token,
        operation.state,
        level=logging.ERROR if is_failure else logging.INFO,
        kind=operation.kind,
        key=operation.key,
        actor=operation.actor,
        seconds=f"{taken.total_seconds():.1f}",
        bytes=operation.bytes_done,
        error=operation.error,
    )


class Making(NamedTuple):
    """What last made, took in or deleted a backup."""

    key: str
    started: datetime.datetime
    kind: str
    contents: dict[str, int]


class Proof(NamedTuple):
    """The last verification of a backup that has ended."""

    key: str
    state: str
    finished: datetime.datetime
    error: str
    cause: dict[str, Any]


class Files(NamedTuple):
    """How many files and empty folders a backup has, and their bytes."""

    number: int
    bytes: int


def last_files() -> Files | None:
    """Return what the newest backup that was made here has of files; None if none."""
    made = Operation.objects.filter(
        kind=Operation.Kind.CREATE,
        state=Operation.State.SUCCEEDED,
        contents__has_key="file_bytes",
    )
    contents = made.order_by("-started").values_list("contents", flat=True).first()
    if not contents or not contents["files"]:
        return None
    return Files(contents["files"], contents["file_bytes"])


def last_makings(**wanted: str) -> dict[str, Making]:
    """Return what last made, took in or deleted the backup of each *wanted* key."""
    kinds = (Operation.Kind.CREATE, Operation.Kind.UPLOAD, Operation.Kind.DELETE)
    rows = Operation.objects.filter(state=Operation.State.SUCCEEDED, kind__in=kinds)
    return _last_of_each(rows.filter(**wanted), Making)


def last_proofs(**wanted: str) -> dict[str, Proof]:
    """Return the last verification of each *wanted* key that has ended."""
    rows = Operation.objects.filter(kind=Operation.Kind.VERIFY)
    ended = rows.exclude(state=Operation.State.RUNNING).filter(**wanted)
    return _last_of_each(ended, Proof)


def _last_of_each(rows: QuerySet[Operation], kind: type[Row]) -> dict[str, Row]:
    # Thousands of rows as models would take more time than all the rest.
    wanted = rows.order_by("started").values_list(*kind._fields)
    return {found[0]: kind(*found) for found in wanted.iterator()}


def safety_copies() -> dict[str, dict[str, int]]:
    """Return the keys that restores gave to what they replaced, with its contents."""
    rows = Operation.objects.filter(kind=Operation.Kind.RESTORE).exclude(safety_key="")
    return dict(rows.values_list("safety_key", "contents"))


def _trim() -> None:
    oldest_kept = Operation.objects.order_by("-started")[KEPT - 1 : KEPT].first()
    if oldest_kept:
        Operation.objects.filter(started__lt=oldest_kept.started).delete()
