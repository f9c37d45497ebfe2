"""Writes an archive in one pass to a sink that only knows `write`."""

import errno
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Protocol, Self

from backups.exceptions import SnapshotFailed
from backups.texts import gettext_noop as _

from .conveyor import Conveyor, Job
from .deflate import BEST, END_OF_STREAM, Codec
from .helper import HELP_FROM, REQUEST_BYTES, Helper
from .layout import (
    NO_TIME_NS,
    SERVICE_MODE,
    central_record,
    descriptor,
    end_records,
    local_header,
    move_record,
)
from .limits import Limits
from .member import BLOCK, FORMAT, STORED, WHOLE, Member, format_line
from .names import MANIFEST, NameOrder, show
from .outgoing import Listing, OutgoingFile, open_spool
from .packing import Batch, Opened, Packing, pack_files
from .sources import (
    FilePath,
    NotThere,
    Source,
    open_regular,
    read_block,
    stat_folder,
    time_of,
)

_TINY = 16 << 10
_BATCH_BYTES = 512 << 10
_JOB_BYTES = 2 << 20
# These many files are open at a time, thrice while the helper works.
_JOB_FILES = 50
_HELP_BYTES = 256 << 10
# A name is told in a request, a line and two records.
_NAME_COST = 16
_COPY = 1 << 20


class Sink(Protocol):
    """Where an archive goes; takes all bytes it is given, like a buffered file."""

    def write(self, data: bytes, /) -> Any: ...


@dataclass(frozen=True)
class ArchiveSummary:
    """What an archive came to."""

    count: int
    """Members: files and empty folders."""
    bytes: int
    """Uncompressed bytes of all members."""
    sha256: str
    """Hex digest of the uncompressed members.jsonl, as in the manifest."""
    size: int
    """Bytes of the archive itself."""


def ignore(_count: int) -> None:
    """Report progress to nobody."""


