"""The uploaded files: walk them, and swap them for a staged tree.

The swap renames top-level entries inside the media folder, never the folder
itself: that may be a mount point or a link. Everything moves within one file
system, so each rename is atomic, and where an entry lies says whether it is
old or new.
"""

import contextlib
import enum
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from django.core.files.storage import (
    FileSystemStorage,
    InvalidStorageError,
    storages,
)

from backups.conf import get_settings
from backups.durability import sync_path
from backups.exceptions import RestoreRefused, SnapshotFailed
from backups.texts import gettext_noop as _

HIDDEN_PREFIX = ".backups-"
LEFT_ALONE = ("lost+found",)


class Kind(enum.Enum):
    """What lies under a name, links followed."""

    FILE = enum.auto()
    FOLDER = enum.auto()
    OTHER = enum.auto()


class Entry(NamedTuple):
    """One file or empty folder: its name with ``/``, where it lies, which it is."""

    name: str
    path: str
    is_folder: bool


class MediaTree:
    """The folder of a FileSystemStorage, as one thing to save and replace."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def walk(self, skipped: list[str]) -> Iterator[Entry]:
        """Yield every file and every empty folder, sorted by path components.

        Links are followed, as the storage follows them. What is neither a file
        nor a folder, or is a broken link, is named in *skipped*. Raises
        SnapshotFailed for a folder that can't be read.
        """
        if self.root.is_dir():
            yield from self._walk("", (), skipped)

    def _walk(
        self, prefix: str, above: tuple[str, ...], skipped: list[str]
    ) -> Iterator[Entry]:
        for item in self._entries(prefix, skipped):
            name = prefix + item.name
            kind = _kind_of(item)
            if kind is not Kind.FOLDER:
                if kind is Kind.FILE:
                    yield Entry(name, item.path, False)
                else:
                    skipped.append(name)
                continue
            inner = above
            if item.is_symlink():
                real = os.path.realpath(item.path)
                if real in above or self._is_inside(real):
                    skipped.append(f"{name}/")  # A loop, or stored anyway.
                    continue
                inner = (*above, real)
            is_empty = True
            for entry in self._walk(f"{name}/", inner, skipped):
                is_empty = False
                yield entry
            if is_empty:
                yield Entry(name, item.path, True)

    def _is_inside(self, real: str) -> bool:
        root = str(self.root)
        return real == root or real.startswith(root + os.sep)

    def _entries(self, prefix: str, skipped: list[str]) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(self.root / prefix) as found:
                entries = sorted(found, key=lambda item: item.name)
        except FileNotFoundError:
            skipped.append(prefix)  # Removed meanwhile.
            return []
        except OSError as error:
            raise SnapshotFailed(
                _("The media folder “%(folder)s” can't be read: %(why)s."),
                folder=prefix,
                why=str(error.strerror),
            ) from error
        if prefix:
            return entries
        return [item for item in entries if not _is_left_alone(item.name)]

    # Replacing -----------------------------------------------------------

    def hidden(self, token: uuid.UUID) -> Path:
        """The folder inside the media in which that restore stages and keeps."""
        return self.root / f"{HIDDEN_PREFIX}{token}"

    def accepts(self, name: str) -> bool:
        """Whether a file of that name can be part of the media."""
        return not _is_left_alone(name.split("/")[0])

    def require_movable(self) -> None:
        """Raise RestoreRefused for a folder that can't be moved out of the way.

        No mount point can, and to give a folder another parent takes the right to
        write to it.
        """
        for mount in _mounts_below(self.root):
            raise RestoreRefused(
                _(
                    "“%(mount)s” inside the media is a mount point, so it can't be"
                    " swapped."
                ),
                mount=mount,
            )
        if not self.root.is_dir():
            return
        for item in self._entries("", []):
            is_folder = item.is_dir(follow_symlinks=False)
            if is_folder and not os.access(item.path, os.W_OK, effective_ids=True):
                raise RestoreRefused(
                    _(
                        "The media folder “%(folder)s” can't be replaced: the site may"
                        " not write to it."
                    ),
                    folder=item.name,
                )

    def open_stage(self, token: uuid.UUID) -> Path:
        """Return the new, empty folder to extract into."""
        self.root.mkdir(parents=True, exist_ok=True)
        for part in ("new", "old", "strays"):
            (self.hidden(token) / part).mkdir(mode=0o700, parents=True)
        return self.hidden(token) / "new"

    def move_out(self, token: uuid.UUID) -> None:
        """Move all live entries aside."""
        self._move_all(self.root, self.hidden(token) / "old", token)

    def move_in(self, token: uuid.UUID) -> None:
        """Move all staged entries to the live place."""
        self._move_all(self.hidden(token) / "new", self.root, token)

    def undo_move_in(self, token: uuid.UUID) -> None:
        """Move what is live, all of it new, back to the stage."""
        self._move_all(self.root, self.hidden(token) / "new", token)

    def undo_move_out(self, token: uuid.UUID) -> None:
        """Move what was put aside back to the live place."""
        self._move_all(self.hidden(token) / "old", self.root, token)

    def _move_all(self, source: Path, target: Path, token: uuid.UUID) -> None:
        """Move every entry; may be repeated after a crash at any point."""
        with os.scandir(source) as found:
            names = [item.name for item in found if not _is_left_alone(item.name)]
        for name in names:
            if os.path.lexists(target / name):
                # Written meanwhile by a process that does not pass the gate.
                stray = self.hidden(token) / "strays" / uuid.uuid4().hex
                os.rename(target / name, stray)
            os.rename(source / name, target / name)
        sync_path(source)
        sync_path(target)

    def discard(self, token: uuid.UUID) -> None:
        """Delete what that restore has staged or put aside."""
        _remove_tree(self.hidden(token))

    def sweep(self, keep: set[uuid.UUID]) -> None:
        """Delete what restores have staged or put aside, but for those in *keep*."""
        if not self.root.is_dir():
            return
        kept = {self.hidden(token).name for token in keep}
        for item in list(os.scandir(self.root)):
            if item.name.startswith(HIDDEN_PREFIX) and item.name not in kept:
                _remove_tree(Path(item.path))


def get_media() -> MediaTree | None:
    """Return the media of the site, or None if there are none to back up.

    Raises SnapshotFailed for a storage that is not a local folder.
    """
    alias = get_settings().MEDIA
    if alias is None:
        return None
    try:
        storage = storages[alias]
    except InvalidStorageError as error:
        raise SnapshotFailed(
            _("STORAGES has no usable entry “%(alias)s” for the media."), alias=alias
        ) from error
    if not isinstance(storage, FileSystemStorage):
        raise SnapshotFailed(
            _(
                "The media storage “%(alias)s” is not a local folder, so it can't be"
                ' backed up yet. BACKUPS["MEDIA"] = None leaves it out.'
            ),
            alias=alias,
        )
    if not storage.base_location:
        # MEDIA_ROOT was never set. Django then takes the current folder, which
        # is the project with its databases, and nothing that a site uploads to.
        return None
    return MediaTree(Path(storage.location).resolve())


def _kind_of(item: os.DirEntry[str]) -> Kind:
    try:
        if item.is_dir():
            return Kind.FOLDER
        return Kind.FILE if item.is_file() else Kind.OTHER
    except OSError:
        return Kind.OTHER  # A link in a circle, or to where nobody may look.


def _remove_tree(folder: Path) -> None:
    """Delete *folder*, also folders in it that their owner may not write."""
    shutil.rmtree(folder, ignore_errors=True)
    if not folder.exists():
        return
    for place, names, _files in os.walk(folder):
        for path in (os.path.join(place, name) for name in names):
            with contextlib.suppress(OSError):  # Not ours: it stays.
                if not os.path.islink(path):
                    os.chmod(path, 0o700)
    shutil.rmtree(folder, ignore_errors=True)


def _is_left_alone(name: str) -> bool:
    return name.startswith(HIDDEN_PREFIX) or name in LEFT_ALONE


def _mounts_below(root: Path) -> Iterator[str]:
    """Yield mount points inside *root*, as far as the system tells (Linux)."""
    try:
        lines = Path("/proc/self/mountinfo").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        # Field 5 is the mount point, with octal escapes for white space.
        point = line.split()[4].encode().decode("unicode_escape")
        if point.startswith(f"{root}{os.sep}"):
            yield os.path.relpath(point, root)
