"""Stage a restore: prove the whole archive, and lay out what will replace the site.

Nothing of the site is touched. A verification is the same without the media.
"""

import dataclasses
import logging
from pathlib import Path

from django.core.management import call_command
from django.db import connections

from backups import process
from backups.archive import ArchiveReader
from backups.durability import sync_tree
from backups.exceptions import InvalidArchive, RestoreRefused
from backups.snapshots import (
    DatabaseSnapshotter,
    MediaTree,
    get_media,
    get_snapshotters,
)
from backups.store import get_store
from backups.texts import Text
from backups.texts import gettext_noop as _

from . import fit, space
from .claim import Claim

logger = logging.getLogger(__name__)

Staged = dict[str, Path]
"""Alias → file of each database, unpacked beside the live one."""

Entries = dict[str, fit.DatabaseEntry]


@dataclasses.dataclass
class Plan:
    """What is staged: each database with its file, and the media."""

    databases: list[tuple[DatabaseSnapshotter, Path]]
    media: MediaTree | None


def stage(claim: Claim, *, for_real: bool = True) -> Plan:
    """Prove the archive and lay out beside the live site all that replaces it.

    Without *for_real* the media are read and proven, but not laid out.
    """
    path = fetch(claim)
    media = get_media()
    with ArchiveReader(path) as archive:
        entries = fit.require_fit(archive.manifest)
        fit.require_sizes(archive, entries.values())
        if media:
            media.require_movable()
        if for_real:
            needs = space.find_needs(archive.total_bytes, entries, media, claim.folder)
        else:
            needs = [(claim.folder, sum(entry.size for entry in entries.values()))]
        space.require_free(needs)
        staged = unpack(claim, archive, entries, media, for_real=for_real)
    prove(claim, staged, entries)
    migrate_if_behind(claim, staged, entries)
    snapshotters = get_snapshotters()
    for alias, snapshotter in snapshotters.items():
        fit.require_tables(snapshotter, staged[alias])
        snapshotter.prepare(staged[alias])
    return Plan([(one, staged[alias]) for alias, one in snapshotters.items()], media)


def fetch(claim: Claim) -> Path:
    """Return a local file that holds the archive."""
    claim.report(phase="fetching")
    store, key = get_store(), claim.operation.key
    if store.place() is None:
        space.require_free([(claim.folder, store.require(key).size)])
    return store.local_path(key, claim.folder)


def unpack(
    claim: Claim,
    archive: ArchiveReader,
    entries: Entries,
    media: MediaTree | None,
    *,
    for_real: bool,
) -> Staged:
    """Write every member to its place, proving each; the media durably."""
    claim.report(phase="verifying", total=archive.total_bytes)
    staged = {
        alias: claim.folder / f"{alias}.{snapshotter.extension}"
        for alias, snapshotter in get_snapshotters().items()
    }
    targets = {entries[alias].member: path for alias, path in staged.items()}
    folder = media.open_stage(claim.token) if media and for_real else None

    def route(name: str) -> Path | None:
        if name in targets:
            return targets[name]
        top, _slash, inner = name.partition("/")
        if media and top == "media" and media.accepts(inner):
            return folder / inner if folder else None
        raise InvalidArchive(
            _("“%(name)s” has no place on this site."), name=fit.shown(name)
        )

    archive.extract(route, progress=claim.advance)
    if folder:
        sync_tree(folder)  # The databases are synced once they are prepared.
    return staged


def prove(claim: Claim, staged: Staged, entries: Entries) -> None:
    """Prove that each database is sound and holds what the manifest says."""
    claim.report(phase="checking")
    remarks: list[Text | None] = []
    for alias, snapshotter in get_snapshotters().items():
        fit.require_sound(snapshotter, staged[alias], entries[alias])
        remarks.append(fit.find_dangling(snapshotter, staged[alias]))
        snapshotter.carry_state(staged[alias], None)
    claim.note([remark for remark in remarks if remark])


def migrate_if_behind(claim: Claim, staged: Staged, entries: Entries) -> None:
    """Migrate databases from before the migrations that the live ones have."""
    behind = {
        alias: {app for app, _ in fit.missing_migrations(snapshotter, entries[alias])}
        for alias, snapshotter in get_snapshotters().items()
    }
    if any(behind.values()):
        claim.report(phase="migrating")
        migrate(behind, staged)


def migrate(behind: dict[str, set[str]], staged: Staged) -> None:
    """Bring the apps that are *behind* up to the code, before anything goes live."""
    apps = [
        f"{alias}:{app}" for alias, found in behind.items() for app in sorted(found)
    ]
    places = [f"{alias}={path}" for alias, path in staged.items()]
    output = process.run_command("backup_migrate", *apps, "--staged", *places)
    if output is not None:
        logger.error("The staged databases could not be migrated:\n%s", output)
        raise RestoreRefused(
            _(
                "The archive is older than the code, and its databases could not be"
                " migrated; the log says why."
            )
        )


def migrate_staged(behind: list[tuple[str, str]], staged: Staged) -> None:
    """Migrate each (alias, app) of *behind*; only in a process of its own.

    App by app, since of a further database a site may migrate a few only. Every
    alias leads to its staged file meanwhile, since a migration may touch another
    database than the one that it is run for.
    """
    for alias, path in staged.items():
        connections[alias].close()
        connections[alias].settings_dict["NAME"] = str(path)
    for alias, app in behind:
        call_command("migrate", app, database=alias, interactive=False, verbosity=0)
    connections.close_all()
