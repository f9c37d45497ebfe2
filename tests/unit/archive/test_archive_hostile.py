"""Archives made to do harm: each is refused, and the message says why."""

import json
import os
import stat
import struct
import zlib

import pytest
from handmade import Archive, Bytes, Entry, deflate, entry, verify

from backups.archive import ArchiveReader, Limits
from backups.archive.deflate import ZLIB
from backups.archive.layout import CENTRAL, LOCAL
from backups.archive.member import DEFLATED, format_line
from backups.exceptions import InvalidArchive


def patch(start: int, form: str, *values: int):
    """Return an edit that overwrites some fields of a record."""

    def edit(record: bytes) -> bytes:
        bent = bytearray(record)
        struct.pack_into(form, bent, start, *values)
        return bytes(bent)

    return edit


def mode(kind: int):
    return patch(38, "<I", (kind | 0o644) << 16)


def both(flag: int):
    return {"edit_local": patch(6, "<H", flag), "edit_central": patch(8, "<H", flag)}


def in_blocks(content: bytes, block: int = 1 << 16, **fields) -> Entry:
    pieces = [content[n : n + block] for n in range(0, len(content), block)]
    packed = [ZLIB.block(piece) for piece in pieces]
    fields.setdefault("blocks", list(map(len, packed)))
    data = b"".join(packed) + b"\x03\x00"
    return entry(
        "media/a",
        content,
        packed=data,
        method=DEFLATED,
        streamed=True,
        block=block,
        **fields,
    )


def lying_size(size: int, content: bytes = b"\0" * 100_000, **fields) -> Entry:
    item = entry("media/a", content, method=DEFLATED)
    return Entry(item.member._replace(size=size, **fields), item.data)


ABC = b"abc" * 50_000

BAD_NAMES = {
    "../evil": "relative path",
    "/etc/passwd": "relative path",
    "media/../../evil": "relative path",
    "media/..": "relative path",
    "media/./a": "relative path",
    "media//a": "relative path",
    "C:/evil": "neither a database",
    "C:evil": "neither a database",
    "media\\evil": "neither a database",
    "media/..\\..\\evil": "backslashes",
    "media/a\0.jpg": "NUL",
    "other/a": "neither a database",
    "media": "neither a database",
    "media/": "neither a database",
    "databases/a/b": "name of a database",
    "databases/a/": "name of a database",
    "members.jsonl": "neither a database",
    "media/" + "a" * 5000: "too long",
}

