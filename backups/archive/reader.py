"""Reads, verifies and extracts archives that may come from anybody."""

import errno
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Self

from backups.durability import sync_path, sync_tree
from backups.exceptions import InvalidArchive
from backups.texts import gettext_noop as _

from .byte_source import ByteSource, FileSource
from .conveyor import Conveyor
from .directory import read_members
from .extraction import Extraction, Route
from .limits import Limits
from .member import Member
from .opening import open_index


def _ignore(_what: object) -> None:
    """Report to nobody."""


class ArchiveReader:
    """An archive that is open for reading; use as a context manager.

    Opening reads the end of the archive only, and raises InvalidArchive for
    what is no sound archive of a known format. `manifest` is the parsed
    manifest.json. The source is read, and callbacks are called, in the calling
    thread only; a source that was passed in is not closed.
    Memory does not depend on the size of the archive.
    """

    def __init__(
        self,
        source: str | os.PathLike[str] | ByteSource,
        *,
        limits: Limits = Limits(),  # noqa: B008 (immutable)
        threads: int = 2,
    ) -> None:
        self._owned = FileSource(source) if isinstance(source, _PATHS) else None
        self._source: ByteSource = self._owned or source  # type: ignore[assignment]
        self._limits = limits
        self._threads = threads
        try:
            self._index = open_index(self._source, limits)
        except BaseException:
            self.close()
            raise
        self.manifest: dict[str, Any] = self._index.manifest

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file if this reader opened it."""
        if self._owned:
            self._owned.close()

    @property
    def total_bytes(self) -> int:
        """Uncompressed bytes of all members; extraction never writes more."""
        return self._index.total_bytes

    def members(self) -> Iterator[Member]:
        """Yield the members in order, each after the checks that need no data.

        Raises InvalidArchive at the first flaw, at the latest at the end.
        """
        return read_members(self._source, self._index, self._limits)

    def verify(self, progress: Callable[[int], None] = _ignore) -> None:
        """Read every byte and check it; raises InvalidArchive at the first flaw.

        `progress` gets the uncompressed bytes done since its last call.
        """
        self.extract(lambda _name: None, progress=progress)

    def extract(
        self,
        route: Route,
        *,
        progress: Callable[[int], None] = _ignore,
    ) -> None:
        """Verify everything in one pass and write what `route` has a place for.

        `route` gets each member's name and returns the path to create, or None
        to verify only. The folders it leads to must be new or empty and private
        to the caller; missing ones are created. Modes and times are restored.
        Nothing is synced: call `sync_tree` afterwards. Raises InvalidArchive for a flaw of the archive
        and OSError for one of the disk; what was written so far stays.
        """
        self._run(self.members(), route=route, progress=progress)

    def extract_tree(
        self,
        prefix: str,
        target: Path,
        *,
        progress: Callable[[int], None] = _ignore,
    ) -> None:
        """Extract the members under `prefix` ("media/") into an empty folder.

        Verifies the whole archive, and ends with everything on the disk.
        """

        def route(name: str) -> Path | None:
            return target / name[len(prefix) :] if name.startswith(prefix) else None

        self.extract(route, progress=progress)
        sync_tree(target)

    def extract_member(
        self,
        name: str,
        target: Path,
        progress: Callable[[int], None] = _ignore,
    ) -> None:
        """Extract one member to a new file and fsync it; checks only that member.

        Raises InvalidArchive if there is none of that name, FileExistsError if
        the target exists. A target that could not be completed is removed.
        """
        member = self._find(name)
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target)
        try:
            self._run([member], route=lambda _: target, progress=progress, durable=True)
        except BaseException:
            target.unlink(missing_ok=True)
            raise
        sync_path(target.parent)

    def _find(self, name: str) -> Member:
        for member in self.members():
            if member.name == name:
                return member
        raise InvalidArchive(_("The archive lacks a member that it should have."))

    def _run(self, members: Iterable[Member], **options: Any) -> None:
        belt = Conveyor(self._threads, depth=2 * self._threads + 2)
        try:
            Extraction(self._source, belt, **options).run(members)
        finally:
            belt.close()


_PATHS = (str, os.PathLike)
