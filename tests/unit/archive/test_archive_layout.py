"""Records of sizes that no test can afford to write."""

import pytest

from backups.archive.layout import (
    central_record,
    descriptor,
    end_records,
    local_header,
    local_header_size,
    member_end,
    move_record,
    needs_wide,
    parse_central,
    repeat_header,
)
from backups.archive.member import DEFLATED, STORED, Member

GIB4 = 1 << 32


def member(**fields) -> Member:
    return Member("media/ä", 5, "0" * 64, 0, 0o644)._replace(**fields)


@pytest.mark.parametrize("size", [5, GIB4 - 2, GIB4 - 1, GIB4, GIB4 * 1000])
@pytest.mark.parametrize("offset", [5, GIB4 - 2, GIB4 - 1, GIB4 * 1000])
@pytest.mark.parametrize("packed", [5, GIB4 - 1])
def test_a_record_of_any_size_is_understood(size, packed, offset):
    large = member(size=size, packed=packed, method=DEFLATED, crc=7)
    record = central_record(large, offset)
    parsed = parse_central(b"xx" + record + b"yy", 2)
    assert parsed.raw == record
    assert (parsed.size, parsed.packed, parsed.offset) == (size, packed, offset)
    assert (parsed.crc, parsed.method) == (7, DEFLATED)
    assert parsed.name == "media/ä".encode()


@pytest.mark.parametrize("start", [0, 7, GIB4 - 102, GIB4 - 101, GIB4, GIB4 * 9])
@pytest.mark.parametrize(
    "name", ["media/ascii", "media/ä", "media/\udcff", "media/folder/"]
)
def test_a_record_made_of_the_header_is_the_same(name, start):
    small = member(name=name, method=DEFLATED, crc=7, packed=3, offset=100)
    record = repeat_header(local_header(small), small)
    assert record == central_record(small, 100)
    assert move_record(record, start) == central_record(small, start + 100)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"size": GIB4},
        {"packed": GIB4 - 1},
        {"streamed": True, "size": GIB4, "packed": 5},
        {"streamed": True, "wide": True, "size": GIB4, "packed": GIB4 * 2},
        {"name": "media/ascii"},
        {"name": "media/\udcff"},
    ],
)
def test_the_length_of_a_header_is_foretold(fields):
    some = member(method=STORED, offset=100, **fields)
    if some.streamed and some.size >= GIB4 and not some.wide:
        some = some._replace(size=1)
    header = local_header(some)
    assert len(header) == local_header_size(some)
    end = 100 + len(header) + some.packed + len(descriptor(some))
    assert member_end(some) == end


@pytest.mark.parametrize(
    ("count", "size", "start", "length"),
    [
        (2, 100, 100, 22),
        (0xFFFE, GIB4 - 2, GIB4 - 2, 22),
        (0xFFFF, 100, 100, 98),
        (2, GIB4 - 1, 100, 98),
        (2, 100, GIB4 - 1, 98),
    ],
)
def test_wide_end_records_come_only_when_needed(count, size, start, length):
    assert len(end_records(count, size, start)) == length


def test_a_record_that_is_not_whole_is_not_read():
    record = central_record(member(), 0)
    for length in range(len(record)):
        assert parse_central(record[:length], 0) is None
    with pytest.raises(ValueError, match="no record"):
        parse_central(b"x" * 100, 0)


def test_sizes_near_4_gib_are_wide_in_time():
    assert needs_wide(GIB4 - (1 << 20))
    assert not needs_wide(GIB4 - (1 << 20) - 1)
