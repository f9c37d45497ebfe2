"""The Python API of the app: what its doors, and your code, may call."""

from .claim import Claim
from .create import claim_create, create_backup
from .delete import delete_backup
from .places import find_conflicts
from .read import (
    find_operation,
    is_idle,
    list_backups,
    open_backup,
    recent_operations,
    require_idle,
)
from .recover import recover, recover_if_abandoned, settle_dead
from .restore import COMMITTING, claim_restore, migrate_staged, restore_backup
from .run import run_operation
from .upload import Upload, upload_backup

__all__ = [
    "COMMITTING",
    "Claim",
    "Upload",
    "claim_create",
    "claim_restore",
    "create_backup",
    "delete_backup",
    "find_conflicts",
    "find_operation",
    "is_idle",
    "list_backups",
    "migrate_staged",
    "open_backup",
    "recent_operations",
    "recover",
    "recover_if_abandoned",
    "require_idle",
    "restore_backup",
    "run_operation",
    "settle_dead",
    "upload_backup",
]
