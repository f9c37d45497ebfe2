"""Run a claimed operation of any kind."""

from collections.abc import Callable

from backups.models import Operation

from .claim import Claim
from .create import create_backup
from .restore import restore_backup
from .verify import verify_backup

WORK: dict[str, Callable[[Claim], object]] = {
    Operation.Kind.CREATE: create_backup,
    Operation.Kind.RESTORE: restore_backup,
    Operation.Kind.VERIFY: verify_backup,
}


def run_operation(claim: Claim) -> None:
    """Do the work that was claimed, in this process, to its end."""
    WORK[claim.operation.kind](claim)
