"""Does an archive fit this site? Every reason to refuse a restore is here."""

import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.apps import apps
from django.db import connections, router
from django.db.migrations.loader import MigrationLoader

from backups.archive import ArchiveReader
from backups.exceptions import InvalidArchive, RestoreRefused
from backups.models import Operation
from backups.snapshots import (
    DatabaseSnapshotter,
    get_media,
    get_snapshotters,
)
from backups.texts import Text
from backups.texts import gettext_noop as _

LONGEST_SHOWN = 60
"""Characters of a name from an archive that a message repeats."""

MOST_LISTED = 5
"""Names in an enumeration; of the others their number is told."""

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
                member=text_of(content["member"]),
                vendor=text_of(content["vendor"]),
                size=count_of(content["size"]),
                tables={k: count_of(v) for k, v in content["tables"].items()},
                migrations=frozenset(
                    (text_of(app), text_of(name)) for app, name in content["migrations"]
                ),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InvalidArchive(_("The manifest describes no database.")) from error


def text_of(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise TypeError("not a text")


def count_of(value: Any) -> int:
    # Exactly: True is an int, and 1e999 is a number to JSON.
    if type(value) is int and 0 <= value < 1 << 63:
        return value
    raise TypeError("not a count")


def parse_databases(manifest: dict[str, Any]) -> dict[str, DatabaseEntry]:
    """Return alias → entry. Raises InvalidArchive for what makes no sense."""
    databases = manifest.get("databases")
    if not isinstance(databases, dict):
        raise InvalidArchive(_("The manifest lists no databases."))
    return {str(k): DatabaseEntry.parse(v) for k, v in databases.items()}


def require_fit(manifest: dict[str, Any]) -> dict[str, DatabaseEntry]:
    """Return alias → entry if the archive holds exactly what this site has.

    Raises InvalidArchive for a manifest that makes no sense, and RestoreRefused
    for other databases, other engines, or migrations that the code lacks.
    """
    entries = parse_databases(manifest)
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
            _("The archive holds databases that this site does not have: %(names)s."),
            names=listed(extra),
        )
    if missing := ours - theirs:
        raise RestoreRefused(
            _("The archive holds no copy of these databases: %(names)s."),
            names=listed(missing),
        )


def require_same_media(manifest: dict[str, Any]) -> None:
    theirs = manifest.get("media") is not None
    ours = get_media() is not None
    if theirs and not ours:
        raise RestoreRefused(_("The archive holds media, but this site backs up none."))
    if ours and not theirs:
        raise RestoreRefused(_("The archive holds no media."))


def require_same_engine(snapshotter: DatabaseSnapshotter, entry: DatabaseEntry) -> None:
    if entry.vendor != snapshotter.vendor:
        raise RestoreRefused(
            _(
                "The database “%(alias)s” was saved from %(theirs)s, but this site runs"
                " it on %(ours)s."
            ),
            alias=snapshotter.alias,
            theirs=shown(entry.vendor),
            ours=snapshotter.vendor,
        )
    if entry.member != snapshotter.member:
        raise InvalidArchive(
            _("The manifest says that the database “%(alias)s” is where it can't be."),
            alias=snapshotter.alias,
        )


def require_known_migrations(
    snapshotter: DatabaseSnapshotter, entry: DatabaseEntry
) -> None:
    """Refuse an archive of newer code; what the live site has applied is known."""
    loader = loader_of(snapshotter)
    known = set(loader.disk_migrations) | set(snapshotter.migrations())
    unknown = {m for m in entry.migrations - known if not is_own(m)}
    if unknown:
        raise RestoreRefused(
            _(
                "The archive comes from newer code; these migrations are unknown here:"
                " %(names)s."
            ),
            names=listed(".".join(m) for m in unknown),
        )


def missing_migrations(
    snapshotter: DatabaseSnapshotter, entry: DatabaseEntry
) -> list[Migration]:
    """Return the migrations that the archive lacks and the live database has.

    The live one is the measure, not the code: of a further database a site may
    migrate a few apps only, and what is not migrated at all has none.
    """
    live = set(snapshotter.migrations())
    loader = loader_of(snapshotter)
    return sorted(
        node
        for node in live & loader.graph.nodes.keys()
        if node not in entry.migrations
        and not is_own(node)
        and not covered(loader, node, entry.migrations)
    )


