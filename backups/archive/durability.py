"""Makes what was extracted survive a power cut."""

import ctypes
import functools
import os
from collections.abc import Callable
from pathlib import Path


def sync_tree(folder: Path) -> None:
    """Return when everything below `folder` is on the disk.

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
    """Fsync one file or folder."""
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
