"""Preview a restore: what it would change, found without touching anything."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

from backups.archive import ArchiveReader, SeekableSource, sort_key
from backups.conf import get_settings
from backups.exceptions import BackupError
from backups.models import Operation
from backups.snapshots import MediaTree, get_media, get_snapshotters
from backups.store import get_store
from backups.texts import Text

from . import fit, space

EXAMPLES = 20
"""Names of files that are told of each kind of change."""

BYTES_A_SECOND = 100 << 20
"""What is assumed where the history tells nothing."""

File = tuple[str, int, int]
"""Name, size in bytes, time of the last change in whole seconds."""


@dataclasses.dataclass
class TableChange:
    """The rows of one table; None where there is no such table."""

    name: str
    now: int | None
    then: int | None


@dataclasses.dataclass
class DatabaseChange:
    """What a restore makes of one database."""

    alias: str
    tables: list[TableChange]
    """All of them, by name; those that differ have other numbers."""

    to_migrate: list[str]
    """Migrations that the archive lacks, so that they are run on the copy."""


@dataclasses.dataclass
class FileChanges:
    """Files of one kind of change: how many, their bytes, the first few names."""

    count: int = 0
    bytes: int = 0
    examples: list[str] = dataclasses.field(default_factory=list)

    def add(self, name: str, size: int) -> None:
        self.count += 1
        self.bytes += size
        if len(self.examples) < EXAMPLES:
            # A name may hold bytes that are no text.
            self.examples.append(name.encode("utf-8", "replace").decode())


@dataclasses.dataclass
class MediaChange:
    """What a restore makes of the media; the same size and time is the same file."""

    added: FileChanges = dataclasses.field(default_factory=FileChanges)
    changed: FileChanges = dataclasses.field(default_factory=FileChanges)
    removed: FileChanges = dataclasses.field(default_factory=FileChanges)
    unchanged: FileChanges = dataclasses.field(default_factory=FileChanges)


@dataclasses.dataclass
class Preview:
    """What a restore of one backup would do, judged by its manifest and lists."""

    key: str
    created: str
    """When the backup was made, ISO 8601, as it says itself."""

    refusal: Text
    """Why it can't be restored here; empty if nothing speaks against it so far."""

    databases: list[DatabaseChange]
    media: MediaChange | None
    bytes_needed: int
    """Free space that it takes, on the disk that needs most."""

    bytes_free: int
    """What is free there."""

    seconds: int
    """About how long it would take, by how fast the last ones were."""


def preview_restore(key: str) -> Preview:
    """Say what a restore of *key* would change now.

    Reads the manifest and the list of members only, so it is no proof: that is
    for ``verify_backup``. Raises BackupNotFound, StoreFailed or InvalidArchive.
    """
    store = get_store()
    stored = store.require(key)
    with (
        store.open(stored) as file,
        ArchiveReader(SeekableSource(file, stored.size)) as archive,
    ):
        manifest = archive.manifest
        created = fit.shown(str(manifest.get("created", "")))
        media = get_media()
        try:
            entries = fit.require_fit(manifest)
            if media:
                media.require_movable()
        except BackupError as error:
            return Preview(key, created, error.text, [], None, 0, 0, 0)
        changes = compare_media(archive, media) if media else None
    workspace = get_settings().workspace
    needs = space.find_needs(archive.total_bytes, entries, media, workspace)
    needs = needs if store.place() else [*needs, (workspace, stored.size)]
    needed, free = space.tightest(needs)
    return Preview(
        key=key,
        created=created,
        refusal=Text("") if needed <= free else space.too_little_space(needed, free),
        databases=[compare_database(alias, entries[alias]) for alias in entries],
        media=changes,
        bytes_needed=needed,
        bytes_free=free,
        seconds=estimate_seconds(archive.total_bytes),
    )


def compare_database(alias: str, entry: fit.DatabaseEntry) -> DatabaseChange:
    snapshotter = get_snapshotters()[alias]
    now = snapshotter.count_rows()
    return DatabaseChange(
        alias,
        [
            TableChange(name, now.get(name), entry.tables.get(name))
            for name in sorted(now.keys() | entry.tables.keys())
        ],
        [".".join(m) for m in fit.missing_migrations(snapshotter, entry)],
    )


def compare_media(archive: ArchiveReader, media: MediaTree) -> MediaChange:
    """Compare both lists side by side: neither is ever in memory as a whole."""
    changes = MediaChange()
    for now, then in pair_up(live_files(media), archived_files(archive)):
        if now is None and then:
            changes.added.add(then[0], then[1])
        elif now and then is None:
            changes.removed.add(now[0], now[1])
        elif now and then:
            kind = changes.unchanged if now == then else changes.changed
            kind.add(then[0], then[1])
    return changes


def live_files(media: MediaTree) -> Iterator[File]:
    for entry in media.walk([]):
        if entry.is_folder:
            continue
        try:
            status = Path(entry.path).stat()
        except OSError:
            continue  # Removed meanwhile.
        yield entry.name, status.st_size, status.st_mtime_ns // 10**9


def archived_files(archive: ArchiveReader) -> Iterator[File]:
    for member in archive.members():
        if member.name.startswith("media/") and not member.name.endswith("/"):
            name = member.name.removeprefix("media/")
            yield name, member.size, member.mtime_ns // 10**9


def pair_up(
    left: Iterator[File], right: Iterator[File]
) -> Iterator[tuple[File | None, File | None]]:
    """Yield the files of two sorted lists, those of one name together."""
    one, other = next(left, None), next(right, None)
    while one or other:
        if other is None or (one and sort_key(one[0]) < sort_key(other[0])):
            yield one, None
            one = next(left, None)
        elif one is None or sort_key(other[0]) < sort_key(one[0]):
            yield None, other
            other = next(right, None)
        else:
            yield one, other
            one, other = next(left, None), next(right, None)


def estimate_seconds(total: int) -> int:
    """Return about how long the bytes take, by the last restore or proof."""
    kinds = (Operation.Kind.RESTORE, Operation.Kind.VERIFY)
    last = (
        Operation.objects.filter(
            state=Operation.State.SUCCEEDED, kind__in=kinds, bytes_done__gt=0
        )
        .order_by("-started")
        .first()
    )
    rate = float(BYTES_A_SECOND)
    if last and last.finished:
        taken = (last.finished - last.started).total_seconds()
        rate = last.bytes_done / max(taken, 0.1)
    return max(1, round(total / rate))
