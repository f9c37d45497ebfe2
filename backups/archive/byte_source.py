"""Where a reader gets the bytes of an archive from."""

import os
from typing import IO, Protocol, Self

from backups.exceptions import InvalidArchive
from backups.texts import gettext_noop as _

from .sources import read_block


class ByteSource(Protocol):
    """Random access to an archive, used by one thread at a time."""

    @property
    def size(self) -> int:
        """Bytes of the whole archive."""

    def read_at(self, offset: int, length: int) -> bytes:
        """Return `length` bytes at `offset`; fewer only where the archive ends."""


class FileSource:
    """An archive in a local file; close it, or use it as a context manager."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.descriptor = os.open(path, os.O_RDONLY)
        self.size = os.fstat(self.descriptor).st_size

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def read_at(self, offset: int, length: int) -> bytes:
        return read_block(self.descriptor, length, offset)


class SeekableSource:
    """An archive in an open file object, which stays its owner's to close."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file = file
        self.size = size

    def read_at(self, offset: int, length: int) -> bytes:
        self._file.seek(offset)
        data = self._file.read(length)
        while len(data) < length:
            more = self._file.read(length - len(data))
            if not more:
                break
            data += more
        return data


def read_exactly(source: ByteSource, offset: int, length: int) -> bytes:
    """Return `length` bytes at `offset`, or raise InvalidArchive."""
    # A zip64 field can name an offset that no system call takes.
    inside = offset + length <= source.size
    return require_length(source.read_at(offset, length) if inside else b"", length)


def require_length(data: bytes, length: int) -> bytes:
    """Return what was read if it is all; raises InvalidArchive."""
    if len(data) != length:
        raise InvalidArchive(_("The archive ends too early; it was cut short."))
    return data