BAD_MEMBERS = {
    "symbolic link": (entry("media/a", edit_central=mode(stat.S_IFLNK)), "a link"),
    "device": (entry("media/a", edit_central=mode(stat.S_IFBLK)), "a device"),
    "no kind": (entry("media/a", edit_central=mode(0)), "no file"),
    "folder that is a file": (
        entry("media/a", edit_central=mode(stat.S_IFDIR)),
        "damaged record",
    ),
    "encrypted": (entry("media/a", **both(0x801)), "is encrypted"),
    "other method": (entry("media/a", method=12), "method that this format"),
    "comment": (
        entry(
            "media/a",
            edit_central=lambda r: patch(32, "<H", 2)(r) + b"hi",
        ),
        "comment",
    ),
    "extra field": (
        entry(
            "media/a",
            edit_central=lambda r: patch(30, "<H", 4)(r) + b"\x99\x99\0\0",
        ),
        "damaged record",
    ),
    "zip64 field for a small size": (
        entry(
            "media/a",
            edit_central=lambda r: (
                patch(30, "<H", 12)(patch(24, "<I", 0xFFFFFFFF)(r))
                + struct.pack("<2HQ", 1, 8, 7)
            ),
        ),
        "damaged record",
    ),
    "zip64 field that is missing": (
        entry("media/a", edit_central=patch(24, "<I", 0xFFFFFFFF)),
        "central directory is damaged",
    ),
    "zip64 offset beyond the file": (
        entry(
            "media/a",
            edit_central=lambda r: (
                patch(4, "<2H", 3 << 8 | 45, 45)(
                    patch(30, "<H", 12)(patch(42, "<I", 0xFFFFFFFF)(r))
                )
                + struct.pack("<2HQ", 1, 8, 1 << 60)
            ),
        ),
        "overlaps",
    ),
    "two sizes": (entry("media/a", edit_central=patch(24, "<I", 8)), "two different"),
    "stored with two sizes": (
        entry("media/a", edit_central=patch(20, "<I", 6)),
        "contradict",
    ),
    "local name": (
        entry("media/a", edit_local=lambda r: r.replace(b"/a", b"/b")),
        "local header",
    ),
    "local method": (entry("media/a", edit_local=patch(8, "<H", 8)), "local header"),
    "local flags": (entry("media/a", edit_local=patch(6, "<H", 0)), "local header"),
    "local size": (entry("media/a", edit_local=patch(22, "<I", 9)), "local header"),
    "local crc": (entry("media/a", edit_local=patch(14, "<I", 9)), "local header"),
    "large local header": (
        in_blocks(ABC, edit_local=patch(8, "<H", 0)),
        "local header",
    ),
    "descriptor": (in_blocks(ABC, edit_tail=patch(4, "<I", 1)), "data descriptor"),
    "wrong crc": (entry("media/a", crc=1), "CRC is wrong"),
    "wrong crc of a large one": (in_blocks(ABC, crc=1), "CRC is wrong"),
    "wrong digest": (entry("media/a", sha256="0" * 64), "digest is wrong"),
    "wrong digest of a large one": (in_blocks(ABC, sha256="0" * 64), "digest is wr"),
    "not deflate": (
        entry("media/a", packed=b"\xff" * 7, method=DEFLATED),
        "data is damaged",
    ),
    "more than its size": (lying_size(99_999), "more than its size"),
    "less than its size": (lying_size(100_001), "does not fit its size"),
    "bytes behind the stream": (
        entry("media/a", packed=deflate(b"content") + b"x", method=DEFLATED),
        "does not fit",
    ),
    "bomb by declaration": (lying_size(500_000_000), "impossibly much"),
    "bomb by content": (lying_size(100, b"\0" * 50_000_000), "more than its size"),
    "block sum": (in_blocks(ABC, blocks=[10, 10, 10]), "do not add up"),
    "block count": (in_blocks(ABC, blocks=[10]), "not listed correctly"),
    "block of nothing": (
        in_blocks(ABC, blocks=[0, 10, 10]),
        "not listed correctly",
    ),
    "block size": (in_blocks(ABC, block=1 << 10), "not listed correctly"),
    "folder with content": (
        entry("media/a/", b"x"),
        "not listed correctly",
    ),
    "folder that is deflated": (entry("media/a/", b"", method=DEFLATED), "contradict"),
    "stored and streamed": (entry("media/a", streamed=True), "contradict"),
    "wide but not streamed": (entry("media/a", wide=True), "contradict"),
}

BAD_LINES = {
    "spaces": lambda line: line.replace(b'":', b'": '),
    "another key": lambda line: line.replace(b"}", b',"x":1}'),
    "missing key": lambda line: line.replace(b',"mode":420', b""),
    "key twice": lambda line: line.replace(b'"mode"', b'"mode":1,"mode"'),
    "float": lambda line: line.replace(b'"size":7', b'"size":7.0'),
    "boolean": lambda line: line.replace(b'"mode":420', b'"mode":true'),
    "negative": lambda line: line.replace(b'"size":7', b'"size":-7'),
    "huge": lambda line: line.replace(b'"size":7', b'"size":' + b"9" * 5000),
    "not a number": lambda line: line.replace(b'"size":7', b'"size":NaN'),
    "wrong mode": lambda line: line.replace(b'"mode":420', b'"mode":2541'),
    "digest": lambda line: line.replace(b'"sha256":"', b'"sha256":"Z'),
    "name is a number": lambda line: line.replace(b'"media/a"', b"5"),
    "digest is a list": lambda line: (
        line[: line.index(b'"sha256":') + 9]
        + b"["
        + line[line.index(b'"sha256":') + 9 :].replace(b',"mt', b'],"mt')
    ),
    "list": lambda line: b"[]\n",
    "deep": lambda line: b"[" * 100_000 + b"\n",
    "no JSON": lambda line: b"hello\n",
    "empty": lambda line: b"\n",
    "lone surrogate": lambda line: line.replace(b"media/a", b"media/\\ud800"),
    "blocks of text": lambda line: line.replace(
        b"}", b',"block":1048576,"blocks":["7"]}'
    ),
}


@pytest.mark.parametrize("name", BAD_NAMES)
def test_it_refuses_a_name_that_leads_elsewhere(tmp_path, name):
    with pytest.raises(InvalidArchive, match=BAD_NAMES[name]) as caught:
        data = Archive([entry(name, b"")]).build()
        ArchiveReader(Bytes(data)).extract(lambda name: tmp_path / name)
    assert str(caught.value).isprintable()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("case", BAD_MEMBERS)
