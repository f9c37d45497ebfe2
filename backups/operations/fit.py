"""Does an archive fit this site? Every reason to refuse a restore is here."""

import dataclasses
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.db import connections
from django.db.migrations.loader import MigrationLoader

from backups.conf import get_settings
from backups.exceptions import InvalidArchive, RestoreRefused
from backups.models import Operation
from backups.snapshots import DatabaseSnapshotter, MediaTree, get_snapshotters

Migration = tuple[str, str]


@dataclasses.dataclass(frozen=True)
class DatabaseEntry:
    """What the manifest says about one database."""

    member: str
    vendor: str
    size: int
    tables: dict[str, int]
    migrations: frozenset[Migration]

    @classmethod
    def parse(cls, content: Any) -> "DatabaseEntry":
        """Read one entry of ``databases``. Raises InvalidArchive."""
        try:
            return cls(
                member=str(content["member"]),
                vendor=str(content["vendor"]),
                size=int(content["size"]),
                tables={str(k): int(v) for k, v in content["tables"].items()},
                migrations=frozenset(
                    (str(app), str(name)) for app, name in content["migrations"]
                ),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InvalidArchive("The manifest describes no database.") from error


def require_fit(manifest: dict[str, Any]) -> dict[str, DatabaseEntry]:
    """Return alias → entry if the archive holds exactly what this site has.

    Raises InvalidArchive for a manifest that makes no sense, and RestoreRefused
    for other databases, other engines, or migrations that the code lacks.
    """
    databases = manifest.get("databases")
    if not isinstance(databases, dict):
        raise InvalidArchive("The manifest lists no databases.")
    entries = {str(k): DatabaseEntry.parse(v) for k, v in databases.items()}
    snapshotters = get_snapshotters()
    require_same_aliases(entries.keys(), snapshotters.keys())
    require_same_media(manifest)
    for alias, snapshotter in snapshotters.items():
        require_same_engine(snapshotter, entries[alias])
        require_known_migrations(snapshotter, entries[alias])
    return entries


def require_same_aliases(archive: Iterable[str], site: Iterable[str]) -> None:
    theirs, ours = set(archive), set(site)
    if extra := theirs - ours:
        raise RestoreRefused(
            f"The archive holds databases that this site has not: {listed(extra)}."
        )
    if missing := ours - theirs:
        raise RestoreRefused(
            f"The archive holds no copy of these databases: {listed(missing)}."
        )


def require_same_media(manifest: dict[str, Any]) -> None:
    theirs = manifest.get("media") is not None
    ours = get_settings().MEDIA is not None
    if theirs and not ours:
        raise RestoreRefused("The archive holds media, but this site backs up none.")
    if ours and not theirs:
        raise RestoreRefused("The archive holds no media.")


def require_same_engine(snapshotter: DatabaseSnapshotter, entry: DatabaseEntry) -> None:
    if (entry.vendor, entry.member) != (snapshotter.vendor, snapshotter.member):
        raise RestoreRefused(
            f"The database “{snapshotter.alias}” was saved from {entry.vendor}, but"
            f" this site runs it on {snapshotter.vendor}."
        )


def require_known_migrations(
    snapshotter: DatabaseSnapshotter, entry: DatabaseEntry
) -> None:
    """Refuse an archive of newer code; what the live site has applied is known."""
    loader = MigrationLoader(connections[snapshotter.alias], ignore_no_migrations=True)
    known = set(loader.disk_migrations) | set(snapshotter.migrations())
    unknown = {m for m in entry.migrations - known if not is_own(m)}
    if unknown:
        raise RestoreRefused(
            "The archive comes from newer code; these migrations are unknown here:"
            f" {listed('.'.join(m) for m in unknown)}."
        )


def is_behind(snapshotter: DatabaseSnapshotter, entry: DatabaseEntry) -> bool:
    """Whether the archive lacks migrations that the present code has."""
    if not snapshotter.migrations():
        return False  # Not a database that Django migrates.
    loader = MigrationLoader(connections[snapshotter.alias], ignore_no_migrations=True)
    return any(
        node not in entry.migrations
        and not is_own(node)
        and not covered(loader, node, entry.migrations)
        for node in loader.graph.nodes
    )


def covered(
    loader: MigrationLoader, node: Migration, applied: frozenset[Migration]
) -> bool:
    """Whether *node* is a squashed migration whose parts were all applied."""
    replacement = loader.replacements.get(node)
    return replacement is not None and set(replacement.replaces) <= applied


def is_own(migration: Migration) -> bool:
    """Whether it is this app's own, whose tables a restore does not replace."""
    return migration[0] == Operation._meta.app_label


def require_sound(
    snapshotter: DatabaseSnapshotter, staged: Path, entry: DatabaseEntry
) -> None:
    """Prove that a staged database is there, intact, and has all its rows."""
    if not staged.exists():
        raise InvalidArchive(f"“{entry.member}” is missing.")
    snapshotter.check(staged)
    found = snapshotter.describe(staged)
    if found["tables"] != entry.tables:
        raise InvalidArchive(
            f"The rows of the database “{snapshotter.alias}” are not those that the"
            " manifest counts."
        )
    if frozenset(found["migrations"]) != entry.migrations:
        raise InvalidArchive(
            f"The migrations of the database “{snapshotter.alias}” are not those that"
            " the manifest lists."
        )


def require_space(
    manifest: dict[str, Any],
    entries: dict[str, DatabaseEntry],
    media: MediaTree | None,
    folder: Path,
    *,
    for_real: bool,
) -> int:
    """Refuse a restore that would fill a disk; return the bytes to unpack.

    A database needs room for the staged copy, for a copy of what it replaces,
    and for the journal or log that grows beside the live file. Where it is not
    *for_real*, the staged copies of databases are all.
    """
    total = int(manifest["members"]["bytes"])
    databases = sum(entry.size for entry in entries.values())
    needs = [(folder, databases)]
    for alias, snapshotter in get_snapshotters().items() if for_real else ():
        needs.append((folder, snapshotter.size()))
        needs += [(path.parent, entries[alias].size) for path in snapshotter.places()]
    if media and for_real:
        needs.append((media.root, total - databases))
    for path, needed in sum_by_disk(needs):
        status = os.statvfs(path)
        free = status.f_bavail * status.f_frsize
        if needed > free:
            raise RestoreRefused(
                "There is not enough free space to restore this archive: it needs"
                f" about {needed >> 20} MB and {free >> 20} MB are free."
            )
    return total


def sum_by_disk(needs: list[tuple[Path, int]]) -> list[tuple[Path, int]]:
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


def listed(names: Iterable[str]) -> str:
    """Return a short, sorted enumeration that is safe to show."""
    shown = sorted("".join(c for c in name if c.isprintable()) for name in names)
    more = f" and {len(shown) - 5} more" if len(shown) > 5 else ""
    return ", ".join(shown[:5]) + more
