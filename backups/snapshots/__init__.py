"""Content ↔ files: one module for each kind of content."""

from django.db import connections

from backups.conf import get_settings
from backups.exceptions import SnapshotFailed
from backups.texts import gettext_noop as _

from .base import DatabaseSnapshotter
from .media import MediaTree, get_media
from .sqlite import SQLiteSnapshotter

__all__ = ["DatabaseSnapshotter", "MediaTree", "get_media", "get_snapshotters"]

BY_VENDOR: dict[str, type[DatabaseSnapshotter]] = {"sqlite": SQLiteSnapshotter}


def get_snapshotters() -> dict[str, DatabaseSnapshotter]:
    """Return alias → snapshotter of every database to back up.

    They come as their files do in an archive. Raises SnapshotFailed for an engine
    that is not supported.
    """
    aliases = get_settings().DATABASES or tuple(connections)
    found = sorted(map(_get_snapshotter, aliases), key=lambda one: one.member)
    return {snapshotter.alias: snapshotter for snapshotter in found}


def _get_snapshotter(alias: str) -> DatabaseSnapshotter:
    vendor = connections[alias].vendor
    if vendor not in BY_VENDOR:
        raise SnapshotFailed(
            _(
                "The database “%(alias)s” runs on %(vendor)s, which can't be backed up"
                " yet."
            ),
            alias=alias,
            vendor=vendor,
        )
    return BY_VENDOR[vendor](alias)
