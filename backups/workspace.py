"""The private local folder: a folder and a lock for each operation.

The lock file of an operation is flocked from before its folder appears until
its process ends, however that happens, so "can be locked" means "is dead".
"""

import fcntl
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from backups.texts import gettext_noop as _

from .conf import get_settings
from .durability import DRAFT_SUFFIX
from .exceptions import Misconfigured

LOCK_NAME = "lock"
DRAFT_LIFETIME = 60
"""Seconds; what is prepared under another name takes its own in milliseconds."""


def root() -> Path:
    """Return the workspace, made with mode 0700 if it is not there."""
    path = get_settings().workspace
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def require_owner() -> None:
    """Raise Misconfigured if the workspace belongs to another user.

    Files that one user makes here would lock the other out of its own site.
    """
    if root().stat().st_uid != os.geteuid():
        raise Misconfigured(
            _(
                "The workspace belongs to another user; run this as the user that the"
                " site runs as."
            )
        )


def operation_folder(token: uuid.UUID) -> Path:
    """Return the folder of that operation; it may not exist (any more)."""
    return root() / "operations" / str(token)


def open_operation(token: uuid.UUID) -> int:
    """Make the folder of a new operation and return the descriptor of its lock.

    The folder is prepared under another name and renamed once it is locked, so
    nobody ever finds it unlocked while its process lives.
    """
    folder = operation_folder(token)
    draft = folder.with_name(f"new-{token}")
    draft.mkdir(mode=0o700, parents=True)
    descriptor = os.open(draft / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    draft.rename(folder)
    return descriptor


def lock_dead(token: uuid.UUID, *, make: bool = False) -> int | None:
    """Lock the operation if its process is dead; return the descriptor or None.

    With *make*, an operation whose folder is gone counts as dead for the one
    who makes the folder anew, so that two callers never both succeed.
    """
    folder = operation_folder(token)
    try:
        if make:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_RDWR | (os.O_CREAT if make else 0)
        descriptor = os.open(folder / LOCK_NAME, flags, 0o600)
    except (FileNotFoundError, FileExistsError):
        return None  # Not here, or being removed this instant.
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    if not is_current(descriptor, folder / LOCK_NAME):
        os.close(descriptor)
        return None
    return descriptor


def is_current(descriptor: int, path: Path) -> bool:
    """Whether *path* still names the file that *descriptor* has open."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


def is_dead(token: uuid.UUID) -> bool:
    """Whether the operation ran on this machine and its process is gone.

    False where its folder is not here: it may run on another host.
    """
    if (descriptor := lock_dead(token)) is None:
        return False
    os.close(descriptor)
    return True


def living() -> set[uuid.UUID]:
    """Return the operations of this machine whose processes may be alive."""
    found = set()
    for folder in (root() / "operations").glob("*"):
        try:
            token = uuid.UUID(folder.name.removeprefix("new-"))
        except ValueError:
            continue  # Not ours.
        if not is_dead(token):
            found.add(token)
    return found


def remove_operation(token: uuid.UUID, descriptor: int) -> None:
    """Delete the folder of an operation whose lock is held, then unlock it."""
    shutil.rmtree(operation_folder(token), ignore_errors=True)
    os.close(descriptor)


def sweep() -> Iterator[uuid.UUID]:
    """Delete the folders of dead operations; yield the token of each."""
    for draft in root().glob(f"*{DRAFT_SUFFIX}"):
        sweep_draft(draft)
    folder = root() / "operations"
    if not folder.is_dir():
        return
    for entry in folder.iterdir():
        try:
            token = uuid.UUID(entry.name.removeprefix("new-"))
        except ValueError:
            continue  # Not ours.
        if entry.name.startswith("new-"):
            sweep_draft(entry)
        # Made if missing: its remover may have died after deleting the lock.
        elif (descriptor := lock_dead(token, make=True)) is not None:
            remove_operation(token, descriptor)
            yield token


def sweep_draft(draft: Path) -> None:
    """Delete a file or folder whose maker died before it took its name."""
    try:
        age = time.time() - draft.stat().st_mtime
    except FileNotFoundError:
        return  # Renamed this instant.
    if age <= DRAFT_LIFETIME:
        return
    if draft.is_dir():
        shutil.rmtree(draft, ignore_errors=True)
    else:
        draft.unlink(missing_ok=True)
