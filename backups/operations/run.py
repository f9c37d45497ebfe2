"""Run a claimed operation of any kind."""

from backups.models import Operation

from .claim import Claim
from .create import create_backup
from .restore import restore_backup


def run_operation(claim: Claim) -> None:
    """Do the work that was claimed, in this process, to its end."""
    if claim.operation.kind == Operation.Kind.CREATE:
        create_backup(claim)
    else:
        restore_backup(claim)
