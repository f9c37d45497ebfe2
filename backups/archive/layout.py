"""The records of a zip file, as bytes.

Every record is a pure function of a `Member`. The reader builds the record that
the writer would have written and compares, so it accepts one form only.
"""

import functools
import stat
import struct
import time
from typing import NamedTuple

from .member import Member
from .names import encode_name

LOCAL = struct.Struct("<4s3H4I2H")
CENTRAL = struct.Struct("<4s4H4I5H2I")
END = struct.Struct("<4s4H2IH")
END64 = struct.Struct("<4sQ2H2I4Q")
LOCATOR = struct.Struct("<4sIQI")

LOCAL_SIGN = b"PK\x03\x04"
CENTRAL_SIGN = b"PK\x01\x02"
END_SIGN = b"PK\x05\x06"
END64_SIGN = b"PK\x06\x06"
LOCATOR_SIGN = b"PK\x06\x07"
DESCRIPTOR_SIGN = b"PK\x07\x08"

FULL16 = 0xFFFF
FULL32 = 0xFFFFFFFF
ENCRYPTED = 1 << 0
STREAMED = 1 << 3
UTF8 = 1 << 11

NO_TIME_NS = 315_532_800 * 10**9
"""1980-01-01, the first moment that a zip can tell."""

SERVICE_MODE = 0o600
"""The mode of the two members that describe the others."""

_WIDE_FROM = (1 << 32) - (1 << 20)
_EARLIEST = NO_TIME_NS // 10**9
_LATEST = 4_354_819_198
_UNIX = 3 << 8
_PLAIN, _ZIP64 = 20, 45
_FOLDER_BIT = 0x10
_ZIP64_ID = 1

# Behind its signature and the writer's version a central record repeats the local
# header; then come its own fields, and last of these the offset.
_REPEATED = CENTRAL_SIGN + struct.pack("<H", _UNIX | _PLAIN)
# Of a central record all but its versions, its time, and where in which disk it is.
_UNLISTED = struct.Struct("<4s4x2H4x3I3H4x2I")
_PLACE = struct.Struct("<3H2I")
_OFFSET = struct.Struct("<I")
_OFFSET_AT = CENTRAL.size - _OFFSET.size
_EXTRA_LENGTH = 7


def needs_wide(size: int) -> bool:
    """Tell whether a streamed member of up to `size` bytes needs 64-bit sizes.

    Compressed data can be 0.01 % longer than the content, hence the margin.
    """
    return size >= _WIDE_FROM


