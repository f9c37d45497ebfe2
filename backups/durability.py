"""Writes that survive a power cut."""

import os
import uuid
from pathlib import Path


def write_durably(path: Path, data: bytes) -> None:
    """Replace *path* with *data*, whole or not at all, also over a power cut."""
    draft = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
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
