"""Writes that survive a power cut."""

import ctypes
import functools
import os
import uuid
from collections.abc import Callable
from pathlib import Path

DRAFT_SUFFIX = ".new"
"""Ends the name of a file that is being written."""


def write_durably(path: Path, data: bytes, *, replace: bool = True) -> None:
    """Put *data* into *path*, whole or not at all, also over a power cut.

    Raises FileExistsError if the file is there and *replace* is false.
    """
    draft = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}{DRAFT_SUFFIX}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            os.replace(draft, path)
        else:
            os.link(draft, path)
            draft.unlink()
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    sync_path(path.parent)


def sync_tree(folder: Path) -> None:
    """Return when everything below *folder* is on the disk.

    One call for the whole file system where it has one (Linux), because an
    fsync for each of many small files takes minutes. Raises OSError.
    """
    sync = _find_syncfs()
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        if sync is None or sync(descriptor) != 0:
            _sync_each(folder)
    finally:
        os.close(descriptor)


def _sync_each(folder: Path) -> None:
    for parent, _, names in os.walk(folder, onerror=_raise):
        for name in names:
            sync_path(os.path.join(parent, name))
        sync_path(parent)


def sync_path(path: str | os.PathLike[str]) -> None:
    """Make a file, or the names in a folder, survive a power cut.

    Never for a live SQLite file: closing it drops the locks of this process.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _raise(error: OSError) -> None:
    raise error


@functools.cache
def _find_syncfs() -> Callable[[int], int] | None:
    try:
        sync: Callable[[int], int] = ctypes.CDLL(None).syncfs
    except (OSError, AttributeError, TypeError):
        return None
    return sync