class ArchiveWriter:
    """Writes members, then the manifest; use as a context manager.

    `sink` is only written to, never closed, and by one thread at a time, not
    always the one that calls these methods. That one calls `progress` with the
    uncompressed bytes done since the last call. Names must ascend (see
    docs/format.md); ValueError otherwise.
    Index records wait in memory and beyond 4 MiB in temporary files in
    `spool_dir`. Memory does not depend on the number or the size of files.
    An archive is complete only after `finish`; after an error it never is.
    """

    def __init__(
        self,
        sink: Sink,
        *,
        spool_dir: Path | None = None,
        progress: Callable[[int], None] = ignore,
        threads: int = 2,
        codec: Codec = BEST,
    ) -> None:
        self._sink = sink
        self._progress = progress
        self._codec = codec
        self._order = NameOrder()
        self._belt = Conveyor(threads, depth=2 * threads + 2)
        self._listing = Listing(codec, spool_dir)
        self._records = open_spool(spool_dir)
        self._batch = Batch()
        self._opened: list[Opened] = []
        self._opened_size = 0
        self._tiny = 0
        self._helper: Helper | None = None
        self._writing: Job | None = None
        self._offset = 0
        self._count = 0
        self._bytes = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop threads and helper and drop temporary files; the sink stays open."""
        self._belt.close()
        if self._helper:
            self._helper.close()
        Packing(self._opened).close()
        self._opened = []
        self._listing.close()
        self._records.close()

    def add_file(self, name: str, path: FilePath) -> None:
        """Add one regular file.

        Raises OSError if it is missing, unreadable or not a regular file.
        """
        source = Source(name, path)
        self._admit(source)
        try:
            self._put(source)
        except NotThere as answer:
            code = errno.ENOENT if str(answer) == "vanished" else errno.EINVAL
            raise OSError(code, str(answer), os.fspath(path)) from None
        self._flush()

    def add_files(
        self, sources: Iterable[Source], *, on_skip: Callable[[str, str], None]
    ) -> None:
        """Add files and empty folders, in order.

        `on_skip` gets the name and the reason of what is gone or is not a
        regular file. A file that is there but cannot be read raises OSError.
        """
        for source in sources:
            self._admit(source)
            try:
                self._put(source)
            except NotThere as answer:
                on_skip(source.name, str(answer))
        self._flush()

    def finish(self, manifest: Mapping[str, Any]) -> ArchiveSummary:
        """Write the listing, the manifest and the central directory.

        `manifest` is any JSON object without the keys "format" and "members".
        Raises SnapshotFailed for more than a reader takes.
        """
        if "format" in manifest or "members" in manifest:
            raise ValueError("“format” and “members” are the archive's own keys")
        self._flush()
        if self._count > Limits.max_members or self._bytes > Limits.max_bytes:
            raise SnapshotFailed(_("There is more than one archive can hold."))
        listing = self._write_listing()
        totals = {
            "count": self._count,
            "bytes": self._bytes,
            "sha256": listing.sha256,
        }
        document = {"format": FORMAT, **manifest, "members": totals}
        described = self._write_manifest(document)
        self._write_directory(described, listing)
        self.close()
        return ArchiveSummary(self._count, self._bytes, listing.sha256, self._offset)

    def _admit(self, source: Source) -> None:
        name, _path, is_folder = source
        try:
            if is_folder:
                name = source.member_name
            elif name.endswith("/"):
                raise ValueError("ends as a folder does")
            self._order.admit(name)
        except ValueError as error:
            raise ValueError(f"The name “{show(source.name)}” {error}.") from None

    def _put(self, source: Source) -> None:
        if source.is_folder:
            info = stat_folder(source.path)
            self._put_folder(source.member_name, info.st_mode, time_of(info))
            return
        opened, info = open_regular(source.path)
        if info.st_size > WHOLE:
            try:
                self._flush_small()
                file = OutgoingFile(source.name, info, self._belt.aside)
                self._put_large(file, opened)
            finally:
                os.close(opened)
        else:
            fields = info.st_size, time_of(info), info.st_mode
            self._put_small(Opened(source.name, opened, *fields))

    def _put_folder(self, name: str, mode: int, mtime_ns: int) -> None:
        self._flush_opened()
        start = self._batch.size
        self._batch.add(Member(name, 0, "", mtime_ns, mode & 0o777, offset=start))
        self._flush_full_batch()

    def _put_small(self, file: Opened) -> None:
        if file.size <= _TINY and self._helper is None:
            self._pack_here(file)
            return
        self._opened.append(file)
        self._opened_size += file.size + _NAME_COST * len(file.name)
        if len(self._opened) == 1:
            self._flush_batch()
        if len(self._opened) == _JOB_FILES or self._is_opened_enough():
            self._flush_opened()

    def _pack_here(self, file: Opened) -> None:
        # Handing tiny files to threads costs more than compressing them: every
        # short call would pass the interpreter's lock back and forth.
        try:
            self._flush_opened()
            self._batch.pack(file.load(), self._codec)
        finally:
            os.close(file.descriptor)
        self._flush_full_batch()
        self._tiny += 1
        if self._tiny == HELP_FROM and self._codec is BEST:
            self._helper = Helper.start()

    def _flush(self) -> None:
        self._flush_small()
        self._belt.drain()

    def _flush_small(self) -> None:
        self._flush_opened()
        self._flush_batch()

    def _flush_opened(self) -> None:
        files, size, tiny = self._opened, self._opened_size, self._is_opened_tiny()
        if not files:
            return
        self._opened, self._opened_size = [], 0
        helper = self._helper if tiny and size <= REQUEST_BYTES else None
        task = Packing(files)
        if helper and not helper.is_busy():
            self._belt.put_job(self._write_batch, helper.ask(task))
            return
        with closing(task):
            if helper:
                self._belt.then(partial(self._write_batch, task.redo()))
            else:
                loaded = [file.load() for file in files]
                self._belt.put(self._write_batch, pack_files, loaded, self._codec)

    def _is_opened_enough(self) -> bool:
        size = self._opened_size
        return size >= _HELP_BYTES and (size >= _JOB_BYTES or self._is_opened_tiny())

    def _is_opened_tiny(self) -> bool:
        return self._opened_size <= _TINY * len(self._opened)

    def _flush_full_batch(self) -> None:
        if self._batch.size >= _BATCH_BYTES:
            self._flush_batch()

    def _flush_batch(self) -> None:
        if self._batch.lines:
            self._belt.then(partial(self._write_batch, self._batch))
            self._batch = Batch()

    def _write_batch(self, batch: Batch) -> None:
        start = self._offset
        if batch.size <= _TINY * len(batch.lines):
            self._write(b"".join(batch.parts))
        else:
            self._write_aside(batch.parts)
        self._list(b"".join(batch.lines), len(batch.lines), batch.content)
        self._records.write(b"".join(move_record(r, start) for r in batch.records))
        self._progress(batch.content)

    def _put_large(self, file: OutgoingFile, opened: int) -> None:
        self._belt.then(partial(self._begin, file))
        offset = 0
        ended = False
        while offset < file.most and not ended:
            wanted = min(BLOCK, file.most - offset)
            block = read_block(opened, wanted, offset)
            if not block:
                break
            # What grows there again has no place: only the last block may be short.
            ended = len(block) < wanted
            offset += len(block)
            deliver = partial(self._write_block, file, len(block))
            self._belt.put(deliver, self._codec.block, block)
            # Hashed by another thread, while those of the belt compress.
            file.take(block)
        self._belt.then(partial(self._end, file))

    def _begin(self, file: OutgoingFile) -> None:
        file.offset = self._offset
        self._write(local_header(file.member()))

    def _write_block(self, file: OutgoingFile, size: int, packed: bytes) -> None:
        file.add_block(len(packed))
        self._write_aside([packed])
        self._progress(size)

    def _end(self, file: OutgoingFile) -> None:
        file.packed += len(END_OF_STREAM)
        member = file.member()
        self._write(END_OF_STREAM + descriptor(member))
        self._list(format_line(member), 1, member.size)
        self._records.write(central_record(member, member.offset))

    def _list(self, lines: bytes, count: int, content: int) -> None:
        self._count += count
        self._bytes += content
        self._listing.add(lines)

    def _write_listing(self) -> Member:
        member = self._listing.finish(self._offset)
        self._write(local_header(member))
        self._copy(self._listing.spool)
        return member

    def _write_manifest(self, document: dict[str, Any]) -> Member:
        data = json.dumps(document, indent=1, allow_nan=False).encode("ascii")
        json.dumps(document, ensure_ascii=False).encode()  # Or no reader takes it.
        if len(data) > Limits.max_manifest:
            raise ValueError("the manifest is too large")
        size, crc = len(data), self._codec.crc32(data)
        zip_fields = STORED, crc, size, self._offset
        member = Member(MANIFEST, size, "", NO_TIME_NS, SERVICE_MODE, *zip_fields)
        self._write(local_header(member) + data)
        return member

    def _write_directory(self, manifest: Member, listing: Member) -> None:
        start = self._offset
        # First, so that a reader finds them without reading the rest.
        for member in (manifest, listing):
            self._write(central_record(member, member.offset))
        self._copy(self._records)
        size = self._offset - start
        self._write(end_records(self._count + 2, size, start))
        self._wait_for_sink()

    def _copy(self, spool: IO[bytes]) -> None:
        spool.seek(0)
        while data := spool.read(_COPY):
            self._write(data)

    def _write(self, data: bytes) -> None:
        self._wait_for_sink()
        self._sink.write(data)
        self._offset += len(data)

    def _write_aside(self, pieces: Sequence[bytes]) -> None:
        """Write much while this thread goes on."""
        self._wait_for_sink()
        self._writing = self._belt.aside(self._write_all, pieces)
        self._offset += sum(map(len, pieces))

    def _write_all(self, pieces: Sequence[bytes]) -> None:
        for piece in pieces:
            self._sink.write(piece)

    def _wait_for_sink(self) -> None:
        """Return when all is written; raises what the last write raised."""
        writing, self._writing = self._writing, None
        if writing:
            writing.result()
