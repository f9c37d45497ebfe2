"""Undo a restore: restore the safety copy that it made."""

import uuid

from backups.exceptions import NothingToUndo
from backups.models import Operation
from backups.texts import gettext_noop as _

from .claim import Claim
from .restore import claim_restore


def claim_undo(token: uuid.UUID | None = None, *, actor: str) -> Claim:
    """Claim the undoing of the restore *token*, or of the last one that succeeded.

    It is a restore like any other, with a safety copy of its own, so that it can
    be undone as well. Raises NothingToUndo, or what ``claim_restore`` raises.
    """
    return claim_restore(find_undoable(token).safety_key, actor=actor)


def find_undoable(token: uuid.UUID | None = None) -> Operation:
    """Return that restore, or the last one, if it can be undone; or NothingToUndo."""
    restores = Operation.objects.filter(
        kind=Operation.Kind.RESTORE, state=Operation.State.SUCCEEDED
    )
    if token:
        restores = restores.filter(token=token)
    undone = restores.order_by("-started").first()
    if undone is None:
        raise NothingToUndo(_("There is no such restore that could be undone."))
    if not undone.safety_key:
        raise NothingToUndo(_("That restore was made without a safety copy."))
    return undone
