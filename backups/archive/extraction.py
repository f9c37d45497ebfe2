"""One pass over an archive that verifies everything and writes what is wanted."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from backups.texts import gettext_noop as _

from .byte_source import ByteSource, FileSource, read_exactly
from .conveyor import Conveyor
from .deflate import END_OF_STREAM
from .digest import Digest
from .directory import bad_member, damaged_member
from .helper import HELP_FROM, Helper
from .inflate import inflate_block, inflate_stream, read_pieces
from .layout import descriptor, local_header, member_end
from .member import STORED, WHOLE, Member
from .unpacking import NewFile, Piece, Unpacking, naming_collisions, unpack_batch

_BATCH_FILES = 128
_TINY = 16 << 10
_BATCH_BYTES = 2 << 20

Route = Callable[[str], Path | None]


class Extraction:
    """Reads members in order, in one thread; others inflate and check them.

    Every member is checked completely, also those that `route` sends nowhere.
    Large members, and tiny ones, are written by the calling thread, those between
    by the threads of the belt; of many tiny ones a helper process does its part.
    Nothing is overwritten and no link is followed into; the folders that `route`
    leads to must be private to the caller meanwhile.
    """

    def __init__(
        self,
        source: ByteSource,
        belt: Conveyor,
        *,
        route: Route,
        progress: Callable[[int], None],
        durable: bool = False,
    ) -> None:
        self._source = source
        self._belt = belt
        self._route = route
        self._progress = progress
        self._durable = durable
        self._tiny = 0
        self._helper: Helper | None = None

    def run(self, members: Iterable[Member]) -> None:
        """Extract the members; raises InvalidArchive or OSError."""
        try:
            with ExitStack() as files:
                for batch in _group(members):
                    if isinstance(batch, Member):
                        self._put_large(batch, files)
                    else:
                        self._put_batch(batch)
                self._belt.drain()
        finally:
            if self._helper:
                self._helper.close()

    def _put_batch(self, members: list[Member]) -> None:
        start = members[0].offset
        length = member_end(members[-1]) - start
        pieces = [Piece(member, self._route(member.name)) for member in members]
        report = partial(self._report, pieces)
        if length <= _TINY * len(members):
            self._put_tiny(start, length, pieces, report)
        else:
            data = read_exactly(self._source, start, length)
            self._belt.put(report, unpack_batch, data, pieces)

    def _put_tiny(
        self, start: int, length: int, pieces: list[Piece], report: Callable[..., None]
    ) -> None:
        # Threads would spend more on the interpreter's lock than they gain.
        if isinstance(self._source, FileSource):
            helper = self._find_helper(len(pieces))
            if helper and not helper.is_busy():
                task = Unpacking(self._source.descriptor, start, length, pieces)
                self._belt.put_job(report, helper.ask(task))
                return
        data = read_exactly(self._source, start, length)
        self._belt.then(partial(unpack_batch, data, pieces))
        self._belt.then(report)

    def _find_helper(self, more: int) -> Helper | None:
        """Return the helper, once there are enough tiny members; `more` come."""
        if self._tiny < HELP_FROM <= self._tiny + more:
            self._helper = Helper.start()
        self._tiny += more
        return self._helper

    def _report(self, pieces: list[Piece], _result: None = None) -> None:
        self._progress(sum(piece.member.size for piece in pieces))

    def _put_large(self, member: Member, files: ExitStack) -> None:
        header = local_header(member)
        if read_exactly(self._source, member.offset, len(header)) != header:
            raise bad_member(member.name, _("has a local header that disagrees"))
        target = self._route(member.name)
        digest = Digest(self._belt.aside)
        large = _Large(member, target, files, self._progress, digest)
        self._belt.then(large.begin)
        start = member.offset + len(header)
        if member.blocks:
            self._put_blocks(large, start)
        else:
            self._belt.drain()
            self._take_stream(large, start)
        self._belt.then(partial(self._end, large))

    def _put_blocks(self, large: "_Large", offset: int) -> None:
        member, left = large.member, large.member.size
        for packed in member.blocks:
            data = read_exactly(self._source, offset, packed)
            size = min(member.block, left)
            self._belt.put(large.take, _inflate_block, member.name, data, size)
            offset += packed
            left -= size
        if read_exactly(self._source, offset, len(END_OF_STREAM)) != END_OF_STREAM:
            raise bad_member(member.name, _("is damaged: its stream has no end"))

    def _take_stream(self, large: "_Large", offset: int) -> None:
        member = large.member
        if member.method == STORED:
            pieces = read_pieces(self._source, offset, member.packed)
        else:
            pieces = inflate_stream(self._source, offset, member.packed, member.size)
        try:
            for piece in pieces:
                large.take(piece)
        except ValueError as error:
            raise damaged_member(member.name, error) from error

    def _end(self, large: "_Large") -> None:
        member = large.member
        expected = descriptor(member)
        start = member_end(member) - len(expected)
        if read_exactly(self._source, start, len(expected)) != expected:
            raise bad_member(member.name, _("has a data descriptor that disagrees"))
        large.end(durable=self._durable)


class _Large:
    """A large member while its pieces arrive in order."""

    def __init__(
        self,
        member: Member,
        target: Path | None,
        files: ExitStack,
        progress: Callable[[int], None],
        digest: Digest,
    ) -> None:
        self.member = member
        self.target = target
        self._files = files
        self._progress = progress
        self._file: NewFile | None = None
        self._digest = digest

    def begin(self) -> None:
        if self.target is not None:
            with naming_collisions(self.member):
                self._file = NewFile(self.member, self.target)
            self._files.push(self._file)
            self._file.reserve()

    def take(self, piece: bytes) -> None:
        self._digest.take(piece)
        if self._file is not None:
            self._file.write(piece)
        self._progress(len(piece))

    def end(self, *, durable: bool) -> None:
        if self._digest.crc != self.member.crc:
            raise bad_member(self.member.name, _("is damaged: its CRC is wrong"))
        if self._digest.sha256 != self.member.sha256:
            raise bad_member(self.member.name, _("is damaged: its digest is wrong"))
        if self._file is not None:
            self._file.settle(durable=durable)
            # Only one large file is open at a time: this one.
            self._files.close()


def _inflate_block(name: str, data: bytes, size: int) -> bytes:
    try:
        return inflate_block(data, size)
    except ValueError as error:
        raise damaged_member(name, error) from error


def _group(members: Iterable[Member]) -> Iterator[Member | list[Member]]:
    batch: list[Member] = []
    size = 0
    for member in members:
        if member.streamed or max(member.size, member.packed) > WHOLE:
            if batch:
                yield batch
            yield member
            batch, size = [], 0
            continue
        batch.append(member)
        size += member.size + member.packed
        if len(batch) >= _BATCH_FILES or size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
