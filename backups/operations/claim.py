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
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from django.db import Error as DatabaseError
from django.db import connection
from django.utils import timezone

from backups import journal, lease, workspace
from backups.conf import get_settings
from backups.exceptions import BackupError, LeaseLost, OperationInProgress
from backups.models import Operation
from backups.signals import operation_finished, operation_started
from backups.snapshots import get_media
from backups.store import get_store

from .recover import recover

logger = logging.getLogger(__name__)

INTERRUPTED = "The process that ran it ended before it was done."
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
        }

    @property
    def token(self) -> uuid.UUID:
        return self.operation.token

    @property
    def folder(self) -> Path:
        """The operation's own folder in the workspace, deleted at the end."""
        return workspace.operation_folder(self.token)

    @property
    def progress(self) -> dict[str, Any]:
        """The present ``phase``, ``bytes_done`` and ``bytes_total``."""
        return dict(self._progress)

    @classmethod
    def make(cls, kind: Operation.Kind, key: str, actor: str) -> Self:
        """Take the lease for a new operation.

        Raises OperationInProgress if another one runs, or RecoveryFailed if an
        interrupted restore can't be settled.
        """
        recover()
        token = uuid.uuid4()
        lock = workspace.open_operation(token)
        try:
            take_lease(token)
            try:
                # A restore shows its journal and then looks at its lease. This
                # is the opposite order, so that one of the two sees the other.
                if journal.exists():
                    raise OperationInProgress
                operation = start_history(token, kind, key, actor)
            except BaseException:
                lease.release(token)
                raise
        except BaseException:
            workspace.remove_operation(token, lock)
            raise
        operation_started.send_robust(sender=Operation, operation=operation)
        return cls(operation, lock)

    @classmethod
    def adopt(cls, token: uuid.UUID, lock: int) -> Self:
        """Return the claim that another process made and handed over."""
        return cls(Operation.objects.get(token=token), lock)

    def hand_over(self) -> None:
        """Forget a claim that another process has adopted."""
        os.close(self.lock)

    def __enter__(self) -> Self:
        sweep_leftovers(self.token)
        self._beat.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop.set()
        if self._beat.is_alive():
            self._beat.join()
        if error and not isinstance(error, BackupError):
            logger.error("Operation %s failed.", self.token, exc_info=error)
        try:
            settle(self.token, describe(error) if error else "", self._progress)
        finally:
            lease.release(self.token)
            # What a journal refers to is needed by the recovery.
            if journal.exists():
                os.close(self.lock)
            else:
                workspace.remove_operation(self.token, self.lock)

    def report(
        self, *, phase: str = "", total: int | None = None, done: int | None = None
    ) -> None:
        """Tell how far the work is; costs nothing, a thread stores it."""
        if phase:
            self._progress["phase"] = phase
        if total is not None:
            self._progress["bytes_total"] = total
        if done is not None:
            self._progress["bytes_done"] = done

    def advance(self, count: int) -> None:
        """Add *count* bytes to what is done."""
        self._progress["bytes_done"] += count

    def publish_progress(self) -> None:
        """Store the progress now, for those who wait for a phase."""
        Operation.objects.filter(
            token=self.token, state=Operation.State.RUNNING
        ).update(**self._progress)

    def note(self, notes: list[str]) -> None:
        """Keep remarks about the work in the history."""
        Operation.objects.filter(token=self.token).update(notes=notes)

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
            connection.close()


def take_lease(token: uuid.UUID) -> None:
    """Take the lease, from a dead holder too, or raise OperationInProgress."""
    if lease.acquire(token):
        return
    holder = lease.holder()
    if holder and workspace.is_dead(holder) and lease.acquire(token, dead=holder):
        return
    raise OperationInProgress


def start_history(
    token: uuid.UUID, kind: Operation.Kind, key: str, actor: str
) -> Operation:
    """Close the rows of operations that died, and open this one's."""
    now = timezone.now()
    # Whoever holds the lease knows that nobody else is at work.
    Operation.objects.filter(state=Operation.State.RUNNING).exclude(token=token).update(
        state=Operation.State.FAILED, finished=now, error=INTERRUPTED
    )
    return Operation.objects.create(
        token=token, kind=kind, key=key, actor=actor, started=now
    )


def settle(token: uuid.UUID, error: str, progress: dict[str, object]) -> None:
    """Write the outcome into the history and tell who listens.

    The row is looked up again: after a restore it lies in another database
    file than the one it was read from.
    """
    state = Operation.State.FAILED if error else Operation.State.SUCCEEDED
    Operation.objects.filter(token=token).update(
        **{**progress, "phase": ""},
        state=state,
        error=error,
        finished=timezone.now(),
    )
    if operation := Operation.objects.filter(token=token).first():
        operation_finished.send_robust(sender=Operation, operation=operation)


def describe(error: BaseException) -> str:
    """Return the cause in words that hold no path and no secret."""
    if isinstance(error, BackupError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"The system refused: {error.strerror}."
    return f"Unexpected error ({type(error).__name__}); the log has the details."


def sweep_leftovers(token: uuid.UUID) -> None:
    """Remove what dead operations left behind; only the holder may do that."""
    for dead in workspace.sweep():
        logger.info("Removed what operation %s had left behind.", dead)
    get_store().sweep()
    if media := get_media():
        media.sweep(keep={token})
