"""Restore a backup: stage, commit, settle; the site is old or new, never between.

Staging proves the whole archive and leaves the site alone. The commit is short
and journalled; its last step, replacing the database that holds this app's own
tables, is what makes the restore true. Before it everything can be undone.
See docs/restore.md.
"""

import contextlib
import logging

from django.db import Error as DatabaseError

from backups import gate, journal
from backups.conf import get_settings
from backups.durability import sync_path
from backups.exceptions import (
    BackupError,
    NotReplaced,
)
from backups.journal import Journal, Step
from backups.logs import log_event
from backups.models import Operation
from backups.names import SAFETY_PREFIX
from backups.snapshots import (
    get_media,
)
from backups.store import get_store
from backups.texts import Text
from backups.texts import gettext_noop as _

from . import history
from .claim import Claim, words_for
from .create import free_key, write_archive
from .recover import finish, settle_journal
from .stage import Plan, stage

logger = logging.getLogger(__name__)

COMMITTING = "committing"
"""The phase in which the archive is proven and the site is being replaced."""


def claim_restore(key: str, *, actor: str, safety_copy: bool | None = None) -> Claim:
    """Claim the restore of *key*.

    Before it replaces anything, the present state is saved as an ordinary
    backup, unless *safety_copy*, or without it ``BACKUPS["SAFETY_COPY"]``, is
    false. Raises BackupNotFound, StoreFailed, or what ``Claim.make`` raises.
    """
    store = get_store()
    store.require(key)
    wanted = get_settings().SAFETY_COPY if safety_copy is None else safety_copy
    return Claim.make(
        Operation.Kind.RESTORE,
        lambda: key,
        actor,
        safety_key=free_key(store, SAFETY_PREFIX) if wanted else "",
    )


def restore_backup(claim: Claim) -> None:
    """Do what was claimed: replace every database and the media, or nothing.

    Raises InvalidArchive or RestoreRefused before anything is touched, and
    OperationFailed, with the site as it was, if the commit can't be done.
    """
    try:
        with claim:
            plan = stage(claim)
            save_present_state(claim)
            try:
                commit(claim, plan)
            except BaseException:
                if is_undone(claim):
                    drop_safety_copy(claim)
                raise
            for snapshotter, _ in plan.databases:
                snapshotter.tidy()
    finally:
        # The next operation need not wait for the end of many old files.
        media = get_media()
        if media and not journal.names(claim.token):
            media.discard(claim.token)


def save_present_state(claim: Claim) -> None:
    """Make the safety copy, if one is wanted: an ordinary backup."""
    if key := claim.operation.safety_key:
        skipped = write_archive(claim, key, phase="safety copy")
        if skipped:
            words = _("Left out of %(key)s: %(name)s")
            claim.note([Text(words, key=key, name=name) for name in skipped])


def is_undone(claim: Claim) -> bool:
    """Whether all is surely as it was before, so that nothing is left to undo."""
    try:
        return not (journal.names(claim.token) or history.has_succeeded(claim.token))
    except DatabaseError:
        return False


def drop_safety_copy(claim: Claim) -> None:
    if key := claim.operation.safety_key:
        try:
            get_store().delete(key)
        except BackupError as error:
            log_event(
                logger,
                claim.token,
                "safety-copy-stays",
                level=logging.WARNING,
                key=key,
                error=error,
            )


def commit(claim: Claim, plan: Plan) -> None:
    """Replace the live content by the staged one, or leave it as it was."""
    others = [s for s, _ in plan.databases if not s.holds_state]
    with contextlib.ExitStack() as stack:
        claim.report(phase="saving")
        images = {s.alias: claim.folder / f"{s.alias}.undo" for s in others}
        refreshes = [stack.enter_context(s.saved(images[s.alias])) for s in others]
        claim.require_held()
        claim.report(phase=COMMITTING)
        claim.publish_progress()
        record = Journal(
            token=claim.token,
            step=Step.DRAINING,
            undo={alias: str(image) for alias, image in images.items()},
            media_root=str(plan.media.root) if plan.media else None,
        )
        try:
            record.begin()
            with gate.closed(get_settings().DRAIN_TIMEOUT):
                for refresh in refreshes:
                    refresh()
                replace_everything(claim, plan, record)
                finish()
        except BaseException as error:
            log_event(
                logger,
                claim.token,
                "commit-failed",
                level=logging.ERROR,
                exception=error,
            )
            outcome = settle_journal(claim.token, words_for(error))
            # None: what failed was only to make the journal's removal durable.
            if outcome is None and history.has_succeeded(claim.token):
                outcome = Operation.State.SUCCEEDED
            if outcome is not Operation.State.SUCCEEDED:
                raise


def replace_everything(claim: Claim, plan: Plan, record: Journal) -> None:
    """Apply the plan step by step; each step is journalled before it begins."""
    timeout = get_settings().APPLY_TIMEOUT
    claim.require_held()
    for snapshotter, staged in plan.databases:
        snapshotter.carry_state(staged, claim.token)
    sync_names(claim, plan)
    record = record.advance(Step.DATABASES)
    for snapshotter, staged in plan.databases:
        if not snapshotter.holds_state:
            record = record.begin_database(snapshotter.alias)
            try:
                snapshotter.apply(staged, timeout)
            except NotReplaced:
                record.leave_database()
                raise
    record = record.advance(Step.MEDIA_OUT)
    if plan.media:
        plan.media.move_out(claim.token)
    record.advance(Step.MEDIA_IN)
    if plan.media:
        plan.media.move_in(claim.token)
    for snapshotter, staged in plan.databases:
        if snapshotter.holds_state:
            snapshotter.apply(staged, timeout)
    # The restored history says so already, unless it is not part of backups.
    history.conclude(claim.token, Operation.State.SUCCEEDED)


def sync_names(claim: Claim, plan: Plan) -> None:
    """Make the names of all that the journal refers to survive a power cut."""
    sync_path(claim.folder)
    sync_path(claim.folder.parent)
    if plan.media:
        sync_path(plan.media.hidden(claim.token))
        sync_path(plan.media.root)
