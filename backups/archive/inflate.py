"""Decompression that never makes more than it was promised.

The content of members goes through ISA-L where it is installed, which takes half
of zlib's time: it is inflated in the process of an operation, and compared with
its digest. What a web server's process reads, the list of members, goes through
zlib, which has been attacked for decades: archives may come from strangers.
ValueError is what damaged data raises.
"""

import zlib
from collections.abc import Iterator
from typing import Any

from backups.texts import gettext_noop as _

from .byte_source import ByteSource, read_exactly
from .deflate import BEST, SYNC_MARK

_RAW = -15
_PIECE = 256 << 10
_OUTPUT = 1 << 20


def inflate_whole(data: bytes, size: int) -> bytes:
    """Return the `size` bytes that one complete raw stream holds."""
    stream, content = _inflate(data, size)
    if not stream.eof or stream.unused_data or len(content) != size:
        raise ValueError(_("its compressed data does not fit its size"))
    return content


def inflate_block(data: bytes, size: int) -> bytes:
    """Return the `size` bytes of one sync-flushed block, read on its own."""
    stream, content = _inflate(data, size)
    whole = not stream.eof and not stream.unconsumed_tail and data.endswith(SYNC_MARK)
    if not whole or len(content) != size:
        raise ValueError(_("its blocks do not fit its size"))
    return content


def _inflate(data: bytes, size: int) -> tuple[Any, bytes]:
    """Return the stream and what it made, which is never more than asked for."""
    stream = BEST.module.decompressobj(_RAW)
    try:
        content = stream.decompress(data, size + 1)
    except BEST.module.error as error:
        raise ValueError(_("its compressed data is damaged")) from error
    if len(content) > size:
        raise ValueError(_("it holds more than its size says"))
    return stream, content


def inflate_stream(
    source: ByteSource, offset: int, packed: int, size: int
) -> Iterator[bytes]:
    """Yield the `size` bytes of the `packed` bytes at `offset`, piece by piece."""
    stream = zlib.decompressobj(_RAW)
    made = 0
    for data in read_pieces(source, offset, packed):
        while data and not stream.eof:
            try:
                content = stream.decompress(data, min(_OUTPUT, size - made + 1))
            except zlib.error as error:
                raise ValueError(_("its compressed data is damaged")) from error
            made += len(content)
            if made > size:
                raise ValueError(_("it holds more than its size says"))
            if content:
                yield content
            data = stream.unconsumed_tail
        if data or stream.unused_data:
            raise ValueError(_("its compressed data ends before its place does"))
    if not stream.eof or made != size:
        raise ValueError(_("its compressed data does not fit its size"))


def read_pieces(source: ByteSource, offset: int, length: int) -> Iterator[bytes]:
    """Yield `length` bytes at `offset` in pieces."""
    end = offset + length
    while offset < end:
        data = read_exactly(source, offset, min(_PIECE, end - offset))
        offset += len(data)
        yield data
