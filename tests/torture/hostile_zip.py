"""Attacks on the records of the zip, and on its sizes."""

import random
import stat
import struct
import zlib

from backups.archive.deflate import ZLIB
from backups.archive.layout import (
    CENTRAL,
    END,
    END64,
    LOCAL,
    end_records,
)
from backups.archive.member import DEFLATED, STORED

from .hostile_parts import (
    Crafted,
    Edit,
    change_member,
    content_of,
    deflate,
    entry,
    replace_content,
)


def duplicates(rng: random.Random, parts: Crafted) -> bytes:
    item = parts.pick(rng)
    twin = entry(item.member.name, b"" if item.member.is_folder else b"twin")
    twin = rng.choice((item, twin))
    parts.entries.insert(rng.randrange(len(parts.entries) + 1), twin)
    if rng.random() < 0.5:
        parts.sort()
    return parts.build()


def overlaps(rng: random.Random, parts: Crafted) -> bytes:
    """Members that share bytes, lie elsewhere, or leave a gap."""
    item = parts.pick(rng)
    kind = rng.randrange(4)
    if kind == 0:
        places = (0, 1, 30, 2**31, 2**32 - 1, 2**32, 2**48, 2**63, 2**64 - 1)
        parts.offsets[item.member.name] = rng.choice(places)
    elif kind == 1:
        item.edit_tail = lambda tail: tail + rng.randbytes(rng.choice((1, 100)))
    elif kind == 2:
        change_member(item, packed=max(0, item.member.packed + rng.choice((-1, 1, 60))))
    else:
        parts.entries.reverse()
    return parts.build()


KINDS = (stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK, 0)


def links_and_devices(rng: random.Random, parts: Crafted) -> bytes:
    """Members that are no files, some with the content of a link."""
    item, kind = parts.pick(rng), rng.choice((*KINDS, stat.S_IFDIR, 0o170000))
    if not item.member.is_folder and rng.random() < 0.5:
        target = rng.choice((b"/etc/passwd", b"../..", b"/"))
        replace_content(item, target, method=STORED)
    bits = rng.choice((0o777, 0o4755, 0o2755, 0o1777, 0o644))
    item.edit_central = patch(38, "<I", (kind | bits) << 16 | rng.choice((0, 0x10, 7)))
    return parts.build()


def patch(start: int, form: str, *values: int) -> Edit:
    """Return an edit that overwrites some fields of a record."""

    def edit(record: bytes) -> bytes:
        bent = bytearray(record)
        if len(bent) >= start + struct.calcsize(form):
            struct.pack_into(form, bent, start, *values)
        return bytes(bent)

    return edit


WORDS = (0, 1, 8, 9, 20, 45, 63, 99, 0x800, 0x808, 0x7FFF, 0xFFFE, 0xFFFF)
LONGS = (0, 1, 22, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)


def bend_field(rng: random.Random, size: int) -> Edit:
    """Return an edit that writes a telling number somewhere into a record."""
    if rng.random() < 0.5:
        return patch(rng.randrange(0, size - 1, 2), "<H", rng.choice(WORDS))
    return patch(rng.randrange(0, size - 3, 2), "<I", rng.choice(LONGS))


def wrong_local_headers(rng: random.Random, parts: Crafted) -> bytes:
    item = parts.pick(rng)
    extra = struct.pack("<2H2Q", 1, 16, 5, 5)
    edits: tuple[Edit, ...] = (
        bend_field(rng, LOCAL.size),
        lambda raw: raw + extra,
        lambda raw: raw[:-1],
        lambda raw: b"",
        lambda raw: raw[:28] + struct.pack("<H", len(extra)) + raw[30:] + extra,
        lambda raw: raw[: LOCAL.size] + raw[LOCAL.size :].swapcase(),
    )
    if item.member.streamed and rng.random() < 0.5:
        item.edit_tail = rng.choice((bend_field(rng, 16), lambda _: b""))
    else:
        item.edit_local = rng.choice((edits[0], rng.choice(edits)))
    return parts.build()


