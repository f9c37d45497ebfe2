"""The central directory and the listing, read side by side and checked."""

import hashlib
import zlib
from collections.abc import Iterator
from typing import Any

from backups.exceptions import InvalidArchive
from backups.texts import Text
from backups.texts import gettext_noop as _

from .byte_source import ByteSource, read_exactly
from .inflate import inflate_stream
from .layout import (
    ENCRYPTED,
    STREAMED,
    CentralRecord,
    central_record,
    is_file_or_folder,
    local_header,
    member_end,
)
from .limits import Limits
from .member import DEFLATED, STORED, Member, parse_line
from .names import NameOrder, decode_name, encode_name, show
from .opening import DIRECTORY, LISTING_DAMAGED, Index, parse_record

_PIECE = 1 << 20
_OTHER_LISTING = _(
    "The archive's list of members is not the one its manifest promises."
)


def bad_member(name: str, flaw: str, **params: Any) -> InvalidArchive:
    """Return the error for a member; `flaw` goes on where its name stops."""
    return InvalidArchive(
        _("The member “%(name)s” %(flaw)s."), name=show(name), flaw=Text(flaw, **params)
    )


def damaged_member(name: str, why: ValueError) -> InvalidArchive:
    """Return the error for a member whose data is not what it should be."""
    return bad_member(name, _("is damaged: %(why)s"), why=Text(str(why)))


def read_members(source: ByteSource, index: Index, limits: Limits) -> Iterator[Member]:
    """Yield the members in order, in memory that does not grow with them.

    Whatever can be checked of a member without its data is checked before it
    is yielded, and the whole listing by the time the iterator ends. Raises
    InvalidArchive.
    """
    order = NameOrder()
    end = size = count = 0
    lines = _read_lines(source, index, limits)
    for record in _read_records(source, index):
        member = _match(next(lines, b""), record, limits)
        _require_order(order, member.name)
        if member.offset != end:
            raise bad_member(member.name, _("overlaps another one or leaves a gap"))
        end = member_end(member)
        size += member.size
        count += 1
        if end > index.listing.offset or size > index.total_bytes:
            raise bad_member(member.name, _("is larger than the manifest allows"))
        yield member
    promised = index.count, index.total_bytes, index.listing.offset
    if next(lines, None) is not None or (count, size, end) != promised:
        raise InvalidArchive(_OTHER_LISTING)


def _require_order(order: NameOrder, name: str) -> None:
    try:
        order.admit(name)
    except ValueError as error:
        raise bad_member(name, str(error)) from None


def _read_records(source: ByteSource, index: Index) -> Iterator[CentralRecord]:
    position, data, start = index.first, b"", 0
    for _number in range(index.count):
        record = parse_record(data, start)
        while record is None:
            length = min(_PIECE, index.end - position)
            if length <= 0:
                raise InvalidArchive(DIRECTORY)
            data = data[start:] + read_exactly(source, position, length)
            position += length
            start = 0
            record = parse_record(data, start)
        start += len(record.raw)
        yield record
    if position - len(data) + start != index.end:
        raise InvalidArchive(DIRECTORY)


def _read_lines(source: ByteSource, index: Index, limits: Limits) -> Iterator[bytes]:
    listing = index.listing
    offset = listing.offset + len(local_header(listing))
    digest, crc, rest = hashlib.sha256(), 0, b""
    pieces = inflate_stream(source, offset, listing.packed, listing.size)
    try:
        for piece in pieces:
            digest.update(piece)
            crc = zlib.crc32(piece, crc)
            lines = (rest + piece).split(b"\n")
            rest = lines.pop()
            if len(rest) > limits.max_line:
                raise InvalidArchive(_("A line of the list of members is too long."))
            for line in lines:
                yield line + b"\n"
    except ValueError as error:
        raise InvalidArchive(LISTING_DAMAGED) from error
    if rest or crc != listing.crc:
        raise InvalidArchive(LISTING_DAMAGED)
    if digest.hexdigest() != index.sha256:
        raise InvalidArchive(_OTHER_LISTING)


def _match(line: bytes, record: CentralRecord, limits: Limits) -> Member:
    is_streamed = bool(record.flags & STREAMED)
    stored = record.method, record.crc, record.packed, record.offset, is_streamed
    try:
        member = parse_line(line, stored)
        same_name = encode_name(member.name) == record.name
    except ValueError:
        raise bad_member(
            decode_name(record.name), _("is not listed correctly")
        ) from None
    if not same_name:
        raise bad_member(member.name, _("is listed where another one is stored"))
    if central_record(member, record.offset) != record.raw:
        raise bad_member(member.name, _flaw_of_record(member, record))
    flaw = _flaw_of_sizes(member, limits)
    if flaw:
        raise bad_member(member.name, flaw)
    return member


def _flaw_of_record(member: Member, record: CentralRecord) -> str:
    if record.flags & ENCRYPTED:
        return _("is encrypted")
    if record.method not in (STORED, DEFLATED):
        return _("is compressed by a method that this format does not use")
    if not is_file_or_folder(record.attributes):
        return _("is a link, a device or something else that is no file")
    if record.size != member.size:
        return _("has two different sizes")
    if record.has_comment:
        return _("carries a comment")
    return _("has a damaged record in the central directory")


def _flaw_of_sizes(member: Member, limits: Limits) -> str:
    if member.method == STORED:
        odd = member.packed != member.size or member.streamed or bool(member.blocks)
    elif member.method != DEFLATED:
        return _("is compressed by a method that this format does not use")
    else:
        odd = member.is_folder
    if odd or (member.wide and not member.streamed):
        return _("has fields that contradict each other")
    # The stream of blocks is closed by two bytes.
    if member.blocks and sum(member.blocks) + 2 != member.packed:
        return _("has blocks that do not add up")
    if member.size > limits.max_ratio * member.packed:
        return _("would unpack to impossibly much")
    return ""