def test_it_refuses_a_member_that_lies(tmp_path, case):
    item, reason = BAD_MEMBERS[case]
    with pytest.raises(InvalidArchive, match=reason) as caught:
        ArchiveReader(Bytes(Archive([item]).build())).extract(lambda n: tmp_path / n)
    if "central directory is" not in reason:
        assert "media/a" in str(caught.value)


@pytest.mark.parametrize("case", BAD_LINES)
def test_it_refuses_a_line_that_is_not_canonical(case):
    data = Archive([entry("media/a", edit_line=BAD_LINES[case])]).build()
    with pytest.raises(InvalidArchive, match=r"listed correctly|not the one its mani"):
        verify(data)


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (["media/a", "media/a"], "appears twice"),
        (["media/b", "media/a"], "out of order"),
        (["media/a", "databases/a"], "out of order"),
        (["media/a", "media/a/b"], "inside another member"),
        (["media/a/", "media/a/b"], "inside another member"),
        (["media/a", "media/a/"], "appears twice"),
    ],
)
def test_it_refuses_names_that_conflict(names, reason):
    data = Archive([entry(name, b"") for name in names]).build()
    with pytest.raises(InvalidArchive, match=reason):
        verify(data)


def test_it_refuses_members_that_overlap():
    entries = [entry("media/a"), entry("media/b")]
    with pytest.raises(InvalidArchive, match="overlaps"):
        verify(Archive(entries, offsets={"media/b": 0}).build())


def test_it_refuses_bytes_between_members():
    gap = entry("media/a")
    gap.data += b"hidden"
    with pytest.raises(InvalidArchive, match="leaves a gap"):
        verify(Archive([gap, entry("media/b")]).build())


def test_it_refuses_bytes_behind_the_last_member():
    gap = entry("media/a")
    gap.data += b"hidden"
    with pytest.raises(InvalidArchive, match="not the one its manifest"):
        verify(Archive([gap]).build())


def test_it_refuses_bytes_before_the_first_member():
    with pytest.raises(InvalidArchive, match="leaves a gap"):
        verify(Archive([entry("media/a")], prefix=b"#!/bin/sh\n").build())


def test_it_refuses_bytes_before_an_untouched_archive():
    with pytest.raises(InvalidArchive):
        verify(b"#!/bin/sh\n" + Archive([entry("media/a")]).build())


@pytest.mark.parametrize("suffix", [b"\0", b"garbage" * 100, b"\n"])
def test_it_refuses_bytes_behind_the_end(suffix):
    with pytest.raises(InvalidArchive, match="bytes were appended"):
        verify(Archive([entry("media/a")], suffix=suffix).build())


def test_it_refuses_a_comment():
    bent = Archive([], edit_end=patch(20, "<H", 3), suffix=b"abc").build()
    with pytest.raises(InvalidArchive, match="bytes were appended"):
        verify(bent)


@pytest.mark.parametrize(
    ("totals", "reason"),
    [
        ({"count": 2}, "as many members"),
        ({"count": True}, "manifest is damaged"),
        ({"count": "1"}, "manifest is damaged"),
        ({"bytes": 6}, "larger than the manifest allows"),
        ({"bytes": 8}, "not the one its manifest"),
        ({"bytes": -1}, "unpack to more"),
        ({"bytes": 1 << 50}, "unpack to more"),
        ({"bytes": 7.0}, "manifest is damaged"),
        ({"sha256": "0" * 64}, "not the one its manifest"),
        ({"sha256": None}, "manifest is damaged"),
    ],
)
def test_it_refuses_a_manifest_that_lies(totals, reason):
    with pytest.raises(InvalidArchive, match=reason):
        verify(Archive([entry("media/a")], totals=totals).build())


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not made by this product"),
        (b"{}", "not made by this product"),
        (b"[]", "not made by this product"),
        (b"5", "not made by this product"),
        (b"[" * 100_000, "not made by this product"),
        (b'{"format": "1"}', "not made by this product"),
        (b'{"format": true}', "not made by this product"),
        (b'{"format": 0}', "not made by this product"),
        (b'{"format": 1}', "not made by this product"),
        (b'{"format": 2}', "later version"),
        (b'{"format": ' + b"9" * 4000 + b"}", "later version"),
        (b'{"format": ' + b"9" * 5000 + b"}", "not made by this product"),
        (b'{"format": 1, "members": []}', "not made by this product"),
    ],
)
def test_it_tells_whose_manifest_it_is(data, reason):
    with pytest.raises(InvalidArchive, match=reason):
        verify(Archive([entry("media/a")], manifest_data=data).build())


