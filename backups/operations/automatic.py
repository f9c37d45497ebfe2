"""Backups that nobody asked for at that moment: claimed by the schedule."""

from django.db import Error as DatabaseError

from backups.exceptions import BackupError, OperationInProgress
from backups.models import Operation
from backups.names import AUTOMATIC_PREFIX

from . import history
from .claim import Claim, words_for
from .create import claim_create


def claim_automatic(*, actor: str) -> Claim:
    """Claim an automatic backup.

    Raises what ``claim_create`` raises. Every error but OperationInProgress is
    in the history then: nobody waits for this backup, so somebody must be told.
    """
    try:
        return claim_create(prefix=AUTOMATIC_PREFIX, actor=actor)
    except OperationInProgress:
        raise
    except (BackupError, DatabaseError, OSError) as error:
        kind = Operation.Kind.CREATE
        history.record(kind, AUTOMATIC_PREFIX, actor, cause=words_for(error))
        raise
