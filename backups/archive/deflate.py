"""Compression: raw deflate by ISA-L where it is installed, by zlib elsewhere."""

import struct
import zlib
from dataclasses import dataclass
from typing import Any

try:
    from isal import isal_zlib
except ImportError:
    isal_zlib = None  # type: ignore[assignment]

END_OF_STREAM = b"\x03\x00"
"""An empty last block: what closes a stream of sync-flushed blocks."""
SYNC_MARK = b"\x00\x00\xff\xff"
"""The last bytes of every sync-flushed block."""

_WORTH_IT = 0.97
_SAMPLES = 4
_SAMPLE = 4 << 10
_SAMPLED_FROM = 64 << 10
_TINY = 100
_RAW = -15
_GLANCE = 64
_NOISY = 48
_STORED_MOST = 0xFFFF


@dataclass(frozen=True)
class Codec:
    """A deflate implementation with the interface of the zlib module."""

    module: Any
    level: int

    def crc32(self, data: bytes, value: int = 0) -> int:
        """Return the CRC-32 of `data`, continuing from `value`."""
        crc: int = self.module.crc32(data, value)
        return crc

    def stream(self) -> Any:
        """Return a compressor (compress, flush) of one raw stream."""
        return self.module.compressobj(self.level, zlib.DEFLATED, _RAW)

    def shrink(self, data: bytes) -> bytes | None:
        """Return `data` as one raw stream, or None if that is not worth it."""
        if len(data) < _TINY or not self._looks_compressible(data):
            return None
        packed: bytes = self.module.compress(data, self.level, _RAW)
        return packed if len(packed) < _WORTH_IT * len(data) else None

    def block(self, data: bytes) -> bytes:
        """Return `data` as deflate blocks that no other block refers to.

        The result ends on a byte boundary with a sync mark, so blocks can be
        joined, and each can be inflated alone.
        """
        if not self._looks_compressible(data):
            return store_block(data)
        compressor = self.stream()
        head: bytes = compressor.compress(data)
        packed = head + compressor.flush(zlib.Z_SYNC_FLUSH)
        return packed if len(packed) < len(data) else store_block(data)

    def _looks_compressible(self, data: bytes) -> bool:
        if len(data) < _SAMPLED_FROM:
            return not _is_noise(data)
        step = len(data) // _SAMPLES
        starts = range(step // 2, len(data), step)
        sample = b"".join(data[start : start + _SAMPLE] for start in starts)
        packed = self.module.compress(sample, self.level, _RAW)
        return len(packed) < _WORTH_IT * len(sample)


def _is_noise(data: bytes) -> bool:
    """Tell at a glance, much faster than by compressing, from 64 bytes.

    Of so many random bytes 57 are distinct on average, of base64 41.
    """
    middle = len(data) // 2
    glance = data[middle : middle + _GLANCE]
    return not glance.isascii() and len(set(glance)) > _NOISY


def store_block(data: bytes) -> bytes:
    """Return `data` as stored deflate blocks that end with a sync mark."""
    parts = []
    for start in range(0, len(data), _STORED_MOST):
        piece = data[start : start + _STORED_MOST]
        size = len(piece)
        parts.append(struct.pack("<B2H", 0, size, size ^ _STORED_MOST))
        parts.append(piece)
    return b"".join([*parts, b"\x00", SYNC_MARK])


ZLIB = Codec(zlib, 1)
ISAL = Codec(isal_zlib, 2) if isal_zlib else None
# Level 2 costs 5 % more time than level 1 and makes archives 1 to 3 % smaller.
BEST = ISAL or ZLIB
