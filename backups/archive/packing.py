"""Files that are read as a whole, packed many at a time."""

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .deflate import BEST, Codec
from .layout import local_header, repeat_header
from .member import DEFLATED, STORED, Member, format_line
from .sources import read_whole


class Opened(NamedTuple):
    """A small file that was opened; whoever has it closes it."""

    name: str
    descriptor: int
    size: int
    mtime_ns: int
    mode: int

    def load(self) -> "Loaded":
        """Return it with its content."""
        name, descriptor, size, mtime_ns, mode = self
        return Loaded(name, read_whole(descriptor, size), mtime_ns, mode)


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
    lines: list[bytes] = field(default_factory=list)
    """What lists them, in order; see `format_line`."""
    records: list[bytes] = field(default_factory=list)
    """Their central records; offsets count from the start of the batch."""
    content: int = 0
    """Uncompressed bytes of all members."""

    def add(self, member: Member, data: bytes = b"") -> None:
        """Append a member that is complete, with its compressed data."""
        header = local_header(member)
        self.parts += (header, data)
        self.lines.append(format_line(member))
        self.records.append(repeat_header(header, member))
        self.size += len(header) + len(data)
        self.content += member.size

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


def pack_files(files: Iterable[Loaded], codec: Codec) -> Batch:
    """Return the files as a batch."""
    batch = Batch()
    for file in files:
        batch.pack(file, codec)
    return batch


class Packing:
    """The task of packing small open files; it closes them."""

    def __init__(self, files: Sequence[Opened]) -> None:
        self._files = files

    def __reduce__(self) -> tuple[Any, ...]:
        # Bare tuples are pickled four times as fast.
        return Packing, ([tuple(file) for file in self._files],)

    @property
    def descriptors(self) -> list[int]:
        return [file.descriptor for file in self._files]

    def run(self, descriptors: Sequence[int]) -> Batch:
        """Read the files, one by one, and return them as a batch."""
        named = zip(self._files, descriptors, strict=True)
        files = (Opened(file[0], opened, *file[2:]) for file, opened in named)
        batch = pack_files((file.load() for file in files), BEST)
        batch.parts = [b"".join(batch.parts)]
        return batch

    def redo(self) -> Batch:
        return self.run(self.descriptors)

    def close(self) -> None:
        for file in self._files:
            os.close(file.descriptor)
        self._files = ()
