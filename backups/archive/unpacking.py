"""Members' data: checked against what is listed, and written where it belongs."""

import errno
import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Self

from backups.texts import gettext_noop as _

from .byte_source import require_length
from .deflate import BEST
from .directory import bad_member, damaged_member
from .inflate import inflate_whole
from .layout import local_header
from .member import STORED, Member
from .sources import read_block

_UNFIT_NAME = (errno.ENAMETOOLONG, errno.EILSEQ)
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)


class Piece(NamedTuple):
    """A small member and where it goes: nowhere if it is only verified."""

    member: Member
    target: str | Path | None


def unpack_batch(data: bytes, pieces: Sequence[Piece]) -> None:
    """Check and write small members that lie one behind the other in `data`.

    Raises InvalidArchive for a flaw, OSError if a file cannot be written.
    """
    base = pieces[0].member.offset
    for member, target in pieces:
        start = member.offset - base
        header = local_header(member)
        body = start + len(header)
        if data[start:body] != header:
            raise bad_member(member.name, _("has a local header that disagrees"))
        content = _unpack(member, data[body : body + member.packed])
        if target is not None:
            with naming_collisions(member):
                write_whole(member, target, content)


class Unpacking:
    """The task of checking and writing small members of an archive in a file."""

    def __init__(
        self, descriptor: int, start: int, length: int, pieces: Sequence[Piece]
    ) -> None:
        self.descriptors = (descriptor,)
        self._start = start
        self._length = length
        self._pieces = pieces

    def __reduce__(self) -> tuple[Any, ...]:
        # Bare tuples and text are pickled several times as fast.
        pieces = [
            (tuple(member), target and os.fspath(target))
            for member, target in self._pieces
        ]
        return _unpacking, (self._start, self._length, pieces)

    def run(self, descriptors: Sequence[int]) -> None:
        """Do what `unpack_batch` does with the `length` bytes at `start`."""
        (descriptor,) = descriptors
        data = read_block(descriptor, self._length, self._start)
        unpack_batch(require_length(data, self._length), self._pieces)

    def redo(self) -> None:
        """Check them; raises OSError if there is something to write.

        Files of the first try cannot be told from those of another member whose
        name the file system takes for the same.
        """
        if any(target is not None for _, target in self._pieces):
            raise OSError(errno.EIO, "a process that unpacked files was killed")
        self.run(self.descriptors)

    def close(self) -> None:
        """The archive stays its reader's to close."""


def _unpacking(start: int, length: int, pieces: Sequence[tuple[Any, ...]]) -> Unpacking:
    made = [Piece(Member._make(member), target) for member, target in pieces]
    return Unpacking(-1, start, length, made)


@contextmanager
def naming_collisions(member: Member) -> Iterator[None]:
    """Turn the error for a name that can't be had into one that names the member.

    Targets start out empty, so only a name that the file system takes for
    another one can find its place taken.
    """
    try:
        yield
    except (FileExistsError, NotADirectoryError) as error:
        flaw = _("has a name that the file system here cannot tell from another one")
        raise bad_member(member.name, flaw) from error
    except OSError as error:
        if error.errno not in _UNFIT_NAME:
            raise
        flaw = _("has a name that the file system here does not take")
        raise bad_member(member.name, flaw) from error


def _unpack(member: Member, packed: bytes) -> bytes:
    try:
        stored = member.method == STORED
        content = packed if stored else inflate_whole(packed, member.size)
    except ValueError as error:
        raise damaged_member(member.name, error) from error
    if BEST.crc32(content) != member.crc:
        raise bad_member(member.name, _("is damaged: its CRC is wrong"))
    if not member.is_folder and hashlib.sha256(content).hexdigest() != member.sha256:
        raise bad_member(member.name, _("is damaged: its digest is wrong"))
    return content


def write_whole(member: Member, target: str | Path, content: bytes) -> None:
    """Create `target` with all of a member's content, mode and time."""
    if member.is_folder:
        create_folder(member, Path(target))
        return
    with NewFile(member, target) as file:
        file.write(content)
        file.settle()


def create_folder(member: Member, target: Path) -> None:
    """Create an empty folder; its parents too where they are missing."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.mkdir()
    # Whoever restores it has to be able to move it.
    target.chmod(member.mode & 0o777 | stat.S_IRWXU)
    os.utime(target, ns=(member.mtime_ns, member.mtime_ns))


class NewFile:
    """A file that did not exist before; parents are created where missing."""

    def __init__(self, member: Member, target: str | Path) -> None:
        self._member = member
        try:
            self._descriptor = os.open(target, _NEW_FILE, 0o600)
        except FileNotFoundError:
            Path(target).parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(target, _NEW_FILE, 0o600)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_unused: object) -> None:
        os.close(self._descriptor)

    def reserve(self) -> None:
        """Take the space of all of it at once: quicker, and a full disk shows early."""
        if self._member.size and hasattr(os, "posix_fallocate"):
            os.posix_fallocate(self._descriptor, 0, self._member.size)

    def write(self, data: bytes) -> None:
        written = os.write(self._descriptor, data)
        while written < len(data):
            written += os.write(self._descriptor, memoryview(data)[written:])

    def settle(self, *, durable: bool = False) -> None:
        """Give the file its mode and time; with `durable`, fsync it."""
        os.fchmod(self._descriptor, self._member.mode & 0o777)
        times = self._member.mtime_ns, self._member.mtime_ns
        os.utime(self._descriptor, ns=times)
        if durable:
            os.fsync(self._descriptor)