def test_it_refuses_a_manifest_that_is_too_large():
    limits = Limits(max_manifest=1000)
    data = Archive([], manifest={"x": "y" * 2000}).build()
    with pytest.raises(InvalidArchive, match="manifest is too large"):
        verify(data, limits=limits)


def test_it_refuses_more_members_than_allowed():
    data = Archive([entry(f"media/{n}") for n in range(5)]).build()
    with pytest.raises(InvalidArchive, match="more members than are allowed"):
        verify(data, limits=Limits(max_members=4))


def test_it_refuses_more_bytes_than_allowed():
    data = Archive([entry("media/a")]).build()
    with pytest.raises(InvalidArchive, match="unpack to more than is allowed"):
        verify(data, limits=Limits(max_bytes=6))


def test_it_refuses_a_line_that_never_ends():
    line = b'{"name":"' + b"a" * 2_000_000
    data = Archive([entry("media/a", edit_line=lambda _: line)]).build()
    with pytest.raises(InvalidArchive, match="too long"):
        verify(data, limits=Limits(max_line=100_000))


@pytest.mark.parametrize(
    "suffix", [b"x", b"{}\n", format_line(entry("media/b").member)]
)
def test_it_refuses_more_lines_than_members(suffix):
    with pytest.raises(InvalidArchive, match="list of members is"):
        verify(Archive([entry("media/a")], listing_suffix=suffix).build())


def test_it_refuses_records_without_lines():
    data = Archive([entry("media/a", edit_line=lambda _: b"")]).build()
    with pytest.raises(InvalidArchive, match=r"listed correctly|not the one"):
        verify(data)


@pytest.mark.parametrize(
    "edit",
    [
        patch(4, "<H", 1),
        patch(6, "<H", 1),
        patch(8, "<H", 9),
        patch(10, "<H", 2),
        patch(10, "<H", 9),
        patch(8, "<2H", 0xFFFF, 0xFFFF),
        patch(12, "<I", 5),
        patch(12, "<I", 0xFFFFFFFF),
        patch(16, "<I", 5),
        patch(16, "<I", 0xFFFFFFFF),
        lambda end: end[:-2] + b"\x01\x00",
        lambda end: b"",
    ],
)
def test_it_refuses_an_end_record_that_lies(edit):
    with pytest.raises(InvalidArchive):
        verify(Archive([entry("media/a")], edit_end=edit).build())


@pytest.mark.parametrize("field", range(6))
def test_it_refuses_a_zip64_end_that_lies(field):
    values = [44, 3 << 8 | 45, 45, 0, 0, 3, 3, 0, 0]

    def edit(end: bytes) -> bytes:
        size, start = struct.unpack_from("<2I", end, 12)
        bent = [*values[:7], size, start]
        bent[(0, 3, 5, 6, 7, 8)[field]] = 1 << 31
        record = struct.pack("<4sQ2H2I4Q", b"PK\x06\x06", *bent)
        locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, start + size, 1)
        return record + locator + patch(8, "<2H", 0xFFFF, 0xFFFF)(end)

    with pytest.raises(InvalidArchive):
        verify(Archive([entry("media/a")], edit_end=edit).build())


def test_it_refuses_a_zip64_end_that_nothing_calls_for():
    def edit(end: bytes) -> bytes:
        size, start = struct.unpack_from("<2I", end, 12)
        numbers = 44, 3 << 8 | 45, 45, 0, 0, 3, 3, size, start
        record = struct.pack("<4sQ2H2I4Q", b"PK\x06\x06", *numbers)
        locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, start + size, 1)
        return record + locator + patch(8, "<2H", 0xFFFF, 0xFFFF)(end)

    with pytest.raises(InvalidArchive, match="end of the archive"):
        verify(Archive([entry("media/a")], edit_end=edit).build())


