"""Settle a restore whose process died: finish it or undo it, by its journal."""

import contextlib
import logging
import os
import uuid
from collections.abc import Iterable
from pathlib import Path

from django.conf import settings
from django.core.cache import caches
from django.db import Error as DatabaseError
from django.db import connections

from backups import gate, journal, lease, workspace
from backups.conf import get_settings
from backups.exceptions import BackupError, OperationInProgress, RecoveryFailed
from backups.journal import Journal, Step
from backups.logs import log_event
from backups.models import Operation
from backups.snapshots import MediaTree, get_snapshotters
from backups.texts import Text
from backups.texts import gettext_noop as _

from . import history

logger = logging.getLogger(__name__)

UNDONE = Text(_("The restore was interrupted; the site was put back as it was before."))


def recover() -> Operation.State | None:
    """Settle an interrupted restore; return its outcome, or None without one.

    Harmless to call at any time and from several processes at once. Raises
    OperationInProgress while the restore, or another recovery, is at work, and
    RecoveryFailed if it can't be settled now; then the site stays closed.
    """
    found = journal.read()
    if found is None:
        return None
    lock = workspace.lock_dead(found.token, make=True)
    if lock is None:
        raise OperationInProgress
    try:
        outcome = settle_journal(found.token, UNDONE)
        if outcome:
            clean_up(found)
        return outcome
    except (DatabaseError, BackupError, OSError, KeyError) as error:
        log_event(
            logger, found.token, "unsettled", level=logging.ERROR, exception=error
        )
        raise RecoveryFailed(
            _(
                "The interrupted restore can't be settled yet, so the site stays"
                " closed. The log says why."
            )
        ) from error
    finally:
        if journal.names(found.token):
            os.close(lock)
        else:
            workspace.remove_operation(found.token, lock)


def recover_if_abandoned() -> bool:
    """Recover on behalf of a request that found the site closed.

    Returns whether the site is open now.
    """
    try:
        recover()
    except (OperationInProgress, RecoveryFailed):
        return False
    return not journal.exists()


def settle_journal(token: uuid.UUID, cause: Text) -> Operation.State | None:
    """Bring the unfinished commit of *token* to one of its two ends.

    The caller holds the lock of that operation. Opens the site and returns the
    outcome; *cause* is what the history says of a restore that was undone.
    None if the journal is gone or another's: then somebody has settled it.
    Every step may be repeated.
    """
    found = journal.read()
    if found is None or found.token != token:
        return None
    connections.close_all()
    if found.step is Step.MEDIA_IN and history.has_succeeded(token):
        discard_staged(found, keep=())
        finish()
        log_event(logger, token, "completed")
        return Operation.State.SUCCEEDED
    undo(found)
    log_event(logger, token, "undone", level=logging.WARNING)
    try:
        history.conclude(token, Operation.State.FAILED, cause)
    except DatabaseError as refusal:
        # The site is sound and open; the next claim notes it.
        log_event(logger, token, "unrecorded", level=logging.ERROR, exception=refusal)
    return Operation.State.FAILED


def finish() -> None:
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
    discard_staged(found, keep=found.undo.values())
    if found.step is Step.MEDIA_IN:
        if media:
            media.undo_move_in(found.token)
        found = found.advance(Step.MEDIA_OUT)
    if found.step is Step.MEDIA_OUT and media:
        media.undo_move_out(found.token)
    if found.step is not Step.DRAINING:
        snapshotters = get_snapshotters()
        # The others may be such as can't be written at all.
        for alias in found.begun:
            image = Path(found.undo[alias])
            snapshotters[alias].apply(image, get_settings().APPLY_TIMEOUT)
    journal.remove()


def discard_staged(found: Journal, keep: Iterable[str]) -> None:
    """Give back the space of what is not needed any more: the disk may be full."""
    folder = workspace.operation_folder(found.token)
    kept = {Path(image).name for image in keep} | {workspace.LOCK_NAME}
    for path in folder.iterdir():
        if path.name not in kept:
            with contextlib.suppress(OSError):  # It can do without the space.
                path.unlink()


def clean_up(found: Journal) -> None:
    """Remove what a settled restore has left behind, and tell its outcome."""
    if found.media_root:
        MediaTree(Path(found.media_root)).discard(found.token)
    try:
        lease.release(found.token)
        history.announce(found.token)
    except DatabaseError as error:
        log_event(
            logger, found.token, "unreleased", level=logging.ERROR, exception=error
        )


def settle_dead(token: uuid.UUID, cause: Text) -> None:
    """Settle an operation whose process is known to have ended.

    Does nothing if that process settled it itself.
    """
    if recover_if_abandoned() and workspace.is_dead(token):
        history.conclude(token, Operation.State.FAILED, cause)
        lease.release(token)
        history.announce(token)
