"""A claim: the lease, the history row and the lock file of one operation in hand.

It is made where the operation is asked for and entered where it runs, which
may be another process: the token and the descriptor of the lock are all that
travels.
"""

import logging
import os
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from django.db import Error as DatabaseError
from django.db import connections, router, transaction
from django.utils import timezone

from backups import journal, lease, workspace
from backups.conf import get_settings
from backups.exceptions import (
    BackupError,
    LeaseLost,
    Misconfigured,
    OperationInProgress,
)
from backups.logs import log_event
from backups.models import Operation
from backups.signals import operation_started
from backups.snapshots import get_media
from backups.store import get_store
from backups.texts import Text
from backups.texts import gettext_noop as _

from . import history, places
from .recover import recover

logger = logging.getLogger(__name__)

MAX_NOTES = 100

TICK = 1.0
"""Seconds between two looks at the progress and the lease."""


class Claim:
    """The right to run one operation; a context manager around its work.

    Leaving it settles everything: the outcome in the history, the lease, the
    operation's folder, the signal. Nothing else does.
    """

    def __init__(self, operation: Operation, lock: int) -> None:
        self.operation = operation
        self.lock = lock
        self._lost = False
        self._stop = threading.Event()
        self._beat = threading.Thread(target=self._keep_alive, daemon=True)
        self._progress: dict[str, Any] = {
            "phase": "",
            "bytes_done": 0,
            "bytes_total": 0,
            "phases": [],
            "contents": {},
        }

    @property
    def token(self) -> uuid.UUID:
        return self.operation.token

    @property
    def folder(self) -> Path:
        """The operation's own folder in the workspace, deleted at the end."""
        return workspace.operation_folder(self.token)

    @property
    def bytes_done(self) -> int:
        """Bytes that the work has advanced by so far."""
        done: int = self._progress["bytes_done"]
        return done

    @property
    def progress(self) -> dict[str, Any]:
        """The fields of ``Operation`` that tell how far the work is."""
        return dict(self._progress)

    @classmethod
    def make(
        cls,
        kind: Operation.Kind,
        choose_key: Callable[[], str],
        actor: str,
        *,
        safety_key: str = "",
    ) -> Self:
        """Take the lease for a new operation.

        *choose_key* is called once the lease is held, so that of two operations
        the second knows what the first has stored. Raises OperationInProgress
        if another one runs, RecoveryFailed if an interrupted restore can't be
        settled, Misconfigured or SnapshotFailed where it could not work at all.
        """
        require_no_transaction()
        places.require_apart()
        workspace.require_owner()
        recover()
        token = uuid.uuid4()
        lock = workspace.open_operation(token)
        try:
            operation = take_over(token, kind, choose_key, actor, safety_key)
        except DatabaseError:
            # Perhaps the lease could not be released, where the disk is full. The
            # folder, which nobody locks any more, shows that its holder is dead.
            os.close(lock)
            raise
        except BaseException:
            workspace.remove_operation(token, lock)
            raise
        log_event(logger, token, "claimed", kind=kind, key=operation.key, actor=actor)
        operation_started.send_robust(sender=Operation, operation=operation)
        return cls(operation, lock)

    @classmethod
    def adopt(cls, token: uuid.UUID, lock: int) -> Self:
        """Return the claim that another process made and handed over."""
        # Nothing that is started from here may keep the lock beyond this process.
        os.set_inheritable(lock, False)
        log_event(logger, token, "adopted", pid=os.getpid())
        return cls(Operation.objects.get(token=token), lock)

    def hand_over(self) -> None:
        """Forget a claim that another process has adopted."""
        os.close(self.lock)

    def __enter__(self) -> Self:
        self._beat.start()
        try:
            self._sweep_leftovers()
        except Exception:
            # The work can do without the space; what is in the way will tell.
            logger.exception("What dead operations left could not be removed.")
        return self

    def __exit__(
        self, kind: object, error: BaseException | None, traceback: object
    ) -> None:
        self._stop.set()
        self._beat.join()
        if error and not isinstance(error, BackupError):
            log_event(
                logger, self.token, "crashed", level=logging.ERROR, exception=error
            )
        is_settled = False
        try:
            # While the journal names it, the outcome is for the recovery to say.
            if not journal.names(self.token):
                self._settle(error)
                is_settled = True
        except DatabaseError as failure:
            # The next claim finds that this one is dead, and settles it.
            log_event(
                logger, self.token, "unsettled", level=logging.ERROR, exception=failure
            )
        finally:
            # The folder shows that it is dead, and holds what a journal needs.
            if is_settled:
                workspace.remove_operation(self.token, self.lock)
            else:
                os.close(self.lock)

    def _sweep_leftovers(self) -> None:
        """Remove what dead operations left behind; only the holder may do that."""
        if journal.exists():
            return  # Somebody else's commit needs what it has put aside.
        for dead in workspace.sweep():
            log_event(logger, dead, "swept")
        get_store().sweep()
        # That may have taken long, and whoever holds the lease now stages there.
        if (media := get_media()) and lease.renew(self.token):
            media.sweep(keep=workspace.living())

    def _settle(self, error: BaseException | None) -> None:
        # At once: who sees the outcome may start the next operation.
        with transaction.atomic(using=router.db_for_write(Operation)):
            if error:
                history.conclude(self.token, Operation.State.FAILED, words_for(error))
            else:
                self.publish_progress()
                history.conclude(self.token, Operation.State.SUCCEEDED)
            lease.release(self.token)
        history.announce(self.token)

    def report(
        self, *, phase: str = "", total: int | None = None, done: int | None = None
    ) -> None:
        """Tell how far the work is; costs nothing, a thread stores it."""
        if phase and phase != self._progress["phase"]:
            self._progress["phase"] = phase
            # Lists that were stored are not changed: another thread stores them.
            begun = [phase, timezone.now().isoformat()]
            self._progress["phases"] = [*self._progress["phases"], begun]
            log_event(logger, self.token, "phase", phase=phase)
        if total is not None:
            self._progress["bytes_total"] = total
        if done is not None:
            self._progress["bytes_done"] = done

    def describe_contents(self, *, databases: int, files: int, file_bytes: int) -> None:
        """Tell what the archive that was made holds; see ``Operation.contents``."""
        self._progress["contents"] = {
            "databases": databases,
            "files": files,
            "file_bytes": file_bytes,
        }

    def advance(self, count: int) -> None:
        """Add *count* bytes to what is done."""
        self._progress["bytes_done"] += count

    def publish_progress(self) -> None:
        """Store the progress now, for those who wait for a phase."""
        Operation.objects.filter(
            token=self.token, state=Operation.State.RUNNING
        ).update(**self._progress)

    def note(self, notes: list[Text]) -> None:
        """Add remarks about the work to the history, as far as there is room.

        Of too many the last says how many more there were.
        """
        room = MAX_NOTES - len(self.operation.notes)
        if notes and room > 0:
            if (rest := len(notes) - room) > 0:
                words = _("%(count)s more remarks like these")
                notes = [*notes[: room - 1], Text(words, count=rest + 1)]
            self.operation.notes += [note.as_json() for note in notes]
            self.operation.save(update_fields=["notes"])

    def require_held(self) -> None:
        """Raise LeaseLost unless the lease is still held, and put its end off.

        To be called before every step that can't be undone.
        """
        if self._lost or not lease.renew(self.token):
            raise LeaseLost

    def _keep_alive(self) -> None:
        """Renew the lease and store the progress until the work ends."""
        ttl = get_settings().LEASE_TTL
        renewed = time.monotonic()
        stored = dict(self._progress)
        try:
            while not self._stop.wait(min(TICK, ttl / 4)):
                try:
                    if time.monotonic() - renewed > ttl / 4:
                        self._lost = self._lost or not lease.renew(self.token)
                        renewed = time.monotonic()
                    if stored != self._progress:
                        stored = dict(self._progress)
                        self.publish_progress()
                except DatabaseError as error:
                    # The commit of a restore keeps the database locked.
                    logger.warning("The lease could not be renewed: %s", error)
        finally:
            connections.close_all()


