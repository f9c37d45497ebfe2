"""Verify a backup: the same proof that a restore begins with, and nothing else."""

from backups.models import Operation
from backups.store import get_store

from .claim import Claim
from .stage import stage


def claim_verify(key: str, *, actor: str) -> Claim:
    """Claim the verification of *key*.

    Raises BackupNotFound, StoreFailed, or what ``Claim.make`` raises.
    """
    get_store().require(key)
    return Claim.make(Operation.Kind.VERIFY, lambda: key, actor)


def verify_backup(claim: Claim) -> None:
    """Prove that the claimed backup is sound and could be restored here.

    Every byte is read and compared with its digest, every database is opened,
    checked, counted, and migrated if it is older than the code; nothing of the
    site is touched. Raises InvalidArchive, RestoreRefused or StoreFailed.
    """
    with claim:
        stage(claim, for_real=False)
