"""Is there room for a restore? How much it takes, where, and how much is free."""

import os
from pathlib import Path

from backups.exceptions import RestoreRefused
from backups.snapshots import MediaTree, get_snapshotters
from backups.texts import Text
from backups.texts import gettext_noop as _

from .fit import DatabaseEntry

Need = tuple[Path, int]
"""A folder, which need not exist yet, and bytes that are to be written there."""


def find_needs(
    total: int,
    entries: dict[str, DatabaseEntry],
    media: MediaTree | None,
    folder: Path,
) -> list[Need]:
    """Return where the restore of *total* bytes takes how many of them.

    *folder* is its place in the workspace.

    A database needs room for the staged copy, for a copy of what it replaces,
    and for the journal or log that grows beside the live file.
    """
    databases = sum(entry.size for entry in entries.values())
    needs = [(folder, databases)]
    for alias, snapshotter in get_snapshotters().items():
        needs.append((folder, snapshotter.size()))
        needs += [(path.parent, entries[alias].size) for path in snapshotter.places()]
    if media:
        needs.append((media.root, total - databases))
    return needs


def require_free(needs: list[Need]) -> None:
    """Raise RestoreRefused for what would fill a disk."""
    needed, free = tightest(needs)
    if needed > free:
        reason = too_little_space(needed, free)
        raise RestoreRefused(reason.message, **reason.params)


def tightest(needs: list[Need]) -> tuple[int, int]:
    """Return needed and free bytes of the disk that has the least to spare."""
    pairs = []
    for path, needed in sum_by_disk(needs):
        status = os.statvfs(path)
        pairs.append((needed, status.f_bavail * status.f_frsize))
    return min(pairs, key=lambda pair: pair[1] - pair[0])


def too_little_space(needed: int, free: int) -> Text:
    return Text(
        _(
            "There is not enough free space to restore this archive: it needs about"
            " %(needed)s MB and %(free)s MB are free."
        ),
        needed=needed >> 20,
        free=free >> 20,
    )


def sum_by_disk(needs: list[Need]) -> list[Need]:
    """Add up what is needed on each disk; the path is one on that disk."""
    disks: dict[int, tuple[Path, int]] = {}
    for place, needed in needs:
        path = existing(place)
        disk = path.stat().st_dev
        disks[disk] = (path, disks.get(disk, (path, 0))[1] + needed)
    return list(disks.values())


def existing(path: Path) -> Path:
    """Return *path*, or the nearest folder above it that exists."""
    while not path.exists():
        path = path.parent
    return path
