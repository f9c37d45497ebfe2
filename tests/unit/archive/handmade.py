"""Archives put together by hand, so that any part of them can be wrong."""

import hashlib
import json
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from backups.archive import ArchiveReader, ArchiveWriter, Source, sort_key
from backups.archive.layout import (
    NO_TIME_NS,
    central_record,
    descriptor,
    end_records,
    local_header,
)
from backups.archive.member import DEFLATED, STORED, Member, format_line

MTIME = 1_700_000_000 * 10**9


def deflate(data: bytes) -> bytes:
    stream = zlib.compressobj(6, zlib.DEFLATED, -15)
    return stream.compress(data) + stream.flush()


def same(data: bytes) -> bytes:
    return data


@dataclass
class Entry:
    """One member; each `edit_` function bends the bytes it is named after."""

    member: Member
    data: bytes
    edit_local: Callable[[bytes], bytes] = same
    edit_central: Callable[[bytes], bytes] = same
    edit_line: Callable[[bytes], bytes] = same
    edit_tail: Callable[[bytes], bytes] = same


def entry(
    name: str,
    content: bytes = b"content",
    *,
    packed: bytes | None = None,
    method: int = STORED,
    **fields: Any,
) -> Entry:
    if packed is None:
        packed = deflate(content) if method == DEFLATED else content
    edits = {k: fields.pop(k) for k in list(fields) if k.startswith("edit_")}
    digest = "" if name.endswith("/") else hashlib.sha256(content).hexdigest()
    crc = zlib.crc32(content)
    member = Member(
        name, len(content), digest, MTIME, 0o644, method, crc, len(packed)
    )._replace(**fields)
    return Entry(member, packed, **edits)


@dataclass
class Archive:
    """What `build` makes of it; change what should be wrong."""

    entries: list[Entry] = field(default_factory=list)
    manifest: dict[str, Any] = field(default_factory=dict)
    totals: dict[str, Any] = field(default_factory=dict)
    prefix: bytes = b""
    suffix: bytes = b""
    manifest_data: bytes | None = None
    listing_suffix: bytes = b""
    edit_end: Callable[[bytes], bytes] = same
    edit_manifest_central: Callable[[bytes], bytes] = same
    offsets: dict[str, int] = field(default_factory=dict)

    def build(self) -> bytes:
        body, centrals, lines = bytearray(self.prefix), [], []
        for item in self.entries:
            offset = self.offsets.get(item.member.name, len(body))
            body += item.edit_local(local_header(item.member)) + item.data
            body += item.edit_tail(descriptor(item.member))
            centrals.append(item.edit_central(central_record(item.member, offset)))
            lines.append(item.edit_line(format_line(item.member)))
        listing = b"".join(lines) + self.listing_suffix
        second = _append(body, "members.jsonl", listing, DEFLATED)
        first = _append(body, "manifest.json", self._manifest(listing), STORED)
        start = len(body)
        records = [self.edit_manifest_central(first), second, *centrals]
        body += b"".join(records)
        end = end_records(len(records), len(body) - start, start)
        return bytes(body + self.edit_end(end) + self.suffix)

    def _manifest(self, listing: bytes) -> bytes:
        if self.manifest_data is not None:
            return self.manifest_data
        totals = {
            "count": len(self.entries),
            "bytes": sum(item.member.size for item in self.entries),
            "sha256": hashlib.sha256(listing).hexdigest(),
            **self.totals,
        }
        return json.dumps({"format": 1, "members": totals, **self.manifest}).encode()


def _append(body: bytearray, name: str, content: bytes, method: int) -> bytes:
    packed = deflate(content) if method == DEFLATED else content
    crc, offset = zlib.crc32(content), len(body)
    member = Member(
        name, len(content), "", NO_TIME_NS, 0o600, method, crc, len(packed), offset
    )
    body += local_header(member) + packed
    return central_record(member, offset)


class Bytes:
    """An archive in memory."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size = len(data)

    def read_at(self, offset: int, length: int) -> bytes:
        return self.data[offset : offset + length]


class Pipe:
    """A sink that can be written to and nothing else."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.pieces.append(bytes(data))

    @property
    def source(self) -> Bytes:
        return Bytes(b"".join(self.pieces))


def verify(data: bytes, **options: Any) -> None:
    with ArchiveReader(Bytes(data), **options) as reader:
        reader.verify()


def media_sources(folder: Path) -> list[Source]:
    """Return the sources of a whole tree, in the archive's order."""
    found = []
    for path in folder.rglob("*"):
        name = f"media/{path.relative_to(folder)}"
        if path.is_file():
            found.append(Source(name, path))
        elif not any(path.iterdir()):
            found.append(Source(name, path, is_folder=True))
    return sorted(found, key=lambda source: sort_key(source.name))


def refuse_skip(name: str, reason: str) -> None:
    raise AssertionError(f"{name} was skipped: {reason}")


def write_tree(sink: Any, folder: Path, database: Path | None = None, **options: Any):
    """Archive a media folder, and a database if there is one."""
    with ArchiveWriter(sink, **options) as writer:
        if database:
            writer.add_file("databases/default.sqlite3", database)
        writer.add_files(media_sources(folder), on_skip=refuse_skip)
        return writer.finish({"site": "test"})


def content_of(folder: Path) -> dict[str, bytes | None]:
    """Return every file's content and every empty folder, by name."""
    found: dict[str, bytes | None] = {}
    for path in folder.rglob("*"):
        if path.is_file():
            found[str(path.relative_to(folder))] = path.read_bytes()
        elif not any(path.iterdir()):
            found[str(path.relative_to(folder))] = None
    return found


def fill(folder: Path, content: Iterable[tuple[str, bytes | None]]) -> Path:
    """Create files, and empty folders where the content is None."""
    folder.mkdir(exist_ok=True)
    for name, data in content:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if data is None:
            path.mkdir()
        else:
            path.write_bytes(data)
    return folder