def wrong_central_records(rng: random.Random, parts: Crafted) -> bytes:
    item = parts.pick(rng)
    edits: tuple[Edit, ...] = (
        bend_field(rng, CENTRAL.size),
        lambda raw: raw + raw,
        lambda raw: b"",
        lambda raw: raw[:32] + struct.pack("<H", 3) + raw[34:] + b"hey",
        lambda raw: raw[:30] + struct.pack("<H", 4) + raw[32:] + b"\xfe\xca\0\0",
        patch(8, "<H", 0x801),
        patch(10, "<H", rng.choice((1, 6, 9, 12, 14, 93, 95, 97, 98, 99))),
    )
    edit = rng.choice((edits[0], rng.choice(edits)))
    if rng.random() < 0.2:
        parts.edit_manifest_central = edit
    else:
        item.edit_central = edit
    return parts.build()


def giant_directories(rng: random.Random, parts: Crafted) -> bytes:
    """A directory that is large, or says that it is."""
    item, kind = parts.pick(rng), rng.randrange(5)
    if kind == 0:
        times = rng.choice((300, 3000, 70_000))
        item.edit_central = lambda raw: raw * times
    elif kind == 1:
        length = rng.choice((1000, 0xFFFF))
        item.edit_central = lambda raw: (
            raw[:30]
            + struct.pack("<2H", length, length)
            + raw[34:]
            + b"\0" * 2 * length
        )
    elif kind == 2:
        return claim_many(rng, parts.build())
    elif kind == 3:
        parts.totals["count"] = rng.choice((0, 10**7, 10**7 + 1, 2**63, -1))
    else:
        empty = [entry(f"media/x/{n:06}", b"") for n in range(rng.choice((500, 3000)))]
        empty[-1].edit_line = rng.choice((lambda line: line, lambda line: line * 2))
        parts.entries += empty
        parts.sort()
    return parts.build()


def claim_many(rng: random.Random, data: bytes) -> bytes:
    """Let the end record promise another number of records."""
    _, _, _, _, count, size, start, _ = END.unpack(data[-END.size :])
    count = rng.choice((0, 1, 2, count + 1, count - 1, 0xFFFE, 2**16, 10**7, 2**40))
    return data[: -END.size] + end_records(count, size, start)


def zip64_tricks(rng: random.Random, parts: Crafted) -> bytes:
    """64-bit fields where none belong, with numbers that overflow."""
    item, kind = parts.pick(rng), rng.randrange(4)
    huge = rng.choice((0, 1, 2**32, 2**62, 2**63 - 1, 2**63, 2**64 - 1))
    if kind == 0:
        item.edit_central = widen(rng, huge)
    elif kind == 1:
        parts.edit_manifest_central = widen(rng, huge)
    elif kind == 2:
        change_member(item, wide=True, streamed=rng.random() < 0.7)
    else:
        return end_in_zip64(rng, parts.build(), huge)
    return parts.build()


def widen(rng: random.Random, huge: int) -> Edit:
    """Return an edit that moves fields of a central record to a zip64 field."""
    fields = rng.choice(((20,), (24,), (42,), (20, 24), (20, 24, 42)))
    values = struct.pack(
        f"<2H{len(fields)}Q", 1, 8 * len(fields), *[huge] * len(fields)
    )

    def edit(raw: bytes) -> bytes:
        bent = bytearray(raw)
        for start in fields:
            bent[start : start + 4] = b"\xff" * 4
        bent[30:32] = struct.pack("<H", len(values))
        return bytes(bent) + values

    return edit


def end_in_zip64(rng: random.Random, data: bytes, huge: int) -> bytes:
    _, _, _, _, count, size, start, _ = END.unpack(data[-END.size :])
    place = [count, size, start]
    if rng.random() < 0.8:
        place[rng.randrange(3)] = huge
    numbers = place[0], *place
    wide = END64.pack(b"PK\6\6", END64.size - 12, 3 << 8 | 45, 45, 0, 0, *numbers)
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, start + size, 1)
    shown = [rng.choice((n, 0xFFFF)) for n in (count,)] + [
        rng.choice((n & 0xFFFFFFFF, 0xFFFFFFFF)) for n in (size, start)
    ]
    end = END.pack(b"PK\5\6", 0, 0, shown[0] & 0xFFFF, shown[0] & 0xFFFF, *shown[1:], 0)
    return data[: -END.size] + wide + locator + end


