"""Writes that survive a power cut."""

import os
import uuid
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
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make names created, renamed or removed in *folder* survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