def test_a_block_cannot_borrow_from_the_one_before():
    stream = zlib.compressobj(6, zlib.DEFLATED, -15)
    content = os.urandom(1 << 14) * 8
    half = 1 << 16
    packed = [
        stream.compress(content[n : n + half]) + stream.flush(zlib.Z_SYNC_FLUSH)
        for n in (0, half)
    ]
    item = in_blocks(content, blocks=list(map(len, packed)))
    data = b"".join(packed) + b"\x03\x00"
    bent = Entry(item.member._replace(packed=len(data)), data)
    with pytest.raises(InvalidArchive, match="data is damaged"):
        verify(Archive([bent]).build())


@pytest.mark.parametrize(
    "bend",
    [
        lambda data: data[:-2] + b"\x01\x00",
        lambda data: data[:-2] + b"\x03\x01",
        lambda data: b"\x07" + data[1:],
    ],
)
def test_it_refuses_blocks_that_do_not_join(bend):
    item = in_blocks(ABC)
    item.data = bend(item.data)
    with pytest.raises(InvalidArchive, match="is damaged"):
        verify(Archive([item]).build())


def test_a_large_member_without_blocks_is_read_as_a_stream(tmp_path):
    item = entry("media/a", ABC * 50, method=DEFLATED)
    data = Archive([item, entry("media/b", ABC * 40)]).build()
    ArchiveReader(Bytes(data)).extract(lambda name: tmp_path / name)
    assert (tmp_path / "media/a").read_bytes() == ABC * 50
    assert (tmp_path / "media/b").read_bytes() == ABC * 40


@pytest.mark.parametrize("size", [7_499_999, 7_500_001])
def test_a_stream_of_another_size_is_refused(size):
    item = entry("media/a", ABC * 50, method=DEFLATED)
    bent = Entry(item.member._replace(size=size), item.data)
    with pytest.raises(InvalidArchive, match="its size"):
        verify(Archive([bent]).build())


def test_a_stream_with_bytes_behind_it_is_refused():
    packed = deflate(ABC * 50) + b"x" * 5_000_000
    item = entry("media/a", ABC * 50, method=DEFLATED, packed=packed)
    with pytest.raises(InvalidArchive, match="ends before its place does"):
        verify(Archive([item]).build())


def test_names_that_fold_together_are_refused(tmp_path):
    data = Archive([entry("media/A"), entry("media/a")]).build()
    reader = ArchiveReader(Bytes(data))
    with pytest.raises(InvalidArchive, match="cannot tell from another"):
        reader.extract(lambda name: tmp_path / name.lower())


def test_a_file_where_a_folder_must_go_is_refused(tmp_path):
    data = Archive([entry("media/A"), entry("media/a/b")]).build()
    reader = ArchiveReader(Bytes(data))
    with pytest.raises(InvalidArchive, match="cannot tell from another"):
        reader.extract(lambda name: tmp_path / name.lower())


def test_it_never_writes_through_a_link(tmp_path):
    (tmp_path / "media").mkdir()
    os.symlink(tmp_path / "victim", tmp_path / "media" / "a")
    reader = ArchiveReader(Bytes(Archive([entry("media/a")]).build()))
    with pytest.raises(InvalidArchive):
        reader.extract(lambda name: tmp_path / name)
    assert not (tmp_path / "victim").exists()


def test_a_message_shows_no_control_characters():
    name = "media/\x1b[31m\n" + "x" * 3000
    item = entry(name, crc=1)
    with pytest.raises(InvalidArchive) as caught:
        verify(Archive([item]).build())
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not a zip"),
        (b"hello", "not a zip"),
        (b"x" * 5000, "not a zip"),
        (b"PK\x03\x04" + b"x" * 5000, "cut short"),
        (b"PK\x05\x06" + b"\0" * 18, "not made by this product"),
    ],
)
def test_it_tells_what_is_no_archive_of_ours(data, reason):
    with pytest.raises(InvalidArchive, match=reason):
        ArchiveReader(Bytes(data))


def test_it_tells_a_foreign_zip(tmp_path):
    import zipfile

    for name in ("readme.txt", "manifest.json"):
        with zipfile.ZipFile(tmp_path / "x.zip", "w") as other:
            other.writestr(name, json.dumps({"name": "an extension"}))
        with pytest.raises(InvalidArchive, match="not made by this product"):
            ArchiveReader(tmp_path / "x.zip")


def test_the_builder_itself_builds_sound_archives(tmp_path):
    data = Archive(
        [
            entry("databases/default.sqlite3", ABC, method=DEFLATED),
            in_blocks(ABC),
            entry("media/b/", b""),
            entry("media/c"),
        ]
    ).build()
    verify(data)
    assert LOCAL.size == 30
    assert CENTRAL.size == 46
