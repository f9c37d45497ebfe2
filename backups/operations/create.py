"""Create a backup: every database and the media, in one archive."""

import contextlib
import datetime
import itertools
import os
import platform
from collections.abc import Iterator
from typing import Any

import django

from backups.archive import ArchiveWriter, Source
from backups.exceptions import BackupError, SnapshotFailed
from backups.models import Operation
from backups.names import MANUAL_PREFIX, generate_key, is_automatic
from backups.site_settings import Stored
from backups.snapshots import (
    DatabaseSnapshotter,
    MediaTree,
    get_media,
    get_snapshotters,
)
from backups.store import Store, get_store
from backups.texts import Text
from backups.texts import gettext_noop as _

from . import history
from .claim import Claim
from .prune import plan_pruning, prune_backups

SAME_WITHIN = 10
"""One in so many files more or less are about as many files."""


def claim_create(key: str = "", *, actor: str, prefix: str = MANUAL_PREFIX) -> Claim:
    """Claim the creation of *key*, or of a key made from site name and time.

    Raises NameTaken, StoreFailed, or what ``Claim.make`` raises.
    """
    store = get_store()

    def choose_key() -> str:
        if not key:
            return free_key(store, prefix)
        store.require_free(key)
        return key

    if key:
        store.require_free(key)  # What is taken is refused without a trace.
    return Claim.make(Operation.Kind.CREATE, choose_key, actor)


def free_key(store: Store, prefix: str) -> str:
    """Return a generated key that nothing is stored under."""
    name = Stored.load().site_name
    keys = (generate_key(name, prefix=prefix, serial=n) for n in itertools.count(1))
    return next(key for key in keys if not store.find(key))


def create_backup(claim: Claim) -> str:
    """Do what was claimed; return the key once the archive is stored.

    Writers go on meanwhile. The databases are fixed first and together, the
    media after them: a row never names a file that did not exist yet.
    """
    key = claim.operation.key
    with claim:
        before = history.last_files()
        skipped = write_archive(claim, key)
        # What matters more comes first: there is no room for any number.
        if before and not claim.progress["contents"]["files"]:
            words = _("There are no media; the last backup held %(number)s files.")
            claim.note([Text(words, number=before.number)])
        if is_automatic(key):
            claim.note(thin_out(claim))
        claim.note([Text(_("Left out: %(name)s"), name=name) for name in skipped])
    return key


def write_archive(claim: Claim, key: str, *, phase: str = "") -> list[str]:
    """Save the site under *key*; return the media files that had to be left out.

    Part of an operation, whose claim is entered already, and which may call all
    of this one *phase*.
    """
    snapshotters = list(get_snapshotters().values())
    media = get_media()
    require_media(media)
    skipped: list[str] = []
    with get_store().receive(key) as incoming:
        writer = ArchiveWriter(incoming, spool_dir=claim.folder, progress=claim.advance)
        with writer:
            total = estimate(snapshotters, media)
            claim.report(phase=phase or "databases", total=total, done=0)
            described = dict(write_databases(claim, writer, snapshotters))
            claim.report(phase=phase or "media")
            before_media = claim.bytes_done
            if media:
                writer.add_files(
                    media_sources(media, skipped),
                    on_skip=lambda name, reason: skipped.append(name),
                )
            archived = manifest(claim.operation, described, media, skipped)
            summary = writer.finish(archived)
            claim.describe_contents(
                databases=len(described),
                files=summary.count - len(described),
                file_bytes=claim.bytes_done - before_media,
            )
        claim.report(phase=phase or "storing")
        claim.require_held()
        incoming.publish()
    return skipped


def require_media(media: MediaTree | None) -> None:
    """Refuse to save a site whose media have gone, as where a disk is not mounted."""
    if media and not media.root.is_dir() and history.last_files():
        raise SnapshotFailed(
            _(
                "The media folder is missing, although the last backup holds media. If"
                " there are none any more, make an empty one."
            )
        )


def thin_out(claim: Claim) -> list[Text]:
    """Delete superfluous automatic backups, now that there is a newer one.

    Returns what went wrong: the new backup is good all the same.
    """
    claim.report(phase="pruning")
    try:
        plan = plan_pruning(Stored.load().max_keep, new=claim.operation.key)
        return prune_backups(plan, actor=claim.operation.actor)
    except BackupError as error:
        return [Text(_("Not pruned: %(why)s"), why=error.text)]


def write_databases(
    claim: Claim, writer: ArchiveWriter, snapshotters: list[DatabaseSnapshotter]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Add a snapshot of each database; yield alias and description.

    All are copied before the first is packed, so that none is held for long.
    """
    copies = {
        # Not the names that a restore, which also saves, gives to what it stages.
        snapshotter.alias: claim.folder / f"{snapshotter.alias}.snapshot"
        for snapshotter in snapshotters
    }
    with contextlib.ExitStack() as stack:
        frozen = [
            (copies[snapshotter.alias], stack.enter_context(snapshotter.frozen()))
            for snapshotter in snapshotters
        ]
        for copy, write in frozen:
            write(copy, claim.advance)
    for snapshotter in snapshotters:
        copy = copies[snapshotter.alias]
        description = snapshotter.describe(copy)
        writer.add_file(snapshotter.member, copy)
        copy.unlink()
        yield snapshotter.alias, {"member": snapshotter.member, **description}


def media_sources(media: MediaTree, skipped: list[str]) -> Iterator[Source]:
    for name, path, is_folder in media.walk(skipped):
        yield Source(f"media/{name}", path, is_folder)


def estimate(snapshotters: Any, media: MediaTree | None) -> int:
    """Return about how many bytes there are to do: databases twice, media once."""
    total = 2 * sum(snapshotter.size() for snapshotter in snapshotters)
    return total + (estimate_media(media) if media else 0)


def estimate_media(media: MediaTree) -> int:
    """Return about how many bytes the files have.

    To ask every file for its size can take a tenth of the time of saving them.
    So where there are about as many as in the last backup, they count as much.
    """
    last = history.last_files()
    if last:
        number = sum(1 for _entry in media.walk([]))
        if abs(number - last.number) * SAME_WITHIN <= last.number:
            return last.bytes * number // last.number
    total = 0
    for entry in media.walk([]):
        with contextlib.suppress(OSError):  # Removed meanwhile.
            total += 0 if entry.is_folder else os.stat(entry.path).st_size
    return total


def manifest(
    operation: Operation,
    databases: dict[str, dict[str, Any]],
    media: MediaTree | None,
    skipped: list[str],
) -> dict[str, Any]:
    """Return what the archive says about itself; see docs/format.md."""
    return {
        "product": "django-site-backups",
        "site": Stored.load().site_name,
        "created": datetime.datetime.now(datetime.UTC).isoformat(),
        "actor": operation.actor,
        "django": django.get_version(),
        "python": platform.python_version(),
        "databases": databases,
        "media": {"skipped": len(skipped)} if media else None,
    }