def local_header(member: Member) -> bytes:
    """Return the header that precedes the member's data, name included."""
    name, size, _, mtime_ns, _, method, crc, packed, _, streamed, wide, *_ = member
    raw = encode_name(name)
    flags = UTF8 if name.isascii() or _is_utf8(raw) else 0
    extra, needed = b"", _PLAIN
    if streamed:
        flags |= STREAMED
        crc = packed = size = 0
    if wide or packed >= FULL32 or size >= FULL32:
        extra = struct.pack("<2H2Q", _ZIP64_ID, 16, size, packed)
        packed = size = FULL32
        needed = _ZIP64
    moment = _dos_time(mtime_ns // 10**9)
    lengths = len(raw), len(extra)
    header = LOCAL.pack(
        LOCAL_SIGN, needed, flags, method, moment, crc, packed, size, *lengths
    )
    return header + raw + extra


def local_header_size(member: Member) -> int:
    """Return the length of `local_header(member)` in bytes."""
    known = not member.streamed and max(member.packed, member.size) >= FULL32
    name = member.name
    length = len(name) if name.isascii() else len(encode_name(name))
    return LOCAL.size + length + (20 if member.wide or known else 0)


def descriptor(member: Member) -> bytes:
    """Return what follows a streamed member's data; nothing for the others."""
    if not member.streamed:
        return b""
    form = "<4sI2Q" if member.wide else "<4s3I"
    return struct.pack(form, DESCRIPTOR_SIGN, member.crc, member.packed, member.size)


def member_end(member: Member) -> int:
    """Return the offset of the first byte behind the member."""
    after = (24 if member.wide else 16) if member.streamed else 0
    return member.offset + local_header_size(member) + member.packed + after


def central_record(member: Member, offset: int) -> bytes:
    """Return the member's record for the central directory.

    `offset` is where its local header starts, in bytes.
    """
    name, size, _, mtime_ns, mode, method, crc, packed, _, streamed, wide, *_ = member
    raw = encode_name(name)
    flags = UTF8 if name.isascii() or _is_utf8(raw) else 0
    if streamed:
        flags |= STREAMED
    extra, needed = b"", _ZIP64 if wide else _PLAIN
    if size >= FULL32 or packed >= FULL32 or offset >= FULL32:
        extra = _zip64_extra(size, packed, offset)
        needed = _ZIP64
        size, packed, offset = (min(n, FULL32) for n in (size, packed, offset))
    moment, attributes = _dos_time(mtime_ns // 10**9), _attributes(name, mode)
    head = CENTRAL_SIGN, _UNIX | needed, needed, flags, method, moment
    lengths = len(raw), len(extra), 0
    header = CENTRAL.pack(*head, crc, packed, size, *lengths, 0, 0, attributes, offset)
    return header + raw + extra


def repeat_header(header: bytes, member: Member) -> bytes:
    """Return the central record of a member whose local header is `header`.

    The same as `central_record(member, member.offset)` in a quarter of the time,
    for what is not streamed and far from needing zip64.
    """
    place = _PLACE.pack(0, 0, 0, _attributes(member.name, member.mode), member.offset)
    return _REPEATED + header[4 : LOCAL.size] + place + header[LOCAL.size :]


def move_record(record: bytes, distance: int) -> bytes:
    """Return a record of `repeat_header` for a member `distance` bytes further on."""
    offset = _OFFSET.unpack_from(record, _OFFSET_AT)[0] + distance
    if offset < FULL32:
        moved: bytes = _OFFSET.pack(offset)
        return record[:_OFFSET_AT] + moved + record[CENTRAL.size :]
    sign, _, _, *fields = CENTRAL.unpack_from(record)
    extra = _zip64_extra(offset)
    fields[_EXTRA_LENGTH], fields[-1] = len(extra), FULL32
    header = CENTRAL.pack(sign, _UNIX | _ZIP64, _ZIP64, *fields)
    return header + record[CENTRAL.size :] + extra


def _zip64_extra(*values: int) -> bytes:
    large = [value for value in values if value >= FULL32]
    return struct.pack(f"<2H{len(large)}Q", _ZIP64_ID, 8 * len(large), *large)


def end_records(count: int, size: int, offset: int) -> bytes:
    """Return what ends the archive.

    `count` records of together `size` bytes start at `offset`.
    """
    shown = min(count, FULL16), min(size, FULL32), min(offset, FULL32)
    end = END.pack(END_SIGN, 0, 0, shown[0], *shown, 0)
    if shown[0] < FULL16 and shown[1] < FULL32 and shown[2] < FULL32:
        return end
    wide = END64.pack(
        END64_SIGN,
        END64.size - 12,
        _UNIX | _ZIP64,
        _ZIP64,
        0,
        0,
        count,
        count,
        size,
        offset,
    )
    return wide + LOCATOR.pack(LOCATOR_SIGN, 0, offset + size, 1) + end


class CentralRecord(NamedTuple):
    """The fields of a central record that the listing does not repeat."""

    raw: bytes
    name: bytes
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    attributes: int
    offset: int
    has_comment: bool


def parse_central(data: bytes, start: int) -> CentralRecord | None:
    """Return the record at `start`, or None when `data` ends before it does.

    Raises ValueError when there is no record or its zip64 field is malformed.
    """
    if len(data) - start < CENTRAL.size:
        return None
    fields = _UNLISTED.unpack_from(data, start)
    sign, flags, method, crc, packed, size, *lengths, attributes, offset = fields
    if sign != CENTRAL_SIGN:
        raise ValueError("no record")
    name_start = start + CENTRAL.size
    name_end = name_start + lengths[0]
    extra_end = name_end + lengths[1]
    end = extra_end + lengths[2]
    if end > len(data):
        return None
    if size == FULL32 or packed == FULL32 or offset == FULL32:
        extra = data[name_end:extra_end]
        size, packed, offset = _widen(extra, size, packed, offset)
    return CentralRecord(
        data[start:end],
        data[name_start:name_end],
        flags,
        method,
        crc,
        packed,
        size,
        attributes,
        offset,
        lengths[2] > 0,
    )


def _widen(extra: bytes, *shown: int) -> list[int]:
    try:
        field, length = struct.unpack_from("<2H", extra)
        large = list(struct.unpack_from(f"<{length // 8}Q", extra, 4))
        if field != _ZIP64_ID:
            raise ValueError("no zip64 field")
        return [large.pop(0) if n == FULL32 else n for n in shown]
    except (struct.error, IndexError) as error:
        raise ValueError("malformed zip64 field") from error


def is_file_or_folder(attributes: int) -> bool:
    """Tell whether external attributes are those of a file or a folder."""
    kind = stat.S_IFMT(attributes >> 16)
    return kind in (stat.S_IFREG, stat.S_IFDIR)


def _is_utf8(name: bytes) -> bool:
    try:
        name.decode()
    except UnicodeDecodeError:
        return False
    return True


def _attributes(name: str, mode: int) -> int:
    if name.endswith("/"):
        return (stat.S_IFDIR | mode) << 16 | _FOLDER_BIT
    return (stat.S_IFREG | mode) << 16


def _dos_time(seconds: int) -> int:
    # Zip times know two-second steps from 1980 to 2107.
    if not _EARLIEST <= seconds <= _LATEST:
        seconds = max(_EARLIEST, min(seconds, _LATEST))
    days, second = divmod(seconds, 86_400)
    minute, second = divmod(second, 60)
    hour, minute = divmod(minute, 60)
    return _dos_date(days) << 16 | hour << 11 | minute << 5 | second >> 1


@functools.lru_cache(maxsize=1024)
def _dos_date(days: int) -> int:
    year, month, day = time.gmtime(days * 86_400)[:3]
    return (year - 1980) << 9 | month << 5 | day
