"""The way into an archive: its end records and its manifest."""

import json
import zlib
from dataclasses import dataclass
from typing import Any, NamedTuple

from backups.exceptions import InvalidArchive
from backups.texts import gettext_noop as _

from .byte_source import ByteSource, read_exactly
from .layout import (
    CENTRAL,
    END,
    END64,
    END64_SIGN,
    END_SIGN,
    FULL16,
    LOCAL,
    LOCATOR,
    NO_TIME_NS,
    SERVICE_MODE,
    STREAMED,
    CentralRecord,
    central_record,
    end_records,
    local_header,
    parse_central,
)
from .limits import Limits
from .member import DEFLATED, FORMAT, STORED, Member
from .names import LISTING, MANIFEST

_FOREIGN = _("This zip file was not made by this product: it has no manifest of ours.")
_LATER = _(
    "The archive was made by a later version of this product, in a format that "
    "this version does not know. Update the product first."
)
_END = _("The end of the archive is damaged: it was cut short, or bytes were appended.")
DIRECTORY = _("The archive's central directory is damaged.")
_MANIFEST = _("The archive's manifest is damaged.")
LISTING_DAMAGED = _("The archive's list of members is damaged.")
_LARGEST_RECORD = CENTRAL.size + 3 * FULL16
_SERVICE_MEMBERS = 2


@dataclass(frozen=True)
class Index:
    """What the end of an archive says about the rest."""

    manifest: dict[str, Any]
    count: int
    """Members, as promised by the manifest and the end records."""
    total_bytes: int
    """Uncompressed bytes of all members, as promised."""
    sha256: str
    """Hex digest of the uncompressed members.jsonl, as promised."""
    listing: Member
    """Where members.jsonl is."""
    first: int
    """Offset of the first member's central record."""
    end: int
    """Offset of the first byte behind the central directory."""


class _Place(NamedTuple):
    """Where the central directory is, as the end records say."""

    records: int
    size: int
    start: int


def open_index(source: ByteSource, limits: Limits) -> Index:
    """Read and check the end of an archive; needs four small reads.

    Raises InvalidArchive, with different messages for what is no zip, what is
    somebody else's zip, what is a later format, and what is damaged.
    """
    place = _find_directory(source)
    head = read_exactly(source, place.start, min(2 * _LARGEST_RECORD, place.size))
    record = _parse(head, 0) if head else None
    if record is None or record.name != MANIFEST.encode():
        raise InvalidArchive(_FOREIGN)
    # Nothing stricter comes before the version, which may explain it all.
    manifest = _read_manifest(source, record, limits)
    _require_canonical_end(source, place)
    _require_sound(source, record, ends_at=place.start, message=_MANIFEST)
    second = _parse(head, len(record.raw))
    if second.name != LISTING.encode() or second.method != DEFLATED:
        raise InvalidArchive(LISTING_DAMAGED)
    listing = _require_sound(
        source, second, ends_at=record.offset, message=LISTING_DAMAGED
    )
    totals = _totals_of(manifest, place.records - _SERVICE_MEMBERS, limits)
    first = place.start + len(record.raw) + len(second.raw)
    return Index(manifest, *totals, listing, first, place.start + place.size)


def _service_member(record: CentralRecord) -> Member:
    name = record.name.decode("ascii", "replace")
    return Member(
        name,
        record.size,
        "",
        NO_TIME_NS,
        SERVICE_MODE,
        record.method,
        record.crc,
        record.packed,
        record.offset,
        streamed=bool(record.flags & STREAMED),
    )


def _find_directory(source: ByteSource) -> _Place:
    tail = _read_tail(source)
    end = tail[-END.size :]
    if len(end) < END.size or not end.startswith(END_SIGN) or end[-2:] != b"\0\0":
        raise InvalidArchive(_explain_no_end(source))
    place = _Place(*END.unpack(end)[4:7])
    if tail.startswith(END64_SIGN) and max(place) >= FULL16:
        place = _Place(*END64.unpack_from(tail)[7:10])
    if place.start + place.size > source.size:
        raise InvalidArchive(_END)
    return place


def _require_canonical_end(source: ByteSource, place: _Place) -> None:
    records = end_records(*place)
    size = place.start + place.size + len(records)
    if size != source.size or not _read_tail(source).endswith(records):
        raise InvalidArchive(_END)


def _read_tail(source: ByteSource) -> bytes:
    size = min(source.size, END64.size + LOCATOR.size + END.size)
    return read_exactly(source, source.size - size, size)


def _explain_no_end(source: ByteSource) -> str:
    head = source.read_at(0, LOCAL.size)
    return _END if head.startswith(b"PK") else _("The file is not a zip archive.")


def parse_record(data: bytes, start: int) -> CentralRecord | None:
    """Do as `parse_central`, but raise InvalidArchive."""
    try:
        return parse_central(data, start)
    except ValueError as error:
        raise InvalidArchive(DIRECTORY) from error


def _parse(data: bytes, start: int) -> CentralRecord:
    record = parse_record(data, start)
    if record is None:
        raise InvalidArchive(DIRECTORY)
    return record


def _read_manifest(
    source: ByteSource, record: CentralRecord, limits: Limits
) -> dict[str, Any]:
    if record.size > limits.max_manifest:
        raise InvalidArchive(_("The archive's manifest is too large."))
    if record.method != STORED or record.packed != record.size:
        raise InvalidArchive(_FOREIGN)
    header = read_exactly(source, record.offset, LOCAL.size)
    lengths = LOCAL.unpack(header)[-2:]
    data = read_exactly(source, record.offset + LOCAL.size + sum(lengths), record.size)
    if zlib.crc32(data) != record.crc:
        raise InvalidArchive(_MANIFEST)
    return _parse_manifest(data)


def _parse_manifest(data: bytes) -> dict[str, Any]:
    try:
        manifest = json.loads(data)
        # What can't be written again, neither shown nor stored: NaN, and text
        # that is no Unicode.
        json.dumps(manifest, allow_nan=False, ensure_ascii=False).encode()
        version = manifest["format"]
        known = 1 <= version <= FORMAT and type(version) is int
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise InvalidArchive(_FOREIGN) from error
    if known:
        return manifest
    if type(version) is int and version > FORMAT:
        raise InvalidArchive(_LATER)
    raise InvalidArchive(_FOREIGN)


def _require_sound(
    source: ByteSource, record: CentralRecord, *, ends_at: int, message: str
) -> Member:
    member = _service_member(record)
    header = local_header(member)
    if (
        central_record(member, member.offset) != record.raw
        or member.streamed
        or member.offset + len(header) + member.packed != ends_at
        or read_exactly(source, member.offset, len(header)) != header
    ):
        raise InvalidArchive(message)
    return member


def _totals_of(
    manifest: dict[str, Any], count: int, limits: Limits
) -> tuple[int, int, str]:
    totals = manifest.get("members")
    if not isinstance(totals, dict):
        raise InvalidArchive(_FOREIGN)
    counted, size, sha256 = (totals.get(k) for k in ("count", "bytes", "sha256"))
    if type(counted) is not int or type(size) is not int or type(sha256) is not str:
        raise InvalidArchive(_MANIFEST)
    if counted != count:
        raise InvalidArchive(_("The archive does not hold as many members as it says."))
    if count > limits.max_members:
        raise InvalidArchive(_("The archive holds more members than are allowed."))
    if not 0 <= size <= limits.max_bytes:
        raise InvalidArchive(_("The archive would unpack to more than is allowed."))
    return count, size, sha256