def loader_of(snapshotter: DatabaseSnapshotter) -> MigrationLoader:
    return MigrationLoader(connections[snapshotter.alias], ignore_no_migrations=True)


def covered(
    loader: MigrationLoader, node: Migration, applied: frozenset[Migration]
) -> bool:
    """Whether *node* is a squashed migration whose parts were all applied."""
    replacement = loader.replacements.get(node)
    return replacement is not None and set(replacement.replaces) <= applied


def is_own(migration: Migration) -> bool:
    """Whether it is this app's own, whose tables a restore does not replace."""
    return migration[0] == Operation._meta.app_label


def require_sizes(archive: ArchiveReader, entries: Iterable[DatabaseEntry]) -> None:
    """Prove that no database is larger than the manifest says, before it is written.

    The free space was measured by that. Databases come before media.
    """
    sizes = {entry.member: entry.size for entry in entries}
    for member in archive.members():
        if not member.name.startswith("databases/"):
            return
        if member.size != sizes.get(member.name, member.size):
            raise InvalidArchive(
                _("“%(name)s” is not as large as the manifest says."),
                name=shown(member.name),
            )


def require_sound(
    snapshotter: DatabaseSnapshotter, staged: Path, entry: DatabaseEntry
) -> None:
    """Prove that a staged database is there, intact, and has all its rows."""
    if not staged.exists():
        raise InvalidArchive(_("“%(name)s” is missing."), name=entry.member)
    snapshotter.check(staged)
    found = snapshotter.describe(staged)
    if found["size"] != entry.size:
        raise InvalidArchive(
            _(
                "The size of the database “%(alias)s” is not the one that the manifest"
                " says."
            ),
            alias=snapshotter.alias,
        )
    if found["tables"] != entry.tables:
        raise InvalidArchive(
            _(
                "The rows of the database “%(alias)s” are not those that the manifest"
                " counts."
            ),
            alias=snapshotter.alias,
        )
    if frozenset(found["migrations"]) != entry.migrations:
        raise InvalidArchive(
            _(
                "The migrations of the database “%(alias)s” are not those that the"
                " manifest lists."
            ),
            alias=snapshotter.alias,
        )


def require_tables(snapshotter: DatabaseSnapshotter, staged: Path) -> None:
    """Refuse a staged database that lacks tables which the site's models use now."""
    alias = snapshotter.alias
    used = {
        model._meta.db_table
        for model in apps.get_models(include_auto_created=True)
        if router.allow_migrate_model(alias, model)
    }
    if missing := (used & snapshotter.live_tables()) - snapshotter.tables(staged):
        raise RestoreRefused(
            _(
                "The archive's database “%(alias)s” lacks tables that the site needs:"
                " %(names)s."
            ),
            alias=alias,
            names=listed(missing),
        )


def find_dangling(snapshotter: DatabaseSnapshotter, staged: Path) -> Text | None:
    """Return a remark on rows that refer to missing ones; None if there are none.

    No reason to refuse: the digests prove that it was saved so.
    """
    if not (count := snapshotter.dangling(staged)):
        return None
    return Text(
        _(
            "In the database “%(alias)s” %(count)s rows refer to rows that do not exist;"
            " it was so when it was saved."
        ),
        alias=snapshotter.alias,
        count=count,
    )


def listed(names: Iterable[str]) -> str | Text:
    """Return a short, sorted enumeration that is safe to show."""
    ordered = sorted(shown(name) for name in names)
    first = ", ".join(ordered[:MOST_LISTED])
    if len(ordered) <= MOST_LISTED:
        return first
    return Text(
        _("%(names)s and %(count)s more"),
        names=first,
        count=len(ordered) - MOST_LISTED,
    )


def shown(name: str) -> str:
    """Return a name from an archive, cut short and safe to show."""
    return "".join(c for c in name[:LONGEST_SHOWN] if c.isprintable())
