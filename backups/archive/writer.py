"""Writes an archive in one pass to a sink that only knows `write`."""

import errno
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Protocol, Self

from .conveyor import Conveyor, Job
from .deflate import BEST, END_OF_STREAM, Codec
from .helper import REQUEST_BYTES, Helper
from .layout import (
    NO_TIME_NS,
    SERVICE_MODE,
    central_record,
    descriptor,
    end_records,
    local_header,
)
from .limits import Limits
from .member import BLOCK, FORMAT, STORED, WHOLE, Member
from .names import MANIFEST, NameOrder, show
from .outgoing import Listing, OutgoingFile, open_spool
from .packing import Batch, Loaded, pack_files
from .sources import (
    FilePath,
    NotThere,
    Source,
    open_regular,
    read_block,
    read_whole,
    stat_folder,
)

_TINY = 16 << 10
_BATCH_BYTES = 512 << 10
_JOB_BYTES = 2 << 20
_JOB_FILES = 512
_HELP_BYTES = 256 << 10
_HELP_FROM = 2000
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
        self._loaded: list[Loaded] = []
        self._loaded_size = 0
        self._last: Member
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
        self._listing.close()
        self._records.close()

    def add_file(self, name: str, path: FilePath) -> Member:
        """Add one regular file and return what was recorded of it.

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
        return self._last

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

    def add_folder(self, name: str, *, mode: int, mtime_ns: int) -> Member:
        """Add an empty folder; the name's trailing slash may be left out."""
        source = Source(name, "", is_folder=True)
        self._admit(source)
        self._put_folder(source.member_name, mode, mtime_ns)
        self._flush()
        return self._last

    def finish(self, manifest: Mapping[str, Any]) -> ArchiveSummary:
        """Write the listing, the manifest and the central directory.

        `manifest` is any JSON object without the keys "format" and "members".
        """
        if "format" in manifest or "members" in manifest:
            raise ValueError("“format” and “members” are the archive's own keys")
        self._flush()
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
        try:
            self._order.admit(source.member_name)
            if source.name.endswith("/") and not source.is_folder:
                raise ValueError("ends as a folder does")
        except ValueError as error:
            raise ValueError(f"The name “{show(source.name)}” {error}.") from None

    def _put(self, source: Source) -> None:
        if source.is_folder:
            info = stat_folder(source.path)
            self._put_folder(source.member_name, info.st_mode, info.st_mtime_ns)
            return
        opened, info = open_regular(source.path)
        try:
            if info.st_size > WHOLE:
                self._flush_small()
                self._put_large(
                    OutgoingFile(source.name, info, self._belt.aside), opened
                )
            else:
                data = read_whole(opened, info.st_size)
                times_and_mode = info.st_mtime_ns, info.st_mode
                self._put_small(Loaded(source.name, data, *times_and_mode))
        finally:
            os.close(opened)

    def _put_folder(self, name: str, mode: int, mtime_ns: int) -> None:
        self._flush_loaded()
        start = self._batch.size
        self._batch.add(Member(name, 0, "", mtime_ns, mode & 0o777, offset=start))
        self._flush_full_batch()

    def _put_small(self, file: Loaded) -> None:
        if len(file.data) <= _TINY and self._helper is None:
            self._pack_here(file)
            return
        self._flush_batch()
        self._loaded.append(file)
        self._loaded_size += len(file.data)
        most = _HELP_BYTES if self._is_loaded_tiny() else _JOB_BYTES
        if self._loaded_size >= most or len(self._loaded) >= _JOB_FILES:
            self._flush_loaded()

    def _pack_here(self, file: Loaded) -> None:
        # Handing tiny files to threads costs more than compressing them: every
        # short call would pass the interpreter's lock back and forth.
        self._flush_loaded()
        self._batch.pack(file, self._codec)
        self._flush_full_batch()
        self._tiny += 1
        if self._tiny == _HELP_FROM and self._codec is BEST:
            self._helper = Helper.start()

    def _flush(self) -> None:
        self._flush_small()
        self._belt.drain()

    def _flush_small(self) -> None:
        self._flush_loaded()
        self._flush_batch()

    def _flush_loaded(self) -> None:
        if not self._loaded:
            return
        fits = self._is_loaded_tiny() and self._loaded_size <= REQUEST_BYTES
        if fits and self._helper:
            self._belt.put_job(self._write_batch, self._helper.ask(self._loaded))
        else:
            self._belt.put(self._write_batch, pack_files, self._loaded, self._codec)
        self._loaded, self._loaded_size = [], 0

    def _is_loaded_tiny(self) -> bool:
        return self._loaded_size <= _TINY * len(self._loaded)

    def _flush_full_batch(self) -> None:
        if self._batch.size >= _BATCH_BYTES:
            self._flush_batch()

    def _flush_batch(self) -> None:
        if self._batch.members:
            self._belt.then(partial(self._write_batch, self._batch))
            self._batch = Batch()

    def _write_batch(self, batch: Batch) -> None:
        start = self._offset
        if batch.size <= _TINY * len(batch.members):
            self._write(b"".join(batch.parts))
        else:
            self._write_aside(batch.parts)
        records = [central_record(m, start + m.offset) for m in batch.members]
        self._record(batch.members, records)
        self._progress(sum(m.size for m in batch.members))

    def _put_large(self, file: OutgoingFile, opened: int) -> None:
        self._belt.then(partial(self._begin, file))
        offset = 0
        while offset < file.most:
            block = read_block(opened, min(BLOCK, file.most - offset), offset)
            if not block:
                break
            offset += len(block)
            deliver = partial(self._write_block, file, len(block))
            self._belt.put(deliver, self._codec.block, block)
            # Hashed here, while the other threads compress.
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
        self._record([member], [central_record(member, member.offset)])

    def _record(self, members: list[Member], records: list[bytes]) -> None:
        self._last = members[-1]
        self._count += len(members)
        self._bytes += sum(m.size for m in members)
        self._listing.add(members)
        self._records.write(b"".join(records))

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