def take_over(
    token: uuid.UUID,
    kind: Operation.Kind,
    choose_key: Callable[[], str],
    actor: str,
    safety_key: str,
) -> Operation:
    """Take the lease and open the history row, or leave both as they were."""
    take_lease(token)
    try:
        # A restore shows its journal and then looks at its lease. This is the
        # opposite order, so that one of the two sees the other.
        recover()
        key = choose_key()
        # To ask a storage may take long; what follows is for the holder alone.
        if not lease.renew(token):
            raise LeaseLost
        return history.begin(token, kind, key, actor, safety_key)
    except BaseException:
        lease.release(token)
        raise


def take_lease(token: uuid.UUID) -> None:
    """Take the lease, from a dead holder too, or raise OperationInProgress."""
    if lease.acquire(token):
        return
    holder = lease.holder()
    if holder and workspace.is_dead(holder) and lease.acquire(token, dead=holder):
        return
    raise OperationInProgress


def require_no_transaction() -> None:
    """Refuse to work where nobody else could see the lease."""
    if connections[router.db_for_write(Operation)].in_atomic_block:
        raise Misconfigured(_("A backup can't be part of a database transaction."))


def words_for(error: BaseException) -> Text:
    """Return the cause in words that hold no path and no secret."""
    if isinstance(error, BackupError):
        return error.text
    if isinstance(error, OSError) and error.strerror:
        return Text(_("The system refused: %(why)s."), why=error.strerror)
    return Text(
        _("Unexpected error (%(name)s); the log has the details."),
        name=type(error).__name__,
    )
