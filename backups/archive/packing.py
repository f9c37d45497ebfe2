"""Files that are read as a whole, packed many at a time."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from .deflate import Codec
from .layout import local_header
from .member import DEFLATED, STORED, Member


class Loaded(NamedTuple):
    """A small file that was read."""

    name: str
    data: bytes
    mtime_ns: int
    mode: int


@dataclass
class Batch:
    """Members that are ready to be written, one behind the other."""

    parts: list[bytes] = field(default_factory=list)
    """What to write, in order."""
    size: int = 0
    """Bytes of all parts."""
    members: list[Member] = field(default_factory=list)
    """In order; offsets count from the start of the batch."""

    def add(self, member: Member, data: bytes = b"") -> None:
        """Append a member that is complete, with its compressed data."""
        header = local_header(member)
        self.parts += (header, data)
        self.members.append(member)
        self.size += len(header) + len(data)

    def pack(self, file: Loaded, codec: Codec) -> None:
        """Append a file's content, compressed if that is worth it."""
        name, data, mtime_ns, mode = file
        packed = codec.shrink(data)
        stored = data if packed is None else packed
        member = Member(
            name,
            len(data),
            hashlib.sha256(data).hexdigest(),
            mtime_ns,
            mode & 0o777,
            STORED if packed is None else DEFLATED,
            codec.crc32(data),
            len(stored),
            self.size,
        )
        self.add(member, stored)


def pack_files(files: Sequence[Loaded], codec: Codec) -> Batch:
    """Return the files as a batch."""
    batch = Batch()
    for file in files:
        batch.pack(file, codec)
    return batch
