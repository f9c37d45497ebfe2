"""What an archive writer has in hand before it can write it."""

import hashlib
import os
import tempfile
from array import array
from pathlib import Path
from typing import IO

from .conveyor import Aside
from .deflate import Codec
from .digest import Digest
from .layout import NO_TIME_NS, SERVICE_MODE, needs_wide
from .member import BLOCK, DEFLATED, MAX_BLOCKS, Member
from .names import LISTING
from .sources import time_of

_SPOOL_IN_MEMORY = 2 << 20


class OutgoingFile:
    """A large file on its way: what is read and what is written of it so far."""

    def __init__(self, name: str, info: os.stat_result, aside: Aside) -> None:
        self.most = info.st_size
        self.offset = 0
        self.packed = 0
        # Unsigned 32-bit numbers: a quarter million of them are 1 MiB.
        self.blocks = array("I")
        self._name = name
        self._info = info
        self._size = 0
        self._digest = Digest(aside)

    def take(self, block: bytes) -> None:
        """Count and hash the next block that was read."""
        self._size += len(block)
        self._digest.take(block)

    def add_block(self, packed: int) -> None:
        """Note that a block of `packed` compressed bytes was written."""
        self.packed += packed
        if len(self.blocks) <= MAX_BLOCKS:
            self.blocks.append(packed)

    def member(self) -> Member:
        """Return what is known so far; complete after the last block."""
        listed = 0 < len(self.blocks) <= MAX_BLOCKS
        return Member(
            self._name,
            self._size,
            self._digest.sha256,
            time_of(self._info),
            self._info.st_mode & 0o777,
            DEFLATED,
            self._digest.crc,
            self.packed,
            self.offset,
            streamed=True,
            wide=needs_wide(self.most),
            block=BLOCK if listed else 0,
            blocks=tuple(self.blocks) if listed else (),
        )


class Listing:
    """members.jsonl while it grows, already compressed."""

    def __init__(self, codec: Codec, folder: Path | None) -> None:
        self.spool = open_spool(folder)
        self._compressor = codec.stream()
        self._crc32 = codec.crc32
        self._sha256 = hashlib.sha256()
        self._crc = 0
        self._size = 0
        self._packed = 0

    def add(self, lines: bytes) -> None:
        self._size += len(lines)
        self._crc = self._crc32(lines, self._crc)
        self._sha256.update(lines)
        self._packed += self.spool.write(self._compressor.compress(lines))

    def finish(self, offset: int) -> Member:
        self._packed += self.spool.write(self._compressor.flush())
        return Member(
            LISTING,
            self._size,
            self._sha256.hexdigest(),
            NO_TIME_NS,
            SERVICE_MODE,
            DEFLATED,
            self._crc,
            self._packed,
            offset,
        )

    def close(self) -> None:
        self.spool.close()


def open_spool(folder: Path | None) -> IO[bytes]:
    """Return a temporary file that stays in memory while it is small."""
    place = None if folder is None else str(folder)
    return tempfile.SpooledTemporaryFile(_SPOOL_IN_MEMORY, dir=place)
