"""The Python API of the app: what its doors, and your code, may call."""

from .automatic import claim_automatic
from .claim import Claim, words_for
from .create import claim_create, create_backup
from .delete import delete_backup
from .fit import parse_databases
from .overview import (
    BackupInfo,
    Origin,
    describe_backup,
    describe_backups,
    last_good_backup,
)
from .places import find_conflicts
from .preview import Preview, preview_restore
from .probe import probe_store
from .prune import Verdict, plan_pruning, prune_backups
from .read import (
    count_contents,
    describe_place,
    find_backup,
    find_misfit,
    find_operation,
    is_idle,
    is_remote,
    last_failure,
    list_backups,
    local_place,
    open_backup,
    read_manifest,
    recent_operations,
    require_idle,
    running_operation,
)
from .recover import recover, recover_if_abandoned, settle_dead
from .restore import COMMITTING, claim_restore, restore_backup
from .run import run_operation
from .stage import migrate_staged
from .undo import claim_undo, find_undoable
from .upload import Upload, upload_backup
from .verify import claim_verify, verify_backup

__all__ = [
    "COMMITTING",
    "BackupInfo",
    "Claim",
    "Origin",
    "Preview",
    "Upload",
    "Verdict",
    "claim_automatic",
    "claim_create",
    "claim_restore",
    "claim_undo",
    "claim_verify",
    "count_contents",
    "create_backup",
    "delete_backup",
    "describe_backup",
    "describe_backups",
    "describe_place",
    "find_backup",
    "find_conflicts",
    "find_misfit",
    "find_operation",
    "find_undoable",
    "is_idle",
    "is_remote",
    "last_failure",
    "last_good_backup",
    "list_backups",
    "local_place",
    "migrate_staged",
    "open_backup",
    "parse_databases",
    "plan_pruning",
    "preview_restore",
    "probe_store",
    "prune_backups",
    "read_manifest",
    "recent_operations",
    "recover",
    "recover_if_abandoned",
    "require_idle",
    "restore_backup",
    "run_operation",
    "running_operation",
    "settle_dead",
    "upload_backup",
    "verify_backup",
    "words_for",
]
