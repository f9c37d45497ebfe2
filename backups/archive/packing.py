"""Small files, packed many at a time so that threads are worth their cost."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field

from .deflate import Codec
from .layout import local_header
from .member import DEFLATED, STORED, Member
from .sources import (
    NotThere,
    Source,
    is_small,
    open_regular,
    read_whole,
    stat_folder,
)

BATCH_FILES = 128
BATCH_BYTES = 2 << 20


@dataclass
class Batch:
    """Members that are ready to be written, one behind the other."""

    parts: list[bytes] = field(default_factory=list)
    """What to write, in order."""
    size: int = 0
    """Bytes of all parts."""
    members: list[Member] = field(default_factory=list)
    """In order; offsets count from the start of the batch."""
    skipped: list[tuple[str, str]] = field(default_factory=list)
    """Name and reason of what was not there."""
    rest: Sequence[Source] = ()
    """What did not fit: the first of it turned out to be large."""

    def add(self, member: Member, data: bytes = b"") -> None:
        header = local_header(member)
        self.parts += (header, data)
        self.members.append(member)
        self.size += len(header) + len(data)


def pack_batch(sources: Sequence[Source], codec: Codec) -> Batch:
    """Read and compress sources up to twice BATCH_BYTES.

    Raises OSError for a file that is there but cannot be read.
    """
    batch = Batch()
    for position, source in enumerate(sources):
        try:
            fits = batch.size <= 2 * BATCH_BYTES and _pack(source, batch, codec)
        except NotThere as answer:
            batch.skipped.append((source.name, str(answer)))
            continue
        if not fits:
            batch.rest = sources[position:]
            break
    return batch


def _pack(source: Source, batch: Batch, codec: Codec) -> bool:
    if source.is_folder:
        info = stat_folder(source.path)
        mode, name = info.st_mode & 0o777, source.member_name
        batch.add(Member(name, 0, "", info.st_mtime_ns, mode, offset=batch.size))
        return True
    descriptor, info = open_regular(source.path)
    try:
        if not is_small(info.st_size):
            return False
        data = read_whole(descriptor, info.st_size)
    finally:
        os.close(descriptor)
    pack_data(source.name, data, info, batch, codec)
    return True


def pack_data(
    name: str, data: bytes, info: os.stat_result, batch: Batch, codec: Codec
) -> None:
    """Append a file's content to the batch, compressed if that is worth it."""
    packed = codec.shrink(data)
    stored = data if packed is None else packed
    member = Member(
        name,
        len(data),
        hashlib.sha256(data).hexdigest(),
        info.st_mtime_ns,
        info.st_mode & 0o777,
        STORED if packed is None else DEFLATED,
        codec.crc32(data),
        len(stored),
        batch.size,
    )
    batch.add(member, stored)