def bombs(rng: random.Random, parts: Crafted) -> bytes:
    """Little that unpacks to much, honestly declared or not."""
    kind, size = rng.randrange(6), rng.choice((1 << 20, 24 << 20))
    if kind < 4:
        parts.add(zero_bomb(rng, kind, size))
    elif kind == 4:
        many = b"\n" * size if rng.random() < 0.5 else b"x" * size
        parts.listing_suffix = many
    else:
        item = parts.pick(rng, files=True)
        lies = (0, item.member.size + 1, 1 << 30, (1 << 44) + 1, 2**62, 2**63 - 1)
        streamed = item.member.streamed
        change_member(item, size=rng.choice(lies), wide=streamed)
        if rng.random() < 0.5:
            parts.totals["bytes"] = sum(e.member.size for e in parts.entries) & 2**43
    return parts.build()


def zero_bomb(rng: random.Random, kind: int, size: int):
    """Return zeros: true, too small or too large by their record, or in blocks."""
    zeros = b"\0" * size
    if kind == 3:
        piece = ZLIB.block(b"\0" * (4 << 20))
        blocks = [len(piece)] * (size >> 20)
        told = rng.choice((len(blocks), 2 * len(blocks), len(blocks) // 2))
        item = entry("media/zz", zeros, packed=piece * len(blocks) + b"\3\0", method=8)
        change_member(item, streamed=True, block=told and (1 << 20), blocks=blocks)
        return item
    item = entry("media/zz", zeros, method=DEFLATED)
    lies = (size, size - 1, 100) if kind < 2 else (size * 2, size * 50, 1)
    told = rng.choice(lies)
    digest = item.member.sha256 if told == size else "0" * 64
    change_member(item, size=told, sha256=digest)
    return item


def bent_content(rng: random.Random, parts: Crafted) -> bytes:
    """Content that does not match what is promised of it."""
    item = parts.pick(rng, files=True)
    content, kind = content_of(item), rng.randrange(7)
    if kind == 0:
        change_member(item, sha256=rng.choice(("0" * 64, "f" * 64, "a" * 64)))
    elif kind == 1:
        change_member(item, crc=rng.getrandbits(32))
    elif kind == 2:
        keep = item.member
        replace_content(item, content + b"!")
        change_member(item, sha256=keep.sha256)
    elif kind == 3:
        item.data = rng.randbytes(len(item.data))
    elif kind == 4:
        item.data = deflate(content)[:-1] + b"\0"
        change_member(item, method=DEFLATED, packed=len(item.data))
    elif kind == 5:
        change_member(item, method=DEFLATED if item.member.method == STORED else STORED)
    else:
        change_member(item, blocks=[1] * rng.randrange(1, 5), block=1 << 16)
    return parts.build()


def harmless_changes(rng: random.Random, parts: Crafted) -> bytes:
    """What an honest writer might do otherwise: other modes, times, methods."""
    for item in parts.entries:
        if rng.random() < 0.5:
            change_member(
                item,
                mode=rng.choice((0, 0o600, 0o777, 0o444, 0o755)),
                mtime_ns=rng.choice((0, -1, 10**18, 2**63 - 1, 1 - 2**63, -(10**18))),
            )
        if rng.random() < 0.3 and not item.member.is_folder:
            method = rng.choice((STORED, DEFLATED))
            content = content_of(item)
            if zlib.crc32(content) == item.member.crc:
                replace_content(item, content, method=method)
    return parts.build()


ZIP = {
    "duplicates": duplicates,
    "overlaps and gaps": overlaps,
    "links and devices": links_and_devices,
    "wrong local headers": wrong_local_headers,
    "wrong central records": wrong_central_records,
    "giant directories": giant_directories,
    "zip64 tricks": zip64_tricks,
    "zip bombs": bombs,
    "bent content": bent_content,
    "harmless changes": harmless_changes,
}
