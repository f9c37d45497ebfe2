"""Files of a live site, which may change while they are read."""

import errno
import os
import stat
from typing import NamedTuple

from .member import LARGEST

_TRIES = 3
# O_NONBLOCK keeps a pipe that took a file's place from hanging the backup.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
_VANISHED = (FileNotFoundError, NotADirectoryError)
_NEVER_A_FILE = (errno.ELOOP, errno.ENXIO, errno.ENODEV)


FilePath = str | bytes | os.PathLike[str] | os.PathLike[bytes]


class Source(NamedTuple):
    """Something to put into an archive."""

    name: str
    """Its name in the archive; the trailing slash of a folder may be left out."""
    path: FilePath
    """Where it is now. Links to files are followed."""
    is_folder: bool = False
    """Whether it is an empty folder."""

    @property
    def member_name(self) -> str:
        """The name with the slash that marks a folder."""
        return self.name.rstrip("/") + "/" if self.is_folder else self.name


class NotThere(Exception):
    """There is nothing to back up under a path; the text is the reason."""


def open_regular(path: FilePath) -> tuple[int, os.stat_result]:
    """Open a regular file for reading; return its descriptor and its stat.

    Raises NotThere if it vanished or is no regular file, and OSError if it is
    there but cannot be read.
    """
    try:
        descriptor = os.open(path, _FLAGS)
    except _VANISHED:
        raise NotThere("vanished") from None
    except OSError as error:
        if error.errno in _NEVER_A_FILE:
            raise NotThere("not a regular file") from None
        raise
    try:
        info = os.fstat(descriptor)
        if not stat.S_ISREG(info.st_mode):
            raise NotThere("not a regular file")
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor, info


def stat_folder(path: FilePath) -> os.stat_result:
    """Return the stat of a folder; raises NotThere if there is none."""
    try:
        info = os.stat(path)
    except _VANISHED:
        raise NotThere("vanished") from None
    if not stat.S_ISDIR(info.st_mode):
        raise NotThere("not a folder")
    return info


def time_of(info: os.stat_result) -> int:
    """Return the time of the last change, ns, as far as an archive can tell it."""
    return max(-LARGEST, min(info.st_mtime_ns, LARGEST))


def read_whole(descriptor: int, size: int) -> bytes:
    """Return a small file's content, never more than its `size` when opened.

    A file that shrank meanwhile is read again, and after three tries taken as
    it is.
    """
    for _ in range(_TRIES):
        data = read_block(descriptor, size, 0)
        if len(data) == size:
            break
        size = min(size, os.fstat(descriptor).st_size)
    return data


def read_block(descriptor: int, size: int, offset: int) -> bytes:
    """Return `size` bytes at `offset`, fewer only where the file ends."""
    data = os.pread(descriptor, size, offset)
    while len(data) < size:
        more = os.pread(descriptor, size - len(data), offset + len(data))
        if not more:
            break
        data += more
    return data
