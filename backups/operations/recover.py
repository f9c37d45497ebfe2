"""Settle a restore whose process died: finish it or undo it, by its journal."""

import logging
import os
import uuid
from pathlib import Path

from django.conf import settings
from django.core.cache import caches
from django.db import Error as DatabaseError
from django.db import connections, router
from django.utils import timezone

from backups import gate, journal, lease, workspace
from backups.conf import get_settings
from backups.exceptions import (
    BackupError,
    OperationInProgress,
    RecoveryFailed,
)
from backups.journal import Journal, Step
from backups.models import Operation
from backups.snapshots import MediaTree, get_snapshotters

logger = logging.getLogger(__name__)

UNDONE = "The restore was interrupted; the site was put back as it was before."


def recover() -> Operation.State | None:
    """Settle an interrupted restore; return its outcome, or None without one.

    Harmless to call at any time and from several processes at once. Raises
    OperationInProgress while the restore, or another recovery, is at work, and
    RecoveryFailed if it can't be settled now; then the site stays closed.
    """
    found = journal.read()
    if found is None:
        return None
    token = found.token
    lock = workspace.lock_dead(token)
    if lock is None:
        raise OperationInProgress
    try:
        # Another recovery may have settled it just before the lock was free.
        found = journal.read()
        if found and found.token != token:
            raise OperationInProgress
        return settle_journal(found) if found else None
    except (DatabaseError, OSError) as error:
        raise RecoveryFailed(
            f"The interrupted restore can't be settled yet ({error}); the site"
            " stays closed until it is."
        ) from error
    finally:
        if journal.exists():
            os.close(lock)
        else:
            workspace.remove_operation(token, lock)


def recover_if_abandoned() -> bool:
    """Recover on behalf of a request that found the site closed.

    Returns whether the site is open now.
    """
    try:
        recover()
    except OperationInProgress:
        return False
    except BackupError:
        logger.exception("The recovery of a restore failed.")
        return False
    return not journal.exists()


def settle_journal(found: Journal) -> Operation.State:
    """Bring an unfinished commit to one of its two ends, and open the site.

    The caller holds the lock of the operation. Every step may be repeated.
    """
    connections.close_all()
    if found.step is Step.MEDIA_IN and is_committed(found.token):
        lease.release(found.token)
        finish(found)
        logger.info("Restore %s was completed by a recovery.", found.token)
        return Operation.State.SUCCEEDED
    undo(found)
    record_undone(found.token)
    logger.warning("Restore %s was undone.", found.token)
    return Operation.State.FAILED


def is_committed(token: uuid.UUID) -> bool:
    """Whether the last database is the restored one: it says so in its history."""
    return Operation.objects.filter(
        token=token, state=Operation.State.SUCCEEDED
    ).exists()


def finish(found: Journal) -> None:
    """After the commit: make everybody forget the old data, and open the site."""
    gate.bump_generation()
    for alias in settings.CACHES:
        try:
            caches[alias].clear()
        except Exception:  # A cache server's client raises what it likes.
            logger.exception("The cache “%s” could not be cleared.", alias)
    journal.remove()


def undo(found: Journal) -> None:
    """Put back what was replaced, in the opposite order, and open the site."""
    media = MediaTree(Path(found.media_root)) if found.media_root else None
    if found.step is Step.MEDIA_IN:
        if media:
            media.undo_move_in(found.token)
        found = found.advance(Step.MEDIA_OUT)
    if found.step is Step.MEDIA_OUT:
        if media:
            media.undo_move_out(found.token)
        found = found.advance(Step.DATABASES)
    if found.step is Step.DATABASES:
        snapshotters = get_snapshotters()
        for alias, image in found.undo.items():
            snapshotters[alias].apply(Path(image), get_settings().APPLY_TIMEOUT)
    journal.remove()


def record_undone(token: uuid.UUID) -> None:
    """Note the outcome; the site is sound already, so a failure is only logged."""
    try:
        close_history(token, UNDONE)
    except DatabaseError:
        logger.exception("The outcome of restore %s could not be recorded.", token)


def settle_dead(token: uuid.UUID, error: str) -> None:
    """Settle an operation whose process is known to have ended.

    Does nothing if that process settled it itself.
    """
    recover_if_abandoned()
    if workspace.is_dead(token) or not workspace.operation_folder(token).exists():
        close_history(token, error)


def close_history(token: uuid.UUID, error: str) -> None:
    Operation.objects.filter(token=token, state=Operation.State.RUNNING).update(
        state=Operation.State.FAILED, phase="", error=error, finished=timezone.now()
    )
    lease.release(token)


def state_alias() -> str:
    """Return the alias of the database that holds this app's own tables."""
    return router.db_for_write(Operation)
