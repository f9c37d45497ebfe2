"""Byte ranges of a download (RFC 9110, section 14), as Go's file server reads
them, because PocketBase's clients met that one."""

import re
import secrets
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Protocol

BLOCK_SIZE = 1024 * 1024
# Eighteen digits fit in 64 bits; Go calls anything beyond that malformed too.
ONE_RANGE = re.compile(r"([0-9]{0,18})[ \t]*-[ \t]*([0-9]{0,18})")


class RangeError(ValueError):
    """The ranges can't be served: 416. The message is the answer's text."""


class MalformedRange(RangeError):
    """The header is not a list of byte ranges."""

    def __init__(self) -> None:
        super().__init__("invalid range")


class UnsatisfiableRange(RangeError):
    """Every range begins after the end of the file."""

    def __init__(self) -> None:
        super().__init__("invalid range: failed to overlap")


class SeekableFile(Protocol):
    """The part of a binary file that ranges need."""

    def seek(self, offset: int, /) -> object: ...
    def read(self, size: int, /) -> bytes: ...
    def close(self) -> None: ...


def parse_range(header: str, size: int) -> list[tuple[int, int]]:
    """Return the (start, length) of each range of a file of ``size`` bytes.

    Every range lies inside the file and has at least one byte. An empty list
    means the whole file: there is no range, the file is empty, or the ranges
    together are longer than the file, which only costs more than sending it.
    Ranges beyond the end are dropped as long as one is left.
    """
    if not header:
        return []
    unit, equals, ranges = header.partition("=")
    if unit != "bytes" or not equals:
        raise MalformedRange
    wanted = [_parse_one(text, size) for text in _split(ranges)]
    inside = [one for one in wanted if one[1] > 0]
    if wanted and size and not inside:
        raise UnsatisfiableRange
    return inside if sum(length for _, length in inside) <= size else []


def _split(ranges: str) -> list[str]:
    texts = (text.strip(" \t") for text in ranges.split(","))
    return [text for text in texts if text]


def _parse_one(text: str, size: int) -> tuple[int, int]:
    """Return (start, length); the length is below 1 outside the file."""
    match = ONE_RANGE.fullmatch(text)
    if not match or not any(match.groups()):
        raise MalformedRange
    first, last = match.groups()
    if not first:
        length = min(int(last), size)
        return size - length, length
    start, end = int(first), int(last or size)
    if last and end < start:
        raise MalformedRange
    return start, min(end, size - 1) - start + 1


def content_range(start: int, length: int, size: int) -> str:
    """Return the value of Content-Range for one range."""
    return f"bytes {start}-{start + length - 1}/{size}"


class Slice:
    """A window on a file, for a response that sends one range.

    It has no ``fileno`` on purpose: a WSGI server that found one would send
    the file with sendfile(), past the end of the window.
    """

    def __init__(self, file: SeekableFile, start: int, length: int) -> None:
        self._file = file
        self._left = length
        file.seek(start)

    def read(self, size: int = BLOCK_SIZE) -> bytes:
        """Read up to ``size`` bytes and one block; b"" only at the end."""
        wanted = BLOCK_SIZE if size < 0 else min(size, BLOCK_SIZE)
        data = self._file.read(min(wanted, self._left))
        self._left -= len(data)
        return data

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.read, b"")

    def close(self) -> None:
        self._file.close()


class MultipartBody(Iterator[bytes]):
    """The blocks of a multipart/byteranges body; closing it closes the file.

    A bare generator would not do: one that never started runs no ``finally``,
    and a client may hang up before the first block.
    """

    def __init__(self, file: SeekableFile, blocks: Iterator[bytes]) -> None:
        self._file = file
        self._blocks = blocks

    def __next__(self) -> bytes:
        return next(self._blocks)

    def close(self) -> None:
        self._file.close()


def multipart_ranges(
    file: SeekableFile,
    ranges: Sequence[tuple[int, int]],
    size: int,
    content_type: str,
) -> tuple[MultipartBody, int, str]:
    """Return the body of one range or more, its length, and its boundary."""
    boundary = secrets.token_hex(30)
    heads = [
        f"\r\n--{boundary}\r\n"
        f"Content-Range: {content_range(start, length, size)}\r\n"
        f"Content-Type: {content_type}\r\n\r\n".encode()
        for start, length in ranges
    ]
    # The first delimiter opens the body, so no line break comes before it.
    heads[0] = heads[0].removeprefix(b"\r\n")
    tail = f"\r\n--{boundary}--\r\n".encode()
    parts = (
        chain([head], Slice(file, start, length))
        for head, (start, length) in zip(heads, ranges, strict=True)
    )
    blocks = chain(chain.from_iterable(parts), [tail])
    total = sum(map(len, [*heads, tail])) + sum(length for _, length in ranges)
    return MultipartBody(file, blocks), total, boundary
